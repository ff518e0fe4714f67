#include "storage/cloud/url_parameters.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <utility>

namespace dbbackup {
namespace {

/// Source: Amazon S3 User Guide, "General purpose bucket naming rules"; Google's and Azure's names
/// are a part of these. Others take capitals and '_', too; what matters here is that a name cannot
/// leave its place in a URL.
bool is_bucket(std::string_view name) {
    constexpr std::size_t kLengthMax = 255;
    return !name.empty() && name.size() <= kLengthMax && name.front() != '.' &&
           std::ranges::all_of(name, [](unsigned char c) {
               return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_' || c == '$';
           });
}

}  // namespace

ConfigError bad_store_url(std::string message, std::string hint) {
    return explained<ConfigError>(std::move(message), std::move(hint), "bad_repository_url");
}

std::string url_parameter(const StorageUrl& url, const std::string& name) {
    const auto found = url.query.find(name);
    return found == url.query.end() ? std::string() : found->second;
}

std::optional<bool> url_flag(const StorageUrl& url, const std::string& name) {
    const std::string text = url_parameter(url, name);
    if (text.empty()) {
        return std::nullopt;
    }
    if (text != "true" && text != "false") {
        throw bad_store_url(fmt::format("the repository URL gives '{}' as '{}'", name, text),
                            fmt::format("Write {0}=true or {0}=false.", name));
    }
    return text == "true";
}

std::string header_parameter(const StorageUrl& url, const std::string& name) {
    std::string text = url_parameter(url, name);
    if (!std::ranges::all_of(text, [](unsigned char c) { return c > ' ' && c < 0x7f; })) {
        throw bad_store_url(
            fmt::format("the repository URL has characters in '{}' that no header takes", name),
            "Write it as the store's own documentation does.");
    }
    return text;
}

std::optional<ObjectLock> lock_parameter(const StorageUrl& url) {
    const std::string text = url_parameter(url, "object_lock");
    if (text.empty()) {
        return std::nullopt;
    }
    const std::optional<ObjectLock> lock = ObjectLock::parse(text);
    if (!lock) {
        throw bad_store_url(
            fmt::format("the repository URL gives 'object_lock' as '{}'", text),
            fmt::format(
                "Write object_lock=governance:DAYS or object_lock=compliance:DAYS, with 1 to "
                "{} days.",
                kLockDaysMax));
    }
    return lock;
}

void check_url_parameters(const StorageUrl& url, std::span<const std::string_view> known) {
    for (const auto& [name, value] : url.query) {
        if (std::ranges::find(known, name) == known.end()) {
            throw bad_store_url(
                fmt::format("the repository URL has an unknown parameter '{}'", name),
                fmt::format("Those of {} URLs are: {}.", url.scheme, fmt::join(known, ", ")));
        }
    }
}

Endpoint parse_endpoint(std::string_view text) {
    constexpr std::string_view kSeparator = "://";
    const std::size_t separator = text.find(kSeparator);
    Endpoint endpoint;
    endpoint.scheme =
        separator == std::string_view::npos ? "https" : std::string(text.substr(0, separator));
    if (separator != std::string_view::npos) {
        text.remove_prefix(separator + kSeparator.size());
    }
    const std::size_t slash = std::min(text.find('/'), text.size());
    endpoint.host = text.substr(0, slash);
    endpoint.path = text.substr(slash);
    while (endpoint.path.ends_with('/')) {
        endpoint.path.pop_back();
    }
    if ((endpoint.scheme != "https" && endpoint.scheme != "http") || endpoint.host.empty() ||
        text.find_first_of("?#@ ") != std::string_view::npos) {
        throw bad_store_url("the endpoint of the repository URL is not that of a server",
                            "Write endpoint=https://host or endpoint=http://host:port.");
    }
    // What is the scheme's own port is no part of the name that is signed.
    const std::string_view usual = endpoint.scheme == "https" ? ":443" : ":80";
    if (endpoint.host.ends_with(usual)) {
        endpoint.host.erase(endpoint.host.size() - usual.size());
    }
    return endpoint;
}

Endpoint parse_bare_endpoint(std::string_view text) {
    Endpoint endpoint = parse_endpoint(text);
    if (!endpoint.path.empty()) {
        throw bad_store_url("the endpoint of the repository URL has a path",
                            "Write endpoint=https://host or endpoint=http://host:port.");
    }
    return endpoint;
}

BucketPath parse_bucket_path(const StorageUrl& url, std::string_view kind) {
    const std::size_t slash = std::min(url.path.find('/'), url.path.size());
    BucketPath path;
    path.bucket = url.path.substr(0, slash);
    path.prefix = url.path.substr(std::min(slash + 1, url.path.size()));
    if (!is_bucket(path.bucket)) {
        throw bad_store_url(fmt::format("'{}' is no name of a {}", path.bucket, kind),
                            fmt::format("Write {}://{}/prefix.", url.scheme, kind));
    }
    if (!path.prefix.empty()) {
        path.prefix += '/';
    }
    // Servers and proxies take them for folders, and end in another place, or in another bucket.
    const std::string folders = '/' + path.prefix;
    if (folders.find("/../") != std::string::npos || folders.find("/./") != std::string::npos) {
        throw bad_store_url(fmt::format("the {} URL has '.' or '..' in its path", url.scheme),
                            fmt::format("Write {}://{}/prefix.", url.scheme, kind));
    }
    return path;
}

}  // namespace dbbackup
