/// @file
/// The storage suite against fake-gcs-server behind a front that gives and checks tokens, and what
/// they answer when they refuse.

#include "base/clock.hpp"
#include "conformance/cloud_store.hpp"
#include "conformance/gcs_server.hpp"
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

/// A prefix of its own in a bucket.
class GcsPrefixPlace final : public StoragePlace {
public:
    GcsPrefixPlace() { server_.make_bucket(kBucket); }
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
    server.make_bucket(kBucket);
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
