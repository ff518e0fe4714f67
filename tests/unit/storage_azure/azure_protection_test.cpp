/// @file
/// What is sent to lock, to remove and to bring back, and what is made of answers that no stand-in
/// gives. What a container does is in tests/conformance.

#include "base/error.hpp"
#include "storage/azure/azure_error.hpp"
#include "storage/azure/azure_storage.hpp"
#include "storage/object_protection.hpp"
#include "support/fake_clock.hpp"
#include "support/http_server.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace dbbackup {
namespace {

class AzureProtectionTest : public testing::Test {
protected:
    std::unique_ptr<Storage> open(const std::string& more = {}) {
        ObjectRules rules;
        rules.is_lasting = [](const ObjectName& name) { return name.text() != "sign"; };
        return make_azure_storage(
            StorageUrl::parse(
                fmt::format("az://backups/p?endpoint={}&account=shop{}", server_.url(), more)),
            [this](const char* name) {
                const auto found = environment_.find(name);
                return found == environment_.end() ? std::nullopt : std::optional(found->second);
            },
            clock_, std::move(rules));
    }

    /// "PUT /backups/p/x?comp=metadata", without signatures.
    std::vector<std::string> asked() const {
        std::vector<std::string> all;
        for (const SeenRequest& each : server_.seen()) {
            all.push_back(fmt::format("{} {}", each.method, each.target));
        }
        return all;
    }

