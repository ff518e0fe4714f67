#include "cli/stderr_lines.hpp"

#include "captured_pipe.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

TEST(StderrLines, PutsLinesAboveTheLiveOne) {
    CapturedPipe pipe;
    {
        StderrLines lines(true, pipe.descriptor());
        lines.live("50 %");
        EXPECT_EQ(pipe.taken(), "\r\x1b[K50 %");
        lines.line("warning");
        EXPECT_EQ(pipe.taken(), "\r\x1b[Kwarning\n50 %");
        lines.live("50 %");
        EXPECT_EQ(pipe.taken(), "") << "nothing changed";
        lines.live("60 %");
        EXPECT_EQ(pipe.taken(), "\r\x1b[K60 %");
    }
    EXPECT_EQ(pipe.taken(), "\r\x1b[K") << "the terminal is left clean";
}

TEST(StderrLines, HasNoLiveLineWhereItCannotBeRedrawn) {
    CapturedPipe pipe;
    StderrLines lines(false, pipe.descriptor());
    lines.live("50 %");
    lines.line("warning");
    EXPECT_EQ(pipe.taken(), "warning\n");
}

TEST(StderrLines, GivesUpQuietlyWhenNobodyListens) {
    StderrLines lines(true, -1);
    lines.live("50 %");
    lines.line("warning");
}

}  // namespace
}  // namespace dbbackup
