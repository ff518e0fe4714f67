#pragma once

/// @file
/// Answers of the services that give credentials: of machines, of containers, of clouds.

#include "http/http_client.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace dbbackup {

/// For services on the machine itself: away from the cloud nobody answers there, and it must not
/// take long to see.
[[nodiscard]] HttpOptions metadata_options();

/// The text of that name in an object; empty where there is none, or it is no text.
[[nodiscard]] std::string text_at(const nlohmann::json& json, const char* name);

/// The second of an RFC 3339 time; nothing for what is none.
[[nodiscard]] std::optional<std::chrono::sys_seconds> parse_second(std::string_view text);

/// The token that a platform keeps in a file for a workload, without its line end.
/// @throws StorageError when there is none, or it cannot be read.
[[nodiscard]] std::string read_token_file(const std::string& file, std::stop_token stop);

/// @param what The service, for messages: nothing of what it says is repeated, it may be secret.
/// @throws StorageError for a status that is not 200; Retry::may_help when that passes.
[[nodiscard]] HttpResponse answered(HttpResponse response, std::string_view what);

}  // namespace dbbackup
