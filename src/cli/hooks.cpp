#include "cli/hooks.hpp"

#include "cli/display_text.hpp"
#include "cli/error_report.hpp"
#include "sys/subprocess.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <exception>

namespace dbbackup {
namespace {

/// Enough to see what happened; a hook that says more does not fill the log.
constexpr std::size_t kLinesMax = 1000;
/// Longer texts do not fit an environment, which has other things to hold too.
constexpr std::size_t kTextBytesMax = 4096;
/// What hooks are told, besides the event and the source.
constexpr std::array<const char*, 11> kFacts = {
    "SNAPSHOT",   "PLACE",     "MODE",     "BYTES_SOURCE", "BYTES_READ", "BYTES_ADDED",
    "DURATION_S", "EXIT_CODE", "WARNINGS", "ERROR_CODE",   "ERROR"};
/// Who pressed Ctrl-C, or shuts the machine down, does not wait longer.
constexpr std::chrono::seconds kTimeoutAfterStop{30};

std::string number_of(ExitCode code) { return std::to_string(static_cast<int>(code)); }

}  // namespace

std::optional<std::string> Hooks::run(std::string_view event, const std::string& command,
                                      const Told& told, std::chrono::seconds timeout,
                                      const std::stop_token& stop) const {
    const std::string name = fmt::format("the hook {} of source {}", event, source_);
    const LogFields fields = {{"hook", std::string(event)}, {"source", source_}};
    context_.log.info("running a hook", fields);
    std::size_t lines = 0;
    std::string last;
    ShellSetting setting;
    setting.timeout = timeout;
    // All of them are set: what a hook was told that ran this program is not for its hooks.
    setting.variables = {{"DB_BACKUP_HOOK_EVENT", std::string(event)},
                         {"DB_BACKUP_HOOK_SOURCE", source_}};
    for (const char* const fact : kFacts) {
        const auto known = told.find(fact);
        setting.variables.emplace_back(
            std::string("DB_BACKUP_HOOK_") + fact,
            known == told.end() ? std::string() : known->second.substr(0, kTextBytesMax));
    }
    setting.on_line = [&](std::string_view line) {
        if (line.empty()) {
            return;
        }
        last = line;
        ++lines;
        if (lines <= kLinesMax) {
            context_.log.info(line, fields);
        } else if (lines == kLinesMax + 1) {
            context_.log.info("the hook says more, which is left out", fields);
        }
    };
    try {
        const int status = run_shell_for_effect(command, setting, stop);
        if (status == 0) {
            return std::nullopt;
        }
        return fmt::format("{} failed with exit status {}{}", name, status,
                           last.empty() ? "" : ": " + last);
    } catch (const Error& error) {
        return fmt::format("{} failed: {}", name, error.what());
    }
}

void Hooks::before() const {
    if (config_ == nullptr || config_->before.empty()) {
        return;
    }
    if (std::optional<std::string> problem =
            run("before", config_->before, {}, config_->timeout, context_.stop)) {
        throw explained<SourceError>(
            std::move(*problem),
            fmt::format("Nothing was backed up: correct sources.{}.hooks.before, or what it needs.",
                        source_),
            "hook_failed");
    }
}

std::optional<std::string> Hooks::after(const BackupReport& report, const std::string& place,
                                        ExitCode exit_code) const {
    if (config_ == nullptr || config_->after.empty()) {
        return std::nullopt;
    }
    const SnapshotSummary& summary = report.snapshot.summary;
    try {
        std::optional<std::string> problem =
            run("after", config_->after,
                {{"SNAPSHOT", summary.id},
                 {"PLACE", place},
                 {"MODE", std::string(word_of(summary.mode))},
                 {"BYTES_SOURCE", std::to_string(summary.bytes_source)},
                 {"BYTES_READ", std::to_string(summary.bytes_read)},
                 {"BYTES_ADDED", std::to_string(summary.bytes_added)},
                 {"DURATION_S", fmt::format("{:.3f}", report.duration_s)},
                 {"EXIT_CODE", number_of(exit_code)},
                 {"WARNINGS", fmt::format("{}", fmt::join(report.snapshot.warnings, "\n"))}},
                config_->timeout, context_.stop);
        if (problem) {
            context_.log.error(*problem, {{"code", "hook_failed"}});
        }
        return problem;
    } catch (const Cancelled&) {
        context_.errors.line(fmt::format(
            "db-backup: warning: the hook after of source {} was ended; the snapshot {} stands",
            printable(source_), summary.id.substr(0, 8)));
        throw;
    }
}

void Hooks::on_error() const noexcept {
    if (config_ == nullptr || config_->on_error.empty()) {
        return;
    }
    try {
        const ErrorReport report = describe_current_exception();
        const bool is_stopped = context_.stop.stop_requested();
        std::optional<std::string> problem;
        try {
            problem =
                run("on_error", config_->on_error,
                    {{"EXIT_CODE", number_of(report.exit_code)},
                     {"ERROR_CODE", report.code},
                     {"ERROR", printable(report.message)}},
                    is_stopped ? std::min(config_->timeout, kTimeoutAfterStop) : config_->timeout,
                    is_stopped ? std::stop_token() : context_.stop);
        } catch (const Cancelled&) {
            problem = fmt::format("the hook on_error of source {} was ended", source_);
        }
        if (problem) {
            context_.log.warning(*problem);
        }
    } catch (const std::exception&) {
        return;  // The backup's own error is what is told.
    }
}

}  // namespace dbbackup
