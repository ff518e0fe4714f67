#pragma once

/// @file
/// What every command works with. Made by `main`; borrowed by the commands.

#include "base/clock.hpp"
#include "base/log.hpp"
#include "cli/arguments.hpp"
#include "cli/output.hpp"
#include "cli/plugins.hpp"
#include "cli/progress_line.hpp"
#include "cli/stderr_lines.hpp"
#include "cli/terminal.hpp"
#include "config/config.hpp"
#include "engine/backup.hpp"
#include "sys/signals.hpp"

#include <stop_token>
#include <string>
#include <string_view>

namespace dbbackup {

/// Everything is borrowed and outlives the command.
struct CommandContext {
    const GlobalArguments& globals;
    const LoadedConfig& loaded;
    const Plugins& plugins;
    const Terminal& terminal;  ///< What stdout is.
    Output& output;
    StderrLines& errors;
    Log& log;
    const Clock& clock;
    bool is_log_on_stderr;  ///< Lines of level info and above show there.
    std::stop_token stop;
    SignalStop& signals;
    /// Set by a command once what it was called for stands: a stop can then only cut off what it
    /// says.
    bool& is_done;
    /// Set by a command: what a stop would leave now, when that is not what it leaves otherwise.
    std::string& left_by_stop;

    [[nodiscard]] const Config& config() const { return loaded.config; }

    /// How progress is shown under these arguments.
    [[nodiscard]] ProgressOptions progress(std::string_view doing) const;
    /// A remark for people on stderr: not with `--quiet`, and never instead of an error.
    void remark(std::string_view text) const;
    [[nodiscard]] Context engine(Progress& progress) const { return {clock, log, progress}; }
};

/// `--jobs`, else what is configured, else one for each processor, at most 8.
[[nodiscard]] unsigned chosen_jobs(const std::optional<unsigned>& asked,
                                   const std::optional<unsigned>& configured = std::nullopt);

}  // namespace dbbackup
