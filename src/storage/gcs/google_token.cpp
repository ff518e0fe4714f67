#include "storage/gcs/google_token.hpp"

#include "base/error.hpp"
#include "base/plain_json.hpp"
#include "storage/cloud/service_answer.hpp"
#include "storage/gcs/signed_jwt.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>

namespace dbbackup {
namespace {

constexpr const char* kTokenService = "Google's token service";
constexpr const char* kMachine = "the machine's metadata server";
/// Source: Cloud Storage, "Cloud Storage OAuth 2.0 scopes". "Objects: patch" and "Objects: restore"
/// take the second; it gives no more than the account's roles do.
constexpr std::string_view kObjects = "https://www.googleapis.com/auth/devstorage.read_write";
constexpr std::string_view kMetadata = "https://www.googleapis.com/auth/devstorage.full_control";

/// What an answer that refuses a token means. The first that fits counts.
struct TokenRefusal {
    std::string_view error;        ///< RFC 6749, section 5.2; Google adds some.
    std::string_view description;  ///< A part of Google's words.
    std::string_view code;
    std::string_view hint;
};

constexpr std::array kTokenRefusals = {
    TokenRefusal{"invalid_grant", "reasonable timeframe", "clock_skewed",
                 "Set this machine's clock right: Google accepts no request for a token that is "
                 "some minutes off."},
    TokenRefusal{"invalid_grant", "expired or revoked", "credentials_expired",
                 "Log in again with \"gcloud auth application-default login\"."},
    TokenRefusal{"invalid_grant", "reauth", "credentials_expired",
                 "Log in again with \"gcloud auth application-default login\"."},
    TokenRefusal{"invalid_grant", "", "credentials_refused",
                 "Make a new key of the service account, or look whether that account is still "
                 "there and enabled."},
    TokenRefusal{"", "", "credentials_refused",
                 "Check the file of credentials, and that its account may get access tokens."},
};

/// Only its words are repeated, and only so many of them: whatever else is in the answer is not
/// for messages.
StorageError refused(const HttpResponse& response) {
    constexpr std::size_t kShown = 200;
    const nlohmann::json document = parse_plain_json(as_text(response.body));
    const std::string error = text_at(document, "error").substr(0, kShown);
    const std::string description = text_at(document, "error_description").substr(0, kShown);
    StorageError result(
        fmt::format("{} answers {}{}{}{}{}", kTokenService, response.status,
                    error.empty() ? "" : " ", error, description.empty() ? "" : ": ", description),
        is_passing(response.status) ? Retry::may_help : Retry::never);
    result.set_retry_after(retry_after(response));
    if (!is_passing(response.status)) {
        const auto* const found = std::ranges::find_if(kTokenRefusals, [&](const auto& each) {
            return (each.error.empty() || each.error == error) &&
                   description.find(each.description) != std::string::npos;
        });
        result.set_code(std::string(found->code));
        result.set_hint(std::string(found->hint));
    }
    return result;
}

ExpiringGoogleToken parse_token(const HttpResponse& response, const char* what,
                                std::chrono::sys_seconds now) {
    const nlohmann::json document = parse_plain_json(as_text(response.body));
    const std::string token = text_at(document, "access_token");
    if (token.empty() ||
        std::ranges::any_of(token, [](char letter) { return letter <= ' ' || letter > '~'; })) {
        throw StorageError(fmt::format("{} gives no access token", what), Retry::may_help);
    }
    ExpiringGoogleToken result{
        std::make_shared<const GoogleToken>(GoogleToken{Secret(std::string_view(token))}), {}};
    const auto life = document.find("expires_in");
    if (life != document.end() && life->is_number_unsigned()) {
        constexpr std::uint64_t kWeekS = 604'800;  // No token lives so long.
        result.expires_at =
            now + std::chrono::seconds(std::min(life->get<std::uint64_t>(), kWeekS));
    }
    return result;
}

ExpiringGoogleToken ask_token(HttpClient& http, const std::string& url, const std::string& form,
                              std::chrono::sys_seconds now, std::stop_token stop) {
    HttpRequest request;
    request.method = "POST";
    request.url = url;
    request.headers = {{"content-type", "application/x-www-form-urlencoded"}};
    request.body = as_bytes(form);
    const HttpResponse response = http.send(request, std::move(stop));
    if (response.status != http_status::ok) {
        throw refused(response);
    }
    return parse_token(response, kTokenService, now);
}

}  // namespace

ExpiringGoogleToken service_account_token(HttpClient& http, const ServiceAccountKey& key,
                                          GoogleScope scope, std::chrono::sys_seconds now,
                                          std::stop_token stop) {
    constexpr std::int64_t kLifeS = 3600;  // The longest that Google gives.
    const std::int64_t now_s = now.time_since_epoch().count();
    nlohmann::json header = {{"alg", "RS256"}, {"typ", "JWT"}};
    if (!key.key_id.empty()) {
        header["kid"] = key.key_id;
    }
    const nlohmann::json claims = {{"iss", key.email},
                                   {"scope", scope == GoogleScope::objects ? kObjects : kMetadata},
                                   {"aud", key.token_url},
                                   {"iat", now_s},
                                   {"exp", now_s + kLifeS}};
    const std::string form =
        fmt::format("grant_type={}&assertion={}",
                    percent_encoded("urn:ietf:params:oauth:grant-type:jwt-bearer"),
                    percent_encoded(signed_jwt(header.dump(), claims.dump(), key.private_key)));
    return ask_token(http, key.token_url, form, now, std::move(stop));
}

ExpiringGoogleToken authorized_user_token(HttpClient& http, const AuthorizedUser& user,
                                          std::chrono::sys_seconds now, std::stop_token stop) {
    const std::string form = fmt::format(
        "grant_type=refresh_token&client_id={}&client_secret={}&refresh_token={}",
        percent_encoded(user.client_id), percent_encoded(as_text(user.client_secret.bytes())),
        percent_encoded(as_text(user.refresh_token.bytes())));
    return ask_token(http, user.token_url, form, now, std::move(stop));
}

std::optional<ExpiringGoogleToken> machine_token(HttpClient& http, const ReadVariable& variable,
                                                 std::chrono::sys_seconds now,
                                                 std::stop_token stop) {
    if (variable("NO_GCE_CHECK").value_or("") == "true") {
        return std::nullopt;
    }
    HttpRequest request;
    request.url =
        fmt::format("http://{}/computeMetadata/v1/instance/service-accounts/default/token",
                    variable("GCE_METADATA_HOST").value_or("169.254.169.254"));
    request.headers = {{"metadata-flavor", "Google"}};
    HttpResponse response;
    try {
        response = http.send(request, std::move(stop));
    } catch (const HttpError&) {
        return std::nullopt;  // This is no machine of Google's.
    }
    if (response.header("metadata-flavor") != "Google" ||
        response.status == http_status::not_found) {
        return std::nullopt;
    }
    return parse_token(answered(std::move(response), kMachine), kMachine, now);
}

}  // namespace dbbackup
