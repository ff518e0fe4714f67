/// @file
/// `db-backup notify`: shows whether a notification arrives.

#include "base/error.hpp"
#include "cli/commands.hpp"
#include "cli/display_text.hpp"
#include "cli/schedule_notices.hpp"
#include "config/problems.hpp"
#include "http/http_client.hpp"
#include "notify/make_notifier.hpp"
#include "repository/run.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

namespace dbbackup {

ExitCode run_command(const NotifyArguments& arguments, CommandContext& context) {
    const Config& config = context.config();
    const auto found = config.notifications.find(arguments.name);
    if (found == config.notifications.end()) {
        std::vector<std::string> names;
        std::transform(config.notifications.begin(), config.notifications.end(),
                       std::back_inserter(names), [](const auto& entry) { return entry.first; });
        const std::string meant = nearest(arguments.name, names);
        throw explained<ConfigError>(
            fmt::format("there is no '{}' in notifications", printable(arguments.name)),
            meant.empty() ? "Add it to the configuration under `notifications:`."
                          : fmt::format("Did you mean {}?", meant),
            "notification_unknown");
    }
    HttpClient client({.ca_file = config.storage.ca_file.value_or("")});
    Notice notice =
        new_notice(arguments.event.value_or(Event::failure), "sample", "sample", host_name(),
                   std::chrono::floor<std::chrono::seconds>(context.clock.now()), "This is a test");
    notice.problem = "Nothing is wrong: somebody wants to see whether such a message arrives.";
    notice.command = "db-backup notify test " + arguments.name;
    try {
        make_notifier(arguments.name, found->second, config.storage, client, context.stop)
            ->send(notice, context.stop);
    } catch (Error& error) {
        if (error.exit_code() == ExitCode::failure) {
            error.set_code("notification_failed");
            error.set_hint(fmt::format("Look at notifications.{} in the configuration.",
                                       printable(arguments.name)));
        }
        throw;
    }
    context.is_done = true;
    context.log.info("sent a test", {{"notification", arguments.name}});
    if (context.output.is_json()) {
        context.output.document({{"notification", arguments.name}, {"id", notice.id}});
    } else {
        context.remark(fmt::format("{} took it", arguments.name));
    }
    return ExitCode::success;
}

}  // namespace dbbackup
