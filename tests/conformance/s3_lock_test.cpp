/// @file
/// Buckets that keep versions and locks, on real servers that speak S3.

#include "base/error.hpp"
#include "conformance/s3_server.hpp"
#include "storage/object_protection.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace dbbackup {
namespace {

using std::chrono::seconds;

constexpr const char* kVersioned = "versioned";
constexpr const char* kLockable = "lockable";

std::chrono::sys_seconds now() {
    return std::chrono::floor<seconds>(std::chrono::system_clock::now());
}

std::string code_of_removal(Storage& storage, const ObjectName& name) {
    try {
        storage.remove(name, {});
    } catch (const StorageError& error) {
        EXPECT_EQ(error.retry(), Retry::never) << error.what();
        EXPECT_FALSE(error.hint().empty()) << error.what();
        return error.code();
    }
    return "";
}

class S3Locks : public testing::Test {
protected:
    void SetUp() override {
        server_.make_bucket(kVersioned, BucketKind::versioned);
        server_.make_bucket(kLockable, BucketKind::lockable);
    }

    std::unique_ptr<Storage> open(const std::string& bucket, const std::string& more = {},
                                  ObjectRules rules = {}) {
        return server_.open(server_.url(fmt::format("{}/{}", bucket, place_), more),
                            std::move(rules));
    }

    /// As somebody with another program does it.
    void remove_by_hand(const std::string& bucket, const ObjectName& name) {
        const int status =
            server_.send({"DELETE", fmt::format("{}/{}/{}", bucket, place_, name.text())});
        ASSERT_EQ(status, http_status::no_content);
    }

    static std::vector<std::string> removed(Storage& storage) {
        std::vector<std::string> names;
        storage.protection()->list_removed(
            [&names](const ObjectInfo& info) { names.push_back(info.name.text()); }, {});
        return names;
    }

    static bool is_listed(Storage& storage, const ObjectName& name) {
        bool found = false;
        storage.list({}, [&](const ObjectInfo& info) { found = found || info.name == name; }, {});
        return found;
    }

    S3Server server_{"versitygw"};
    std::string place_ = to_hex(random_bytes(8)) + "/r";
    ObjectName name_{"packs/ab/c"};
};

TEST_F(S3Locks, WhatIsLockedStaysAsItIs) {
    const auto storage = open(
        kLockable, "&object_lock=governance:1",
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

TEST_F(S3Locks, ALockGrowsAndEnds) {
    const auto storage = open(kLockable);
    ASSERT_EQ(storage->put(name_, as_bytes("content"), {}), PutResult::created);
    ObjectProtection& protection = *storage->protection();
    EXPECT_EQ(protection.locked_until(name_, {}), std::nullopt);
    const auto end = now() + seconds(2);
    protection.lock_until(name_, end, {});
    EXPECT_NO_THROW(protection.lock_until(name_, end - seconds(1), {})) << "it is longer already";
    EXPECT_EQ(protection.locked_until(name_, {}), end);
    EXPECT_EQ(code_of_removal(*storage, name_), kObjectLocked);
    while (protection.locked_until(name_, {})) {
        RetryEnvironment::system().wait(std::chrono::milliseconds(100), {});
    }
    EXPECT_EQ(code_of_removal(*storage, name_), "");
    EXPECT_EQ(removed(*storage), std::vector<std::string>());
    EXPECT_EQ(storage->put(name_, as_bytes("again"), {}), PutResult::created);
    EXPECT_NO_THROW(protection.lock_until(ObjectName("absent"), now() + std::chrono::hours(1), {}));
}

TEST_F(S3Locks, ABucketWithoutLocksIsRefused) {
    const auto storage = open(kVersioned, "&object_lock=compliance:30");
    const auto [code, hint] = refusal_of_put(*storage);
    EXPECT_EQ(code, "object_lock_missing");
    EXPECT_NE(hint.find(kVersioned), std::string::npos) << hint;
}

TEST_F(S3Locks, ARemovalLeavesNoVersionBehind) {
    const auto storage = open(kVersioned);
    const ObjectName longer("packs/ab/cd");  // Its key begins with the other one.
    ASSERT_EQ(storage->put(longer, as_bytes("stays"), {}), PutResult::created);
    ASSERT_EQ(storage->put(name_, as_bytes("1"), {}), PutResult::created);
    ASSERT_EQ(server_.send({"PUT", fmt::format("{}/{}/{}", kVersioned, place_, name_.text())}),
              http_status::ok);
    storage->remove(name_, {});
    EXPECT_FALSE(is_listed(*storage, name_));
    EXPECT_EQ(removed(*storage), std::vector<std::string>());
    EXPECT_EQ(storage->get(name_, {}), std::nullopt);
    EXPECT_TRUE(is_listed(*storage, longer));
    storage->remove(name_, {});
    EXPECT_EQ(storage->put(name_, as_bytes("2"), {}), PutResult::created);
}

TEST_F(S3Locks, WhatSomebodyRemovedIsBroughtBack) {
    const auto storage = open(kVersioned);
    ASSERT_EQ(storage->put(name_, as_bytes("content"), {}), PutResult::created);
    ASSERT_EQ(storage->put(ObjectName("config"), as_bytes("config"), {}), PutResult::created);
    remove_by_hand(kVersioned, name_);
    remove_by_hand(kVersioned, name_);
    EXPECT_FALSE(is_listed(*storage, name_));
    EXPECT_EQ(removed(*storage), std::vector<std::string>{name_.text()});
    storage->protection()->bring_back(name_, {});
    EXPECT_EQ(as_text(storage->get(name_, {}).value()), "content");
    EXPECT_EQ(removed(*storage), std::vector<std::string>());
    EXPECT_NO_THROW(storage->protection()->bring_back(name_, {}));
    EXPECT_NO_THROW(storage->protection()->bring_back(ObjectName("absent"), {}));
    EXPECT_TRUE(is_listed(*storage, name_));
}

}  // namespace
}  // namespace dbbackup
