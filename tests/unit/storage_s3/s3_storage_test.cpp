/// @file
/// What a real server does not show, or not always: the headers that it was sent, keys that may do
/// little, servers that say it otherwise. A server stands in that answers as Amazon documents it.

#include "storage/s3/s3_storage.hpp"

#include "base/error.hpp"
#include "base/guarded.hpp"
#include "storage/object_protection.hpp"
#include "support/fake_clock.hpp"
#include "support/http_server.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace dbbackup {
namespace {

constexpr const char* kDenied =
    "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";

class S3StorageTest : public testing::Test {
protected:
    std::unique_ptr<Storage> open(const HttpServer& server, const std::string& more = {}) {
        ObjectRules rules;
        rules.is_lasting = [](const ObjectName& name) { return !name.text().starts_with("runs/"); };
        rules.is_bulk = [](const ObjectName& name) { return name.text().starts_with("packs/"); };
        return make_s3_storage(
            StorageUrl::parse(fmt::format("s3://backups/p?endpoint={}{}", server.url(), more)),
            [this](const char* name) {
                const auto found = environment_.find(name);
                return found == environment_.end() ? std::nullopt : std::optional(found->second);
            },
            clock_, std::move(rules));
    }

    /// The headers that come with a put of the object.
    std::map<std::string, std::string> put(const std::string& name, const std::string& more) {
        const HttpServer server(
            [](const SeenRequest&) { return HttpAnswer{200, {{"etag", "\"0\""}}, ""}; });
        EXPECT_EQ(open(server, more)->put(ObjectName(name), as_bytes("content"), {}),
                  PutResult::created);
        return server.seen().at(0).headers;
    }

