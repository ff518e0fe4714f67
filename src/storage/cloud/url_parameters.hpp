#pragma once

/// @file
/// What the URLs of cloud stores have in common: `scheme://bucket/prefix?parameter=…`.

#include "base/error.hpp"
#include "config/object_lock.hpp"
#include "storage/registry.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace dbbackup {

/// Code "bad_repository_url". @param hint What to write instead.
[[nodiscard]] ConfigError bad_store_url(std::string message, std::string hint);

/// Empty where the URL does not give it.
[[nodiscard]] std::string url_parameter(const StorageUrl& url, const std::string& name);

/// "true" or "false"; nothing where the URL does not give it. @throws ConfigError.
[[nodiscard]] std::optional<bool> url_flag(const StorageUrl& url, const std::string& name);

/// As `url_parameter`, for what is sent as a header: without characters that could end one.
/// @throws ConfigError.
[[nodiscard]] std::string header_parameter(const StorageUrl& url, const std::string& name);

/// "object_lock=MODE:DAYS"; nothing where the URL does not give it. @throws ConfigError.
[[nodiscard]] std::optional<ObjectLock> lock_parameter(const StorageUrl& url);

/// @throws ConfigError for a parameter that is none of `known`, naming these.
void check_url_parameters(const StorageUrl& url, std::span<const std::string_view> known);

/// Where a server answers.
struct Endpoint {
    std::string scheme;  ///< "https" or "http".
    std::string host;    ///< With the port unless it is the scheme's own.
    std::string path;    ///< Empty, or from '/' on, without one at the end.
};

/// Of "https://host", "http://host:port/path"; without a scheme it is https.
/// @throws ConfigError for what is no server.
[[nodiscard]] Endpoint parse_endpoint(std::string_view text);

/// As `parse_endpoint`, where no path may follow the host.
[[nodiscard]] Endpoint parse_bare_endpoint(std::string_view text);

/// "bucket/prefix", taken apart.
struct BucketPath {
    std::string bucket;
    std::string prefix;  ///< Of keys; empty or ending in '/'.
};

/// @param kind What a bucket is called there, for messages: "bucket", "container".
/// @throws ConfigError for a name that could leave its place in a URL.
[[nodiscard]] BucketPath parse_bucket_path(const StorageUrl& url, std::string_view kind);

}  // namespace dbbackup
