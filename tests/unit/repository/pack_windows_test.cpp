#include "repository/pack_windows.hpp"

#include "base/error.hpp"
#include "repository/pack.hpp"
#include "support/faulty_storage.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_data.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

class PackWindowsTest : public testing::Test {
protected:
    explicit PackWindowsTest(MemoryStorage::Options options = {})
        : disk_(std::move(options)), watched_(disk_, counting()), windows_(watched_) {}

    PackName store(std::uint8_t number, Bytes content) {
        PackName pack;
        pack.bytes.fill(number);
        disk_.put(pack_object_name(pack), content, {});
        return pack;
    }
    Bytes read(const PackName& pack, std::uint64_t offset, std::uint64_t length) {
        return windows_.read(pack, {offset, length}, {}).value();
    }

    MemoryStorage disk_;
    std::atomic<unsigned> calls_ = 0;
    FaultyStorage watched_;
    PackWindows windows_;

private:
    Faults counting() {
        Faults faults;
        faults.before = [this](const StorageCall&) { ++calls_; };
        return faults;
    }
};

TEST_F(PackWindowsTest, NeighboursCostOneCall) {
    const Bytes content = page_like(1, 1'000'000);
    const PackName pack = store(1, content);
    for (std::uint64_t offset = 40; offset + 5000 < PackWindows::kWindowBytes; offset += 5000) {
        const Bytes part = read(pack, offset, 5000);
        EXPECT_TRUE(std::equal(part.begin(), part.end(),
                               content.begin() + static_cast<std::ptrdiff_t>(offset)));
    }
    EXPECT_EQ(calls_, 1U);
}

/// Any piece is what it would be without windows: across their bounds, at the end and beyond it.
TEST_F(PackWindowsTest, GivesWhatTheStorageWouldGive) {
    constexpr std::size_t kPackBytes = 700'001;
    const Bytes content = page_like(1, kPackBytes);
    const PackName pack = store(1, content);
    Random random(7);
    for (unsigned attempt = 0; attempt < 500; ++attempt) {
        const std::uint64_t offset = random.below(kPackBytes + 1000);
        const std::uint64_t length = random.below(PackWindows::kPieceBytesMax + 1000);
        const auto expected = disk_.get_range(pack_object_name(pack), {offset, length}, {});
        EXPECT_EQ(windows_.read(pack, {offset, length}, {}), expected) << offset << " " << length;
    }
}

TEST_F(PackWindowsTest, AMissingPackIsNothingAndMayComeLater) {
    PackName pack;
    pack.bytes.fill(9);
    EXPECT_FALSE(windows_.read(pack, {0, 10}, {}));
    EXPECT_FALSE(windows_.read(pack, {0, PackWindows::kPieceBytesMax + 1}, {}));
    store(9, Bytes(100, 'x'));
    EXPECT_EQ(read(pack, 90, 20), Bytes(10, 'x'));
}

TEST_F(PackWindowsTest, KeepsNoMoreThanItsBytes) {
    constexpr std::size_t kPacks = PackWindows::kKeptBytesMax / PackWindows::kWindowBytes;
    std::vector<PackName> packs;
    for (std::size_t number = 0; number <= kPacks; ++number) {
        packs.push_back(
            store(static_cast<std::uint8_t>(number), Bytes(PackWindows::kWindowBytes, 'x')));
        static_cast<void>(read(packs.back(), 0, 10));
    }
    const unsigned before = calls_;
    static_cast<void>(read(packs.back(), 20, 10));
    static_cast<void>(read(packs[1], 20, 10));
    EXPECT_EQ(calls_, before);
    static_cast<void>(read(packs[0], 20, 10));
    EXPECT_EQ(calls_, before + 1) << "the oldest one went";
}

/// A storage where each reading costs a request.
class RemotePackWindowsTest : public PackWindowsTest {
protected:
    RemotePackWindowsTest()
        : PackWindowsTest({.capabilities = {.is_local = false, .listing_delay = {}}}) {}
};

