#include "storage/azure/azure_identity.hpp"

#include "base/error.hpp"
#include "base/plain_json.hpp"
#include "storage/azure/private_server.hpp"
#include "storage/cloud/service_answer.hpp"
#include "storage/cloud/url_parameters.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace dbbackup {
namespace {

constexpr std::string_view kResource = "https://storage.azure.com/";
constexpr const char* kEntra = "Microsoft Entra ID";

/// Some services write numbers as text.
std::optional<std::int64_t> number_at(const nlohmann::json& json, const char* name) {
    const auto found = json.find(name);
    if (found == json.end()) {
        return std::nullopt;
    }
    if (found->is_number_integer()) {
        return found->get<std::int64_t>();
    }
    const std::string text = text_at(json, name);
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && !text.empty() && end == text.data() + text.size()
               ? std::optional(number)
               : std::nullopt;
}

/// @param expires_at Given the answer. @throws StorageError when there is no token in it.
template <class ExpiresAt>
Expiring<AzureCredentials> token_of(const HttpResponse& response, std::string_view what,
                                    ExpiresAt expires_at) {
    const nlohmann::json json = parse_plain_json(as_text(response.body));
    const std::string token = text_at(json, "access_token");
    if (token.empty()) {
        throw StorageError(fmt::format("{} gives no token", what));
    }
    const std::optional<std::chrono::sys_seconds> end = expires_at(json);
    return {std::make_shared<const AzureCredentials>(
                AzureCredentials{AzureCredentials::Kind::bearer, Secret(token), end}),
            end};
}

std::optional<std::chrono::sys_seconds> expires_on(const nlohmann::json& json) {
    const std::optional<std::int64_t> second = number_at(json, "expires_on");
    return second ? std::optional(std::chrono::sys_seconds(std::chrono::seconds(*second)))
                  : std::nullopt;
}

/// Without a scheme it is https, whatever libcurl would make of that.
std::string authority_of(const ReadVariable& variable) {
    constexpr const char* kName = "AZURE_AUTHORITY_HOST";
    const std::string given = variable(kName).value_or("https://login.microsoftonline.com");
    Endpoint server;
    try {
        server = parse_endpoint(given);
    } catch (const ConfigError&) {
        server = {};
    }
    if (!is_private_server(server.scheme, server.host)) {
        throw explained<ConfigError>(
            fmt::format("{} names no server that is reached by https", kName),
            "Give an https URL, or unset the variable.", "credentials_unusable");
    }
    return fmt::format("{}://{}{}", server.scheme, server.host, server.path);
}

/// What it says in its own words names tenants and apps at length; its numbers are documented.
/// Source: "Microsoft Entra authentication and authorization error codes".
StorageError entra_refusal(const HttpResponse& response) {
    constexpr std::array<std::int64_t, 3> kExpired = {7000222, 700024, 700082};
    const nlohmann::json json = parse_plain_json(as_text(response.body));
    std::string said = std::to_string(response.status);
    std::int64_t number = 0;
    if (json.is_object()) {
        said += " " + text_at(json, "error");
        const auto codes = json.find("error_codes");
        if (codes != json.end() && codes->is_array() && !codes->empty() &&
            codes->front().is_number_integer()) {
            number = codes->front().get<std::int64_t>();
            said += fmt::format(" (AADSTS{})", number);
        }
    }
    const bool may_help = is_passing(response.status);
    StorageError error(fmt::format("{} answers {}", kEntra, said),
                       may_help ? Retry::may_help : Retry::never);
    error.set_retry_after(retry_after(response));
    if (may_help) {
        return error;
    }
    if (std::ranges::find(kExpired, number) != kExpired.end()) {
        error.set_code("credentials_expired");
        error.set_hint(
            "The app's secret or the workload's token has ended: get a new one, and run "
            "the same command again.");
    } else {
        error.set_code("credentials_refused");
        error.set_hint(
            "Check AZURE_TENANT_ID and AZURE_CLIENT_ID, and AZURE_CLIENT_SECRET or the "
            "federated credential of the app.");
    }
    return error;
}

std::string identity_query(const char* version, const ReadVariable& variable) {
    std::string query =
        fmt::format("?api-version={}&resource={}", version, percent_encoded(kResource));
    if (const auto client = variable("AZURE_CLIENT_ID")) {
        query += fmt::format("&client_id={}", percent_encoded(*client));
    }
    return query;
}

}  // namespace

