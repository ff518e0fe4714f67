/// @file
/// The storage suite against Azurite, and what it answers when it refuses.

#include "base/clock.hpp"
#include "conformance/azure_server.hpp"
#include "conformance/cloud_store.hpp"
#include "conformance/storage_suite.hpp"
#include "conformance/storage_suite_concurrency.hpp"
#include "conformance/storage_suite_upload.hpp"
#include "crypto/base64.hpp"
#include "crypto/hash.hpp"
#include "http/http_client.hpp"
#include "storage/azure/azure_storage.hpp"
#include "storage/azure/shared_key.hpp"
#include "storage/cloud/http_date.hpp"
#include "support/test_server.hpp"

#include <fmt/format.h>

#include <utility>

namespace dbbackup {
namespace {

constexpr const char* kContainer = "conformance";

/// A prefix of its own in a container, with characters that have to be encoded.
class AzurePrefixPlace final : public StoragePlace {
public:
    AzurePrefixPlace()
        : url_(server_.url(fmt::format("{}/{}/%C3%A9%20%2B%25%26%23=~/b", kContainer,
                                       to_hex(random_bytes(8))))) {
        server_.make_container(kContainer);
    }
    std::unique_ptr<Storage> open() override { return persistent(server_.open(url_)); }

private:
    AzureServer server_{"azurite"};
    std::string url_;
};

StorageCase azurite_case() {
    return {"Azurite", [] { return std::make_unique<AzurePrefixPlace>(); }};
}

INSTANTIATE_TEST_SUITE_P(AzureStores, StorageSuite, testing::Values(azurite_case()),
                         storage_case_name);

class AzureRefusals : public testing::Test {
protected:
    void SetUp() override { server_.make_container(kContainer); }

    std::pair<std::string, std::string> refusal(const std::string& url) {
        return refusal_of_put(*server_.open(url));
    }

    AzureServer server_{"azurite"};
    std::string url_ = server_.url(fmt::format("{}/refusals", kContainer));
};

TEST_F(AzureRefusals, AWrongKey) {
    server_.set("AZURE_STORAGE_KEY", "YW5vdGhlcg==");
    EXPECT_EQ(refusal(url_).first, "credentials_refused");
}

TEST_F(AzureRefusals, AMissingContainer) {
    for (const char* name : {"absent", "Capital", "ab"}) {
        const auto [code, hint] = refusal(server_.url(fmt::format("{}/x", name)));
        EXPECT_EQ(code, "bucket_missing") << name;
        EXPECT_NE(hint.find("container"), std::string::npos) << hint;
    }
}

TEST_F(AzureRefusals, AMissingContainerIsNotAnEmptyOne) {
    const auto storage = server_.open(server_.url("absent/x"));
    EXPECT_THROW((void)storage->get(ObjectName("a"), {}), StorageError);
    EXPECT_THROW((void)storage->size_bytes(ObjectName("a"), {}), StorageError);
    EXPECT_THROW(storage->remove(ObjectName("a"), {}), StorageError);
    EXPECT_THROW(storage->list({}, [](const ObjectInfo&) {}, {}), StorageError);
}

}  // namespace
}  // namespace dbbackup
