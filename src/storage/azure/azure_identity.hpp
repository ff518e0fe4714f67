#pragma once

/// @file
/// Services that give tokens for blobs: Microsoft Entra ID, and those of an app or a machine in
/// Azure.

#include "base/clock.hpp"
#include "http/http_client.hpp"
#include "storage/azure/azure_credentials.hpp"

#include <optional>
#include <stop_token>

namespace dbbackup {

/// For a service principal by its secret (AZURE_CLIENT_SECRET) or by a workload's own token
/// (AZURE_FEDERATED_TOKEN_FILE). Nothing where the environment names neither.
/// Source: Microsoft identity platform, "OAuth 2.0 client credentials flow".
/// @throws StorageError (codes "credentials_refused", "credentials_expired") when it refuses.
[[nodiscard]] std::optional<Expiring<AzureCredentials>> entra_token(HttpClient& http,
                                                                    const ReadVariable& variable,
                                                                    const Clock& clock,
                                                                    std::stop_token stop);

/// For the identity of an app. Nothing where the environment names no such service.
/// Source: Azure App Service, "How to use managed identities", "REST endpoint reference".
[[nodiscard]] std::optional<Expiring<AzureCredentials>> app_token(HttpClient& http,
                                                                  const ReadVariable& variable,
                                                                  std::stop_token stop);

/// Whether a service gave a token before: its silence then is trouble, and no answer.
enum class KnownService : bool { no, yes };

/// For the identity of a machine. Nothing where nobody answers, or the machine has none.
/// Source: "How to use managed identities for Azure resources on an Azure VM to acquire an access
/// token", "Get a token using HTTP" and "Error handling".
/// @throws StorageError with Retry::may_help where one that is known gives none.
[[nodiscard]] std::optional<Expiring<AzureCredentials>> machine_token(HttpClient& http,
                                                                      const ReadVariable& variable,
                                                                      KnownService known,
                                                                      std::stop_token stop);

}  // namespace dbbackup
