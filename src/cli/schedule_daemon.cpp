#include "cli/schedule_daemon.hpp"

#include "base/error.hpp"
#include "cli/schedule_jobs.hpp"
#include "cli/schedule_service.hpp"
#include "schedule/state_file.hpp"
#include "sys/detached_process.hpp"
#include "sys/paths.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <string>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

std::vector<std::string> daemon_words(const ScheduleArguments& arguments,
                                      const CommandContext& context) {
    std::vector<std::string> words = {program_path(), "schedule", "start", "--detached"};
    const std::vector<std::string> options = shared_options(context);
    words.insert(words.end(), options.begin(), options.end());
    if (!context.globals.log_file && !context.config().logging.file) {
        // Nobody would see what it says otherwise.
        words.insert(words.end(), {"--log-file", schedule_log_file().string()});
    }
    if (arguments.grace) {
        words.insert(words.end(), {"--grace", fmt::format("{}s", arguments.grace->count())});
    }
    if (context.output.is_json()) {
        words.emplace_back("--json");
    }
    return words;
}

/// What the process had to say before it ended.
ExitCode pass_on(const DetachedStart& started, CommandContext& context) {
    const auto document = nlohmann::ordered_json::parse(started.output, nullptr, false);
    if (context.output.is_json() && document.is_object()) {
        context.output.document(document);
    }
    std::string errors = started.errors;
    while (errors.ends_with('\n')) {
        errors.pop_back();
    }
    if (!errors.empty()) {
        context.errors.line(errors);
    }
    const int code = started.exit_code.value_or(0);
    return code == 0 ? ExitCode::failure : static_cast<ExitCode>(code);
}

}  // namespace

ExitCode start_daemon(const ScheduleArguments& arguments, CommandContext& context) {
    make_state_folder(state_home());
    const DetachedStart started = start_detached(daemon_words(arguments, context),
                                                 secret_variables(context.loaded), context.stop);
    if (started.exit_code) {
        return pass_on(started, context);
    }
    context.is_done = true;
    if (context.output.is_json()) {
        context.output.document({{"process", started.process},
                                 {"jobs", context.config().schedules.size()},
                                 {"pid_file", schedule_lock_file().string()}});
    } else {
        context.remark(fmt::format("the scheduler runs as process {}", started.process));
    }
    return ExitCode::success;
}

}  // namespace dbbackup
