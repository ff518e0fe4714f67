#include "cli/terminal.hpp"

#include "captured_pipe.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

TEST(Terminal, ColorFollowsTheConventions) {
    EXPECT_TRUE(color_wanted(true, false, {}));
    EXPECT_FALSE(color_wanted(false, false, {}));
    EXPECT_FALSE(color_wanted(true, true, {})) << "--no-color";
    EXPECT_FALSE(color_wanted(true, false, {{"NO_COLOR", "1"}}));
    EXPECT_TRUE(color_wanted(true, false, {{"NO_COLOR", ""}})) << "only when not empty";
    EXPECT_FALSE(color_wanted(true, false, {{"TERM", "dumb"}}));
    EXPECT_TRUE(color_wanted(false, false, {{"CLICOLOR_FORCE", "1"}}));
    EXPECT_FALSE(color_wanted(false, false, {{"CLICOLOR_FORCE", "0"}}));
    EXPECT_FALSE(color_wanted(false, false, {{"CLICOLOR_FORCE", "1"}, {"NO_COLOR", "1"}}));
    EXPECT_FALSE(color_wanted(false, true, {{"CLICOLOR_FORCE", "1"}}));
}

TEST(Terminal, APipeIsNone) {
    const CapturedPipe pipe;
    const Terminal terminal = terminal_of(pipe.descriptor(), false, {{"COLUMNS", "132"}});
    EXPECT_FALSE(terminal.is_terminal);
    EXPECT_FALSE(terminal.can_redraw);
    EXPECT_FALSE(terminal.has_color);
    EXPECT_EQ(terminal.width, 132U);
    EXPECT_EQ(terminal_of(pipe.descriptor(), false, {{"COLUMNS", "x"}}).width, 80U);
    EXPECT_EQ(terminal_of(pipe.descriptor(), false, {{"COLUMNS", "0"}}).width, 80U);
    EXPECT_EQ(terminal_of(pipe.descriptor(), false, {{"COLUMNS", "99999"}}).width, 1000U);
}

}  // namespace
}  // namespace dbbackup
