#pragma once

/// @file
/// Access tokens of Google: for the key of a service account, for a user who logged in, and of the
/// machine.

#include "base/clock.hpp"
#include "base/secret.hpp"
#include "http/http_client.hpp"
#include "storage/cloud/read_variable.hpp"
#include "storage/cloud/renewing.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

namespace dbbackup {

/// What requests are sent with.
struct GoogleToken {
    Secret bearer;
};

/// What a token is good for, whatever its account may do beside it.
enum class GoogleScope : std::uint8_t {
    objects,   ///< To create, read, list and delete them.
    metadata,  ///< To change what is known of them as well, such as their retention.
};

using ExpiringGoogleToken = Expiring<GoogleToken>;

/// The key of a service account.
struct ServiceAccountKey {
    std::string email;
    std::string key_id;
    std::string token_url;
    Secret private_key;  ///< PEM.
};

/// What "gcloud auth application-default login" leaves.
struct AuthorizedUser {
    std::string client_id;
    std::string token_url;
    Secret client_secret;
    Secret refresh_token;
};

/// Source: Google Identity, "Using OAuth 2.0 for Server to Server Applications", "HTTP/REST"
/// (RFC 7523). @param scope What others give is of the scope that was chosen with them.
/// @param now Of this machine: the service accepts it within some minutes of its own.
/// @throws StorageError, with code "credentials_refused", "credentials_expired" or "clock_skewed"
/// where the service says so; ConfigError (code "credentials_unusable") for a key that is none.
[[nodiscard]] ExpiringGoogleToken service_account_token(HttpClient& http,
                                                        const ServiceAccountKey& key,
                                                        GoogleScope scope,
                                                        std::chrono::sys_seconds now,
                                                        std::stop_token stop);

/// Source: Google Identity, "Using OAuth 2.0 for Web Server Applications", "Refreshing an access
/// token". @throws as the former.
[[nodiscard]] ExpiringGoogleToken authorized_user_token(HttpClient& http,
                                                        const AuthorizedUser& user,
                                                        std::chrono::sys_seconds now,
                                                        std::stop_token stop);

/// Source: Compute Engine, "Authenticate workloads using service accounts" (metadata server).
/// Nothing where nobody answers, where what answers is not Google's, and where the machine has no
/// service account.
[[nodiscard]] std::optional<ExpiringGoogleToken> machine_token(HttpClient& http,
                                                               const ReadVariable& variable,
                                                               std::chrono::sys_seconds now,
                                                               std::stop_token stop);

}  // namespace dbbackup
