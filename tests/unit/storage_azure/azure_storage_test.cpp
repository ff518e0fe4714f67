/// @file
/// What a real server does not show, or not always: tokens that end, pages of listings, whoever may
/// only create. A server stands in that answers as Azure documents it.

#include "storage/azure/azure_storage.hpp"

#include "base/error.hpp"
#include "support/fake_clock.hpp"
#include "support/http_server.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace dbbackup {
namespace {

class AzureStorageTest : public testing::Test {
protected:
    std::unique_ptr<Storage> open(const std::string& endpoint) {
        return make_azure_storage(
            StorageUrl::parse(fmt::format("az://backups/p?endpoint={}&account=shop", endpoint)),
            [this](const char* name) {
                const auto found = environment_.find(name);
                return found == environment_.end() ? std::nullopt : std::optional(found->second);
            },
            clock_);
    }

    static HttpAnswer refusal(int status, const std::string& code) {
        return {status, {{"x-ms-error-code", code}}, ""};
    }

    FakeClock clock_;
    std::map<std::string, std::string> environment_ = {
        {"AZURE_STORAGE_SAS_TOKEN", "se=2026-11-22T13:00:00Z&sig=hunter2"}};
};

TEST_F(AzureStorageTest, ASignatureIsPartOfTheUrlAndOfNoMessage) {
    HttpServer server([](const SeenRequest&) { return refusal(403, "AuthorizationFailure"); });
    const auto storage = open(server.url());
    try {
        storage->list({}, [](const ObjectInfo&) {}, {});
        ADD_FAILURE() << "nothing was thrown";
    } catch (const StorageError& error) {
        EXPECT_EQ(error.code(), "credentials_expired") << "it says so itself";
        EXPECT_EQ((error.what() + error.hint()).find("hunter2"), std::string::npos);
    }
    EXPECT_EQ(storage->url(), "az://backups/p");
    const SeenRequest seen = server.seen().at(0);
    EXPECT_EQ(
        seen.target,
        "/backups?restype=container&comp=list&prefix=p%2F&se=2026-11-22T13:00:00Z&sig=hunter2");
    EXPECT_EQ(seen.headers.count("authorization"), 0U);
    EXPECT_EQ(seen.headers.at("x-ms-version"), "2021-12-02");
    EXPECT_EQ(seen.headers.at("x-ms-date"), "Sun, 22 Nov 2026 14:00:00 GMT");
}

TEST_F(AzureStorageTest, ASignatureIsNotSentInTheClear) {
    try {
        (void)open("http://127.0.0.2:1")->get(ObjectName("a"), {});
        ADD_FAILURE() << "nothing was thrown";
    } catch (const ConfigError& error) {
        EXPECT_EQ(error.code(), "bad_repository_url");
    }
}

TEST_F(AzureStorageTest, ATokenThatHasEndedIsAskedForOnceMore) {
    int tokens = 0;
    std::string accepted = "Bearer t2";
    HttpServer server([&](const SeenRequest& seen) {
        if (seen.target.starts_with("/metadata/")) {
            ++tokens;
            return HttpAnswer{200,
                              {},
                              fmt::format(R"({{"access_token": "t{}",
                                                        "expires_on": "1795390000"}})",
                                          tokens)};
        }
        return seen.headers.at("authorization") == accepted
                   ? HttpAnswer{200, {}, "content"}
                   : refusal(401, "InvalidAuthenticationInfo");
    });
    environment_ = {{"AZURE_POD_IDENTITY_AUTHORITY_HOST", server.url()}};
    const auto storage = open(server.url());
    EXPECT_EQ(as_text(storage->get(ObjectName("a"), {}).value()), "content");
    EXPECT_EQ(tokens, 2);
    accepted = "nothing";
    try {
        (void)storage->get(ObjectName("a"), {});
        ADD_FAILURE() << "nothing was thrown";
    } catch (const StorageError& error) {
        EXPECT_EQ(error.code(), "credentials_refused");
    }
    EXPECT_EQ(tokens, 3) << "once more, not for ever";
}

TEST_F(AzureStorageTest, AListingIsReadPageByPage) {
    const auto page = [](const std::string& name, const std::string& marker) {
        return HttpAnswer{200,
                          {},
                          fmt::format("<EnumerationResults><Blobs><Blob><Name>{}</Name>"
                                      "<Properties><Content-Length>7</Content-Length>"
                                      "</Properties></Blob></Blobs><NextMarker>{}"
                                      "</NextMarker></EnumerationResults>",
                                      name, marker)};
    };
    HttpServer server([&page](const SeenRequest& seen) {
        if (seen.target.find("marker=a%2Fb%3D") != std::string::npos) {
            return page("p/packs/No Object", "c");
        }
        return seen.target.find("marker=c") != std::string::npos ? page("p/packs/3", "")
                                                                 : page("p/packs/1", "a/b=");
    });
    std::vector<std::string> names;
    open(server.url())
        ->list(ObjectPrefix("packs"),
               [&names](const ObjectInfo& info) {
                   names.push_back(info.name.text());
                   EXPECT_EQ(info.size_bytes, 7U);
               },
               {});
    EXPECT_EQ(names, (std::vector<std::string>{"packs/1", "packs/3"}));
    EXPECT_EQ(server.seen().size(), 3U);
}

