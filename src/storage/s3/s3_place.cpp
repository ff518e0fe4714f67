#include "storage/s3/s3_place.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string_view>

namespace dbbackup {
namespace {

constexpr std::array<std::string_view, 4> kParameters = {"endpoint", "region", "path_style",
                                                         "ca_file"};

ConfigError bad_url(std::string message, std::string hint) {
    return explained<ConfigError>(std::move(message), std::move(hint), "bad_repository_url");
}

std::string parameter(const StorageUrl& url, const std::string& name) {
    const auto found = url.query.find(name);
    return found == url.query.end() ? std::string() : found->second;
}

/// Source: Amazon S3 User Guide, "General purpose bucket naming rules". Others take capitals and
/// '_', too; what matters here is that it cannot leave its place in a URL.
bool is_bucket(std::string_view name) {
    constexpr std::size_t kLengthMax = 255;
    return !name.empty() && name.size() <= kLengthMax && name.front() != '.' &&
           std::ranges::all_of(name, [](unsigned char c) {
               return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_';
           });
}

struct Endpoint {
    std::string scheme;
    std::string host;
};

Endpoint parsed_endpoint(std::string_view text) {
    constexpr std::string_view kSeparator = "://";
    const std::size_t separator = text.find(kSeparator);
    Endpoint endpoint{
        separator == std::string_view::npos ? "https" : std::string(text.substr(0, separator)),
        std::string(separator == std::string_view::npos
                        ? text
                        : text.substr(separator + kSeparator.size()))};
    if (endpoint.host.ends_with('/')) {
        endpoint.host.pop_back();
    }
    if ((endpoint.scheme != "https" && endpoint.scheme != "http") || endpoint.host.empty() ||
        endpoint.host.find_first_of("/?#@ ") != std::string::npos) {
        throw bad_url("the endpoint of the repository URL is not that of a server",
                      "Write endpoint=https://host or endpoint=http://host:port.");
    }
    // What is the scheme's own port is no part of the name that is signed.
    const std::string_view usual = endpoint.scheme == "https" ? ":443" : ":80";
    if (endpoint.host.ends_with(usual)) {
        endpoint.host.erase(endpoint.host.size() - usual.size());
    }
    return endpoint;
}

std::optional<bool> parsed_flag(const StorageUrl& url, const std::string& name) {
    const std::string text = parameter(url, name);
    if (text.empty()) {
        return std::nullopt;
    }
    if (text != "true" && text != "false") {
        throw bad_url(fmt::format("the repository URL gives '{}' as '{}'", name, text),
                      fmt::format("Write {0}=true or {0}=false.", name));
    }
    return text == "true";
}

void check_parameters(const StorageUrl& url) {
    for (const auto& [name, value] : url.query) {
        if (std::ranges::find(kParameters, name) == kParameters.end()) {
            throw bad_url(fmt::format("the repository URL has an unknown parameter '{}'", name),
                          fmt::format("Those of s3 URLs are: {}.", fmt::join(kParameters, ", ")));
        }
    }
}

}  // namespace

S3Place s3_place(const StorageUrl& url, const std::string& region) {
    check_parameters(url);
    S3Place place;
    const std::size_t slash = std::min(url.path.find('/'), url.path.size());
    place.bucket = url.path.substr(0, slash);
    place.prefix = url.path.substr(std::min(slash + 1, url.path.size()));
    if (!is_bucket(place.bucket)) {
        throw bad_url(fmt::format("'{}' is no name of a bucket", place.bucket),
                      "Write s3://bucket/prefix.");
    }
    if (!place.prefix.empty()) {
        place.prefix += '/';
    }
    const std::string given_region = parameter(url, "region");
    place.region = given_region.empty() ? region : given_region;
    const std::string given = parameter(url, "endpoint");
    const Endpoint endpoint =
        given.empty() ? Endpoint{"https", fmt::format("s3.{}.amazonaws.com", place.region)}
                      : parsed_endpoint(given);
    // A name with dots is in no certificate; other servers rarely know names of buckets as hosts.
    const bool is_path_style =
        parsed_flag(url, "path_style")
            .value_or(!given.empty() || place.bucket.find('.') != std::string::npos);
    place.scheme = endpoint.scheme;
    place.host = is_path_style ? endpoint.host : fmt::format("{}.{}", place.bucket, endpoint.host);
    place.root = is_path_style ? "/" + place.bucket : "";
    place.ca_file = parameter(url, "ca_file");
    place.url = fmt::format("s3://{}", url.path);
    return place;
}

}  // namespace dbbackup
