#pragma once

/// @file
/// The shell commands that the configuration wants run around a backup of a source.

#include "base/error.hpp"
#include "cli/command_context.hpp"
#include "config/config.hpp"
#include "engine/backup.hpp"

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

namespace dbbackup {

/// The hooks of one source during one backup. Each gets what is known of it in variables
/// DB_BACKUP_HOOK_… (docs/configuration.md), empty where there is nothing to say, and none of our
/// secrets. What they print goes to the log. Not thread-safe.
class Hooks {
public:
    /// @param config Nothing for a source without hooks. All is borrowed.
    Hooks(const HooksConfig* config, std::string source, const CommandContext& context)
        : config_(config), source_(std::move(source)), context_(context) {}

    /// Runs `before`. @throws SourceError (code "hook_failed") when it fails; Cancelled.
    void before() const;

    /// Runs `after`, of a backup whose snapshot stands, or whose archive does: that has no id.
    /// Returns what to warn of when it fails.
    /// @param place The repository, or the file. Never with a secret.
    /// @throws Cancelled when it was ended by Ctrl-C, which is warned of here.
    [[nodiscard]] std::optional<std::string> after(const BackupReport& report,
                                                   const std::string& place,
                                                   ExitCode exit_code) const;

    /// Runs `on_error`; call it in a catch block. Nothing that goes wrong here changes anything:
    /// it is warned of. After Ctrl-C it still runs, but not for long.
    void on_error() const noexcept;

private:
    /// By the ends of the variables' names; others are empty.
    using Told = std::map<std::string, std::string>;

    /// Returns what went wrong, if it did.
    [[nodiscard]] std::optional<std::string> run(std::string_view event, const std::string& command,
                                                 const Told& told, std::chrono::seconds timeout,
                                                 const std::stop_token& stop) const;

    const HooksConfig* config_;
    std::string source_;
    const CommandContext& context_;
};

}  // namespace dbbackup
