#pragma once

/// @file
/// What Azure says when it refuses, as an error that tells the user what to do. Pure.
///
/// Source: Azure Storage REST API reference, "Status and error codes"; what Azurite answers instead
/// was tried.

#include "base/error.hpp"
#include "http/http_message.hpp"
#include "storage/azure/azure_place.hpp"
#include "storage/cloud/refusal.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace dbbackup {

struct AzureRefusal : Refusal {
    /// More about refused credentials. For us alone: it may repeat what was sent.
    std::string detail;
};

[[nodiscard]] AzureRefusal read_azure_refusal(const HttpResponse& response);

/// Whether it is about who asks, and not about what may be done: a newer token may help.
[[nodiscard]] bool is_about_credentials(const AzureRefusal& refusal);

/// Whether the answer says that there is no such blob; a missing container is another matter.
[[nodiscard]] bool is_azure_absence(const HttpResponse& response);

/// Whether the blob is kept: by an immutability policy or a legal hold.
[[nodiscard]] bool is_about_azure_lock(const AzureRefusal& refusal);

/// What is known where something was refused. Not every answer says why; these tell it.
struct AzureAttempt {
    std::string doing;       ///< Such as "store packs/ab".
    std::string permission;  ///< What it takes, such as "c (create)".
    std::chrono::sys_seconds now;
    /// Of the credentials, by their own words.
    std::optional<std::chrono::sys_seconds> expires_at = {};
};

[[nodiscard]] StorageError azure_error(const HttpResponse& response, const AzurePlace& place,
                                       const AzureAttempt& attempt);

}  // namespace dbbackup