TEST_F(AzureStorageTest, AListingThatNeverEndsIsNone) {
    HttpServer server([](const SeenRequest&) {
        return HttpAnswer{200,
                          {},
                          "<EnumerationResults><Blobs/><NextMarker>again</NextMarker>"
                          "</EnumerationResults>"};
    });
    EXPECT_THROW(open(server.url())->list(ObjectPrefix("packs"), [](const ObjectInfo&) {}, {}),
                 StorageError);
    EXPECT_EQ(server.seen().size(), 2U);
}

TEST_F(AzureStorageTest, WhoMayOnlyCreateLearnsThatANameIsTaken) {
    int head = 200;
    HttpServer server([&head](const SeenRequest& seen) {
        return seen.method == "HEAD" ? HttpAnswer{head, {}, ""}
                                     : refusal(403, "AuthorizationPermissionMismatch");
    });
    const auto storage = open(server.url());
    EXPECT_EQ(storage->put(ObjectName("a"), as_bytes("a"), {}), PutResult::exists);
    head = 404;
    EXPECT_THROW((void)storage->put(ObjectName("a"), as_bytes("a"), {}), StorageError);
}

TEST_F(AzureStorageTest, APutIsOneThatNeverOverwritesAndIsChecked) {
    HttpServer server(HttpAnswer{201, {}, ""});
    const auto storage = open(server.url());
    EXPECT_EQ(storage->put(ObjectName("a"), as_bytes("abc"), {}), PutResult::created);
    const SeenRequest seen = server.seen().at(0);
    EXPECT_EQ(seen.headers.at("if-none-match"), "*");
    EXPECT_EQ(seen.headers.at("x-ms-blob-type"), "BlockBlob");
    EXPECT_EQ(seen.headers.at("content-md5"), "kAFQmDzST7DWlj99KOF/cg==");
    for (const auto& [status, code] :
         {std::pair(409, "BlobAlreadyExists"), std::pair(412, "ConditionNotMet")}) {
        server.answer_with(refusal(status, code));
        EXPECT_EQ(storage->put(ObjectName("a"), {}, {}), PutResult::exists) << code;
    }
    server.answer_with(refusal(409, "ContainerBeingDeleted"));
    EXPECT_THROW((void)storage->put(ObjectName("a"), {}, {}), StorageError);
    server.answer_with(refusal(200, ""));
    EXPECT_THROW((void)storage->put(ObjectName("a"), {}, {}), StorageError) << "it is no 201";
}

TEST_F(AzureStorageTest, AMissingContainerIsNoMissingObject) {
    HttpServer server([](const SeenRequest&) { return refusal(404, "ContainerNotFound"); });
    const auto storage = open(server.url());
    EXPECT_THROW((void)storage->get(ObjectName("a"), {}), StorageError);
    EXPECT_THROW((void)storage->size_bytes(ObjectName("a"), {}), StorageError);
    EXPECT_THROW(storage->remove(ObjectName("a"), {}), StorageError);
}

TEST_F(AzureStorageTest, AllIsInTheScopeAndPacksAreInTheTier) {
    const HttpServer server([](const SeenRequest&) { return HttpAnswer{201, {}, ""}; });
    ObjectRules rules;
    rules.is_bulk = [](const ObjectName& name) { return name.text().starts_with("packs/"); };
    const auto storage = make_azure_storage(
        StorageUrl::parse(fmt::format(
            "az://backups/p?endpoint={}&account=shop&encryption_scope=ours&access_tier=Cool",
            server.url())),
        [this](const char* name) {
            const auto found = environment_.find(name);
            return found == environment_.end() ? std::nullopt : std::optional(found->second);
        },
        clock_, std::move(rules));
    EXPECT_EQ(storage->put(ObjectName("packs/a"), as_bytes("1"), {}), PutResult::created);
    EXPECT_EQ(storage->put(ObjectName("config"), as_bytes("1"), {}), PutResult::created);
    const std::vector<SeenRequest> seen = server.seen();
    EXPECT_EQ(seen.at(0).headers.at("x-ms-encryption-scope"), "ours");
    EXPECT_EQ(seen.at(0).headers.at("x-ms-access-tier"), "Cool");
    EXPECT_EQ(seen.at(1).headers.at("x-ms-encryption-scope"), "ours");
    EXPECT_EQ(seen.at(1).headers.count("x-ms-access-tier"), 0U);
}

}  // namespace
}  // namespace dbbackup