    FakeClock clock_;
    std::map<std::string, std::string> environment_ = {{"AWS_ACCESS_KEY_ID", "key"},
                                                       {"AWS_SECRET_ACCESS_KEY", "secret"}};
};

TEST_F(S3StorageTest, WhatLastsIsLockedFromNowOn) {
    auto headers = put("packs/a", "&object_lock=compliance:30");
    EXPECT_EQ(headers["x-amz-object-lock-mode"], "COMPLIANCE");
    EXPECT_EQ(headers["x-amz-object-lock-retain-until-date"], "2026-12-22T14:00:00Z");
    EXPECT_EQ(headers["x-amz-checksum-sha256"], "7XACtDnprIRfIjV9giusFERzD722AW0+yUMil7nsn3M=");
    EXPECT_NE(headers["authorization"].find("x-amz-object-lock-mode"), std::string::npos);
    headers = put("runs/a/0", "&object_lock=compliance:30");
    EXPECT_FALSE(headers.contains("x-amz-object-lock-mode"));
    headers = put("packs/a", "");
    EXPECT_FALSE(headers.contains("x-amz-object-lock-mode"));
    EXPECT_FALSE(headers.contains("x-amz-checksum-sha256"));
}

TEST_F(S3StorageTest, EncryptionIsOfAllAndTheClassOfPacks) {
    const std::string more = "&sse=aws:kms&kms_key=alias/backups&storage_class=STANDARD_IA";
    auto headers = put("packs/a", more);
    EXPECT_EQ(headers["x-amz-server-side-encryption"], "aws:kms");
    EXPECT_EQ(headers["x-amz-server-side-encryption-aws-kms-key-id"], "alias/backups");
    EXPECT_EQ(headers["x-amz-storage-class"], "STANDARD_IA");
    headers = put("config", more);
    EXPECT_EQ(headers["x-amz-server-side-encryption"], "aws:kms");
    EXPECT_FALSE(headers.contains("x-amz-storage-class"));
    headers = put("config", "&sse=AES256");
    EXPECT_EQ(headers["x-amz-server-side-encryption"], "AES256");
    EXPECT_FALSE(headers.contains("x-amz-server-side-encryption-aws-kms-key-id"));
}

/// A proxy's own page, a portal that wants a login: a collector would take all that is there for
/// garbage.
TEST_F(S3StorageTest, AListingThatIsNoneIsNotEmpty) {
    for (const char* body : {"", "<html><body>Log in first</body></html>", "<ListBucketResult>",
                             "<ListVersionsResult/>", "<Error><Code>SlowDown</Code></Error>",
                             "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
                             R"(<ListBucketResult><IsTruncated>true</IsTruncated>
             <NextContinuationToken>again</NextContinuationToken></ListBucketResult>)"}) {
        const HttpServer server([body](const SeenRequest&) { return HttpAnswer{200, {}, body}; });
        try {
            open(server)->list(ObjectPrefix("o"), [](const ObjectInfo&) {}, {});
            ADD_FAILURE() << "taken for a listing: " << body;
        } catch (const StorageError& error) {
            EXPECT_EQ(error.retry(), Retry::may_help) << error.what();
        }
    }
    const HttpServer empty(
        [](const SeenRequest&) { return HttpAnswer{200, {}, "<ListBucketResult/>"}; });
    EXPECT_NO_THROW(open(empty)->list(ObjectPrefix("o"), [](const ObjectInfo&) {}, {}));
}

TEST_F(S3StorageTest, VersionsThatAreNotListedAreNotGone) {
    const HttpServer server([](const SeenRequest& seen) {
        return HttpAnswer{200,
                          {},
                          seen.target.find("versioning") != std::string::npos
                              ? "<VersioningConfiguration><Status>Enabled</Status>"
                                "</VersioningConfiguration>"
                              : "<html><body>Log in first</body></html>"};
    });
    EXPECT_THROW(open(server)->remove(ObjectName("a"), {}), StorageError);
}

TEST_F(S3StorageTest, WhatAnswersAPutWithoutATagHasStoredNothing) {
    const HttpServer server([](const SeenRequest&) { return HttpAnswer{200, {}, "<html/>"}; });
    const auto storage = open(server);
    EXPECT_THROW(storage->put(ObjectName("a"), as_bytes("content"), {}), StorageError);
    const auto upload = storage->begin_upload(ObjectName("b"), {});
    upload->write(as_bytes("content"), {});
    EXPECT_THROW(upload->commit({}), StorageError);
}

TEST_F(S3StorageTest, KeysThatMayOnlyDeleteDoSo) {
    const HttpServer server([](const SeenRequest& seen) {
        return seen.method == "GET" ? HttpAnswer{403, {}, kDenied} : HttpAnswer{204, {}, ""};
    });
    const auto storage = open(server);
    storage->remove(ObjectName("a"), {});
    storage->remove(ObjectName("b"), {});
    std::vector<std::string> methods;
    for (const SeenRequest& seen : server.seen()) {
        methods.push_back(seen.method);
    }
    EXPECT_EQ(methods, (std::vector<std::string>{"GET", "DELETE", "DELETE"})) << "asked once";
}

TEST_F(S3StorageTest, AMarkThatShowsVersionsIsTakenAwayWithThem) {
    const HttpServer server([](const SeenRequest& seen) {
        if (seen.target.find("versioning") != std::string::npos) {
            return HttpAnswer{403, {}, kDenied};
        }
        if (seen.method == "GET") {
            return HttpAnswer{200,
                              {},
                              "<ListVersionsResult><DeleteMarker><Key>p/a</Key><VersionId>m"
                              "</VersionId><IsLatest>true</IsLatest></DeleteMarker><Version><Key>"
                              "p/a</Key><VersionId>v</VersionId></Version></ListVersionsResult>"};
        }
        return seen.target.find("versionId") == std::string::npos
                   ? HttpAnswer{204, {{"x-amz-delete-marker", "true"}}, ""}
                   : HttpAnswer{204, {}, ""};
    });
    open(server)->remove(ObjectName("a"), {});
    std::vector<std::string> targets;
    for (const SeenRequest& seen : server.seen()) {
        if (seen.method == "DELETE") {
            targets.push_back(seen.target);
        }
    }
    EXPECT_EQ(targets, (std::vector<std::string>{"/backups/p/a", "/backups/p/a?versionId=v",
                                                 "/backups/p/a?versionId=m"}))
        << "the mark last, so that nothing shows meanwhile";
}

/// Answers as a bucket with one version, whose removal is refused.
HttpAnswer refusal_of_version(const SeenRequest& seen, const std::string& error,
                              const std::string& until) {
    if (seen.target.find("versioning") != std::string::npos) {
        return {
            200, {}, "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"};
    }
    if (seen.method == "GET") {
        return {200,
                {},
                "<ListVersionsResult><Version><Key>p/a</Key><VersionId>v</VersionId><IsLatest>true"
                "</IsLatest></Version></ListVersionsResult>"};
    }
    if (seen.method == "HEAD") {
        return {200, {{"x-amz-object-lock-retain-until-date", until}}, ""};
    }
    return {403, {}, error};
}

std::string code_of_removal(Storage& storage) {
    try {
        storage.remove(ObjectName("a"), {});
    } catch (const StorageError& error) {
        return error.code();
    }
    return "";
}

TEST_F(S3StorageTest, TellsALockFromAMissingPermission) {
    Guarded<std::string> error{kDenied};
    Guarded<std::string> until{"2026-11-30T00:00:00.000Z"};
    const auto copy_of = [](Guarded<std::string>& text) {
        return text.with([](const std::string& held) { return held; });
    };
    const HttpServer server([&](const SeenRequest& seen) {
        return refusal_of_version(seen, copy_of(error), copy_of(until));
    });
    const auto storage = open(server);
    EXPECT_EQ(code_of_removal(*storage), kObjectLocked) << "its date is to come";
    until.with([](std::string& text) { text = "2026-11-01T00:00:00Z"; });
    EXPECT_EQ(code_of_removal(*storage), "access_denied");
    error.with([](std::string& text) {
        text =
            "<Error><Code>InvalidRequest</Code><Message>Object is WORM protected and cannot be "
            "overwritten</Message></Error>";
    });
    EXPECT_EQ(code_of_removal(*storage), kObjectLocked) << "a legal hold has no date";
}

}  // namespace
}  // namespace dbbackup
