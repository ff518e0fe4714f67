#include "storage/azure/azure_credentials.hpp"

#include "base/error.hpp"
#include "crypto/base64.hpp"
#include "storage/azure/azure_identity.hpp"
#include "storage/azure/azure_place.hpp"
#include "storage/azure/connection_string.hpp"
#include "storage/cloud/service_answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace dbbackup {
namespace {

using Found = std::optional<Expiring<AzureCredentials>>;

ConfigError malformed(std::string_view where, std::string_view what, std::string hint) {
    return explained<ConfigError>(fmt::format("what {} holds is no {}", where, what),
                                  std::move(hint), "credentials_unusable");
}

std::string_view trimmed_end(std::string_view text) {
    return text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
}

Found of_key(std::string_view where, std::string_view base64) {
    std::optional<Bytes> key = from_base64(trimmed_end(base64));
    if (!key || key->empty()) {
        throw malformed(where, "key of a storage account",
                        "Copy all of the key, up to the '=' at its end.");
    }
    return {{std::make_shared<const AzureCredentials>(AzureCredentials{
                 AzureCredentials::Kind::account_key, Secret(std::move(*key)), {}}),
             {}}};
}

/// It becomes a part of the URL as it is, so it must have nothing in it that a URL has not.
Found of_sas(std::string_view where, std::string_view text) {
    text = trimmed_end(text);
    text.remove_prefix(text.starts_with('?') ? 1 : 0);
    const bool has_signature = fmt::format("&{}", text).find("&sig=") != std::string::npos;
    if (!has_signature || std::ranges::any_of(text, [](unsigned char c) {
            return c <= ' ' || c > '~' || c == '#' || c == '"' || c == '?';
        })) {
        throw malformed(where, "shared access signature",
                        "Give only what follows the '?' of its URL, such as sv=…&sp=…&sig=….");
    }
    return {{std::make_shared<const AzureCredentials>(
                 AzureCredentials{AzureCredentials::Kind::sas, Secret(text), sas_expiry(text)}),
             {}}};
}

class Search {
public:
    Search(ReadVariable variable, const Clock& clock, AzureServices services, std::string account)
        : variable_(std::move(variable)),
          clock_(clock),
          services_(services),
          account_(std::move(account)) {}

    Expiring<AzureCredentials> operator()(const std::stop_token& stop) {
        const std::optional<ConnectionString> given = given_connection_string(variable_);
        const bool is_other = given && account_of(*given) != account_;
        Found found = given && !is_other ? of_connection_string(*given) : std::nullopt;
        if (!found) {
            found = of_environment();
        }
        if (!found) {
            found = entra_token(services_.remote, variable_, clock_, stop);
        }
        if (!found) {
            found = app_token(services_.local, variable_, stop);
        }
        if (!found) {
            found = machine_token(services_.local, variable_, machine_, stop);
            machine_ = found ? KnownService::yes : machine_;
        }
        if (!found) {
            throw missing(is_other);
        }
        return std::move(*found);
    }

private:
    static Found of_connection_string(const ConnectionString& given) {
        constexpr std::string_view kWhere = "AZURE_STORAGE_CONNECTION_STRING";
        if (!given.account_key.empty()) {
            return of_key(kWhere, as_text(given.account_key.bytes()));
        }
        return given.sas.empty() ? std::nullopt : of_sas(kWhere, as_text(given.sas.bytes()));
    }

    [[nodiscard]] Found of_environment() const {
        if (const auto key = variable_("AZURE_STORAGE_KEY")) {
            return of_key("AZURE_STORAGE_KEY", *key);
        }
        const auto sas = variable_("AZURE_STORAGE_SAS_TOKEN");
        return sas ? of_sas("AZURE_STORAGE_SAS_TOKEN", *sas) : std::nullopt;
    }

    [[nodiscard]] ConfigError missing(bool is_other) const {
        return explained<ConfigError>(
            fmt::format("there are no credentials for the storage account '{}': neither in "
                        "AZURE_STORAGE_CONNECTION_STRING{}, AZURE_STORAGE_KEY or "
                        "AZURE_STORAGE_SAS_TOKEN, nor for Microsoft Entra ID (AZURE_TENANT_ID and "
                        "AZURE_CLIENT_ID with AZURE_CLIENT_SECRET or AZURE_FEDERATED_TOKEN_FILE), "
                        "nor a managed identity of this app or machine",
                        account_, is_other ? " (it is of another account)" : ""),
            "Set AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, or run where an identity is "
            "assigned.",
            "credentials_missing");
    }

    ReadVariable variable_;
    const Clock& clock_;
    AzureServices services_;
    std::string account_;
    KnownService machine_ = KnownService::no;
};

}  // namespace

AzureCredentialChain::AzureCredentialChain(ReadVariable variable, const Clock& clock,
                                           AzureServices services, std::string account)
    : credentials_(clock, Search(std::move(variable), clock, services, std::move(account))) {}

std::shared_ptr<const AzureCredentials> AzureCredentialChain::get(std::stop_token stop) {
    return credentials_.get(stop);
}

void AzureCredentialChain::forget(const std::shared_ptr<const AzureCredentials>& refused) {
    credentials_.forget(refused);
}

std::optional<std::chrono::sys_seconds> sas_expiry(std::string_view sas) {
    constexpr std::string_view kName = "&se=";
    std::string text = fmt::format("&{}", sas);
    const std::size_t at = text.find(kName);
    if (at == std::string::npos) {
        return std::nullopt;
    }
    text = text.substr(at + kName.size());
    text = text.substr(0, text.find('&'));
    for (const std::string_view colon : {"%3A", "%3a"}) {
        for (std::size_t found = text.find(colon); found != std::string::npos;
             found = text.find(colon)) {
            text.replace(found, colon.size(), ":");
        }
    }
    // It may be a date, or lack the seconds, which is UTC all the same.
    constexpr std::string_view kDate = "2026-11-22";
    constexpr std::string_view kMinute = "2026-11-22T14:00Z";
    if (text.size() == kDate.size()) {
        text += "T00:00:00Z";
    } else if (text.size() == kMinute.size() && text.ends_with('Z')) {
        text.insert(text.size() - 1, ":00");
    }
    return parse_second(text);
}

}  // namespace dbbackup
