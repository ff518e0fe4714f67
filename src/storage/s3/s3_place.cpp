#include "storage/s3/s3_place.hpp"

#include "storage/cloud/url_parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace dbbackup {
namespace {

constexpr std::array<std::string_view, 8> kParameters = {"endpoint", "region",       "path_style",
                                                         "ca_file",  "object_lock",  "sse",
                                                         "kms_key",  "storage_class"};

/// How objects are kept.
void add_keeping(const StorageUrl& url, S3Place& place) {
    place.lock = lock_parameter(url);
    place.encryption = url_parameter(url, "sse");
    place.kms_key = header_parameter(url, "kms_key");
    place.storage_class = header_parameter(url, "storage_class");
    if (place.storage_class == "GLACIER" || place.storage_class == "DEEP_ARCHIVE") {
        throw bad_store_url(
            fmt::format("what is stored as {} cannot be read at once", place.storage_class),
            "Write a class that can, such as storage_class=STANDARD_IA or GLACIER_IR.");
    }
    if (!place.kms_key.empty() && place.encryption.empty()) {
        place.encryption = "aws:kms";
    }
    constexpr std::array<std::string_view, 4> kEncryptions = {"", "AES256", "aws:kms",
                                                              "aws:kms:dsse"};
    if (std::ranges::find(kEncryptions, place.encryption) == kEncryptions.end()) {
        throw bad_store_url(fmt::format("the repository URL gives 'sse' as '{}'", place.encryption),
                            "Write sse=AES256, sse=aws:kms or sse=aws:kms:dsse.");
    }
    if (!place.kms_key.empty() && place.encryption == "AES256") {
        throw bad_store_url("the repository URL gives a kms_key with sse=AES256, which has none",
                            "Write sse=aws:kms, or leave kms_key out.");
    }
}

}  // namespace

S3Place s3_place(const StorageUrl& url, const std::string& region) {
    check_url_parameters(url, kParameters);
    S3Place place;
    BucketPath path = parse_bucket_path(url, "bucket");
    place.bucket = std::move(path.bucket);
    place.prefix = std::move(path.prefix);
    const std::string given_region = url_parameter(url, "region");
    place.region = given_region.empty() ? region : given_region;
    const std::string given = url_parameter(url, "endpoint");
    const Endpoint endpoint = parse_bare_endpoint(
        given.empty() ? fmt::format("s3.{}.amazonaws.com", place.region) : given);
    // A name with dots is in no certificate; other servers rarely know names of buckets as hosts.
    const bool is_path_style =
        url_flag(url, "path_style")
            .value_or(!given.empty() || place.bucket.find('.') != std::string::npos);
    place.scheme = endpoint.scheme;
    place.host = is_path_style ? endpoint.host : fmt::format("{}.{}", place.bucket, endpoint.host);
    place.root = is_path_style ? "/" + place.bucket : "";
    place.ca_file = url_parameter(url, "ca_file");
    add_keeping(url, place);
    place.url = fmt::format("s3://{}", url.path);
    return place;
}

}  // namespace dbbackup
