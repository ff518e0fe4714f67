/// @file
/// The storage suite against fake-gcs-server behind a front that gives and checks tokens, and what
/// they answer when they refuse.

#include "base/clock.hpp"
#include "conformance/cloud_store.hpp"
#include "conformance/storage_suite.hpp"
#include "conformance/storage_suite_concurrency.hpp"
#include "conformance/storage_suite_upload.hpp"
#include "crypto/hash.hpp"
#include "http/http_client.hpp"
#include "storage/gcs/gcs_storage.hpp"
#include "support/test_server.hpp"

#include <fmt/format.h>

#include <fstream>
#include <utility>

namespace dbbackup {
namespace {

constexpr const char* kBucket = "conformance";

/// The server, as its administrator.
class GcsServer {
public:
    GcsServer() {
        variables_ = {{"GOOGLE_APPLICATION_CREDENTIALS", server_.file("credentials.json").string()},
                      {"NO_GCE_CHECK", "true"}};
        make_bucket(kBucket);
    }

    [[nodiscard]] std::string url(const std::string& path) const {
        return fmt::format("gs://{}?endpoint={}", path, server_.endpoint());
    }

    std::unique_ptr<Storage> open(const std::string& url) const {
        return make_gcs_storage(StorageUrl::parse(url), reader_of(variables_), clock_);
    }

    /// What an administrator may ask; the answer's status.
    int ask(const std::string& method, const std::string& path, const std::string& type,
            BytesView body) const {
        HttpClient client{HttpOptions{}};
        HttpRequest request;
        request.method = method;
        request.url = server_.endpoint() + path;
        request.headers = {{"authorization", "Bearer " + server_.secret()}, {"content-type", type}};
        request.body = body;
        return client.send(request, {}).status;
    }

private:
    /// Makes a bucket unless it is there.
    void make_bucket(const std::string& bucket) const {
        const std::string body = fmt::format(R"({{"name": "{}"}})", bucket);
        const int status =
            ask("POST", "/storage/v1/b?project=tests", "application/json", as_bytes(body));
        if (status != http_status::ok && status != http_status::conflict) {
            throw StorageError(fmt::format("no bucket {}: {}", bucket, status));
        }
    }

    TestServer server_{"gcs"};
    TestVariables variables_;
    SystemClock clock_;
};

/// A prefix of its own in a bucket.
class GcsPrefixPlace final : public StoragePlace {
public:
    std::unique_ptr<Storage> open() override { return persistent(server_.open(url_)); }

private:
    GcsServer server_;
    std::string url_ = server_.url(fmt::format("{}/{}/b", kBucket, to_hex(random_bytes(8))));
};

INSTANTIATE_TEST_SUITE_P(GcsStores, StorageSuite,
                         testing::Values(StorageCase{
                             "FakeGcsServer", [] { return std::make_unique<GcsPrefixPlace>(); }}),
                         storage_case_name);

/// Whatever part is hit: other tests use the same server meanwhile, and persist as well.
TEST(GcsServer, GoesOnWithAnUploadWhoseAnswersWereLost) {
    GcsPrefixPlace place;
    const std::unique_ptr<Storage> storage = place.open();
    Bytes content(17'000'003);
    for (std::size_t at = 0; at < content.size(); ++at) {
        content[at] = static_cast<std::uint8_t>(at * at / 7);
    }
    std::ofstream(TestServer("gcs").file("lose_puts")) << 2;
    const std::unique_ptr<Upload> upload = storage->begin_upload(ObjectName("shop.gz"), {});
    upload->write(content, {});
    EXPECT_EQ(upload->commit({}), PutResult::created);
    EXPECT_TRUE(storage->get(ObjectName("shop.gz"), {}) == content);
}

/// What our own put leans on: this server refuses a body that its checksum does not fit.
TEST(GcsServer, ChecksWhatArrives) {
    const GcsServer server;
    const auto upload = [&](std::string_view checksum) {
        const std::string body = fmt::format(
            "--b\r\ncontent-type: application/json\r\n\r\n{{\"name\": \"{}\", \"crc32c\": \"{}\"}}"
            "\r\n--b\r\ncontent-type: application/octet-stream\r\n\r\n123456789\r\n--b--\r\n",
            to_hex(random_bytes(8)), checksum);
        return server.ask("POST",
                          fmt::format("/upload/storage/v1/b/{}/o?uploadType=multipart", kBucket),
                          "multipart/related; boundary=b", as_bytes(body));
    };
    EXPECT_EQ(upload("4waSgw=="), http_status::ok);
    EXPECT_EQ(upload("AAAAAA=="), http_status::bad_request);
}

/// Of all operations, whichever comes first.
TEST(GcsServer, AMissingBucketIsNoMissingObject) {
    const GcsServer server;
    const auto storage = server.open(server.url("absent/x"));
    const ObjectName name("a");
    const std::vector<std::function<void()>> calls = {
        [&] { storage->put(name, as_bytes("a"), {}); },
        [&] { (void)storage->get(name, {}); },
        [&] { (void)storage->get_range(name, {0, 1}, {}); },
        [&] { (void)storage->size_bytes(name, {}); },
        [&] { storage->list(ObjectPrefix(""), [](const ObjectInfo&) {}, {}); },
        [&] { storage->remove(name, {}); }};
    for (const auto& call : calls) {
        try {
            call();
            ADD_FAILURE() << "nothing was thrown";
        } catch (const StorageError& error) {
            EXPECT_EQ(error.code(), "bucket_missing") << error.what();
            EXPECT_EQ(error.retry(), Retry::never) << error.what();
            EXPECT_NE(error.hint().find("'absent'"), std::string::npos) << error.hint();
        }
    }
}

}  // namespace
}  // namespace dbbackup
