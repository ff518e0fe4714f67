/// @file
/// What is sent to lock and to remove, and what is made of answers that no stand-in gives. What a
/// bucket does is in tests/conformance.

#include "base/error.hpp"
#include "storage/gcs/gcs_error.hpp"
#include "storage/gcs/gcs_object.hpp"
#include "storage/gcs/gcs_storage.hpp"
#include "storage/object_protection.hpp"
#include "support/fake_clock.hpp"
#include "support/http_server.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

class GcsProtectionTest : public testing::Test {
protected:
    std::unique_ptr<Storage> open(const std::string& query = {}) {
        ObjectRules rules;
        rules.is_lasting = [](const ObjectName& name) { return name.text() != "sign"; };
        return make_gcs_storage(
            StorageUrl::parse("gs://shop/a" + query),
            [this](const char* name) {
                return std::string_view(name) == "STORAGE_EMULATOR_HOST"
                           ? std::optional(server_.url())
                           : std::nullopt;
            },
            clock_, std::move(rules));
    }

    /// "GET /storage/v1/b/shop", without the query.
    std::vector<std::string> asked() const {
        std::vector<std::string> all;
        for (const SeenRequest& each : server_.seen()) {
            all.push_back(
                fmt::format("{} {}", each.method, each.target.substr(0, each.target.find('?'))));
        }
        return all;
    }

    static HttpAnswer refusal(int status, const std::string& reason, const std::string& message) {
        return {status,
                {},
                fmt::format(R"({{"error": {{"message": "{0}", "errors": [
            {{"reason": "{1}", "message": "{0}"}}]}}}})",
                            message, reason)};
    }

    FakeClock clock_;
    HttpServer::Answer answer_;
    HttpServer server_{[this](const SeenRequest& request) { return answer_(request); }};
};

TEST_F(GcsProtectionTest, WhatLastsIsLockedWhenItIsStored) {
    answer_ = [](const SeenRequest&) {
        return HttpAnswer{200, {}, R"({"retention": {"mode": "Locked"}})"};
    };
    const auto storage = open("?object_lock=compliance:30");
    EXPECT_EQ(storage->capabilities().lock, std::chrono::days(30));
    EXPECT_EQ(storage->put(ObjectName("config"), as_bytes("1"), {}), PutResult::created);
    EXPECT_EQ(storage->put(ObjectName("sign"), as_bytes("1"), {}), PutResult::created);
    const std::vector<SeenRequest> seen = server_.seen();
    ASSERT_EQ(seen.size(), 2U);
    const std::string told =
        R"("retention":{"mode":"Locked","retainUntilTime":"2026-12-22T14:00:00Z"})";
    EXPECT_NE(seen[0].body.find(told), std::string::npos) << seen[0].body;
    EXPECT_TRUE(seen[0].target.ends_with("&fields=generation%2Cretention")) << seen[0].target;
    EXPECT_EQ(seen[1].body.find("retention"), std::string::npos);
    EXPECT_TRUE(seen[1].target.ends_with("&fields=generation")) << seen[1].target;
}

/// It takes the object all the same, which must not stay.
TEST_F(GcsProtectionTest, AServerThatIgnoresLocksIsRefused) {
    answer_ = [](const SeenRequest&) { return HttpAnswer{200, {}, R"({"generation": "1"})"}; };
    try {
        open("?object_lock=governance:30")->put(ObjectName("config"), as_bytes("1"), {});
        ADD_FAILURE() << "nothing was thrown";
    } catch (const StorageError& error) {
        EXPECT_EQ(error.code(), "object_lock_missing");
        EXPECT_NE(error.hint().find("'shop'"), std::string::npos) << error.hint();
    }
    EXPECT_EQ(asked().back(), "DELETE /storage/v1/b/shop/o/a%2Fconfig");
}

TEST_F(GcsProtectionTest, APlainBucketIsAskedOnce) {
    answer_ = [](const SeenRequest&) { return HttpAnswer{200, {}, "{}"}; };
    const auto storage = open();
    storage->remove(ObjectName("x"), {});
    storage->remove(ObjectName("y"), {});
    EXPECT_EQ(asked(), (std::vector<std::string>{"GET /storage/v1/b/shop",
                                                 "DELETE /storage/v1/b/shop/o/a%2Fx",
                                                 "DELETE /storage/v1/b/shop/o/a%2Fy"}));
}