    FakeClock clock_;
    std::map<std::string, std::string> environment_ = {{"AZURE_STORAGE_KEY", "a2V5"}};
    HttpServer::Answer answer_;
    HttpServer server_{[this](const SeenRequest& request) { return answer_(request); }};
};

TEST_F(AzureProtectionTest, WhatLastsIsLockedWhenItIsStored) {
    answer_ = [](const SeenRequest& request) {
        return request.method == "PUT"
                   ? HttpAnswer{201, {}, ""}
                   : HttpAnswer{
                         200,
                         {{"x-ms-immutability-policy-until-date", "Tue, 22 Dec 2026 14:00:00 GMT"}},
                         ""};
    };
    const auto storage = open("&object_lock=compliance:30");
    EXPECT_EQ(storage->capabilities().lock, std::chrono::days(30));
    for (const char* name : {"config", "packs/a", "sign"}) {
        EXPECT_EQ(storage->put(ObjectName(name), as_bytes("1"), {}), PutResult::created);
    }
    EXPECT_EQ(asked(), (std::vector<std::string>{"PUT /backups/p/config", "HEAD /backups/p/config",
                                                 "PUT /backups/p/packs/a", "PUT /backups/p/sign"}))
        << "the first one is looked at";
    const std::vector<SeenRequest> seen = server_.seen();
    EXPECT_EQ(seen[2].headers.at("x-ms-immutability-policy-until-date"),
              "Tue, 22 Dec 2026 14:00:00 GMT");
    EXPECT_EQ(seen[2].headers.at("x-ms-immutability-policy-mode"), "Locked");
    EXPECT_FALSE(seen[3].headers.contains("x-ms-immutability-policy-mode"));
}

/// It takes the blob all the same, which must not stay.
TEST_F(AzureProtectionTest, AServerThatIgnoresLocksIsRefused) {
    answer_ = [](const SeenRequest& request) {
        return HttpAnswer{request.method == "PUT"      ? 201
                          : request.method == "DELETE" ? 202
                                                       : 200,
                          {},
                          ""};
    };
    try {
        open("&object_lock=governance:30")->put(ObjectName("config"), as_bytes("1"), {});
        ADD_FAILURE() << "nothing was thrown";
    } catch (const StorageError& error) {
        EXPECT_EQ(error.code(), "object_lock_missing");
        EXPECT_NE(error.hint().find("'backups'"), std::string::npos) << error.hint();
    }
    EXPECT_EQ(asked().back(), "DELETE /backups/p/config");
}

/// That it is kept shows when it is gone.
TEST_F(AzureProtectionTest, TheFirstDeletedBlobIsBroughtBackForItsMark) {
    answer_ = [](const SeenRequest& request) {
        return request.method == "DELETE"
                   ? HttpAnswer{202, {{"x-ms-delete-type-permanent", "false"}}, ""}
                   : HttpAnswer{200, {{"x-ms-meta-dbbackupupload", "7"}}, ""};
    };
    const auto storage = open();
    storage->remove(ObjectName("x"), {});
    storage->remove(ObjectName("y"), {});
    EXPECT_EQ(asked(),
              (std::vector<std::string>{
                  "HEAD /backups/p/x", "DELETE /backups/p/x", "PUT /backups/p/x?comp=undelete",
                  "PUT /backups/p/x?comp=metadata", "DELETE /backups/p/x", "HEAD /backups/p/y",
                  "PUT /backups/p/y?comp=metadata", "DELETE /backups/p/y"}));
    const SeenRequest mark = server_.seen().at(3);
    EXPECT_EQ(mark.headers.at("x-ms-meta-dbbackupremoved"), "yes");
    EXPECT_EQ(mark.headers.at("x-ms-meta-dbbackupupload"), "7") << "the rest stays";
}

TEST_F(AzureProtectionTest, WithoutThePermissionItGoesUnmarked) {
    answer_ = [](const SeenRequest& request) {
        return request.method == "DELETE"
                   ? HttpAnswer{202, {{"x-ms-delete-type-permanent", "false"}}, ""}
               : request.method == "PUT"
                   ? HttpAnswer{403, {{"x-ms-error-code", "AuthorizationPermissionMismatch"}}, ""}
               : request.target.ends_with("/x") ? HttpAnswer{404, {}, ""}
                                                : HttpAnswer{200, {}, ""};
    };
    const auto storage = open();
    storage->remove(ObjectName("y"), {});
    storage->remove(ObjectName("z"), {});
    EXPECT_EQ(asked().back(), "DELETE /backups/p/z");
    EXPECT_EQ(asked().at(asked().size() - 2), "HEAD /backups/p/z") << "nobody asks twice";
}

/// What it is written with may read it, too, and is told to nobody else.
TEST_F(AzureProtectionTest, ACopyNamesItsSourceAsItIsAuthorized) {
    answer_ = [](const SeenRequest& request) {
        return request.method == "PUT" ? HttpAnswer{202, {{"x-ms-copy-status", "success"}}, ""}
                                       : HttpAnswer{200, {}, R"(<EnumerationResults><Blobs>
            <Blob><Name>p/x</Name><VersionId>2026-11-22T14:00:00.1Z</VersionId></Blob>
            <Blob><Name>p/x</Name><VersionId>2026-11-22T14:00:00.2Z</VersionId></Blob>
            </Blobs><NextMarker/></EnumerationResults>)"};
    };
    const std::string source = server_.url() + "/backups/p/x?versionid=2026-11-22T14%3A00%3A00.1Z";
    open()->protection()->bring_back(ObjectName("x"), {});
    environment_ = {{"AZURE_STORAGE_SAS_TOKEN", "sp=rcl&sig=hunter2"}};
    open()->protection()->bring_back(ObjectName("x"), {});
    const std::vector<SeenRequest> seen = server_.seen();
    ASSERT_EQ(seen.size(), 4U);
    EXPECT_EQ(seen[1].headers.at("x-ms-copy-source"), source) << "the oldest is what we stored";
    EXPECT_EQ(seen[1].headers.at("if-none-match"), "*");
    EXPECT_EQ(seen[3].headers.at("x-ms-copy-source"), source + "&sp=rcl&sig=hunter2");
}

/// A copy of some size may take its time: whoever persists asks again.
TEST_F(AzureProtectionTest, ACopyIsWaitedFor) {
    answer_ = [](const SeenRequest& request) {
        return request.method == "PUT" ? HttpAnswer{202, {{"x-ms-copy-status", "pending"}}, ""}
                                       : HttpAnswer{200, {}, R"(<EnumerationResults><Blobs>
            <Blob><Name>p/x</Name><VersionId>1</VersionId></Blob>
            </Blobs><NextMarker/></EnumerationResults>)"};
    };
    const auto storage = open();
    const auto retry = [&storage] {
        try {
            storage->protection()->bring_back(ObjectName("x"), {});
        } catch (const StorageError& error) {
            return error.retry();
        }
        return Retry::never;
    };
    EXPECT_EQ(retry(), Retry::may_help);
    answer_ = [](const SeenRequest& request) {
        return request.method == "HEAD" ? HttpAnswer{200, {{"x-ms-copy-status", "pending"}}, ""}
                                        : HttpAnswer{200, {}, R"(<EnumerationResults><Blobs>
            <Blob><Name>p/x</Name><VersionId>2</VersionId><IsCurrentVersion>true</IsCurrentVersion>
            </Blob></Blobs><NextMarker/></EnumerationResults>)"};
    };
    EXPECT_EQ(retry(), Retry::may_help);
}

TEST(AzureLock, IsToldFromOtherConflicts) {
    const auto is_lock = [](int status, const char* code) {
        AzureRefusal refusal;
        refusal.status = status;
        refusal.code = code;
        return is_about_azure_lock(refusal);
    };
    EXPECT_TRUE(is_lock(409, "BlobImmutableDueToPolicy"));
    EXPECT_TRUE(is_lock(409, "BlobImmutableDueToLegalHold"));
    EXPECT_FALSE(is_lock(409, "SnapshotsPresent"));
    EXPECT_FALSE(is_lock(403, "AuthorizationFailure"));
}

}  // namespace
}  // namespace dbbackup
