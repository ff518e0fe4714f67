/// @file
/// The spool gives what was read, in order, however little room it has; and its errors and ends.

#include "connector/sqlite/spool.hpp"

#include "base/error.hpp"
#include "connector/sqlite/clone.hpp"
#include "sample_database.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

namespace dbbackup::sqlite {
namespace {

/// Byte `offset` of the source.
std::uint8_t byte_at(std::uint64_t offset) {
    return static_cast<std::uint8_t>((offset * 2654435761U) >> 24U);
}

void fill(std::uint64_t offset, std::span<std::uint8_t> out) {
    for (std::size_t index = 0; index < out.size(); index += 4096) {
        out[index] = byte_at(offset + index);
    }
}

/// Takes everything and checks each block's marks.
std::uint64_t drain(Spool& spool) {
    std::uint64_t offset = 0;
    for (Bytes block = spool.take({}); !block.empty(); block = spool.take({})) {
        for (std::size_t index = 0; index < block.size(); index += 4096) {
            EXPECT_EQ(block[index], byte_at(offset + index));
        }
        offset += block.size();
    }
    return offset;
}

constexpr std::uint64_t kSize = 10 * kBlockBytes + 12'288;

struct Room {
    std::uint64_t memory;
    std::uint64_t file;
};

class SpoolRoom : public testing::TestWithParam<Room> {};

TEST_P(SpoolRoom, GivesEverythingInOrder) {
    const TestFolder folder;
    std::atomic<bool> is_released = false;
    Spool spool({GetParam().memory, GetParam().file, folder.path()}, kSize, fill,
                [&] { is_released = true; });
    EXPECT_EQ(drain(spool), kSize);
    spool.wait_released({});
    EXPECT_TRUE(is_released);
    EXPECT_EQ(spool.file_problem(), "");
    EXPECT_TRUE(spool.take({}).empty());
    EXPECT_TRUE(folder.names().empty());
}

INSTANTIATE_TEST_SUITE_P(Rooms, SpoolRoom,
                         testing::Values(Room{64_MiB, 0}, Room{2_MiB, 64_MiB}, Room{2_MiB, 3_MiB},
                                         Room{2_MiB, 0}, Room{0, 0}, Room{0, 2_MiB},
                                         Room{2_MiB, 100}));

TEST(Spool, ReleasesTheSourceBeforeAnythingIsTaken) {
    const TestFolder folder;
    Spool spool({2_MiB, 64_MiB, folder.path()}, kSize, fill, [] {});
    spool.wait_released({});  // would wait for ever if the reader waited for the taker
    EXPECT_EQ(drain(spool), kSize);
}

TEST(Spool, ReadsNoFurtherThanItHasRoom) {
    std::atomic<std::uint64_t> read = 0;
    {
        Spool spool(
            {2_MiB, 0, {}}, kSize,
            [&](std::uint64_t offset, std::span<std::uint8_t> out) {
                fill(offset, out);
                read = offset + out.size();
            },
            [] { ADD_FAILURE() << "released although not everything was read"; });
        EXPECT_EQ(spool.take({}).size(), kBlockBytes);
    }  // destroyed while its reader waits
    EXPECT_LE(read.load(), 5 * kBlockBytes);
}

TEST(Spool, HandsOverWhatTheReaderThrew) {
    Spool spool(
        {64_MiB, 0, {}}, kSize,
        [](std::uint64_t offset, std::span<std::uint8_t> out) {
            fill(offset, out);
            if (offset == 3 * kBlockBytes) {
                throw SourceError("the disk is gone");
            }
        },
        [] { ADD_FAILURE(); });
    EXPECT_THROW(drain(spool), SourceError);
    EXPECT_THROW(spool.wait_released({}), SourceError);
}

TEST(Spool, HandsOverAFailedRelease) {
    Spool spool({64_MiB, 0, {}}, kSize, fill, [] { throw SourceError("changed meanwhile"); });
    EXPECT_THROW(
        {
            drain(spool);
            spool.wait_released({});
        },
        SourceError);
}

TEST(Spool, WaitingEndsWhenItIsStopped) {
    std::promise<void> gate;
    const auto opened = gate.get_future().share();
    Spool spool(
        {64_MiB, 0, {}}, kSize, [&](std::uint64_t, std::span<std::uint8_t>) { opened.wait(); },
        [] {});
    std::stop_source stop;
    stop.request_stop();
    EXPECT_THROW(static_cast<void>(spool.take(stop.get_token())), Cancelled);
    EXPECT_THROW(spool.wait_released(stop.get_token()), Cancelled);
    gate.set_value();
}

TEST(Spool, DoesWithoutAFileThatCannotBeMade) {
    const TestFolder folder;
    Spool spool({1_MiB, 64_MiB, folder / "missing"}, kSize, fill, [] {});
    while (spool.file_problem().empty()) {
        std::this_thread::yield();  // Nobody takes, so the memory is soon full.
    }
    EXPECT_EQ(drain(spool), kSize);
}

TEST(Clone, IsNotMadeInAFolderThatCannotBeLookedAt) {
    const TestFolder folder;
    write_bytes(folder / "x.db", as_bytes("content"));
    EXPECT_FALSE(clone_file(folder / "x.db", folder / "missing"));
    EXPECT_FALSE(clone_file(folder / "x.db", folder / std::string(300, 'x')));  // ENAMETOOLONG
    EXPECT_EQ(folder.names(), std::set<std::string>{"x.db"});
}

TEST(Spool, HasNothingOfAnEmptySource) {
    Spool spool({}, 0, fill, [] {});
    EXPECT_TRUE(spool.take({}).empty());
}

}  // namespace
}  // namespace dbbackup::sqlite
