#include "sys/scratch.hpp"

#include "support/file_size_limit.hpp"
#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace dbbackup {
namespace {

constexpr std::uint64_t kBudget = 64_KiB;

class ScratchTest : public testing::Test {
protected:
    ScratchTest() {
        LogOptions options;
        options.stderr_line = [this](std::string_view line) { lines_.emplace_back(line); };
        log_.emplace(options);
    }

    static void fill(ScratchArray<std::uint64_t>& array, std::uint64_t count) {
        for (std::uint64_t number = 0; number < count; ++number) {
            array.push_back(number * number);
        }
    }
    static void expect_filled(const ScratchArray<std::uint64_t>& array, std::uint64_t count) {
        ASSERT_EQ(array.size(), count);
        for (std::uint64_t number = 0; number < count; ++number) {
            ASSERT_EQ(array[number], number * number);
        }
    }

    TemporaryFolder folder_;
    std::vector<std::string> lines_;
    std::optional<Log> log_;
};

TEST_F(ScratchTest, TouchesNoFileWithinItsBudget) {
    const std::filesystem::path missing = folder_.path() / "missing";
    ScratchSpace scratch({missing}, *log_, kBudget);
    ScratchArray<std::uint64_t> array(scratch);
    EXPECT_EQ(scratch.memory_bytes(), 0U);
    fill(array, 1000);
    expect_filled(array, 1000);
    EXPECT_EQ(scratch.file_bytes(), 0U);
    EXPECT_FALSE(std::filesystem::exists(missing));
}

TEST_F(ScratchTest, MovesToFilesWithoutANameBeyondIt) {
    ScratchSpace scratch({folder_.path() / "made" / "for it"}, *log_, kBudget);
    std::vector<ScratchArray<std::uint64_t>> arrays;
    for (int each = 0; each < 3; ++each) {
        fill(arrays.emplace_back(scratch), 500'000);
    }
    EXPECT_LE(scratch.memory_bytes(), kBudget);
    EXPECT_GE(scratch.file_bytes(), 3 * 500'000 * sizeof(std::uint64_t));
    EXPECT_TRUE(std::filesystem::is_empty(folder_.path() / "made" / "for it"));
    for (const auto& array : arrays) {
        expect_filled(array, 500'000);
    }
    arrays.clear();
    EXPECT_EQ(scratch.memory_bytes(), 0U);
    EXPECT_EQ(scratch.file_bytes(), 0U);
    EXPECT_EQ(lines_, std::vector<std::string>());
}

TEST_F(ScratchTest, AFullDiskLeavesItInMemoryAndIsToldOnce) {
    ScratchSpace scratch({folder_.path()}, *log_, 0);
    ScratchArray<std::uint64_t> first(scratch);
    ScratchArray<std::uint64_t> second(scratch);
    {
        const FileSizeLimit limit(2_MiB);  // The first piece fits.
        fill(first, 1'000'000);
        fill(second, 1'000'000);
    }
    EXPECT_EQ(scratch.file_bytes(), 0U) << "what was moved back is no longer in its file";
    EXPECT_GE(scratch.memory_bytes(), 2 * 1'000'000 * sizeof(std::uint64_t));
    expect_filled(first, 1'000'000);
    expect_filled(second, 1'000'000);
    EXPECT_EQ(lines_.size(), 1U);
}

TEST_F(ScratchTest, TheLastRoomOfADiskIsLeftToOthers) {
    ScratchSpace scratch({folder_.path()}, *log_, 0, UINT64_MAX / 2);
    ScratchArray<std::uint64_t> array(scratch);
    fill(array, 1000);
    EXPECT_EQ(scratch.file_bytes(), 0U);
    EXPECT_EQ(lines_.size(), 1U);
}

TEST_F(ScratchTest, ARefusalIsAnsweredInTheNextFolder) {
    const std::filesystem::path file = folder_.write("file", "");
    ScratchSpace scratch({file, folder_.path() / "folder"}, *log_, 0);
    ScratchArray<std::uint64_t> array(scratch);
    fill(array, 1000);
    EXPECT_GT(scratch.file_bytes(), 0U);
    EXPECT_EQ(scratch.memory_bytes(), 0U);
    EXPECT_EQ(lines_, std::vector<std::string>());
}

TEST_F(ScratchTest, AKilledProcessLeavesNothing) {
    const pid_t child = ::fork();
    if (child == 0) {
        ScratchSpace scratch({folder_.path()}, *log_, 0);
        ScratchArray<std::uint64_t> array(scratch);
        fill(array, 100'000);
        ::raise(scratch.file_bytes() > 0 ? SIGKILL : SIGTERM);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WTERMSIG(status), SIGKILL);
    EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(ScratchTest, ArraysBehaveLikeVectors) {
    ScratchSpace scratch({folder_.path()}, *log_, kBudget);
    ScratchArray<int> array(scratch, 3, 7);
    for (int round = 0; round < 20'000; ++round) {
        array.push_back(array[0]);  // Grows with one of its own values.
    }
    array.append(std::array{1, 2});
    EXPECT_EQ(array.size(), 20'005U);
    EXPECT_EQ(std::accumulate(array.begin(), array.end(), 0), 20'003 * 7 + 3);
    array.truncate(1);
    array.resize(3, 9);
    EXPECT_EQ(std::vector<int>(array.begin(), array.end()), (std::vector{7, 9, 9}));
    ScratchArray<int> moved = std::move(array);
    EXPECT_EQ(moved.span(1, 2)[1], 9);
    ScratchArray<int> other(scratch, 5, 5);
    other = std::move(moved);
    EXPECT_EQ(other.size(), 3U);
}

TEST_F(ScratchTest, ASetTakesNoMoreHoweverOftenItsValuesAreAdded) {
    ScratchSpace scratch({folder_.path()}, *log_, 0);
    ScratchSet<std::uint32_t> set(scratch);
    std::vector<std::uint32_t> values(70'000);
    std::iota(values.begin(), values.end(), 5);
    std::mt19937 random(1);
    for (int round = 0; round < 20; ++round) {
        std::shuffle(values.begin(), values.end(), random);
        set.add(values);
    }
    EXPECT_LE(scratch.file_bytes(), 4 * values.size() * sizeof(std::uint32_t) + 1_MiB);
    const ScratchArray<std::uint32_t> all = set.take();
    std::sort(values.begin(), values.end());
    EXPECT_EQ(std::vector(all.begin(), all.end()), values);
}

}  // namespace
}  // namespace dbbackup
