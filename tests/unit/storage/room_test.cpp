#include "storage/room.hpp"

#include "storage/local/local_storage.hpp"
#include "support/memory_storage.hpp"
#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

namespace dbbackup {
namespace {

TEST(Room, OfALocalStoreIsThatOfItsDisk) {
    const TemporaryFolder folder;
    const auto storage =
        make_local_storage(StorageUrl::parse(folder.path().native()), CreatePlace::no);
    const std::uintmax_t before = std::filesystem::space(folder.path()).available;
    const std::optional<std::uint64_t> room = room_bytes(*storage);
    const std::uintmax_t after = std::filesystem::space(folder.path()).available;
    ASSERT_TRUE(room);
    // Others write to this disk, too.
    constexpr std::uintmax_t kOthersBytes = std::uintmax_t{4} << 30U;
    EXPECT_GE(*room + kOthersBytes, std::min(before, after));
    EXPECT_LE(*room, std::max(before, after) + kOthersBytes);
}

TEST(Room, CannotBeToldOfAStoreThatIsFarAway) {
    MemoryStorage::Options options;
    options.capabilities.is_local = false;
    options.url = "/";  // A path that could be asked.
    EXPECT_FALSE(room_bytes(MemoryStorage(options)));
}

TEST(Room, CannotBeToldOfAFolderThatHasGone) {
    std::unique_ptr<Storage> storage;
    {
        const TemporaryFolder folder;
        storage = make_local_storage(StorageUrl::parse(folder.path().native()), CreatePlace::no);
    }
    EXPECT_FALSE(room_bytes(*storage));
}

}  // namespace
}  // namespace dbbackup
