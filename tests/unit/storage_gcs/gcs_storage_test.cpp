/// @file
/// What is sent, and what is made of answers that no test server gives. What the store does is in
/// tests/conformance.

#include "storage/gcs/gcs_storage.hpp"

#include "base/clock.hpp"
#include "base/error.hpp"
#include "support/http_server.hpp"
#include "support/temporary_folder.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <set>

namespace dbbackup {
namespace {

/// A store that answers `answer_`, and a token service beside it, for a user with credentials.
class GcsStorageTest : public testing::Test {
protected:
    std::unique_ptr<Storage> open(bool is_emulator = false) {
        const nlohmann::json user = {{"type", "authorized_user"},
                                     {"client_id", "c"},
                                     {"client_secret", "s"},
                                     {"refresh_token", "r"},
                                     {"token_uri", server_.url() + "/token"}};
        file_ = folder_.write("user.json", user.dump()).string();
        const auto variable = [this, is_emulator](const char* name) -> std::optional<std::string> {
            const std::string_view asked = name;
            if (is_emulator) {
                return asked == "STORAGE_EMULATOR_HOST" ? std::optional(server_.url())
                                                        : std::nullopt;
            }
            return asked == "GOOGLE_APPLICATION_CREDENTIALS" ? std::optional(file_) : std::nullopt;
        };
        const std::string query = is_emulator ? "" : "?endpoint=" + server_.url();
        return make_gcs_storage(StorageUrl::parse("gs://shop/a/b" + query), variable, clock_);
    }

    /// Requests to the store, without those for tokens.
    std::vector<SeenRequest> seen() const {
        std::vector<SeenRequest> all = server_.seen();
        std::erase_if(all, [](const SeenRequest& each) { return each.target == "/token"; });
        return all;
    }

    TemporaryFolder folder_;
    SystemClock clock_;
    std::string file_;
    int tokens_ = 0;
    HttpServer::Answer answer_;
    HttpServer server_{[this](const SeenRequest& request) {
        if (request.target == "/token") {
            return HttpAnswer{
                200,
                {},
                fmt::format(R"({{"access_token": "t{}", "expires_in": 3600}})", ++tokens_)};
        }
        return answer_(request);
    }};
};

TEST_F(GcsStorageTest, APutIsOneConditionalUploadWithAChecksum) {
    answer_ = [](const SeenRequest&) { return HttpAnswer{200, {}, "{}"}; };
    open()->put(ObjectName("packs/ab"), as_bytes("123456789"), {});
    ASSERT_EQ(seen().size(), 1U);
    const SeenRequest request = seen()[0];
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.target,
              "/upload/storage/v1/b/shop/o?uploadType=multipart&ifGenerationMatch=0"
              "&fields=generation");
    EXPECT_EQ(request.headers.at("authorization"), "Bearer t1");
    const std::string kind = "multipart/related; boundary=";
    ASSERT_TRUE(request.headers.at("content-type").starts_with(kind));
    const std::string boundary = "--" + request.headers.at("content-type").substr(kind.size());
    EXPECT_EQ(request.body, boundary +
                                "\r\ncontent-type: application/json\r\n\r\n"
                                R"({"crc32c":"4waSgw==","name":"a/b/packs/ab"})"
                                "\r\n" +
                                boundary +
                                "\r\ncontent-type: application/octet-stream\r\n\r\n123456789\r\n" +
                                boundary + "--\r\n");
}

TEST_F(GcsStorageTest, SlashesOfNamesAreNoPartOfThePath) {
    answer_ = [](const SeenRequest&) { return HttpAnswer{200, {}, "content"}; };
    EXPECT_EQ(as_text(open()->get(ObjectName("packs/ab"), {}).value()), "content");
    EXPECT_EQ(seen().at(0).target, "/storage/v1/b/shop/o/a%2Fb%2Fpacks%2Fab?alt=media");
}

TEST_F(GcsStorageTest, ATokenThatHasEndedIsAskedForOnceMore) {
    answer_ = [](const SeenRequest& request) {
        return request.headers.at("authorization") == "Bearer t2" ? HttpAnswer{200, {}, "x"}
                                                                  : HttpAnswer{401, {}, ""};
    };
    const auto storage = open();
    EXPECT_EQ(as_text(storage->get(ObjectName("a"), {}).value()), "x");
    EXPECT_EQ(as_text(storage->get(ObjectName("b"), {}).value()), "x");
    EXPECT_EQ(tokens_, 2);
    answer_ = [](const SeenRequest&) { return HttpAnswer{401, {}, ""}; };
    try {
        (void)storage->get(ObjectName("c"), {});
        ADD_FAILURE() << "nothing was thrown";
    } catch (const StorageError& error) {
        EXPECT_EQ(error.code(), "credentials_refused");
        EXPECT_EQ(error.retry(), Retry::never);
    }
    EXPECT_EQ(tokens_, 3) << "once more, not for ever";
}

TEST_F(GcsStorageTest, AnEmulatorGetsNoToken) {
    answer_ = [](const SeenRequest&) { return HttpAnswer{200, {}, "x"}; };
    EXPECT_TRUE(open(true)->get(ObjectName("a"), {}));
    EXPECT_FALSE(seen().at(0).headers.contains("authorization"));
    EXPECT_EQ(tokens_, 0);
}

TEST_F(GcsStorageTest, ListsPageByPageUntilThereIsNone) {
    answer_ = [](const SeenRequest& request) {
        if (request.target.find("pageToken=p%2F1") != std::string::npos) {
            return HttpAnswer{200, {}, R"({"kind": "storage#objects", "items": [
                {"name": "a/b/o/2", "size": "7", "updated": "2026-11-22T14:03:05.123Z"},
                {"name": "a/b/o/"}, {"name": "a/b/"}]})"};
        }
        return HttpAnswer{200, {}, R"({"kind": "storage#objects", "nextPageToken": "p/1",
            "items": [{"name": "a/b/o/1", "size": "18446744073709551615"}]})"};
    };
    std::set<std::string> found;
    open()->list(ObjectPrefix("o"),
                 [&](const ObjectInfo& info) {
                     found.insert(fmt::format("{} {}", info.name.text(), info.size_bytes));
                 },
                 {});
    EXPECT_EQ(found, (std::set<std::string>{"o/1 18446744073709551615", "o/2 7"}));
    ASSERT_EQ(seen().size(), 2U);
    EXPECT_EQ(seen()[0].target,
              "/storage/v1/b/shop/o?prefix=a%2Fb%2Fo%2F"
              "&fields=kind%2Citems%28name%2Csize%2Cupdated%29%2CnextPageToken");
}

