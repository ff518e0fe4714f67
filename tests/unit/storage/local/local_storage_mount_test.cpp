/// @file
/// What network mounts and failing disks answer, and what is said of it.

#include "base/error.hpp"
#include "unit/storage/local/local_place.hpp"
#include "unit/storage/local/system_calls.hpp"

#include <gmock/gmock.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace dbbackup {
namespace {

using testing::HasSubstr;

const ObjectName kName("packs/ab/1");
const Bytes kContent(3'000'000, 0x5a);  // Three steps of writing and reading.

class LocalStoreOnMount : public LocalStore {};

/// As on network mounts: a handle goes stale, or the disk behind them fails.
TEST_F(LocalStoreOnMount, SaysWhyItCannotRead) {
    storage_->put(kName, kContent, {});
    for (const auto& [error_number, retry] :
         {std::pair(ESTALE, Retry::may_help), std::pair(ETIMEDOUT, Retry::may_help),
          std::pair(EIO, Retry::never)}) {
        SCOPED_TRACE(error_number);
        const FailingCall failing(SystemCall::pread, 2, error_number);
        try {
            static_cast<void>(storage_->get(kName, {}));
            ADD_FAILURE() << "half an object was read";
        } catch (const StorageError& error) {
            EXPECT_EQ(error.what(), "cannot read packs/ab/1 in " + root_.string() + ": " +
                                        std::generic_category().message(error_number));
            EXPECT_EQ(error.retry(), retry);
            EXPECT_EQ(error.hint().empty(), error_number != EIO);
        }
        EXPECT_TRUE(storage_->get(kName, {}) == kContent);
    }
}

TEST_F(LocalStoreOnMount, SaysThatAFileSystemHasBecomeReadOnly) {
    const FailingCall failing(SystemCall::renameat2, 1, EROFS);
    try {
        storage_->put(kName, kContent, {});
        ADD_FAILURE() << "the put succeeded";
    } catch (const StorageError& error) {
        EXPECT_EQ(error.retry(), Retry::never);
        EXPECT_THAT(error.hint(), HasSubstr("read-only"));
    }
    EXPECT_EQ(names_in(*storage_), std::set<std::string>{});
}

/// Some network file systems cannot rename without overwriting; a link does as well.
TEST_F(LocalStoreOnMount, LinksWhereRenamingMayOverwrite) {
    const FailingCall renaming(SystemCall::renameat2, 1, EINVAL);
    EXPECT_EQ(storage_->put(kName, kContent, {}), PutResult::created);
    EXPECT_TRUE(renaming.has_failed());
    EXPECT_TRUE(storage_->get(kName, {}) == kContent);
    EXPECT_EQ(files(), 1U) << "its first name is left";
}

TEST_F(LocalStoreOnMount, IsNoStoreWhereEverythingMayOverwrite) {
    for (const int error_number : {EPERM, EOPNOTSUPP}) {  // FAT behind a network says the first.
        const FailingCall renaming(SystemCall::renameat2, 1, EINVAL);
        const FailingCall linking(SystemCall::link, 1, error_number);
        try {
            storage_->put(kName, kContent, {});
            ADD_FAILURE() << "the put succeeded";
        } catch (const StorageError& error) {
            EXPECT_EQ(error.retry(), Retry::never);
            EXPECT_EQ(error.code(), "store_unsafe");
            EXPECT_THAT(error.hint(), HasSubstr("hard links"));
        }
        EXPECT_EQ(files(), 0U);
    }
}

}  // namespace
}  // namespace dbbackup
