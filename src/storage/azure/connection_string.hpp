#pragma once

/// @file
/// What Azure's portal gives people to copy: account, key and place in one line.
///
/// Source: Azure Storage, "Configure Azure Storage connection strings".

#include "base/secret.hpp"

#include <string>
#include <string_view>

namespace dbbackup {

/// `AccountName=…;AccountKey=…;EndpointSuffix=…`, understood.
struct ConnectionString {
    std::string account;
    Secret account_key;    ///< In base64, as it stands there; empty where it gives none.
    Secret sas;            ///< Empty where it gives none.
    std::string endpoint;  ///< Of blobs; empty where neither that nor an account is given.
};

/// `UseDevelopmentStorage=true` is Azurite on this machine, with the key that everybody knows.
/// @throws ConfigError (code "credentials_unusable") for what has no such form; the message
/// repeats nothing of it.
[[nodiscard]] ConnectionString parse_connection_string(std::string_view text);

}  // namespace dbbackup