/// Half a listing would be taken for all that there is.
TEST_F(GcsStorageTest, AListingThatIsNoneIsNotEmpty) {
    for (const char* body : {"", "<html>", "[]", R"({"items": [)", "{}", R"({"login": "here"})",
                             R"({"kind": "storage#objects", "nextPageToken": "again"})"}) {
        answer_ = [body](const SeenRequest&) { return HttpAnswer{200, {}, body}; };
        EXPECT_THROW(open()->list(ObjectPrefix(""), [](const ObjectInfo&) {}, {}), StorageError)
            << body;
    }
}

TEST_F(GcsStorageTest, WhatIsMissingTakesOneRequestWhereTheStoreSaysWhat) {
    answer_ = [](const SeenRequest&) {
        return HttpAnswer{404, {{"Content-Type", "text/plain"}}, "No such object: shop/a/b/x"};
    };
    EXPECT_EQ(open()->get(ObjectName("x"), {}), std::nullopt);
    EXPECT_EQ(seen().size(), 1U);
}

/// What cannot be told for want of a permission is not told as "not there".
TEST_F(GcsStorageTest, WhetherTheBucketIsThereMayBeUnknown) {
    answer_ = [](const SeenRequest& request) {
        return HttpAnswer{
            request.target.find("maxResults") == std::string::npos ? 404 : 503, {}, ""};
    };
    try {
        (void)open()->get(ObjectName("x"), {});
        ADD_FAILURE() << "nothing was thrown";
    } catch (const StorageError& error) {
        EXPECT_EQ(error.retry(), Retry::may_help) << error.what();
    }
}

TEST_F(GcsStorageTest, ASizeIsANumber) {
    for (const char* body : {"{}", R"({"size": "x"})", R"({"size": "-1"})", R"({"size": ""})"}) {
        answer_ = [body](const SeenRequest&) { return HttpAnswer{200, {}, body}; };
        EXPECT_THROW((void)open()->size_bytes(ObjectName("x"), {}), StorageError) << body;
    }
    answer_ = [](const SeenRequest&) { return HttpAnswer{200, {}, R"({"size": "12"})"}; };
    EXPECT_EQ(open()->size_bytes(ObjectName("x"), {}), 12U);
}

TEST_F(GcsStorageTest, AllIsSealedWithTheKeyAndPacksAreOfTheClass) {
    answer_ = [](const SeenRequest&) { return HttpAnswer{200, {}, "{}"}; };
    ObjectRules rules;
    rules.is_bulk = [](const ObjectName& name) { return name.text().starts_with("packs/"); };
    const auto storage = make_gcs_storage(
        StorageUrl::parse("gs://shop/a?kms_key=projects/p/cryptoKeys/k&storage_class=NEARLINE"),
        [this](const char* name) {
            return std::string_view(name) == "STORAGE_EMULATOR_HOST" ? std::optional(server_.url())
                                                                     : std::nullopt;
        },
        clock_, std::move(rules));
    EXPECT_EQ(storage->put(ObjectName("packs/a"), as_bytes("1"), {}), PutResult::created);
    EXPECT_EQ(storage->put(ObjectName("config"), as_bytes("1"), {}), PutResult::created);
    for (const SeenRequest& each : seen()) {
        EXPECT_NE(each.target.find("&kmsKeyName=projects%2Fp%2FcryptoKeys%2Fk"), std::string::npos)
            << each.target;
    }
    const std::string told = R"("storageClass":"NEARLINE")";
    EXPECT_NE(seen().at(0).body.find(told), std::string::npos);
    EXPECT_EQ(seen().at(1).body.find(told), std::string::npos);
}

}  // namespace
}  // namespace dbbackup
