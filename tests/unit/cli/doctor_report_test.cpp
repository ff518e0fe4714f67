#include "cli/doctor_report.hpp"

#include "cli/doctor_repository.hpp"
#include "cli/source_arguments.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace dbbackup {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_seconds;

std::vector<Examined> lines() {
    return {
        {"configuration", "", {"file", Verdict::ok, "there is none"}},
        {"source", "shop", {"tracked incremental", Verdict::warning, "it is off", "Turn it on."}},
        {"repository",
         "main",
         {"key", Verdict::problem, "it does not fit", "Give the right one."},
         ExitCode::wrong_key,
         "wrong_key"},
        {"source", "shop", {"server", Verdict::problem, "gone"}, ExitCode::source, "source"}};
}

TEST(DoctorReport, HasALineForEachWithItsRemedyBelow) {
    EXPECT_EQ(doctor_text(lines(), {}),
              "ok       configuration, file: there is none\n"
              "warning  source shop, tracked incremental: it is off\n"
              "         remedy: Turn it on.\n"
              "problem  repository main, key: it does not fit\n"
              "         remedy: Give the right one.\n"
              "problem  source shop, server: gone\n"
              "\n2 problems, 1 warning\n");
}

TEST(DoctorReport, EndsAsABackupWouldAtTheFirstProblem) {
    EXPECT_EQ(exit_code_of(lines()), ExitCode::wrong_key);
    EXPECT_EQ(exit_code_of({lines()[0], lines()[1]}), ExitCode::success);
    const auto json = doctor_json(lines());
    EXPECT_FALSE(json.at("ok"));
    EXPECT_EQ(json.at("exit_code"), 12);
    EXPECT_EQ(json.at("checks").at(2).at("code"), "wrong_key");
    EXPECT_TRUE(json.at("checks").at(0).at("remedy").is_null());
}

TEST(DoctorReport, NoTextFromOutsideMovesTheCursor) {
    const std::string text =
        doctor_text({{"source", "e\x1b[2Jvil", {"server", Verdict::problem, "a\nb", "c\rd"}}}, {});
    EXPECT_EQ(text.find_first_of("\x1b\r"), std::string::npos);
}

TEST(DoctorClock, ComparesWithTheTimeAroundTheWrite) {
    const sys_seconds noon{std::chrono::hours(12)};
    const auto verdict = [&](sys_seconds stored_at) {
        return clock_check(noon, noon + seconds(5), stored_at);
    };
    EXPECT_EQ(verdict(noon + seconds(2)).verdict, Verdict::ok);
    EXPECT_EQ(verdict(noon - seconds(60)).verdict, Verdict::ok);
    EXPECT_EQ(verdict(noon + seconds(65)).verdict, Verdict::ok);
    const Check ahead = verdict(noon - minutes(5));
    EXPECT_EQ(ahead.verdict, Verdict::warning);
    EXPECT_NE(ahead.text.find(" ahead of "), std::string::npos) << ahead.text;
    EXPECT_NE(verdict(noon + minutes(5)).text.find(" behind "), std::string::npos);
}

TEST(KeywordList, IsToldFromAUri) {
    for (const char* const text :
         {"host=h", " dbname = shop", "service=shop", "host='a:b' port=1"}) {
        EXPECT_TRUE(is_keyword_list(text)) << text;
    }
    for (const char* const text :
         {"", " ", "=", "host", "postgresql://h/d?a=b", "sqlite:a=b.db", "file:///x=y", "a b=c"}) {
        EXPECT_FALSE(is_keyword_list(text)) << text;
    }
}

}  // namespace
}  // namespace dbbackup
