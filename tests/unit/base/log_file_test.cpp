/// @file
/// Rotation by age, and rotation under several processes.

#include "base/log_file.hpp"

#include "base/clock.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <system_error>
#include <vector>

namespace dbbackup {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class LogFileTest : public testing::Test {
protected:
    LogFileTest() {
        std::string name = std::filesystem::temp_directory_path() / "db-backup-log-file.XXXXXX";
        EXPECT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
    }
    ~LogFileTest() override {
        std::filesystem::permissions(folder_, std::filesystem::perms::owner_all);
        std::filesystem::remove_all(folder_);
    }

    [[nodiscard]] std::vector<std::string> lines(const std::string& name = "run.log") const {
        std::ifstream file(folder_ / name);
        std::vector<std::string> all;
        for (std::string line; std::getline(file, line);) {
            all.push_back(line);
        }
        return all;
    }

    /// A line of ours that was written so long ago.
    static std::string line_of(std::chrono::milliseconds age, bool is_json = false) {
        const std::string time = format_rfc3339(SystemClock().now() - age);
        return is_json ? R"({"time":")" + time + R"(","level":"info"})" : time + " info    x";
    }

    std::filesystem::path folder_;
};

TEST_F(LogFileTest, RotatesWhenTheFirstLineIsTooOld) {
    for (const bool is_json : {false, true}) {
        const std::string old = line_of(2h, is_json);
        std::ofstream(folder_ / "run.log") << old << "\n";
        LogFile(folder_ / "run.log", {1000, 5, 3h}).write("kept");
        EXPECT_THAT(lines(), ElementsAre(old, "kept"));
        LogFile(folder_ / "run.log", {1000, 5, 1h}).write("new");
        EXPECT_THAT(lines(), ElementsAre("new"));
        EXPECT_THAT(lines("run.1.log"), ElementsAre(old, "kept"));
        std::filesystem::remove(folder_ / "run.1.log");
    }
}

TEST_F(LogFileTest, DoesNotRotateByAgeWhatHasNoTime) {
    std::ofstream(folder_ / "run.log") << "no time\n";
    LogFile(folder_ / "run.log", {1000, 5, 1s}).write("x");
    EXPECT_THAT(lines(), ElementsAre("no time", "x"));
}

TEST_F(LogFileTest, SeesAgeOfWhatItBeganItself) {
    LogFile file(folder_ / "run.log", {1000, 5, 1h});
    const std::string old = line_of(2h);
    file.write(old);
    file.write("new");
    EXPECT_THAT(lines("run.1.log"), ElementsAre(old));
}

TEST_F(LogFileTest, LosesNoLineOfSeveralProcesses) {
    constexpr int kProcesses = 4;
    constexpr int kLines = 400;
    std::vector<pid_t> children;
    for (int process = 0; process < kProcesses; ++process) {
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            LogFile file(folder_ / "run.log", {4096, 1000, std::nullopt});
            for (int number = 0; number < kLines; ++number) {
                file.write(std::to_string(process) + " " + std::to_string(number) + " " +
                           std::string(50, 'x') + ".");
            }
            ::_exit(0);
        }
        children.push_back(child);
    }
    for (const pid_t child : children) {
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0);
    }
    std::multiset<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
        for (const std::string& line : lines(entry.path().filename())) {
            EXPECT_TRUE(line.ends_with(std::string(50, 'x') + ".")) << line;
            all.insert(line);
        }
    }
    EXPECT_EQ(all.size(), static_cast<std::size_t>(kProcesses * kLines));
    EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size());
    EXPECT_TRUE(std::filesystem::exists(folder_ / "run.3.log")) << "nobody rotated";
}

TEST_F(LogFileTest, FollowsTheNameWhenSomebodyElseRotates) {
    LogFile file(folder_ / "run.log", {1000, 5, std::nullopt});
    file.write("one");
    std::filesystem::rename(folder_ / "run.log", folder_ / "moved.log");
    file.write("two");
    EXPECT_THAT(lines("moved.log"), ElementsAre("one"));
    EXPECT_THAT(lines(), ElementsAre("two"));
    std::filesystem::remove(folder_ / "run.log");
    file.write("three");
    EXPECT_THAT(lines(), ElementsAre("three"));
}

TEST_F(LogFileTest, WritesOnWhileAnotherProcessRotates) {
    LogFile file(folder_ / "run.log", {10, 5, std::nullopt});
    file.write("123456");
    std::FILE* other = std::fopen((folder_ / "run.log").c_str(), "r");
    ASSERT_NE(other, nullptr);
    ASSERT_EQ(::flock(::fileno(other), LOCK_EX), 0);
    file.write("789");
    EXPECT_THAT(lines(), ElementsAre("123456", "789"));
    std::fclose(other);
    file.write("0");
    EXPECT_THAT(lines(), ElementsAre("0"));
}

TEST_F(LogFileTest, KeepsTheLineWhenItCannotRotate) {
    LogFile file(folder_ / "run.log", {10, 1, std::nullopt});
    file.write("123456");
    std::filesystem::create_directories(folder_ / "run.1.log" / "in the way");
    EXPECT_THROW(file.write("789"), std::system_error);
    EXPECT_THAT(lines(), ElementsAre("123456", "789"));
}

TEST_F(LogFileTest, NamesOldFilesBesideTheFileItself) {
    std::filesystem::create_directory(folder_ / "real");
    std::filesystem::create_symlink(folder_ / "real" / "log", folder_ / "run.log");
    LogFile file(folder_ / "run.log", {10, 1, std::nullopt});
    file.write("123456");
    file.write("7890");
    EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "run.log"));
    EXPECT_THAT(lines(), ElementsAre("7890"));
    EXPECT_THAT(lines("real/log.1"), ElementsAre("123456"));
}

}  // namespace
}  // namespace dbbackup