TEST_F(GcsProtectionTest, WhoMayNotReadTheBucketLooksForGenerations) {
    answer_ = [](const SeenRequest& request) {
        if (request.method == "GET" && request.target.find("/o") == std::string::npos) {
            return refusal(403, "forbidden", "no storage.buckets.get access");
        }
        if (request.target.find("softDeleted=true") != std::string::npos) {
            return refusal(400, "invalid", "Soft delete policy is required.");
        }
        if (request.method == "GET") {
            return HttpAnswer{200, {}, R"({"items": [
                {"name": "a/x", "generation": "7", "timeDeleted": "2026-11-22T14:00:00Z"},
                {"name": "a/x", "generation": "8"},
                {"name": "a/xy", "generation": "9"}]})"};
        }
        return HttpAnswer{204, {}, ""};
    };
    open()->remove(ObjectName("x"), {});
    const std::vector<SeenRequest> seen = server_.seen();
    ASSERT_EQ(seen.size(), 5U);
    EXPECT_EQ(seen[3].target, "/storage/v1/b/shop/o/a%2Fx?generation=7");
    EXPECT_EQ(seen[4].target, "/storage/v1/b/shop/o/a%2Fx?generation=8") << "the newest goes last";
}

/// Or what another removes later would be taken for ours.
TEST_F(GcsProtectionTest, AMarkIsTakenBackFromWhatIsLocked) {
    answer_ = [](const SeenRequest& request) {
        if (request.method == "DELETE") {
            return refusal(403, "forbidden",
                           "Object 'shop/a/x' is under active Temporary hold and cannot be "
                           "deleted, overwritten or archived until hold is removed.");
        }
        return HttpAnswer{
            200, {}, R"({"softDeletePolicy": {"retentionDurationSeconds": "604800"}})"};
    };
    try {
        open()->remove(ObjectName("x"), {});
        ADD_FAILURE() << "nothing was thrown";
    } catch (const StorageError& error) {
        EXPECT_EQ(error.code(), kObjectLocked);
    }
    std::vector<std::string> changes;
    for (const SeenRequest& each : server_.seen()) {
        if (each.method == "PATCH") {
            changes.push_back(each.body);
        }
    }
    EXPECT_EQ(changes, (std::vector<std::string>{R"({"metadata":{"db-backup-removed":"yes"}})",
                                                 R"({"metadata":{"db-backup-removed":null}})"}));
}

TEST_F(GcsProtectionTest, WithoutThePermissionItGoesUnmarked) {
    answer_ = [](const SeenRequest& request) {
        if (request.method == "PATCH") {
            return refusal(403, "forbidden", "no storage.objects.update access");
        }
        return HttpAnswer{
            200, {}, R"({"softDeletePolicy": {"retentionDurationSeconds": "604800"}})"};
    };
    EXPECT_NO_THROW(open()->remove(ObjectName("x"), {}));
    EXPECT_EQ(asked().back(), "DELETE /storage/v1/b/shop/o/a%2Fx");
}

/// As Google answers (retention) and as others saw it answer (holds).
TEST(GcsLock, IsToldFromAMissingPermission) {
    EXPECT_TRUE(is_about_gcs_lock({403, "retentionPolicyNotMet", "Object 'b/o' is subject to"}));
    EXPECT_TRUE(is_about_gcs_lock({403, "objectUnderActiveHold", ""}));
    EXPECT_TRUE(is_about_gcs_lock(
        {403, "forbidden", "Object 'b/o' is under active Event-Based hold and cannot be deleted"}));
    EXPECT_FALSE(is_about_gcs_lock(
        {403, "forbidden", "x does not have storage.objects.delete access to the object."}));
    EXPECT_FALSE(is_about_gcs_lock({400, "retentionPolicyNotMet", ""}));
}

TEST(GcsLock, EndsWithTheLaterOfBoth) {
    const auto end_of = [](const char* text) {
        return gcs_retention_end(nlohmann::json::parse(text));
    };
    EXPECT_EQ(end_of("{}"), std::nullopt);
    const auto later = end_of(R"({"retentionExpirationTime": "2026-11-22T15:00:00.5Z"})");
    ASSERT_TRUE(later);
    EXPECT_EQ(end_of(R"({"retentionExpirationTime": "2026-11-22T14:00:00Z",
                         "retention": {"mode": "Unlocked",
                                       "retainUntilTime": "2026-11-22T15:00:00Z"}})"),
              later);
    EXPECT_EQ(end_of(R"({"retention": {"retainUntilTime": 7}})"), std::nullopt);
}

/// What is kept of what `prune` removed itself would stop the next one.
TEST_F(GcsProtectionTest, WhatIsKeptForATimeSaysNothingOfWhoRemovedIt) {
    const std::string versions = R"("versioning": {"enabled": true})";
    const std::string soft = R"("softDeletePolicy": {"retentionDurationSeconds": "604800"})";
    const std::vector<std::pair<std::string, bool>> cases = {
        {"{}", false},
        {"{" + soft + "}", false},
        {"{" + versions + ", " + soft + "}", false},
        {"{" + versions + "}", true},
    };
    answer_ = [&cases, asked = std::size_t{0}](const SeenRequest&) mutable {
        return HttpAnswer{200, {}, cases.at(asked++).first};
    };
    for (const auto& [bucket, is_told] : cases) {
        EXPECT_EQ(open()->protection()->keeps_removed({}), is_told) << bucket;
    }
}

}  // namespace
}  // namespace dbbackup
