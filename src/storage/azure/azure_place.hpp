#pragma once

/// @file
/// Where a container is, from a repository URL and what the user's environment says.

#include "config/object_lock.hpp"
#include "storage/azure/connection_string.hpp"
#include "storage/cloud/read_variable.hpp"
#include "storage/registry.hpp"

#include <optional>
#include <string>

namespace dbbackup {

/// `az://container/prefix?account=…&endpoint=…&ca_file=…`, and how blobs are kept there,
/// understood.
struct AzurePlace {
    std::string account;
    std::string container;
    std::string prefix;  ///< Of names; empty or ending in '/'.
    std::string scheme;  ///< "https", or "http" where the endpoint says so.
    std::string host;    ///< As requests name it.
    std::string root;    ///< What paths begin with: "/container", or "/account/container" where the
                         ///< endpoint has a path.
    std::string ca_file;
    std::optional<ObjectLock> lock;
    std::string encryption_scope;  ///< Empty: as the container says.
    std::string access_tier;       ///< Of packs; empty: the account's.
    std::string url;               ///< As a person would type it.

    /// Whether what is sent stays on this machine or is encrypted.
    [[nodiscard]] bool is_private() const;
};

/// The variable AZURE_STORAGE_CONNECTION_STRING; nothing where it is not set.
/// @throws as `parse_connection_string`, and the same for an endpoint that is no server.
[[nodiscard]] std::optional<ConnectionString> given_connection_string(const ReadVariable& variable);

/// What the URL leaves open is taken from the connection string, unless that is another account's,
/// and from AZURE_STORAGE_ACCOUNT.
/// @throws ConfigError (code "bad_repository_url") for a parameter that is unknown or wrong, for
/// a container that Azure could not have, and when no account is named anywhere; and as
/// `parse_connection_string`.
[[nodiscard]] AzurePlace azure_place(const StorageUrl& url, const ReadVariable& variable);

/// The account that a connection string is for: what it says, else the first part of its endpoint.
[[nodiscard]] std::string account_of(const ConnectionString& given);

}  // namespace dbbackup
