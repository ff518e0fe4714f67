#include "cli/schedule_export.hpp"

#include "base/error.hpp"
#include "cli/new_file.hpp"
#include "cli/repository_access.hpp"
#include "cli/schedule_jobs.hpp"
#include "cli/schedule_list.hpp"
#include "cli/schedule_service.hpp"
#include "repository/run.hpp"
#include "repository/version.hpp"
#include "schedule/crontab.hpp"
#include "schedule/kubernetes.hpp"
#include "schedule/systemd_units.hpp"
#include "storage/registry.hpp"
#include "sys/file_error.hpp"
#include "sys/paths.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

/// Collects what a run of one job needs of the machine.
class JobNeeds {
public:
    explicit JobNeeds(const CommandContext& context) : context_(context) {}

    void add(const ScheduleConfig& schedule) {
        const Config& config = context_.config();
        const SourceConfig& source = config.sources.at(schedule.source);
        add_source(source);
        if (schedule.repositories.empty()) {
            add_repository(choose_repository(context_, source.repository));
        }
        for (const std::string& name : schedule.repositories) {
            add_repository(choose_repository(name, "", context_.loaded, {}));
        }
        for (const std::string& name : schedule.notify) {
            const NotificationConfig& notification = config.notifications.at(name);
            add_secret(notification.url);
            add_secret(notification.signing);
            add_secret(notification.password);
        }
        add_configuration(config);
    }

    /// Moves into a job.
    void give(ExportedJob& job) {
        job.folders.assign(folders_.begin(), folders_.end());
        job.files.assign(files_.begin(), files_.end());
        job.variables.assign(variables_.begin(), variables_.end());
    }

private:
    void add_source(const SourceConfig& source) {
        add_secret(source.password);
        if (source.type != DatabaseType::sqlite) {
            return;
        }
        if (!source.folder.empty()) {
            folders_.insert(absolute_path(source.folder));
        }
        for (const std::string& database : source.databases) {
            // SQLite keeps its log beside the database.
            folders_.insert(absolute_path(database).parent_path());
        }
    }

    void add_repository(const RepositoryChoice& choice) {
        const StorageUrl url = StorageUrl::parse(choice.url);
        if (url.type() == StorageType::local) {
            folders_.insert(absolute_path(url.path));
        }
        if (const auto key_file = key_file_path(choice, context_)) {
            files_.insert(absolute_path(*key_file));
        } else {
            add_secret(passphrase_source(choice, context_));
        }
        for (const std::string& name :
             choice.config == nullptr ? std::vector<std::string>() : choice.config->mirror_to) {
            if (seen_.insert(name).second) {
                add_repository(choose_repository(name, "", context_.loaded, {}));
            }
        }
    }

    void add_configuration(const Config& config) {
        if (config.storage.ca_file) {
            files_.insert(absolute_path(*config.storage.ca_file));
        }
        if (config.logging.file) {
            folders_.insert(absolute_path(*config.logging.file).parent_path());
        }
        if (config.metrics.textfile) {
            folders_.insert(absolute_path(*config.metrics.textfile).parent_path());
        }
        if (!config.path) {
            return;
        }
        const std::filesystem::path path = absolute_path(*config.path);
        files_.insert(path);
        if (std::filesystem::exists(path.parent_path() / ".env")) {
            files_.insert(path.parent_path() / ".env");
        }
        std::error_code none;  // No folder: no jobs were added.
        for (const auto& entry :
             std::filesystem::directory_iterator(added_schedules_folder(path), none)) {
            if (entry.path().extension() == ".yaml") {
                files_.insert(entry.path());
            }
        }
    }

    void add_secret(const SecretSource& secret) {
        if (secret.file) {
            files_.insert(absolute_path(*secret.file));
        }
        if (secret.environment) {
            variables_.insert(*secret.environment);
        }
    }

    const CommandContext& context_;
    std::set<std::filesystem::path> folders_;
    std::set<std::filesystem::path> files_;
    std::set<std::string> variables_;
    std::set<std::string> seen_;
};

std::vector<ExportedJob> exported_jobs(const std::string& only, const CommandContext& context) {
    std::vector<ExportedJob> jobs;
    for (const auto& [name, schedule] : context.config().schedules) {
        if (!only.empty() && only != name) {
            continue;
        }
        ExportedJob job{.name = name,
                        .source = schedule.source,
                        .times = export_times(schedule, fmt::format("{}/{}", host_name(), name))};
        job.catch_up = schedule.catch_up;
        job.jitter = schedule.jitter;
        job.options = shared_options(context);
        JobNeeds needs(context);
        needs.add(schedule);
        needs.give(job);
        jobs.push_back(std::move(job));
    }
    return jobs;
}

std::vector<ExportedFile> files_of(const std::vector<ExportedJob>& jobs, ExportFormat format,
                                   const ExportPlace& place) {
    std::vector<ExportedFile> files;
    switch (format) {
        case ExportFormat::systemd:
            for (const ExportedJob& job : jobs) {
                for (ExportedFile& unit : systemd_units(job, place)) {
                    files.push_back(std::move(unit));
                }
            }
            return files;
        case ExportFormat::cron: return {crontab(jobs, place, TimeZone::find("local"))};
        case ExportFormat::kubernetes: return {kubernetes(jobs, place)};
    }
    return files;
}

/// All of them or none.
void write_files(const std::vector<ExportedFile>& files, const std::filesystem::path& folder) {
    for (const ExportedFile& file : files) {
        if (std::filesystem::exists(std::filesystem::symlink_status(folder / file.name))) {
            throw explained<ConfigError>(
                fmt::format("there is a file {} already", (folder / file.name).native()),
                "Remove it, or name another folder with --output.", "output_exists");
        }
    }
    std::filesystem::create_directories(folder);
    for (const ExportedFile& file : files) {
        write_new_file(folder / file.name, as_bytes(file.text));
    }
}

std::string printed(const std::vector<ExportedFile>& files) {
    if (files.size() == 1) {
        return files.front().text;
    }
    std::string text;
    for (const ExportedFile& file : files) {
        text += fmt::format("{}# {}\n{}", text.empty() ? "" : "\n", file.name, file.text);
    }
    return text;
}

}  // namespace

ExitCode export_jobs(const ScheduleArguments& arguments, CommandContext& context) {
    const Config& config = context.config();
    require_jobs(config);
    if (!arguments.job.empty() && !config.schedules.contains(arguments.job)) {
        throw unknown_job(arguments.job, config);
    }
    const ExportPlace place{
        .program = program_path(),
        .user = arguments.user.value_or(user_name()),
        .image = arguments.image.value_or(fmt::format("db-backup:{}", kProgramVersion))};
    const std::vector<ExportedFile> files =
        files_of(exported_jobs(arguments.job, context), arguments.format, place);
    if (arguments.output) {
        write_files(files, *arguments.output);
    }
    context.is_done = true;
    if (context.output.is_json()) {
        nlohmann::ordered_json list = nlohmann::ordered_json::array();
        for (const ExportedFile& file : files) {
            list.push_back({{"name", file.name}, {"text", file.text}});
        }
        context.output.document({{"format", word_of(arguments.format)}, {"files", list}});
    } else if (!arguments.output) {
        context.output.text(printed(files));
    } else {
        for (const ExportedFile& file : files) {
            context.remark(fmt::format("wrote {}", (*arguments.output / file.name).native()));
        }
    }
    return ExitCode::success;
}

}  // namespace dbbackup
