/// @file
/// The program. Catches everything, and is the only place that prints errors.

#include "cli/command_context.hpp"
#include "cli/command_line.hpp"
#include "cli/commands.hpp"
#include "cli/error_report.hpp"
#include "cli/log_choice.hpp"
#include "cli/process_setup.hpp"
#include "sys/child_environment.hpp"
#include "sys/signals.hpp"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cassert>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace dbbackup {
namespace {

/// What is certain after Ctrl-C, by command.
std::string what_remains(const CommandArguments& command) {
    if (std::holds_alternative<BackupArguments>(command)) {
        return "Nothing was left half-written; earlier snapshots are untouched, and the next "
               "backup "
               "reuses what was stored.";
    }
    if (std::holds_alternative<CopyArguments>(command)) {
        return "Each snapshot that was copied is whole; the same command copies the others.";
    }
    if (std::holds_alternative<RestoreArguments>(command)) {
        return "The target is as it was before.";
    }
    if (std::holds_alternative<InitArguments>(command)) {
        return "The repository may be half-made; running init again completes it.";
    }
    const auto* schedule = std::get_if<ScheduleArguments>(&command);
    if (schedule != nullptr && schedule->action == ScheduleArguments::Action::run) {
        return "What the run had done by then stands; see: db-backup schedule list.";
    }
    const auto* key = std::get_if<KeyArguments>(&command);
    if (key != nullptr && key->action != KeyArguments::Action::list) {
        return "Nobody is locked out; `db-backup key list` shows whether something has changed.";
    }
    return "Nothing was changed.";
}

OutputFormat format_of(bool is_json) { return is_json ? OutputFormat::json : OutputFormat::text; }

/// One call of the program, from its words to its exit code.
class Program {
public:
    explicit Program(std::vector<std::string> words)
        : words_(std::move(words)),
          environment_(process_environment()),
          output_(format_of(asks_for_json(words_))),
          stderr_terminal_(terminal_of(STDERR_FILENO, false, environment_)),
          lines_(stderr_terminal_.can_redraw) {}

    ExitCode run() noexcept {
        try {
            signals_.emplace();
            output_.end_waiting_with(signals_->token());
            return parse_and_run(signals_->token());
        } catch (...) {
            return report_current_exception();
        }
    }

private:
    ExitCode parse_and_run(std::stop_token stop) {
        const Terminal terminal = terminal_of(STDOUT_FILENO, false, environment_);
        line_ = parse_command_line(words_, {terminal.width});
        output_.set_format(format_of(line_->globals.is_json));
        if (const auto* print = std::get_if<PrintArguments>(&line_->command)) {
            output_.text(print->text);
            return print->exit_code;
        }
        const auto* config = std::get_if<ConfigArguments>(&line_->command);
        if (config != nullptr && config->action == ConfigArguments::Action::schema) {
            output_.text(config_schema());
            return ExitCode::success;
        }
        return run_with_config(std::move(stop));
    }

    ExitCode run_with_config(std::stop_token stop) {
        const GlobalArguments& globals = line_->globals;
        stderr_terminal_ = terminal_of(STDERR_FILENO, globals.is_color_off, environment_);
        const Terminal terminal = terminal_of(STDOUT_FILENO, globals.is_color_off, environment_);
        // The file that `config init` makes is not there yet, and none that is there counts.
        const bool is_new = std::holds_alternative<ConfigInitArguments>(line_->command);
        const LoadedConfig loaded =
            is_new ? LoadedConfig{} : load_config(globals.config_path, environment_);
        // Their values are in `loaded`. The only other thread now waits for signals.
        forget_variables(loaded.secret_variables);
        log_options_ = choose_log(globals, loaded.config.logging);
        log_options_->stderr_line = [this](std::string_view line) { lines_.line(line); };
        Log log(*log_options_);
        for (const std::string& warning : loaded.warnings) {
            log.warning(warning);
        }
        const Plugins plugins = make_plugins(log);
        const SystemClock clock;
        CommandContext context{globals,
                               loaded,
                               plugins,
                               terminal,
                               output_,
                               lines_,
                               log,
                               clock,
                               log_options_->stderr_level <= LogLevel::info,
                               std::move(stop),
                               *signals_,
                               is_done_,
                               left_by_stop_};
        return std::visit(
            [&context](const auto& arguments) -> ExitCode {
                if constexpr (std::is_same_v<std::decay_t<decltype(arguments)>, PrintArguments>) {
                    assert(false);  // It was printed before.
                    return ExitCode::failure;
                } else {
                    return run_command(arguments, context);
                }
            },
            line_->command);
    }

    /// The log file learns of errors too; stderr has a better form of them.
    void log_to_file(const ErrorReport& report) {
        if (log_options_ && log_options_->file) {
            log_options_->stderr_level = LogLevel::off;
            Log(*log_options_).error(report.message, {{"code", report.code}});
        }
    }

    /// Call it in a catch block.
    ExitCode report_current_exception() noexcept {
        ErrorReport report = describe_current_exception();
        if (report.exit_code == ExitCode::cancelled && line_) {
            report.hint = is_done_ ? "It was done before; only what it had to say was cut off."
                          : left_by_stop_.empty() ? what_remains(line_->command)
                                                  : left_by_stop_;
        }
        try {
            if (output_.is_json() && !output_.has_document()) {
                output_.document(error_json(report));
            }
        } catch (const std::exception&) {
            // stdout is broken; stderr below still tells what went wrong first.
        }
        try {
            log_to_file(report);
        } catch (const std::exception&) {
            // The same: stderr is what is left.
        }
        lines_.clear_live();
        std::string text = error_text(report, stderr_terminal_);
        text.pop_back();
        lines_.line(text);
        return report.exit_code;
    }

    /// First, so that it goes last: until the exit code is returned, a signal that comes too late
    /// must not look like an interrupted command.
    std::optional<SignalStop> signals_;
    std::vector<std::string> words_;
    Environment environment_;
    Output output_;
    Terminal stderr_terminal_;
    StderrLines lines_;
    std::optional<CommandLine> line_;
    bool is_done_ = false;
    std::string left_by_stop_;
    std::optional<LogOptions> log_options_;  ///< Set once the configuration is known.
};

}  // namespace
}  // namespace dbbackup

int main(int argc, char** argv) {
    dbbackup::set_up_process();
    dbbackup::Program program(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
    const int code = static_cast<int>(program.run());
    dbbackup::ignore_stop_signals();
    return code;
}
