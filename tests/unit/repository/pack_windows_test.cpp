#include "repository/pack_windows.hpp"

#include "repository/pack.hpp"
#include "support/faulty_storage.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_data.hpp"

#include <gtest/gtest.h>

#include <atomic>

namespace dbbackup {
namespace {

class PackWindowsTest : public testing::Test {
protected:
    PackWindowsTest() : watched_(disk_, counting()), windows_(watched_) {}

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

TEST_F(PackWindowsTest, KeepsNoMoreThanItsWindows) {
    std::vector<PackName> packs;
    for (std::size_t number = 0; number <= PackWindows::kWindowsMax; ++number) {
        packs.push_back(store(static_cast<std::uint8_t>(number), Bytes(100, 'x')));
        static_cast<void>(read(packs.back(), 0, 10));
    }
    const unsigned before = calls_;
    static_cast<void>(read(packs.back(), 20, 10));
    static_cast<void>(read(packs[1], 20, 10));
    EXPECT_EQ(calls_, before);
    static_cast<void>(read(packs[0], 20, 10));
    EXPECT_EQ(calls_, before + 1) << "the oldest one went";
}

}  // namespace
}  // namespace dbbackup
