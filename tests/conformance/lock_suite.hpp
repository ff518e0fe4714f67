#pragma once

/// @file
/// What every store promises that locks objects, or keeps what was removed:
/// storage/object_protection.hpp. A store instantiates it with the servers that it has.

#include "base/error.hpp"
#include "conformance/bucket_kind.hpp"
#include "conformance/cloud_store.hpp"
#include "crypto/hash.hpp"
#include "storage/object_protection.hpp"
#include "storage/object_rules.hpp"
#include "storage/storage.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

namespace dbbackup {

/// A place of its own in buckets of every kind, with the hands of somebody with another program.
class LockPlace {
public:
    LockPlace(const LockPlace&) = delete;
    LockPlace& operator=(const LockPlace&) = delete;
    virtual ~LockPlace() = default;

    /// @param more Parameters of the URL, from '&' on.
    virtual std::unique_ptr<Storage> open(BucketKind kind, const std::string& more,
                                          ObjectRules rules) = 0;
    [[nodiscard]] virtual std::string bucket(BucketKind kind) const = 0;
    virtual void remove_by_hand(BucketKind kind, const ObjectName& name) = 0;
    virtual void overwrite_by_hand(BucketKind kind, const ObjectName& name) = 0;
    /// Locks it without a date, or takes that back.
    virtual void hold_by_hand(BucketKind kind, const ObjectName& name, bool is_held) = 0;

protected:
    LockPlace() = default;
};

struct LockCase {
    const char* name;
    std::function<std::unique_ptr<LockPlace>()> make;
    std::vector<BucketKind> keeping;  ///< Those that keep what somebody removes.
    /// versitygw says that it cannot lock an object, and has stored it.
    bool stores_what_it_refuses = false;
};

class LockSuite : public testing::TestWithParam<LockCase> {
protected:
    std::unique_ptr<Storage> open(BucketKind kind, const std::string& more = {},
                                  ObjectRules rules = {}) {
        return place_->open(kind, more, std::move(rules));
    }

    static std::chrono::sys_seconds now() {
        return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    }

    static std::string code_of_removal(Storage& storage, const ObjectName& name) {
        try {
            storage.remove(name, {});
        } catch (const StorageError& error) {
            EXPECT_EQ(error.retry(), Retry::never) << error.what();
            EXPECT_FALSE(error.hint().empty()) << error.what();
            return error.code();
        }
        return "";
    }

    static std::vector<std::string> removed(Storage& storage) {
        std::vector<std::string> names;
        storage.protection()->list_removed(
            {}, [&names](const ObjectInfo& info) { names.push_back(info.name.text()); }, {});
        return names;
    }

    static bool is_listed(Storage& storage, const ObjectName& name) {
        bool found = false;
        storage.list({}, [&](const ObjectInfo& info) { found = found || info.name == name; }, {});
        return found;
    }

