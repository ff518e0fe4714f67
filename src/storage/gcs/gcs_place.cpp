#include "storage/gcs/gcs_place.hpp"

#include "storage/cloud/url_parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace dbbackup {
namespace {

constexpr std::array<std::string_view, 5> kParameters = {"endpoint", "ca_file", "kms_key",
                                                         "storage_class", "object_lock"};
constexpr std::string_view kHttp = "http://";

std::string server_of(std::string_view text) {
    const Endpoint endpoint = parse_bare_endpoint(text);
    return fmt::format("{}://{}", endpoint.scheme, endpoint.host);
}

/// As Google's own clients read it: the scheme is http, and a path is of no interest.
std::string emulator_of(const std::string& text) {
    const bool has_scheme = text.find("://") != std::string::npos;
    const Endpoint endpoint = parse_endpoint(has_scheme ? text : fmt::format("{}{}", kHttp, text));
    return fmt::format("{}://{}", endpoint.scheme, endpoint.host);
}

}  // namespace

GcsPlace gcs_place(const StorageUrl& url, const ReadVariable& variable) {
    check_url_parameters(url, kParameters);
    GcsPlace place;
    BucketPath path = parse_bucket_path(url, "bucket");
    place.bucket = std::move(path.bucket);
    place.prefix = std::move(path.prefix);
    place.ca_file = url_parameter(url, "ca_file");
    place.lock = lock_parameter(url);
    place.kms_key = header_parameter(url, "kms_key");
    place.storage_class = header_parameter(url, "storage_class");
    place.url = fmt::format("gs://{}", url.path);
    const std::string given = url_parameter(url, "endpoint");
    if (const std::optional<std::string> emulator = variable("STORAGE_EMULATOR_HOST");
        emulator && given.empty()) {
        place.server = emulator_of(*emulator);
        place.is_anonymous = true;
        return place;
    }
    place.server = given.empty() ? "https://storage.googleapis.com" : server_of(given);
    if (!is_private_way(place.server)) {
        throw bad_store_url(
            "the endpoint of the repository URL is reached by http, which shows the access token "
            "to everybody on the way",
            "Write endpoint=https://host, or name an emulator in STORAGE_EMULATOR_HOST.");
    }
    return place;
}

bool is_private_way(std::string_view url) {
    if (!url.starts_with(kHttp)) {
        return url.starts_with("https://");
    }
    url.remove_prefix(kHttp.size());
    const std::string_view host = url.substr(0, url.find_first_of("/?#"));
    const std::string_view name =
        host.starts_with('[') ? host.substr(0, host.find(']') + 1) : host.substr(0, host.find(':'));
    return name == "localhost" || name == "[::1]" ||
           (name.starts_with("127.") && name.find_first_not_of("0123456789.") == name.npos);
}

}  // namespace dbbackup
