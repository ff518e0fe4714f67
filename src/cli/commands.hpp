#pragma once

/// @file
/// One function for each command: does the work, writes the result to the output, returns the exit
/// code. What goes wrong is thrown; `main` prints it.

#include "base/error.hpp"
#include "cli/arguments.hpp"
#include "cli/command_context.hpp"

namespace dbbackup {

[[nodiscard]] ExitCode run_command(const InitArguments& arguments, CommandContext& context);
[[nodiscard]] ExitCode run_command(const BackupArguments& arguments, CommandContext& context);
[[nodiscard]] ExitCode run_command(const RestoreArguments& arguments, CommandContext& context);
[[nodiscard]] ExitCode run_command(const ExportArguments& arguments, CommandContext& context);
[[nodiscard]] ExitCode run_command(const ListArguments& arguments, CommandContext& context);
[[nodiscard]] ExitCode run_command(const ShowArguments& arguments, CommandContext& context);
[[nodiscard]] ExitCode run_command(const VerifyArguments& arguments, CommandContext& context);
[[nodiscard]] ExitCode run_command(const CopyArguments& arguments, CommandContext& context);
[[nodiscard]] ExitCode run_command(const RepairArguments& arguments, CommandContext& context);
[[nodiscard]] ExitCode run_command(const PruneArguments& arguments, CommandContext& context);
[[nodiscard]] ExitCode run_command(const PinArguments& arguments, CommandContext& context);
[[nodiscard]] ExitCode run_command(const UnpinArguments& arguments, CommandContext& context);
[[nodiscard]] ExitCode run_command(const UndeleteArguments& arguments, CommandContext& context);
[[nodiscard]] ExitCode run_command(const StatsArguments& arguments, CommandContext& context);
[[nodiscard]] ExitCode run_command(const KeyArguments& arguments, CommandContext& context);
[[nodiscard]] ExitCode run_command(const DoctorArguments& arguments, CommandContext& context);
[[nodiscard]] ExitCode run_command(const ScheduleArguments& arguments, CommandContext& context);
[[nodiscard]] ExitCode run_command(const NotifyArguments& arguments, CommandContext& context);
[[nodiscard]] ExitCode run_command(const ConfigInitArguments& arguments, CommandContext& context);
/// `validate` and `show`; `schema` needs no configuration and is printed by `main`.
[[nodiscard]] ExitCode run_command(const ConfigArguments& arguments, CommandContext& context);

}  // namespace dbbackup
