#pragma once

/// @file
/// Where the passphrase of a repository comes from: the configuration, the environment, or a person
/// at the terminal. Never from an argument: everybody on the machine can read those.

#include "base/secret.hpp"
#include "config/config.hpp"

#include <optional>
#include <stop_token>
#include <string>

namespace dbbackup {

/// The source that the environment names by DB_BACKUP_PASSPHRASE, …_FILE or …_COMMAND; none set is
/// an answer. @throws ConfigError when more than one is set.
[[nodiscard]] SecretSource environment_passphrase(const Environment& environment);

/// Asks on the terminal without showing what is typed. Nothing when nobody is there to answer
/// (stdin is no terminal). @throws Cancelled when `stop` fires; the terminal is as before then.
[[nodiscard]] std::optional<Secret> ask_passphrase(const std::string& prompt, std::stop_token stop);

/// Asks twice, for a new repository. @throws ConfigError when both differ or are empty.
[[nodiscard]] std::optional<Secret> ask_new_passphrase(const std::string& what,
                                                       std::stop_token stop);

}  // namespace dbbackup
