#include "repository/key_slots.hpp"

#include "base/error.hpp"
#include "repository/checked_json.hpp"
#include "storage/access_denied.hpp"
#include "support/faulty_storage.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_backup.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>

namespace dbbackup {
namespace {

Secret key(std::uint8_t number) { return Secret(Bytes(32, number)); }

/// A repository that the sample key opens, and further slots by key files.
class KeySlots : public testing::Test {
protected:
    KeySlots() {
        make_repository(disk_, Encryption::keyfile);
        repository_ = open_repository(disk_);
        first_ = repository_->keys().slot();
    }

    std::string add(std::uint8_t number, const std::string& label = {}) {
        return add_key_slot(*repository_, {KeySlotKind::key_file, key(number), label}, clock_, {});
    }
    [[nodiscard]] KeySlotList slots() { return read_key_slots(disk_, repository_->id(), {}); }
    [[nodiscard]] std::set<std::string> ids() {
        std::set<std::string> found;
        for (const ListedKeySlot& each : slots().slots) {
            found.insert(each.id);
        }
        return found;
    }
    MemoryStorage disk_;
    FakeClock clock_;
    std::unique_ptr<Repository> repository_;
    std::string first_;
};

TEST_F(KeySlots, ANewOneOpensAndIsListedWithItsLabel) {
    const std::string id = add(7, "safe, second drawer");
    const KeySlotList list = slots();
    ASSERT_EQ(list.slots.size(), 2U);
    const auto found = std::ranges::find(list.slots, id, &ListedKeySlot::id);
    ASSERT_NE(found, list.slots.end());
    EXPECT_EQ(found->stored.label, "safe, second drawer");
    EXPECT_EQ(slots_opened_by(list, KeySlotKind::key_file, key(7)), std::set<std::string>{id});
    EXPECT_EQ(slots_opened_by(list, KeySlotKind::key_file, sample_key()),
              std::set<std::string>{first_});
    EXPECT_TRUE(slots_opened_by(list, KeySlotKind::passphrase, Secret("x")).empty());
}

TEST_F(KeySlots, ARemovedOneNoLongerOpensAndNothingIsLeftOfIt) {
    const std::string id = add(7);
    const auto before = disk_.contents();
    remove_key_slot(*repository_, first_, {id}, {});
    EXPECT_EQ(ids(), std::set<std::string>{id});
    EXPECT_EQ(disk_.contents().size(), before.size() - 1);
    EXPECT_THROW(static_cast<void>(open_repository(disk_)), WrongKeyError);
    remove_key_slot(*repository_, first_, {id}, {});  // Somebody was quicker: no error.
    EXPECT_EQ(ids(), std::set<std::string>{id});
}

TEST_F(KeySlots, WhatIsStoredDamagedIsNotCalledAdded) {
    Faults faults;
    faults.stored = [](const StorageCall& call, Bytes& content) {
        if (call.name.starts_with("keys/")) {
            nlohmann::json object = decode_checked_json(call.name, content);
            object["wrapped_key"] = std::string(96, '0');
            content = encode_checked_json(object);
        }
    };
    FaultyStorage store(disk_, faults);
    const auto repository = open_repository(store);
    try {
        static_cast<void>(
            add_key_slot(*repository, {KeySlotKind::key_file, key(7), ""}, clock_, {}));
        FAIL();
    } catch (const RepositoryError& error) {
        EXPECT_EQ(error.code(), "key_unproven");
    }
}

TEST_F(KeySlots, WithoutTheRightToDeleteThatIsSaidAndNothingIsLeft) {
    const std::string id = add(7);
    Faults faults;
    faults.before = [&](const StorageCall& call) {
        if (call.operation == StorageOperation::remove && call.name == "keys/" + first_) {
            throw explained<StorageError>("denied", "", std::string(kAccessDenied));
        }
    };
    FaultyStorage store(disk_, faults);
    const auto repository = open_repository(store);
    try {
        remove_key_slot(*repository, first_, {id}, {});
        FAIL();
    } catch (const StorageError& error) {
        EXPECT_EQ(error.exit_code(), ExitCode::storage);
        EXPECT_NE(error.hint().find("right to delete"), std::string::npos);
    }
    EXPECT_EQ(ids(), (std::set<std::string>{first_, id}));
}

TEST_F(KeySlots, AnInterruptedRemovalIsCompletedByTheNext) {
    const std::string id = add(7);
    Faults faults;
    faults.after = [&](const StorageCall& call) {
        if (call.operation == StorageOperation::remove) {
            throw StorageError("the process died");
        }
    };
    FaultyStorage store(disk_, faults);
    const auto repository = open_repository(store);
    EXPECT_THROW(remove_key_slot(*repository, first_, {id}, {}), StorageError);
    const KeySlotList left = slots();
    ASSERT_EQ(left.slots.size(), 2U);
    EXPECT_EQ(left.slots.front().id, id);
    EXPECT_TRUE(left.slots.back().is_copy());
    EXPECT_EQ(left.slots.back().stored.copy_of, first_);
    EXPECT_FALSE(slots_opened_by(left, KeySlotKind::key_file, sample_key()).empty());
    remove_key_slot(*repository_, first_, {id}, {});
    EXPECT_EQ(ids(), std::set<std::string>{id});
}

/// Whoever can write to the storage must not be able to call a good slot a copy, or to have an
/// object removed by calling it the original of one.
TEST_F(KeySlots, ACopyCountsOnlyUnderItsOwnName) {
    const std::string id = add(7);
    StoredKeySlot forged = slots().slots.back().stored;
    forged.copy_of = first_;
    disk_.put(key_object_name(std::string(32, 'e')), encode_key_slot(forged), {});
    for (const ListedKeySlot& each : slots().slots) {
        EXPECT_FALSE(each.is_copy());
    }
}

TEST_F(KeySlots, DamagedOnesAreToldBesideTheOthers) {
    const std::string id = add(7);
    disk_.damage(key_object_name(id), [](Bytes& slot) { slot[50] ^= 1U; });
    const KeySlotList list = slots();
    EXPECT_EQ(list.slots.size(), 1U);
    ASSERT_EQ(list.unusable.size(), 1U);
    EXPECT_EQ(list.unusable.front().object, "keys/" + id);
    EXPECT_TRUE(list.unusable.front().is_damaged);
}

}  // namespace
}  // namespace dbbackup
