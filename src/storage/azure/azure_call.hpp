#pragma once

/// @file
/// Requests to one container, as all that speaks to it makes them.

#include "base/error.hpp"
#include "http/http_message.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace dbbackup {

/// One request before it is authorized.
struct AzureCall {
    std::string method;
    std::string name;  ///< Of the blob, without the prefix; empty: the container itself.
    std::vector<std::pair<std::string, std::string>> query = {};
    HttpHeaders headers = {};
    BytesView body = {};
    /// Of this blob, where a copy of it is to be made: the source is named when it is authorized.
    std::string copied_version = {};
};

/// What it was answered.
struct BlobAnswer : HttpResponse {
    /// When what it was asked with ends, by its own words.
    std::optional<std::chrono::sys_seconds> expires_at;
};

/// What an upload needs of its container, which outlives it.
struct AzureContainer {
    std::function<BlobAnswer(const AzureCall&, const std::stop_token&)> send;
    /// @param doing and permission As `AzureAttempt` has them.
    std::function<StorageError(const BlobAnswer&, const std::string& doing,
                               const std::string& permission)>
        refused;
    /// What each call says that stores a byte, and what those say that make the blob.
    HttpHeaders storing_headers = {};
    HttpHeaders making_headers = {};
    /// Called after a blob was made, where somebody has to look at it.
    std::function<void(const std::stop_token&)> made = {};
};

}  // namespace dbbackup
