#pragma once

/// @file
/// Where a secret is, and how it is fetched.

#include "base/secret.hpp"

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace dbbackup {

/// A secret that is fetched only when it is needed: at most one of the first four is set. Holds
/// where the secret is, and the secret itself only for `value` and `environment_value`.
struct SecretSource {
    std::optional<std::string> value = {};
    std::optional<std::filesystem::path> file = {};
    std::optional<std::string> environment = {};
    std::optional<std::string> command = {};
    /// What the variable `environment` held when the configuration was loaded, `.env` included;
    /// without it, the process's environment is asked.
    std::optional<std::string> environment_value = {};

    [[nodiscard]] bool is_set() const noexcept;

    /// Fetches it; the line break at the end of a file or of what a command prints is dropped, and
    /// more than one line is refused. @throws ConfigError that says what failed and
    /// never shows the secret. @param what "passphrase of repository main", for messages.
    [[nodiscard]] Secret fetch(std::string_view what, std::stop_token stop) const;
    /// "file /etc/x", "environment variable X", "command", "given value", "none": for output.
    [[nodiscard]] std::string where() const;
};

}  // namespace dbbackup
