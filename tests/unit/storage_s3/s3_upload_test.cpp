/// @file
/// Uploads of several parts against a server that answers as S3 does, and as it rarely does.

#include "base/error.hpp"
#include "base/units.hpp"
#include "crypto/hash.hpp"
#include "storage/s3/s3_storage.hpp"
#include "support/upload_test.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <optional>
#include <set>

namespace dbbackup {
namespace {

const Bytes kLarge(8_MiB + 1'000, 0x5a);

/// A bucket for one object and one upload of it. Threads of the server use it, one at a time.
struct Bucket {
    std::map<std::string, std::string> parts;
    std::optional<std::string> mark;  ///< Of the object; nothing: there is none.
    std::string mark_of_upload;
    bool has_upload = false;
    std::size_t aborted = 0;
};

HttpAnswer refusal(int status, const std::string& code) {
    return {status, {}, fmt::format("<Error><Code>{}</Code></Error>", code)};
}

/// What one request is, in a word.
std::string kind_of(const SeenRequest& request) {
    const bool has_id = request.target.find("uploadId=") != std::string::npos;
    if (request.target.find("partNumber=") != std::string::npos) {
        return "part";
    }
    if (request.method == "POST") {
        return has_id ? "complete" : "create";
    }
    return request.method == "DELETE" ? "abort" : request.method == "HEAD" ? "head" : "put";
}

HttpAnswer answer_of(Bucket& bucket, const SeenRequest& request) {
    const std::string kind = kind_of(request);
    const auto taken = [&]() -> std::optional<HttpAnswer> {
        return bucket.mark ? std::optional(refusal(412, "PreconditionFailed")) : std::nullopt;
    };
    if (kind == "create") {
        bucket.has_upload = true;
        bucket.mark_of_upload = request.headers.at("x-amz-meta-db-backup-upload");
        return {200,
                {},
                "<InitiateMultipartUploadResult><UploadId>u/1</UploadId>"
                "</InitiateMultipartUploadResult>"};
    }
    if (kind == "head") {
        return bucket.mark ? HttpAnswer{200, {{"x-amz-meta-db-backup-upload", *bucket.mark}}}
                           : HttpAnswer{404};
    }
    if (kind == "put") {
        if (const auto refused = taken()) {
            return *refused;
        }
        bucket.mark = request.headers.at("x-amz-meta-db-backup-upload");
        return {200, {{"ETag", "\"0\""}}};
    }
    if (!bucket.has_upload) {
        return refusal(404, "NoSuchUpload");
    }
    if (kind == "part") {
        bucket.parts[request.target.substr(request.target.find("partNumber="), 12)] = request.body;
        return {200, {{"ETag", fmt::format("\"{}\"", request.body.size())}}};
    }
    if (kind == "abort") {
        bucket.has_upload = false;
        ++bucket.aborted;
        return {204};
    }
    if (const auto refused = taken()) {
        return *refused;
    }
    bucket.has_upload = false;
    bucket.mark = bucket.mark_of_upload;
    return {200,
            {},
            "<CompleteMultipartUploadResult><ETag>\"x-2\"</ETag></CompleteMultipartUploadResult>"};
}

class S3UploadTest : public UploadTest<Bucket> {
protected:
    S3UploadTest() : UploadTest(kind_of, answer_of) {}

    std::unique_ptr<Storage> store() override {
        const auto variable = [](const char* name) -> std::optional<std::string> {
            const std::string_view asked = name;
            return asked == "AWS_ACCESS_KEY_ID" || asked == "AWS_SECRET_ACCESS_KEY"
                       ? std::optional<std::string>("k")
                       : std::nullopt;
        };
        return make_s3_storage(StorageUrl::parse("s3://shop/a?endpoint=" + server_.url()), variable,
                               clock_);
    }
};

TEST_F(S3UploadTest, SendsPartsWithTheirHashesAndCompletesOnACondition) {
    EXPECT_EQ(upload(kLarge), PutResult::created);
    EXPECT_EQ(kinds(), "create part part complete");
    const std::vector<SeenRequest> seen = server_.seen();
    EXPECT_EQ(seen[0].target, "/shop/a/shop.gz?uploads=");
    EXPECT_EQ(seen[1].target, "/shop/a/shop.gz?partNumber=1&uploadId=u%2F1");
    EXPECT_EQ(seen[1].headers.at("x-amz-content-sha256"),
              to_hex(sha256(BytesView(kLarge).first(8_MiB))));
    EXPECT_EQ(seen[2].body.size(), 1'000U);
    EXPECT_EQ(seen[3].headers.at("if-none-match"), "*");
    EXPECT_EQ(seen[3].body,
              "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
              "<ETag>\"8388608\"</ETag></Part><Part><PartNumber>2</PartNumber>"
              "<ETag>\"1000\"</ETag></Part></CompleteMultipartUpload>");
}

TEST_F(S3UploadTest, PutsWhatFitsIntoOnePart) {
    EXPECT_EQ(upload(BytesView(kLarge).first(8_MiB)), PutResult::created);
    EXPECT_EQ(kinds(), "put");
    EXPECT_EQ(server_.seen()[0].headers.at("if-none-match"), "*");
}

/// Each request once, answered by what passes, before and after it was carried out; the faults take
/// turns.
TEST_F(S3UploadTest, GetsThroughFaultsOfEachRequest) {
    const std::vector<HttpAnswer> faults = {lost(), refusal(500, "InternalError"),
                                            refusal(503, "SlowDown"), HttpAnswer{429},
                                            refusal(409, "ConditionalRequestConflict")};
    std::size_t turn = 0;
    for (const auto& [kind, nth] :
         {std::pair{"create", 1}, {"part", 1}, {"part", 2}, {"complete", 1}}) {
        for (const bool is_carried_out : {false, true, false, true}) {
            const HttpAnswer& fault = faults[turn++ % faults.size()];
            SCOPED_TRACE(fmt::format("{} {} {} {}", kind, nth, fault.status, is_carried_out));
            prepare([](Bucket& bucket) { bucket = {}; });
            fail_once({kind, nth, fault, is_carried_out});
            ASSERT_EQ(upload(kLarge), PutResult::created);
            const Bucket after = held();
            EXPECT_EQ(after.parts.at("partNumber=1").size(), 8_MiB);
            EXPECT_EQ(after.parts.at("partNumber=2").size(), 1'000U);
            EXPECT_EQ(after.aborted, 0U);
        }
    }
}

TEST_F(S3UploadTest, KnowsItsOwnObjectAfterALostAnswer) {
    fail_once({"put", 1, lost(), true});
    EXPECT_EQ(upload(as_bytes("small")), PutResult::created);
    EXPECT_EQ(kinds(), "put put head");
    EXPECT_EQ(upload(as_bytes("small")), PutResult::exists) << "that one is another's";
}

TEST_F(S3UploadTest, ACompletionThatFailedWithStatus200IsTriedAgain) {
    for (const char* body : {"<Error><Code>InternalError</Code></Error>", "", "<html/>"}) {
        SCOPED_TRACE(body);
        prepare([](Bucket& bucket) { bucket = {}; });
        fail_once({"complete", 1, {200, {}, body}, false});
        EXPECT_EQ(upload(kLarge), PutResult::created);
    }
    prepare([](Bucket& bucket) { bucket = {}; });
    fail_once({"complete", 1, {200, {}, "<Error><Code>PreconditionFailed</Code></Error>"}, false});
    prepare([](Bucket& bucket) { bucket.mark = "of another"; });
    EXPECT_EQ(upload(kLarge), PutResult::exists);
}

TEST_F(S3UploadTest, NeverTakesTheObjectOfAnotherForItsOwn) {
    prepare([](Bucket& bucket) { bucket.mark = "of another"; });
    EXPECT_EQ(upload(kLarge), PutResult::exists);
    EXPECT_EQ(held().mark, "of another");
    EXPECT_EQ(held().aborted, 1U) << "its parts are stored and paid for";
}

TEST_F(S3UploadTest, SaysThatSomebodyHasEndedIt) {
    const std::unique_ptr<Storage> storage = open();
    const std::unique_ptr<Upload> upload = storage->begin_upload(name_, {});
    upload->write(kLarge, {});
    prepare([](Bucket& bucket) { bucket.has_upload = false; });
    try {
        upload->commit({});
        FAIL() << "there is no upload";
    } catch (const StorageError& error) {
        EXPECT_EQ(error.code(), "upload_ended");
        EXPECT_EQ(error.retry(), Retry::never);
    }
}

TEST_F(S3UploadTest, IsAbortedWhenItIsDropped) {
    {
        const std::unique_ptr<Storage> storage = open();
        const std::unique_ptr<Upload> upload = storage->begin_upload(name_, {});
        upload->write(kLarge, {});
    }
    EXPECT_EQ(kinds(), "create part abort");
    EXPECT_EQ(server_.seen().back().target, "/shop/a/shop.gz?uploadId=u%2F1");
    fail_once({"abort", 1, lost(), false});
    EXPECT_NO_THROW({
        const std::unique_ptr<Storage> storage = open();
        storage->begin_upload(name_, {})->write(kLarge, {});
    });
}

}  // namespace
}  // namespace dbbackup
