#include "storage/azure/azure_place.hpp"

#include "storage/azure/private_server.hpp"
#include "storage/cloud/url_parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>

namespace dbbackup {
namespace {

constexpr std::array<std::string_view, 6> kParameters = {
    "account", "endpoint", "ca_file", "encryption_scope", "access_tier", "object_lock"};

/// The account that an endpoint names: the end of its path, else what stands before ".blob." in its
/// host; empty where there is neither.
std::string account_in(const Endpoint& endpoint) {
    if (!endpoint.path.empty()) {
        return endpoint.path.substr(endpoint.path.rfind('/') + 1);
    }
    const std::size_t end = endpoint.host.find(".blob.");
    return end == std::string::npos ? std::string() : endpoint.host.substr(0, end);
}

/// What matters is that a name cannot leave its place in the host's name.
void check_account(const std::string& account) {
    constexpr std::size_t kLengthMax = 63;
    if (account.empty()) {
        throw bad_store_url("the repository URL names no storage account",
                            "Add account=NAME to the URL, or set AZURE_STORAGE_ACCOUNT.");
    }
    if (account.size() > kLengthMax || !std::ranges::all_of(account, [](unsigned char c) {
            return std::isalnum(c) != 0 || c == '-';
        })) {
        throw bad_store_url(fmt::format("'{}' is no name of a storage account", account),
                            "Write only the account's name, without '.blob.core.windows.net'.");
    }
}

/// Listings are XML, which has no way to say some characters; and servers take "." and ".." for
/// folders.
void check_prefix(std::string_view prefix) {
    const std::string folders = fmt::format("/{}", prefix);
    const bool is_plain =
        std::ranges::none_of(prefix, [](unsigned char c) { return c < ' ' || c == '\\'; }) &&
        prefix.find("\xEF\xBF\xBE") == std::string_view::npos &&
        prefix.find("\xEF\xBF\xBF") == std::string_view::npos &&
        folders.find("//") == std::string::npos && folders.find("./") == std::string::npos;
    if (!is_plain) {
        throw bad_store_url(
            "the prefix of the repository URL has a part that Azure does not keep as it is",
            "Leave out backslashes and control characters, parts that are empty and parts that end "
            "in a dot.");
    }
}

}  // namespace

bool AzurePlace::is_private() const { return is_private_server(scheme, host); }

std::optional<ConnectionString> given_connection_string(const ReadVariable& variable) {
    const auto text = variable("AZURE_STORAGE_CONNECTION_STRING");
    if (!text) {
        return std::nullopt;
    }
    ConnectionString given = parse_connection_string(*text);
    try {
        (void)account_of(given);
    } catch (const ConfigError&) {
        throw explained<ConfigError>(
            "AZURE_STORAGE_CONNECTION_STRING has a BlobEndpoint that is not a server's",
            "Write BlobEndpoint=https://ACCOUNT.blob.core.windows.net.", "credentials_unusable");
    }
    return given;
}

std::string account_of(const ConnectionString& given) {
    const std::string named =
        given.endpoint.empty() ? std::string() : account_in(parse_endpoint(given.endpoint));
    return given.account.empty() ? named : given.account;
}

AzurePlace azure_place(const StorageUrl& url, const ReadVariable& variable) {
    check_url_parameters(url, kParameters);
    AzurePlace place;
    BucketPath path = parse_bucket_path(url, "container");
    check_prefix(path.prefix);
    place.container = std::move(path.bucket);
    place.prefix = std::move(path.prefix);
    const std::optional<ConnectionString> given = given_connection_string(variable);
    std::string endpoint = url_parameter(url, "endpoint");
    place.account = url_parameter(url, "account");
    if (place.account.empty() && !endpoint.empty()) {
        place.account = account_in(parse_endpoint(endpoint));
    }
    if (place.account.empty() && given) {
        place.account = account_of(*given);
    }
    if (place.account.empty()) {
        place.account = variable("AZURE_STORAGE_ACCOUNT").value_or("");
    }
    check_account(place.account);
    if (endpoint.empty() && given && account_of(*given) == place.account) {
        endpoint = given->endpoint;
    }
    if (endpoint.empty()) {
        endpoint = fmt::format("https://{}.blob.core.windows.net", place.account);
    }
    const Endpoint server = parse_endpoint(endpoint);
    place.scheme = server.scheme;
    place.host = server.host;
    place.root = fmt::format("{}/{}", server.path, place.container);
    place.ca_file = url_parameter(url, "ca_file");
    place.lock = lock_parameter(url);
    place.encryption_scope = header_parameter(url, "encryption_scope");
    place.access_tier = header_parameter(url, "access_tier");
    if (place.access_tier == "Archive") {
        throw bad_store_url("what is stored in the tier Archive cannot be read at once",
                            "Write access_tier=Cool or access_tier=Cold.");
    }
    place.url = fmt::format("az://{}", url.path);
    return place;
}

}  // namespace dbbackup
