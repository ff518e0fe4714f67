#pragma once

/// @file
/// Tries what a configuration that is being made says, before it is written.

#include "cli/command_context.hpp"
#include "cli/config_draft.hpp"
#include "crypto/seal.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace dbbackup {

/// The first folder on the way up that is there.
[[nodiscard]] std::filesystem::path existing_parent(std::filesystem::path path);

/// @throws ConfigError unless it is a folder that this user may make files in.
void check_writable(const std::filesystem::path& folder);

/// Looks at the databases. Returns their size in bytes. @throws what a backup of them would.
[[nodiscard]] std::uint64_t try_source(const ConfigDraft& draft, const CommandContext& context);

/// Looks for a repository there. Returns its cipher; without one, it is certain that `init` may
/// make it. @throws ConfigError otherwise; StorageError.
[[nodiscard]] std::optional<Cipher> try_repository(const std::string& url,
                                                   const CommandContext& context);

/// Fetches the draft's secret, and opens the repository with it where there is one.
/// @throws ConfigError, WrongKeyError.
void try_secret(const ConfigDraft& draft, bool has_repository, CommandContext& context);

}  // namespace dbbackup
