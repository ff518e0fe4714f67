#include "cli/error_report.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <new>
#include <stdexcept>

namespace dbbackup {
namespace {

template <class E>
ErrorReport report_of(const E& error) {
    try {
        throw error;
    } catch (...) {
        return describe_current_exception();
    }
}

TEST(ErrorReport, SaysWhatHappenedWhereAndWhatToDo) {
    auto error = explained<ConfigError>("x.db exists", "Give --clean.", "target_not_empty");
    error.add_context("restoring 3f2a");
    const ErrorReport report = report_of(error);
    EXPECT_EQ(error_text(report, {}),
              "db-backup: error: x.db exists\n  while restoring 3f2a\nhint: Give --clean.\n");
    EXPECT_EQ(error_json(report).dump(),
              R"({"error":{"code":"target_not_empty","exit_code":2,"message":"x.db exists",)"
              R"("hint":"Give --clean.","context":["restoring 3f2a"]}})");
}

TEST(ErrorReport, IsColouredOnlyWhereWanted) {
    Terminal colored;
    colored.has_color = true;
    const ErrorReport report = report_of(StorageError("down"));
    EXPECT_NE(error_text(report, colored).find("\x1b[1;31merror:\x1b[0m down"), std::string::npos);
    EXPECT_EQ(error_text(report, {}).find('\x1b'), std::string::npos);
}

TEST(ErrorReport, IsWrappedOnATerminalOnly) {
    Terminal narrow;
    narrow.is_terminal = true;
    narrow.width = 30;
    const std::string path = "/a/very/long/path/that/fits/nowhere/x.db";
    auto error = explained<ConfigError>("the target " + path + " is there and was not expected to",
                                        "Make one with: db-backup init --repository '/mnt/a b'");
    const ErrorReport report = report_of(error);
    EXPECT_EQ(error_text(report, narrow),
              "db-backup: error: the target\n  " + path +
                  "\n  is there and was not\n  expected to\nhint: Make one with:\n"
                  "  db-backup init --repository '/mnt/a b'\n");
    narrow.is_terminal = false;
    const std::string whole = error_text(report, narrow);
    EXPECT_EQ(std::count(whole.begin(), whole.end(), '\n'), 2);
}

TEST(ErrorReport, AsksToReportWhatNobodyClassified) {
    const ErrorReport unknown = report_of(std::runtime_error("boom"));
    EXPECT_EQ(unknown.exit_code, ExitCode::failure);
    EXPECT_NE(unknown.hint.find("report"), std::string::npos);
    EXPECT_EQ(report_of(42).exit_code, ExitCode::failure);
}

TEST(ErrorReport, TellsMemoryAndInterruptionApart) {
    EXPECT_EQ(report_of(std::bad_alloc()).code, "out_of_memory");
    const ErrorReport cancelled = report_of(Cancelled());
    EXPECT_EQ(cancelled.exit_code, ExitCode::cancelled);
    EXPECT_EQ(error_text(cancelled, {}), "db-backup: interrupted\n");
}

TEST(ErrorReport, DoesNotLetMessagesDriveTheTerminal) {
    const ErrorReport report = report_of(SourceError("bad \x1b]0;title\x07 name"));
    EXPECT_EQ(error_text(report, {}).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace dbbackup
