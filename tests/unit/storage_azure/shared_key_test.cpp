/// @file
/// The examples that Azure publishes. Source: Azure Storage REST API reference, "Authorize with
/// Shared Key".

#include "storage/azure/shared_key.hpp"

#include "crypto/base64.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace dbbackup {
namespace {

BlobRequest request_of(const std::string& method, const std::string& path) {
    BlobRequest request;
    request.method = method;
    request.account = "myaccount";
    request.path = path;
    request.headers = {{"x-ms-version", "2015-02-21"},
                       {"x-ms-date", "Fri, 26 Jun 2015 23:39:12 GMT"}};
    return request;
}

constexpr const char* kOwnHeaders =
    "x-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n";

TEST(SharedKey, SignsARequestForMetadata) {
    BlobRequest request = request_of("GET", "/mycontainer");
    request.query = {{"restype", "container"}, {"comp", "metadata"}, {"timeout", "20"}};
    EXPECT_EQ(string_to_sign(request),
              fmt::format("GET\n\n\n\n\n\n\n\n\n\n\n\n{}/myaccount/mycontainer\ncomp:metadata\n"
                          "restype:container\ntimeout:20",
                          kOwnHeaders));
    // The key that everybody knows; the signature as openssl makes it.
    const Bytes key = from_base64(
                          "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/"
                          "K1SZFPTOtr/KBHBeksoGMGw==")
                          .value();
    EXPECT_EQ(shared_key(request, key),
              "SharedKey myaccount:1u9lui2jDxj0+fpbHjQ5m5NnastJRSYM+PSmfi8TXx4=");
}

TEST(SharedKey, SignsNothingForALengthOfZero) {
    BlobRequest request = request_of("PUT", "/mycontainer");
    request.query = {{"restype", "container"}, {"timeout", "30"}};
    EXPECT_EQ(string_to_sign(request),
              fmt::format("PUT\n\n\n\n\n\n\n\n\n\n\n\n{}/myaccount/mycontainer\n"
                          "restype:container\ntimeout:30",
                          kOwnHeaders));
}

TEST(SharedKey, SortsParametersAndTheirValues) {
    BlobRequest request = request_of("GET", "/mycontainer");
    request.query = {{"restype", "container"},
                     {"Comp", "list"},
                     {"include", "snapshots"},
                     {"include", "metadata"},
                     {"include", "uncommittedblobs"}};
    EXPECT_TRUE(string_to_sign(request).ends_with(
        "/myaccount/mycontainer\ncomp:list\ninclude:metadata,snapshots,uncommittedblobs\n"
        "restype:container"))
        << string_to_sign(request);
}

TEST(SharedKey, SignsEachHeaderInItsPlace) {
    BlobRequest request = request_of("PUT", "/myaccount/mycontainer/a%20b");
    request.headers.insert(request.headers.begin(), {{"x-ms-blob-type", "BlockBlob"},
                                                     {"if-none-match", "*"},
                                                     {"content-md5", "md5"},
                                                     {"user-agent", "x"}});
    request.body_bytes = 11;
    EXPECT_EQ(string_to_sign(request),
              fmt::format("PUT\n\n\n11\nmd5\n\n\n\n\n*\n\n\nx-ms-blob-type:BlockBlob\n{}"
                          "/myaccount/myaccount/mycontainer/a%20b",
                          kOwnHeaders));
}

}  // namespace
}  // namespace dbbackup
