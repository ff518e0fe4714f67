/// @file
/// The examples that AWS publishes. Source: Amazon S3 API reference, "Signature Calculations for
/// the Authorization Header: Transferring Payload in a Single Chunk".

#include "storage/s3/sigv4.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

constexpr const char* kEmptySha =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

UnsignedRequest request_of(std::string method, std::string path) {
    UnsignedRequest request;
    request.method = std::move(method);
    request.host = "examplebucket.s3.amazonaws.com";
    request.path = std::move(path);
    request.body_sha256 = kEmptySha;
    return request;
}

std::string value_of(const HttpHeaders& headers, std::string_view name) {
    for (const auto& [each, value] : headers) {
        if (each == name) {
            return value;
        }
    }
    return {};
}

std::string authorization(const UnsignedRequest& request, std::string_view token = {}) {
    const AwsKeys keys{"AKIAIOSFODNN7EXAMPLE",
                       Secret(std::string_view("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")),
                       Secret(token)};
    const auto when = std::chrono::sys_days(std::chrono::year(2013) / 5 / 24);
    const HttpHeaders headers = sign(request, keys, {"us-east-1", "s3"}, when);
    EXPECT_EQ(value_of(headers, "x-amz-date"), "20130524T000000Z");
    EXPECT_EQ(value_of(headers, "x-amz-content-sha256"), request.body_sha256);
    EXPECT_EQ(value_of(headers, "x-amz-security-token"), token);
    return value_of(headers, "authorization");
}

std::string signature_of(const UnsignedRequest& request) {
    const std::string text = authorization(request);
    const std::size_t at = text.find("Signature=");
    return at == std::string::npos ? text : text.substr(at + 10);
}

TEST(SigV4, SignsAGetOfARange) {
    UnsignedRequest request = request_of("GET", "/test.txt");
    request.headers = {{"range", "bytes=0-9"}};
    EXPECT_EQ(authorization(request),
              "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
              " SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
              "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(SigV4, SignsAPut) {
    UnsignedRequest request = request_of("PUT", "/test%24file.text");
    request.headers = {{"date", "Fri, 24 May 2013 00:00:00 GMT"},
                       {"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
    request.body_sha256 = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
    EXPECT_EQ(signature_of(request),
              "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST(SigV4, SignsAQueryWithoutAValue) {
    UnsignedRequest request = request_of("GET", "/");
    request.query = {{"lifecycle", ""}};
    EXPECT_EQ(signature_of(request),
              "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

TEST(SigV4, SignsAListing) {
    UnsignedRequest request = request_of("GET", "/");
    request.query = {{"prefix", "J"}, {"max-keys", "2"}};
    EXPECT_EQ(signature_of(request),
              "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(SigV4, SortsAndEncodesQueries) {
    EXPECT_EQ(canonical_query({{"b", "x y/+"}, {"a", "é"}, {"a", "1"}, {"uploads", ""}}),
              "a=%C3%A9&a=1&b=x%20y%2F%2B&uploads=");
}

TEST(SigV4, SignsTheTokenOfTemporaryKeys) {
    const std::string text = authorization(request_of("GET", "/"), "token");
    EXPECT_NE(text.find("x-amz-date;x-amz-security-token,"), std::string::npos) << text;
}

}  // namespace
}  // namespace dbbackup
