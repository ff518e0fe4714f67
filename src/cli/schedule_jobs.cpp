#include "cli/schedule_jobs.hpp"

#include "cli/display_text.hpp"
#include "config/problems.hpp"
#include "sys/paths.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <utility>

namespace dbbackup {
namespace {

Timetable timetable_of(const ScheduleConfig& schedule, const std::string& spread) {
    if (schedule.every) {
        return Timetable::of_interval(*schedule.every, spread);
    }
    if (schedule.goal) {
        return Timetable::of_goal(*schedule.goal);
    }
    return Timetable::of_cron(schedule.cron, schedule.timezone, spread);
}

bool is_over(const std::optional<std::chrono::seconds>& span,
             const std::optional<std::chrono::sys_seconds>& last, std::chrono::sys_seconds now) {
    return span && (!last || now - *last >= *span);
}

}  // namespace

ConfigError unknown_job(const std::string& job, const Config& config) {
    std::vector<std::string> names;
    std::transform(config.schedules.begin(), config.schedules.end(), std::back_inserter(names),
                   [](const auto& entry) { return entry.first; });
    const std::string meant = nearest(job, names);
    return explained<ConfigError>(fmt::format("there is no job '{}' in schedules", printable(job)),
                                  meant.empty() ? "See them with: db-backup schedule list."
                                                : fmt::format("Did you mean {}?", meant),
                                  "job_unknown");
}

std::vector<std::string> shared_options(const CommandContext& context) {
    const GlobalArguments& globals = context.globals;
    std::vector<std::string> words;
    const auto add = [&words](const char* option, const std::string& value) {
        words.insert(words.end(), {option, value});
    };
    if (context.config().path) {
        add("--config", absolute_path(*context.config().path).string());
    }
    if (globals.key_file) {
        add("--key-file", absolute_path(*globals.key_file).string());
    }
    if (globals.log_file) {
        add("--log-file", absolute_path(*globals.log_file).string());
    }
    if (globals.log_format) {
        add("--log-format", std::string(word_of(*globals.log_format)));
    }
    if (globals.log_level) {
        add("--log-level", std::string(word_of(*globals.log_level)));
    }
    return words;
}

std::vector<JobSettings> job_settings(const Config& config, const std::string& host) {
    std::vector<JobSettings> jobs;
    for (const auto& [name, schedule] : config.schedules) {
        JobSettings job{.name = name,
                        .timetable = timetable_of(schedule, fmt::format("{}/{}", host, name))};
        job.catch_up = schedule.catch_up;
        job.jitter = schedule.jitter;
        job.timeout = schedule.timeout;
        job.retries = schedule.retries;
        jobs.push_back(std::move(job));
    }
    return jobs;
}

std::vector<JobStep> job_steps(const std::vector<std::string>& program,
                               const ScheduleConfig& schedule, const StepFacts& facts) {
    const auto command = [&](std::initializer_list<std::string> words) {
        std::vector<std::string> all = program;
        all.insert(all.end(), words);
        all.insert(all.end(), {"--json", "--source", schedule.source});
        return all;
    };
    const auto with_repository = [](std::vector<std::string> words, const std::string& name) {
        words.insert(words.end(), {"--repository", name});
        return words;
    };
    const bool is_full = is_over(schedule.full_every, facts.newest_full, facts.now);
    std::vector<JobStep> steps;
    steps.push_back({"backup",
                     command({"backup", "--scheduled", "--mode",
                              std::string(word_of(is_full ? BackupMode::full : schedule.mode))}),
                     is_full ? std::string(kFullMark) : ""});
    for (const std::string& repository : schedule.repositories) {
        steps.front().words = with_repository(std::move(steps.front().words), repository);
    }
    const auto for_each_repository = [&](const std::string& name,
                                         const std::vector<std::string>& words,
                                         const std::string& mark = {}) {
        if (schedule.repositories.empty()) {
            steps.push_back({name, words, mark});
        }
        for (const std::string& repository : schedule.repositories) {
            steps.push_back({name, with_repository(words, repository), mark});
        }
    };
    if (!schedule.retention.empty()) {
        for_each_repository("prune", command({"prune", "--retention", schedule.retention}));
    }
    if (is_over(schedule.verify_every, facts.newest_verify, facts.now)) {
        for_each_repository("verify", command({"verify", "--data"}), std::string(kVerifyMark));
    }
    return steps;
}

std::vector<std::string> secret_variables(const LoadedConfig& loaded) {
    std::vector<std::string> variables;
    const auto add = [&variables](const SecretSource& secret) {
        if (secret.environment && secret.environment_value) {
            variables.push_back(*secret.environment + "=" + *secret.environment_value);
        }
    };
    for (const auto& [name, repository] : loaded.config.repositories) {
        add(repository.passphrase);
    }
    for (const auto& [name, source] : loaded.config.sources) {
        add(source.password);
    }
    for (const auto& [name, notification] : loaded.config.notifications) {
        add(notification.url);
        add(notification.signing);
        add(notification.password);
    }
    // Those with names of our own are left out of what children get, but not forgotten.
    for (const auto& [name, value] : process_environment()) {
        if (name.starts_with("DB_BACKUP_")) {
            variables.push_back(fmt::format("{}={}", name, value));
        }
    }
    return variables;
}

}  // namespace dbbackup
