/// @file
/// The storage suite against real servers that speak S3, and what they answer when they refuse.

#include "base/clock.hpp"
#include "base/units.hpp"
#include "conformance/cloud_store.hpp"
#include "conformance/storage_suite.hpp"
#include "conformance/storage_suite_concurrency.hpp"
#include "conformance/storage_suite_upload.hpp"
#include "crypto/hash.hpp"
#include "storage/s3/s3_storage.hpp"
#include "support/test_server.hpp"

#include <fmt/format.h>

#include <utility>

namespace dbbackup {
namespace {

constexpr const char* kBucket = "conformance";

/// One server, as its administrator.
class S3Server {
public:
    explicit S3Server(const std::string& name) : server_(name) {
        variables_ = {{"AWS_ACCESS_KEY_ID", server_.key()},
                      {"AWS_SECRET_ACCESS_KEY", server_.secret()},
                      {"AWS_EC2_METADATA_DISABLED", "true"}};
    }

    void set(const std::string& name, const std::string& value) { variables_[name] = value; }

    [[nodiscard]] std::string url(const std::string& path, const std::string& more = {}) const {
        return fmt::format("s3://{}?endpoint={}&region=us-east-1{}", path, server_.endpoint(),
                           more);
    }

    std::unique_ptr<Storage> open(const std::string& url) const {
        return make_s3_storage(StorageUrl::parse(url), reader_of(variables_), clock_);
    }

    /// Makes a bucket unless it is there.
    void make_bucket(const std::string& bucket) const {
        HttpClient client{HttpOptions{}};
        UnsignedRequest to_sign;
        to_sign.method = "PUT";
        to_sign.host = server_.endpoint().substr(7);  // Without "http://".
        to_sign.path = "/" + bucket;
        to_sign.body_sha256 = to_hex(sha256({}));
        const AwsKeys keys{server_.key(), Secret(std::string_view(server_.secret())), Secret()};
        HttpRequest request;
        request.method = "PUT";
        request.url = server_.endpoint() + to_sign.path;
        request.headers = sign(to_sign, keys, {"us-east-1", "s3"},
                               std::chrono::floor<std::chrono::seconds>(clock_.now()));
        const int status = client.send(request, {}).status;
        if (status != http_status::ok && status != http_status::conflict) {
            throw StorageError(fmt::format("no bucket {}: {}", bucket, status));
        }
    }

private:
    TestServer server_;
    TestVariables variables_;
    SystemClock clock_;
};

/// A prefix of its own in a bucket.
class S3PrefixPlace final : public StoragePlace {
public:
    explicit S3PrefixPlace(const char* server)
        : server_(server),
          url_(server_.url(fmt::format("{}/{}/b", kBucket, to_hex(random_bytes(8))))) {
        server_.make_bucket(kBucket);
    }
    std::unique_ptr<Storage> open() override { return persistent(server_.open(url_)); }

private:
    S3Server server_;
    std::string url_;
};

StorageCase s3_case(std::string name, const char* server) {
    return {std::move(name), [server] { return std::make_unique<S3PrefixPlace>(server); }};
}

INSTANTIATE_TEST_SUITE_P(S3Stores, StorageSuite,
                         testing::Values(s3_case("Versitygw", "versitygw"),
                                         s3_case("Minio", "minio")),
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
