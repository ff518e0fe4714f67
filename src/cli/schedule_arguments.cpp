#include "cli/schedule_arguments.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

#include <utility>

namespace dbbackup {
namespace {

ConfigError usage_error(std::string message, std::string hint) {
    return explained<ConfigError>(std::move(message), std::move(hint), "usage");
}

}  // namespace

ScheduleArguments checked_schedule(const std::string& name, ScheduleArguments arguments,
                                   const GlobalArguments& globals) {
    using Action = ScheduleArguments::Action;
    for (const auto& [word, action] :
         {std::pair("start", Action::start), std::pair("stop", Action::stop),
          std::pair("list", Action::list), std::pair("add", Action::add),
          std::pair("remove", Action::remove), std::pair("run", Action::run),
          std::pair("export", Action::export_jobs)}) {
        if (name != word) {
            continue;
        }
        const bool needs_job =
            action == Action::add || action == Action::remove || action == Action::run;
        if (needs_job && arguments.job.empty()) {
            throw usage_error(fmt::format("schedule {} needs a JOB", word),
                              action == Action::add ? "Write a name for it."
                                                    : "See them with: db-backup schedule list.");
        }
        if (action != Action::add && globals.repository) {
            throw usage_error(fmt::format("schedule {} takes no --repository", word),
                              "The jobs say where they back up to.");
        }
        if (arguments.user && arguments.format == ExportFormat::kubernetes) {
            throw usage_error("--user is of systemd and cron", "In containers the image's runs.");
        }
        if (arguments.image && arguments.format != ExportFormat::kubernetes) {
            throw usage_error("--image is of kubernetes", "Leave it out.");
        }
        arguments.action = action;
        return arguments;
    }
    throw usage_error("schedule needs a command",
                      "Write start, stop, list, add, remove, run or export after it.");
}

NotifyArguments checked_notify(const std::string& name, const NotifyArguments& arguments) {
    if (name != "test") {
        throw usage_error("notify needs a command", "Write test after it.");
    }
    if (arguments.name.empty()) {
        throw usage_error("notify test needs a NAME",
                          "Write one that stands in the configuration under notifications.");
    }
    return arguments;
}

}  // namespace dbbackup
