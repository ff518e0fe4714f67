#pragma once

/// @file
/// Where `config init` has its answers from: the options, else the person at the terminal. Each is
/// tried at once.

#include "base/secret.hpp"
#include "cli/arguments.hpp"
#include "cli/command_context.hpp"
#include "cli/config_draft.hpp"
#include "crypto/seal.hpp"

#include <filesystem>
#include <optional>

namespace dbbackup {

/// What was answered and found good.
struct ConfigAnswers {
    ConfigDraft draft;
    /// Of the repository at that place; without one, `init` makes it.
    std::optional<Cipher> stored_cipher = {};
    /// To be written into the draft's file for it, which is not there yet.
    std::optional<Secret> new_passphrase = {};
    Environment variables = {};  ///< Of the process.

    [[nodiscard]] bool has_repository() const noexcept { return stored_cipher.has_value(); }
};

/// Asks for what the options do not say, when there is a terminal and neither `--yes` nor `--json`
/// is given. A typed answer that turns out to be wrong is asked for again.
/// @param config Where the configuration will be, for proposals.
/// @throws ConfigError as check_config_init; what trying an answer throws; Cancelled.
[[nodiscard]] ConfigAnswers gather_answers(const ConfigInitArguments& arguments,
                                           const std::filesystem::path& config,
                                           CommandContext& context);

/// Writes the only line of a file that only its owner reads. @throws ConfigError.
void write_passphrase(const std::filesystem::path& path, const Secret& passphrase);

}  // namespace dbbackup
