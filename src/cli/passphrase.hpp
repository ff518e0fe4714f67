#pragma once

/// @file
/// Asks a person at the terminal for the passphrase of a repository. It never comes from an
/// argument: everybody on the machine can read those.

#include "base/log.hpp"
#include "base/secret.hpp"
#include "config/config.hpp"

#include <optional>
#include <stop_token>
#include <string>

namespace dbbackup {

/// Asks on the terminal without showing what is typed. Nothing when nobody is there to answer
/// (stdin is no terminal). @throws Cancelled when `stop` fires; the terminal is as before then.
[[nodiscard]] std::optional<Secret> ask_passphrase(const std::string& prompt, std::stop_token stop);

/// A new passphrase: from its source, else typed twice; nothing when nobody is there to answer.
/// A file that others may read is warned of.
/// @param fetched "new passphrase of repository main", for messages about the source.
/// @param asked "repository main", for the question. @throws ConfigError, Cancelled.
[[nodiscard]] std::optional<Secret> new_passphrase(const SecretSource& source,
                                                   const std::string& fetched,
                                                   const std::string& asked, Log& log,
                                                   std::stop_token stop);

/// Asks twice, for a new repository. @throws ConfigError when both differ or are empty.
[[nodiscard]] std::optional<Secret> ask_new_passphrase(const std::string& what,
                                                       std::stop_token stop);

}  // namespace dbbackup
