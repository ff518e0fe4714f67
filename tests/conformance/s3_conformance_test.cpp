/// @file
/// The storage suite against real servers that speak S3, and what they answer when they refuse.

#include "base/units.hpp"
#include "conformance/s3_server.hpp"
#include "conformance/storage_suite.hpp"
#include "conformance/storage_suite_concurrency.hpp"
#include "conformance/storage_suite_upload.hpp"
#include "crypto/hash.hpp"

#include <fmt/format.h>

#include <utility>

namespace dbbackup {
namespace {

constexpr const char* kBucket = "conformance";

/// A prefix of its own in a bucket.
class S3PrefixPlace final : public StoragePlace {
public:
    S3PrefixPlace(const char* server, const char* bucket, BucketKind kind)
        : server_(server),
          url_(server_.url(fmt::format("{}/{}/b", bucket, to_hex(random_bytes(8))))) {
        server_.make_bucket(bucket, kind);
    }
    std::unique_ptr<Storage> open() override { return persistent(server_.open(url_)); }

private:
    S3Server server_;
    std::string url_;
};

StorageCase s3_case(std::string name, const char* server, const char* bucket, BucketKind kind) {
    return {std::move(name), [server, bucket, kind] {
                return std::make_unique<S3PrefixPlace>(server, bucket, kind);
            }};
}

INSTANTIATE_TEST_SUITE_P(
    S3Stores, StorageSuite,
    testing::Values(s3_case("Versitygw", "versitygw", kBucket, BucketKind::plain),
                    s3_case("VersitygwWithVersions", "versitygw", "kept", BucketKind::versioned),
                    s3_case("Minio", "minio", kBucket, BucketKind::plain)),
    storage_case_name);

TEST(S3Uploads, WhatADeadOneLeftIsEndedAfterItsSilence) {
    S3Server server("versitygw");
    server.make_bucket(kBucket);
    const std::string url = server.url(fmt::format("{}/{}", kBucket, to_hex(random_bytes(8))));
    const std::unique_ptr<Storage> dying = server.open(url);
    const std::unique_ptr<Upload> upload = dying->begin_upload(ObjectName("shop.gz"), {});
    upload->write(Bytes(8_MiB + 5, 0x5a), {});
    const std::unique_ptr<Storage> other = server.open(url);
    other->end_abandoned_uploads(std::chrono::hours(1), {});
    upload->write(Bytes(8_MiB, 0x5a), {});  // It lives: a second part is sent.
    // The dates of answers and of parts are not of one clock to the second.
    other->end_abandoned_uploads(std::chrono::seconds(-60), {});
    try {
        upload->commit({});
        FAIL() << "it was to be ended";
    } catch (const StorageError& error) {
        EXPECT_EQ(error.code(), "upload_ended") << error.what();
    }
}

class S3Refusals : public testing::Test {
protected:
    void SetUp() override { server_.make_bucket(kBucket); }

    std::pair<std::string, std::string> refusal(const std::string& url) {
        return refusal_of_put(*server_.open(url));
    }

    S3Server server_{"versitygw"};
    std::string url_ = server_.url(fmt::format("{}/refusals", kBucket));
};

TEST_F(S3Refusals, AWrongSecret) {
    server_.set("AWS_SECRET_ACCESS_KEY", "another");
    EXPECT_EQ(refusal(url_).first, "credentials_refused");
}

TEST_F(S3Refusals, AnUnknownKey) {
    server_.set("AWS_ACCESS_KEY_ID", "nobody");
    EXPECT_EQ(refusal(url_).first, "credentials_refused");
}

TEST_F(S3Refusals, AMissingBucket) {
    const auto [code, hint] = refusal(server_.url("absent/x"));
    EXPECT_EQ(code, "bucket_missing");
    EXPECT_NE(hint.find("'absent'"), std::string::npos) << hint;
}

TEST_F(S3Refusals, AWrongRegion) {
    std::string url = url_;
    url.replace(url.find("us-east-1"), 9, "eu-west-1");
    const auto [code, hint] = refusal(url);
    EXPECT_EQ(code, "wrong_region");
    EXPECT_NE(hint.find("us-east-1"), std::string::npos) << hint;
}

}  // namespace
}  // namespace dbbackup
