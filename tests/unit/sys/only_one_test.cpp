#include "sys/only_one.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace dbbackup {
namespace {

class OnlyOneTest : public testing::Test {
protected:
    OnlyOneTest() {
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_);
    }
    ~OnlyOneTest() override { std::filesystem::remove_all(folder_); }

    /// What another process finds.
    static bool elsewhere(const std::function<bool()>& look) {
        const pid_t child = fork();
        if (child == 0) {
            _exit(look() ? 1 : 0);
        }
        int status = 0;
        EXPECT_EQ(waitpid(child, &status, 0), child);
        return WEXITSTATUS(status) == 1;
    }

    std::filesystem::path folder_ =
        std::filesystem::path(testing::TempDir()) / ("only_one_" + std::to_string(getpid()));
    std::filesystem::path file_ = folder_ / "lock";
};

TEST_F(OnlyOneTest, OthersSeeWhoHoldsIt) {
    EXPECT_EQ(OnlyOne::holder(file_), std::nullopt);
    const int here = getpid();
    {
        const std::optional<OnlyOne> lock = OnlyOne::take(file_);
        ASSERT_TRUE(lock);
        EXPECT_TRUE(elsewhere([&] { return OnlyOne::holder(file_) == here; }));
        EXPECT_TRUE(elsewhere([&] { return !OnlyOne::take(file_); }));
        EXPECT_TRUE(elsewhere([&] { return OnlyOne::holder(file_) == here; })) << "looks free none";
    }
    EXPECT_TRUE(elsewhere([&] { return !OnlyOne::holder(file_); }));
    EXPECT_TRUE(elsewhere([&] { return OnlyOne::take(file_).has_value(); }));
    EXPECT_TRUE(OnlyOne::take(file_)) << "who died with it gave it back";
}

TEST_F(OnlyOneTest, EachNameHasALockOfItsOwn) {
    EXPECT_FALSE(NamedLock::is_held(file_, "a"));
    std::optional<NamedLock> lock = NamedLock::take(file_, "a");
    ASSERT_TRUE(lock);
    EXPECT_FALSE(NamedLock::take(file_, "a"));
    EXPECT_TRUE(NamedLock::is_held(file_, "a"));
    EXPECT_TRUE(NamedLock::take(file_, "b"));
    EXPECT_FALSE(NamedLock::is_held(file_, "b"));
    lock.reset();
    EXPECT_TRUE(NamedLock::take(file_, "a"));
}

TEST_F(OnlyOneTest, AChildKeepsTheLockThatItInherited) {
    std::optional<NamedLock> lock = NamedLock::take(file_, "a");
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe(ends.data()), 0);
    const pid_t child = fork();
    if (child == 0) {
        close(ends[1]);
        char byte = 0;
        _exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);  // Until the parent says so.
    }
    close(ends[0]);
    lock.reset();
    EXPECT_TRUE(NamedLock::is_held(file_, "a"));
    close(ends[1]);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
    EXPECT_FALSE(NamedLock::is_held(file_, "a"));
}

}  // namespace
}  // namespace dbbackup