    std::unique_ptr<LockPlace> place_ = GetParam().make();
    ObjectName name_{"packs/ab/c"};
    const std::vector<std::string> nothing_;
};

TEST_P(LockSuite, WhatIsLockedStaysAsItIs) {
    const auto storage = open(
        BucketKind::lockable, "&object_lock=governance:1",
        {.is_lasting = [](const ObjectName& name) { return name.text().starts_with("packs/"); }});
    EXPECT_EQ(storage->capabilities().lock, std::chrono::days(1));
    ASSERT_EQ(storage->put(name_, as_bytes("content"), {}), PutResult::created);
    EXPECT_EQ(storage->put(name_, as_bytes("another"), {}), PutResult::exists);
    EXPECT_EQ(code_of_removal(*storage, name_), kObjectLocked);
    EXPECT_TRUE(is_listed(*storage, name_));
    EXPECT_EQ(as_text(storage->get(name_, {}).value()), "content");
    const auto until = storage->protection()->locked_until(name_, {});
    ASSERT_TRUE(until);
    EXPECT_GE(*until, now() + std::chrono::hours(23));
    EXPECT_LE(*until, now() + std::chrono::hours(24));

    const ObjectName sign("runs/x/0");
    ASSERT_EQ(storage->put(sign, as_bytes("1"), {}), PutResult::created);
    EXPECT_EQ(storage->protection()->locked_until(sign, {}), std::nullopt);
    EXPECT_EQ(code_of_removal(*storage, sign), "");
    EXPECT_FALSE(is_listed(*storage, sign));
}

TEST_P(LockSuite, WhatIsWrittenPieceByPieceIsLockedToo) {
    const auto storage = open(BucketKind::lockable, "&object_lock=compliance:1");
    for (const std::size_t bytes : {std::size_t{10}, std::size_t{9'000'000}}) {
        const ObjectName name("packs/" + std::to_string(bytes));
        const auto upload = storage->begin_upload(name, {});
        upload->write(Bytes(bytes, 7), {});
        ASSERT_EQ(upload->commit({}), PutResult::created);
        EXPECT_EQ(code_of_removal(*storage, name), kObjectLocked) << bytes;
        EXPECT_EQ(storage->size_bytes(name, {}), bytes);
    }
}

TEST_P(LockSuite, ALockGrowsAndEnds) {
    const auto storage = open(BucketKind::lockable);
    ASSERT_EQ(storage->put(name_, as_bytes("content"), {}), PutResult::created);
    ObjectProtection& protection = *storage->protection();
    EXPECT_EQ(protection.locked_until(name_, {}), std::nullopt);
    const auto end = now() + std::chrono::seconds(10);
    protection.lock_until(name_, end, {});
    EXPECT_NO_THROW(protection.lock_until(name_, end - std::chrono::seconds(1), {}))
        << "it is longer already";
    EXPECT_EQ(protection.locked_until(name_, {}), end);
    EXPECT_EQ(code_of_removal(*storage, name_), kObjectLocked);
    while (protection.locked_until(name_, {})) {
        RetryEnvironment::system().wait(std::chrono::milliseconds(100), {});
    }
    EXPECT_EQ(code_of_removal(*storage, name_), "");
    EXPECT_EQ(removed(*storage), nothing_);
    EXPECT_EQ(storage->put(name_, as_bytes("again"), {}), PutResult::created);
    EXPECT_NO_THROW(protection.lock_until(ObjectName("absent"), now() + std::chrono::hours(1), {}));
}

TEST_P(LockSuite, AHoldIsALockWithoutADate) {
    const auto storage = open(BucketKind::lockable);
    ASSERT_EQ(storage->put(name_, as_bytes("content"), {}), PutResult::created);
    place_->hold_by_hand(BucketKind::lockable, name_, true);
    EXPECT_EQ(storage->protection()->locked_until(name_, {}), std::nullopt);
    EXPECT_EQ(code_of_removal(*storage, name_), kObjectLocked);
    EXPECT_TRUE(is_listed(*storage, name_));
    place_->hold_by_hand(BucketKind::lockable, name_, false);
    EXPECT_EQ(code_of_removal(*storage, name_), "");
    EXPECT_FALSE(is_listed(*storage, name_));
}

TEST_P(LockSuite, ABucketWithoutLocksIsRefused) {
    for (const BucketKind kind : {BucketKind::plain, BucketKind::versioned}) {
        const auto storage = open(kind, "&object_lock=compliance:30");
        const auto [code, hint] = refusal_of_put(*storage);
        EXPECT_EQ(code, "object_lock_missing");
        EXPECT_NE(hint.find(place_->bucket(kind)), std::string::npos) << hint;
        EXPECT_EQ(is_listed(*storage, ObjectName("a")), GetParam().stores_what_it_refuses);
        const auto upload = storage->begin_upload(ObjectName("b"), {});
        EXPECT_THROW((upload->write(Bytes(10, 7), {}), upload->commit({})), StorageError);
        EXPECT_EQ(is_listed(*storage, ObjectName("b")), GetParam().stores_what_it_refuses);
    }
}

TEST_P(LockSuite, ARemovalLeavesNothingToBringBack) {
    for (const BucketKind kind : GetParam().keeping) {
        const auto storage = open(kind);
        const ObjectName longer("packs/ab/cd");  // Its key begins with the other one.
        ASSERT_EQ(storage->put(longer, as_bytes("stays"), {}), PutResult::created);
        ASSERT_EQ(storage->put(name_, as_bytes("1"), {}), PutResult::created);
        place_->overwrite_by_hand(kind, name_);
        storage->remove(name_, {});
        EXPECT_FALSE(is_listed(*storage, name_));
        EXPECT_EQ(removed(*storage), nothing_);
        EXPECT_EQ(storage->get(name_, {}), std::nullopt);
        EXPECT_NO_THROW(storage->protection()->bring_back(name_, {}));
        EXPECT_FALSE(is_listed(*storage, name_));
        EXPECT_TRUE(is_listed(*storage, longer));
        storage->remove(name_, {});
        EXPECT_EQ(storage->put(name_, as_bytes("2"), {}), PutResult::created);
    }
}

TEST_P(LockSuite, WhatSomebodyRemovedIsBroughtBack) {
    for (const BucketKind kind : GetParam().keeping) {
        const auto storage = open(kind);
        ASSERT_EQ(storage->put(name_, as_bytes("content"), {}), PutResult::created);
        ASSERT_EQ(storage->put(ObjectName("config"), as_bytes("config"), {}), PutResult::created);
        place_->remove_by_hand(kind, name_);
        place_->remove_by_hand(kind, name_);
        EXPECT_FALSE(is_listed(*storage, name_));
        EXPECT_EQ(removed(*storage), std::vector<std::string>{name_.text()});
        storage->protection()->bring_back(name_, {});
        EXPECT_EQ(as_text(storage->get(name_, {}).value()), "content");
        EXPECT_EQ(removed(*storage), nothing_);
        EXPECT_NO_THROW(storage->protection()->bring_back(name_, {}));
        EXPECT_NO_THROW(storage->protection()->bring_back(ObjectName("absent"), {}));
        EXPECT_TRUE(is_listed(*storage, name_));
        EXPECT_EQ(as_text(storage->get(name_, {}).value()), "content");
        storage->remove(name_, {});
        EXPECT_EQ(removed(*storage), nothing_) << "what had been brought back was removed by us";
    }
}

/// More than fit on a page of any of these servers.
TEST_P(LockSuite, AllThatSomebodyRemovedIsListed) {
    const auto storage = open(BucketKind::versioned);
    std::vector<std::string> names;
    for (int number = 100; number < 150; ++number) {
        names.push_back("packs/" + std::to_string(number));
        ASSERT_EQ(storage->put(ObjectName(names.back()), as_bytes("x"), {}), PutResult::created);
        place_->remove_by_hand(BucketKind::versioned, ObjectName(names.back()));
    }
    EXPECT_EQ(removed(*storage), names);
    std::size_t below = 0;
    storage->protection()->list_removed(ObjectPrefix("manifests"),
                                        [&below](const ObjectInfo&) { ++below; }, {});
    EXPECT_EQ(below, 0U);
}

inline void PrintTo(const LockCase& tested, std::ostream* out) { *out << tested.name; }

inline std::string lock_case_name(const testing::TestParamInfo<LockCase>& info) {
    return info.param.name;
}

}  // namespace dbbackup
