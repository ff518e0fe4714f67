/// @file
/// The state of a log is believed only when both copies of it agree and their checksum is right.

#include "connector/sqlite/wal.hpp"

#include "connector/sqlite/view.hpp"
#include "sample_database.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

namespace dbbackup::sqlite {
namespace {

constexpr std::size_t kWords = 2 * kWalIndexHeaderBytes / 4;

/// The start of a wal-index that SQLite itself made.
std::array<std::uint32_t, kWords> index_by_sqlite(const TestFolder& folder,
                                                  const std::string& page_size) {
    const auto path = folder / "log.db";
    TestDatabase database(path);
    database.run("PRAGMA page_size=" + page_size + "; PRAGMA journal_mode=WAL");
    make_accounts(database, 100);
    const Bytes bytes = bytes_of(path.native() + "-shm");
    std::array<std::uint32_t, kWords> index{};
    std::memcpy(index.data(), bytes.data(), sizeof index);
    return index;
}

TEST(WalState, ReadsWhatSqliteWrote) {
    for (const std::string page_size : {"512", "4096", "65536"}) {
        const TestFolder folder;
        const auto index = index_by_sqlite(folder, page_size);
        const auto state = read_wal_state(index.data());
        ASSERT_TRUE(state);
        EXPECT_EQ(std::to_string(state->page_bytes()), page_size);
        EXPECT_GT(state->frame_count(), 0U);
        EXPECT_GT(state->page_count(), 1U);
    }
}

TEST(WalState, BelievesNoHalfWrittenIndex) {
    const TestFolder folder;
    const auto good = index_by_sqlite(folder, "4096");
    for (std::size_t word = 0; word < kWords; ++word) {
        auto torn = good;
        torn[word] += 1;
        EXPECT_FALSE(read_wal_state(torn.data())) << word;
    }
    const std::size_t half = kWords / 2;
    for (std::size_t word = 0; word < half; ++word) {
        auto changed = good;  // both copies, but not the checksum over them
        changed[word] += 1;
        changed[half + word] += 1;
        EXPECT_FALSE(read_wal_state(changed.data())) << word;
    }
    const std::array<std::uint32_t, kWords> zeros{};
    EXPECT_FALSE(read_wal_state(zeros.data()));
}

TEST(WalFrames, FindTheNewestFrameOfEachPage) {
    const TestFolder folder;
    const auto path = folder / "log.db";
    TestDatabase database(path);
    database.run("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0");
    database.run("CREATE TABLE t (a)");
    for (int round = 0; round < 5; ++round) {
        database.run("INSERT INTO t VALUES (1)");
    }
    View view({.path = path, .lock_timeout = std::chrono::seconds(5)}, {});
    ASSERT_TRUE(view.wal_state());
    const FileHandle log = journal_file(view.database(), path.native() + "-wal");
    const WalFrames frames(log, *view.wal_state(), {});
    EXPECT_EQ(frames.page_count(), 2U);
    EXPECT_EQ(frames.find(2), view.wal_state()->frame_count());
    EXPECT_FALSE(frames.find(3));
    std::vector<std::uint32_t> numbers;
    frames.visit_range(1, 100,
                       [&](std::uint32_t number, std::uint32_t) { numbers.push_back(number); });
    EXPECT_EQ(numbers, (std::vector<std::uint32_t>{1, 2}));
    Bytes page(4096);
    EXPECT_THROW(frames.read(view.wal_state()->frame_count(), 1, page), SourceError);
}

}  // namespace
}  // namespace dbbackup::sqlite
