#pragma once

/// @file
/// Asks a person at the terminal for the passphrase of a repository. It never comes from an
/// argument: everybody on the machine can read those.

#include "base/secret.hpp"

#include <optional>
#include <stop_token>
#include <string>

namespace dbbackup {

/// Asks on the terminal without showing what is typed. Nothing when nobody is there to answer
/// (stdin is no terminal). @throws Cancelled when `stop` fires; the terminal is as before then.
[[nodiscard]] std::optional<Secret> ask_passphrase(const std::string& prompt, std::stop_token stop);

/// Asks twice, for a new repository. @throws ConfigError when both differ or are empty.
[[nodiscard]] std::optional<Secret> ask_new_passphrase(const std::string& what,
                                                       std::stop_token stop);

}  // namespace dbbackup
