#pragma once

/// @file
/// Who may use a storage account, from where users have that already.
///
/// Source: Azure CLI, "Azure CLI configuration" (environment variables of storage); Azure Identity
/// client library, "Environment variables".

#include "base/clock.hpp"
#include "base/secret.hpp"
#include "http/http_client.hpp"
#include "storage/cloud/read_variable.hpp"
#include "storage/cloud/renewing.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

namespace dbbackup {

/// How requests are authorized.
struct AzureCredentials {
    enum class Kind : std::uint8_t {
        account_key,  ///< Signs each request; decoded.
        sas,          ///< A shared access signature: a part of the query, as it is.
        bearer,       ///< A token of Microsoft Entra ID.
    };
    Kind kind = Kind::account_key;
    Secret secret;
    /// What it says itself; new ones may be had only of a bearer token.
    std::optional<std::chrono::sys_seconds> expires_at;
};

/// Who is asked over HTTP.
struct AzureServices {
    HttpClient& local;   ///< Of this machine: gives up soon.
    HttpClient& remote;  ///< Of Microsoft Entra ID.
};

/// Asked in this order, the first that has something wins: AZURE_STORAGE_CONNECTION_STRING (of this
/// account), AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN, a service principal, a workload identity,
/// and the managed identity of the app or the machine. Thread-safe.
class AzureCredentialChain {
public:
    /// @param clock Borrowed. @param services Borrowed. @param account Whose credentials are
    /// wanted.
    AzureCredentialChain(ReadVariable variable, const Clock& clock, AzureServices services,
                         std::string account);

    /// Those that were found before, unless they end within five minutes: then new ones.
    /// @throws ConfigError (codes "credentials_missing", naming all places that were looked at, and
    /// "credentials_unusable"); StorageError when a place that is configured refuses.
    [[nodiscard]] std::shared_ptr<const AzureCredentials> get(std::stop_token stop);
    /// The store says that these have ended: the next call asks again.
    void forget(const std::shared_ptr<const AzureCredentials>& refused);

private:
    Renewing<AzureCredentials> credentials_;
};

/// When a shared access signature ends, as it says; nothing where it does not.
/// Source: Azure Storage REST API reference, "Create a service SAS", "Specify the signature
/// validity interval".
[[nodiscard]] std::optional<std::chrono::sys_seconds> sas_expiry(std::string_view sas);

}  // namespace dbbackup
