#pragma once

/// @file
/// All commands and options as a tree of the parsing library. Included only by the files that
/// parse: the library's headers take seconds to compile.

#include "cli/arguments.hpp"

#include <CLI/CLI.hpp>

#include <optional>
#include <string>
#include <vector>

namespace dbbackup {

/// Where the callbacks of all commands write. Lives as long as the tree.
struct CommandTreeValues {
    GlobalArguments globals;
    InitArguments init;
    BackupArguments backup;
    RestoreArguments restore;
    ExportArguments export_snapshot;
    ListArguments list;
    ShowArguments show;
    VerifyArguments verify;
    CopyArguments copy;
    RepairArguments repair;
    PruneArguments prune;
    PinArguments pin;
    UnpinArguments unpin;
    UndeleteArguments undelete;
    KeyArguments key;
    DoctorArguments doctor;
    ScheduleArguments schedule;
    NotifyArguments notify;
    ConfigInitArguments config_init;
    std::vector<std::string> help_words;  ///< `help backup`
};

/// Adds every command to `root`. Callbacks throw ConfigError for values that are not acceptable.
void add_commands(CLI::App& root, CommandTreeValues& values);

}  // namespace dbbackup
