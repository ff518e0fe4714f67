#include "storage/s3/s3_place.hpp"

#include "storage/cloud/url_parameters.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>

namespace dbbackup {
namespace {

constexpr std::array<std::string_view, 4> kParameters = {"endpoint", "region", "path_style",
                                                         "ca_file"};

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
    place.url = fmt::format("s3://{}", url.path);
    return place;
}

}  // namespace dbbackup
