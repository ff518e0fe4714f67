#include "cli/schedule_edit.hpp"

#include "base/error.hpp"
#include "cli/config_draft.hpp"
#include "cli/display_text.hpp"
#include "cli/new_file.hpp"
#include "cli/schedule_jobs.hpp"
#include "cli/schedule_service.hpp"
#include "repository/run.hpp"
#include "sys/file.hpp"
#include "sys/file_error.hpp"
#include "sys/only_one.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace dbbackup {
namespace {

/// @throws ConfigError without a configuration file, beside which the jobs' files stand.
std::filesystem::path folder_of_jobs(const CommandContext& context) {
    if (!context.config().path) {
        throw explained<ConfigError>("there is no configuration file to add jobs to",
                                     "Make one: db-backup config init.", "config_missing");
    }
    return added_schedules_folder(*context.config().path);
}

std::string list_text(const std::vector<std::string>& values) {
    std::string text;
    for (const std::string& value : values) {
        text += (text.empty() ? "" : ", ") + yaml_value(value);
    }
    return "[" + text + "]";
}

std::string job_text(const ScheduleArguments& arguments, const GlobalArguments& globals) {
    std::string text =
        fmt::format("# A job of db-backup, made by `db-backup schedule add`.\nschedules:\n  {}:\n",
                    yaml_value(arguments.job));
    for (const auto& [key, values] : arguments.settings) {
        text += fmt::format("    {}: {}\n", key,
                            key == "notify" ? list_text(values) : yaml_value(values.front()));
    }
    if (globals.repository) {
        std::vector<std::string> repositories = globals.more_repositories;
        repositories.insert(repositories.begin(), *globals.repository);
        text += fmt::format("    repository: {}\n", list_text(repositories));
    }
    return text;
}

/// Whoever may read the configuration may read what belongs to it: the service runs what root adds.
/// @throws FileError.
void give_rights_of(const std::filesystem::path& model, const std::filesystem::path& file,
                    mode_t mode_mask) {
    struct ::stat wanted{};
    if (::stat(model.c_str(), &wanted) != 0) {
        throw FileError("read", model, errno);
    }
    // Only root may give a file away; others own both.
    if (::chown(file.c_str(), wanted.st_uid, wanted.st_gid) != 0 && ::geteuid() == 0) {
        throw FileError("change the owner of", file, errno);
    }
    if (::chmod(file.c_str(), wanted.st_mode & mode_mask) != 0) {
        throw FileError("change the mode of", file, errno);
    }
}

/// Tells the scheduler, if one runs, that its jobs have changed.
void tell_scheduler(CommandContext& context) {
    const std::optional<int> process = OnlyOne::holder(schedule_lock_file());
    if (process && *process > 0 && ::kill(*process, SIGHUP) == 0) {
        context.remark("the scheduler was told");
    }
}

ExitCode finish(const std::string& job, const std::filesystem::path& file,
                const std::string& remark, CommandContext& context) {
    context.is_done = true;
    if (context.output.is_json()) {
        context.output.document({{"job", job}, {"file", file.string()}});
    } else {
        context.remark(remark);
    }
    tell_scheduler(context);
    return ExitCode::success;
}

}  // namespace

ExitCode add_job(const ScheduleArguments& arguments, CommandContext& context) {
    const std::filesystem::path folder = folder_of_jobs(context);
    const std::filesystem::path file = folder / (arguments.job + ".yaml");
    const bool is_name = arguments.job.find('/') == std::string::npos && arguments.job[0] != '.';
    if (context.config().schedules.contains(arguments.job) || !is_name) {
        throw explained<ConfigError>(
            is_name ? fmt::format("there is a job '{}' already", printable(arguments.job))
                    : fmt::format("'{}' is no name for a job", printable(arguments.job)),
            "Choose a name of letters, digits, '-', '_' and '.'.", "job_exists");
    }
    const std::filesystem::path& configuration = context.config().path.value();
    if (std::filesystem::create_directories(folder)) {
        give_rights_of(std::filesystem::absolute(configuration).parent_path(), folder, 0755);
    }
    try {
        write_new_file(file, as_bytes(job_text(arguments, context.globals)));
    } catch (const FileError& error) {
        if (error.error_number() == EEXIST) {
            throw explained<ConfigError>(fmt::format("there is a file {} already", file.native()),
                                         "It makes no such job; look at it.", "job_exists");
        }
        throw;
    }
    try {
        give_rights_of(configuration, file, 0644);
        const LoadedConfig loaded = load_config(context.config().path, process_environment());
        static_cast<void>(job_settings(loaded.config, host_name()));
    } catch (...) {
        std::error_code ignored;  // What is wrong with the job says more.
        std::filesystem::remove(file, ignored);
        throw;
    }
    return finish(arguments.job, file, fmt::format("added {} in {}", arguments.job, file.native()),
                  context);
}

ExitCode remove_job(const ScheduleArguments& arguments, CommandContext& context) {
    if (!context.config().schedules.contains(arguments.job)) {
        throw unknown_job(arguments.job, context.config());
    }
    const std::filesystem::path folder = folder_of_jobs(context);
    const std::filesystem::path file = folder / (arguments.job + ".yaml");
    std::error_code error;
    if (!std::filesystem::remove(file, error)) {
        if (error) {
            throw FileError("remove", file, error.value());
        }
        throw explained<ConfigError>(
            fmt::format("the job {} was not added by `schedule add`", arguments.job),
            fmt::format("Remove it where it stands: `db-backup config show` tells where "
                        "schedules.{}.source comes from.",
                        arguments.job),
            "job_elsewhere");
    }
    sync_directory(folder);
    return finish(arguments.job, file, fmt::format("removed {}", arguments.job), context);
}

}  // namespace dbbackup