TEST_F(RemotePackWindowsTest, APackThatIsReadInOrderTakesFewCalls) {
    constexpr std::uint64_t kChunkBytes = 700'000;
    const Bytes content = page_like(1, 16'000'000);
    const PackName pack = store(1, content);
    std::uint64_t offset = 40;
    for (; offset + kChunkBytes < content.size(); offset += kChunkBytes) {
        const Bytes part = read(pack, offset, kChunkBytes);
        EXPECT_TRUE(std::equal(part.begin(), part.end(),
                               content.begin() + static_cast<std::ptrdiff_t>(offset)));
    }
    EXPECT_LE(calls_, 6U);
    EXPECT_LT(windows_.bytes_fetched(), content.size() * 5 / 4);
}

TEST_F(RemotePackWindowsTest, SinglePiecesFetchLittleMore) {
    const Bytes content = page_like(1, 16'000'000);
    const PackName pack = store(1, content);
    for (const std::uint64_t offset : {12'000'000U, 8'000'000U, 4'000'000U}) {
        static_cast<void>(read(pack, offset, 700'000));
    }
    EXPECT_EQ(calls_, 3U);
    EXPECT_EQ(windows_.bytes_fetched(), 3U * 700'000);
}

TEST_F(RemotePackWindowsTest, GivesWhatTheStorageWouldGive) {
    const Bytes content = page_like(1, 3'000'001);
    const PackName pack = store(1, content);
    Random random(7);
    std::uint64_t offset = 0;
    for (unsigned attempt = 0; attempt < 300; ++attempt) {
        offset = attempt % 3 == 0 ? random.below(content.size() + 1000) : offset + 50'000;
        const std::uint64_t length = random.below(900'000);
        const auto expected = disk_.get_range(pack_object_name(pack), {offset, length}, {});
        EXPECT_EQ(windows_.read(pack, {offset, length}, {}), expected) << offset << " " << length;
    }
}

/// Neighbours come in one call, and several calls are on their way at once.
TEST_F(RemotePackWindowsTest, WhatIsExpectedIsFetchedTogether) {
    const std::vector<PackName> packs = {store(1, page_like(1, 2'000'000)),
                                         store(2, page_like(2, 2'000'000))};
    std::vector<PackPiece> pieces;
    for (std::uint64_t offset = 40; offset < 1'900'000; offset += 100'000) {
        for (const PackName& pack : packs) {
            pieces.push_back({pack, {offset, 60'000}});
        }
    }
    windows_.expect(pieces);
    for (const auto& [pack, range] : pieces) {
        EXPECT_EQ(windows_.read(pack, range, {}),
                  disk_.get_range(pack_object_name(pack), range, {}));
    }
    EXPECT_LE(calls_, 4U);
    EXPECT_LE(windows_.bytes_fetched(), 4'000'000U);
    windows_.expect(pieces);
    EXPECT_EQ(windows_.read(packs[0], pieces[0].range, {})->size(), 60'000U);
    EXPECT_LE(calls_, 4U) << "it is all there";
}

TEST_F(RemotePackWindowsTest, WhatIsExpectedAndNotReadHoldsNobodyUp) {
    const PackName pack = store(1, page_like(1, 9'000'000));
    std::vector<PackPiece> pieces;
    for (std::uint64_t offset = 0; offset < 9'000'000; offset += 1'000'000) {
        pieces.push_back({pack, {offset, 700'000}});
    }
    PackName missing;
    missing.bytes.fill(9);
    pieces.push_back({missing, {0, 100}});
    pieces.push_back({pack, {100'000'000, 100}});
    PackWindows windows(watched_);
    windows.expect(pieces);
    EXPECT_EQ(windows.read(missing, {0, 100}, {}), std::nullopt);
    EXPECT_EQ(windows.read(pack, {100'000'000, 100}, {}).value(), Bytes());
}

/// More than is kept: what was read makes room for what was not.
TEST_F(RemotePackWindowsTest, WhatIsExpectedStaysUntilItIsRead) {
    constexpr std::uint64_t kPieceBytes = 1'000'000;
    constexpr std::size_t kAhead = 25;
    const Bytes content = noise(1, 10'000'000);
    std::vector<PackPiece> pieces;
    for (std::uint8_t number = 0; number < 10; ++number) {
        const PackName pack = store(number, content);
        for (std::uint64_t offset = 0; offset < content.size(); offset += kPieceBytes) {
            pieces.push_back({pack, {offset, kPieceBytes}});
        }
    }
    for (std::size_t number = 0; number < pieces.size() + kAhead; ++number) {
        if (number < pieces.size()) {
            windows_.expect({&pieces[number], 1});
        }
        if (number >= kAhead) {
            const PackPiece& piece = pieces[number - kAhead];
            EXPECT_EQ(windows_.read(piece.pack, piece.range, {})->size(), kPieceBytes);
        }
    }
    EXPECT_LE(windows_.bytes_fetched(), content.size() * 10);
}

/// The small deltas of one run stand side by side, and the next group will want the next ones.
TEST_F(RemotePackWindowsTest, AFewSmallPiecesBringWhatFollows) {
    const PackName pack = store(1, page_like(1, 400'000));
    for (std::uint64_t offset = 0; offset < 400'000; offset += 20'000) {
        const std::vector<PackPiece> pieces = {{pack, {offset, 20'000}}};
        windows_.expect(pieces);
        EXPECT_EQ(windows_.read(pack, {offset, 20'000}, {})->size(), 20'000U);
    }
    EXPECT_EQ(calls_, 2U);
}

/// What fails when it is fetched ahead is told to who reads it, by a try of his own.
TEST_F(RemotePackWindowsTest, AFailureAheadIsNone) {
    const Bytes content = page_like(1, 1'000'000);
    const PackName pack = store(1, content);
    std::atomic<unsigned> calls = 0;
    Faults faults;
    faults.before = [&](const StorageCall&) {
        if (++calls == 1) {
            throw StorageError("the first one fails");
        }
    };
    FaultyStorage storage(disk_, std::move(faults));
    PackWindows windows(storage);
    const std::vector<PackPiece> pieces = {{pack, {1000, 200'000}}};
    windows.expect(pieces);
    while (calls == 0) {
        std::this_thread::yield();
    }
    EXPECT_EQ(windows.read(pack, {1000, 200'000}, {}).value(),
              Bytes(content.begin() + 1000, content.begin() + 201'000));
    EXPECT_EQ(calls, 2U);
}

TEST_F(RemotePackWindowsTest, WhatIsGivenIsNotFetched) {
    const PackName pack = store(1, noise(1, 1000));
    windows_.give(pack, 100, noise(2, 300));
    EXPECT_EQ(windows_.read(pack, {100, 300}, {}), noise(2, 300));
    EXPECT_EQ(windows_.find_read(pack, {100, 300}), noise(2, 300));
    EXPECT_EQ(calls_, 0U);
    windows_.forget(pack);
    EXPECT_EQ(windows_.find_read(pack, {100, 300}), std::nullopt);
    EXPECT_EQ(windows_.read(pack, {0, 1000}, {}), noise(1, 1000));
}

/// What one thread fetches, the others wait for; where that fails, each asks for itself.
TEST_F(RemotePackWindowsTest, ThreadsShareWhatIsFetched) {
    const Bytes content = page_like(1, 4'000'000);
    const PackName pack = store(1, content);
    for (const bool fails : {false, true}) {
        SCOPED_TRACE(fails);
        std::atomic<unsigned> calls = 0;
        Faults faults;
        faults.before = [&](const StorageCall&) {
            if (++calls == 1 && fails) {
                throw StorageError("the first one fails");
            }
        };
        FaultyStorage storage(disk_, std::move(faults));
        PackWindows windows(storage);
        std::atomic<unsigned> failed = 0;
        {
            std::vector<std::jthread> threads;
            for (unsigned thread = 0; thread < 4; ++thread) {
                threads.emplace_back([&] {
                    try {
                        const Bytes part = windows.read(pack, {1000, 200'000}, {}).value();
                        EXPECT_TRUE(std::equal(part.begin(), part.end(), content.begin() + 1000));
                    } catch (const StorageError&) {
                        ++failed;
                    }
                });
            }
        }
        EXPECT_EQ(failed, fails ? 1U : 0U);
        EXPECT_EQ(calls, fails ? 2U : 1U);
    }
}

}  // namespace
}  // namespace dbbackup