std::optional<Expiring<AzureCredentials>> entra_token(HttpClient& http,
                                                      const ReadVariable& variable,
                                                      const Clock& clock, std::stop_token stop) {
    const auto tenant = variable("AZURE_TENANT_ID");
    const auto client = variable("AZURE_CLIENT_ID");
    const auto secret = variable("AZURE_CLIENT_SECRET");
    const auto file = variable("AZURE_FEDERATED_TOKEN_FILE");
    if (!tenant || !client || (!secret && !file)) {
        return std::nullopt;
    }
    const std::string proof =
        secret ? fmt::format("client_secret={}", percent_encoded(*secret))
               : fmt::format("client_assertion_type={}&client_assertion={}",
                             percent_encoded("urn:ietf:params:oauth:client-assertion-type:"
                                             "jwt-bearer"),
                             percent_encoded(read_token_file(*file, stop)));
    const std::string body = fmt::format(
        "grant_type=client_credentials&client_id={}&scope={}&{}", percent_encoded(*client),
        percent_encoded(fmt::format("{}.default", kResource)), proof);
    HttpRequest request;
    request.method = "POST";
    request.url =
        fmt::format("{}/{}/oauth2/v2.0/token", authority_of(variable), percent_encoded(*tenant));
    request.headers = {{"content-type", "application/x-www-form-urlencoded"}};
    request.body = as_bytes(body);
    const HttpResponse response = http.send(request, std::move(stop));
    if (response.status != http_status::ok) {
        throw entra_refusal(response);
    }
    return token_of(response, kEntra, [&clock](const nlohmann::json& json) {
        const std::optional<std::int64_t> seconds = number_at(json, "expires_in");
        return seconds ? std::optional(std::chrono::floor<std::chrono::seconds>(clock.now()) +
                                       std::chrono::seconds(*seconds))
                       : std::nullopt;
    });
}

std::optional<Expiring<AzureCredentials>> app_token(HttpClient& http, const ReadVariable& variable,
                                                    std::stop_token stop) {
    constexpr const char* kWhat = "the app's identity service";
    const auto endpoint = variable("IDENTITY_ENDPOINT");
    const auto header = variable("IDENTITY_HEADER");
    if (!endpoint || !header) {
        return std::nullopt;
    }
    HttpRequest request;
    request.url = *endpoint + identity_query("2019-08-01", variable);
    request.headers = {{"x-identity-header", *header}};
    return token_of(answered(http.send(request, std::move(stop)), kWhat), kWhat, expires_on);
}

std::optional<Expiring<AzureCredentials>> machine_token(HttpClient& http,
                                                        const ReadVariable& variable,
                                                        KnownService known, std::stop_token stop) {
    constexpr const char* kWhat = "the machine's metadata service";
    std::string base =
        variable("AZURE_POD_IDENTITY_AUTHORITY_HOST").value_or("http://169.254.169.254");
    while (base.ends_with('/')) {
        base.pop_back();
    }
    HttpRequest request;
    request.url = base + "/metadata/identity/oauth2/token" + identity_query("2018-02-01", variable);
    request.headers = {{"metadata", "true"}};
    HttpResponse response;
    try {
        response = http.send(request, std::move(stop));
    } catch (const HttpError&) {
        if (known == KnownService::yes) {
            throw;
        }
        return std::nullopt;  // This is no machine of Azure.
    }
    if (response.status != http_status::ok && !is_passing(response.status)) {
        if (known == KnownService::yes) {  // It answers 404 and 410 while it is updated.
            throw StorageError(fmt::format("{} answers {}", kWhat, response.status),
                               Retry::may_help);
        }
        return std::nullopt;  // It has no identity, or is a machine of another cloud.
    }
    return token_of(answered(std::move(response), kWhat), kWhat, expires_on);
}

}  // namespace dbbackup
