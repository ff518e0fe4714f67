#include "cli/metrics_page.hpp"

#include "base/bytes.hpp"
#include "cli/display_text.hpp"
#include "cli/schedule_jobs.hpp"
#include "metrics/metrics_text.hpp"
#include "repository/run.hpp"
#include "repository/version.hpp"
#include "sys/file.hpp"

#include <fmt/format.h>

#include <array>
#include <exception>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

using enum MetricKind;

/// Those that a run may end with, and that make it none.
constexpr std::array kCountedStatuses = {
    RunStatus::succeeded,   RunStatus::incomplete, RunStatus::failed, RunStatus::timed_out,
    RunStatus::interrupted, RunStatus::missed,     RunStatus::skipped};

/// A backup of something that the configuration named, and does not any more, is not looked for.
bool is_shown(const BackupPlace& place, const Config& config) {
    return (!place.is_source_configured || config.sources.contains(place.source)) &&
           (!place.is_repository_configured || config.repositories.contains(place.repository));
}

MetricLabels labels_of(const BackupPlace& place) {
    return {{"source", printable(place.source)}, {"repository", printable(place.repository)}};
}

MetricLabels labels_of(const std::string& job, const ScheduleConfig& schedule) {
    return {{"schedule", printable(job)}, {"source", printable(schedule.source)}};
}

std::string build_info() {
    MetricFamily info("build_info", gauge, "The version of the program that tells this.");
    info.add({{"version", std::string(kProgramVersion)}}, std::int64_t{1});
    return info.text();
}

std::string joined(const std::vector<const MetricFamily*>& families) {
    std::string text;
    for (const MetricFamily* family : families) {
        text += family->text();
    }
    return text;
}

void write_file(MetricsPage& page, const Config& config) {
    constexpr int kRoundsMax = 10;
    constexpr unsigned kForAll = 0644;
    if (!config.metrics.textfile) {
        return;
    }
    // Others write it, too, and who reads first may write last: so look again.
    std::string written;
    for (int round = 0; round < kRoundsMax; ++round) {
        std::string text = page.text(config);
        if (text == written) {
            return;
        }
        replace_file(*config.metrics.textfile, as_bytes(text), kForAll);
        written = std::move(text);
    }
}

void warn(const std::exception& problem, Log& log) noexcept {
    try {
        log.warning(fmt::format("metrics cannot be written: {}", problem.what()));
    } catch (const std::exception&) {
        return;  // What they are about is what counts.
    }
}

}  // namespace

std::string MetricsPage::backups(const Config& config) {
    MetricFamily newest("newest_snapshot_timestamp_seconds", gauge,
                        "When the newest snapshot that this machine took was begun.");
    MetricFamily ended("last_backup_timestamp_seconds", gauge,
                       "When the last backup ended, whether a snapshot came of it or not.");
    MetricFamily success("last_backup_success", gauge,
                         "1 when a snapshot came of the last backup, also an incomplete one.");
    MetricFamily duration("last_backup_duration_seconds", gauge,
                          "How long the last backup took that a snapshot came of.");
    MetricFamily source("last_backup_source_bytes", gauge,
                        "Size of what the newest snapshot describes.");
    MetricFamily read("last_backup_read_bytes", gauge,
                      "What the newest snapshot read from the database.");
    MetricFamily added("last_backup_added_bytes", gauge,
                       "What the newest snapshot added to the repository.");
    MetricFamily counts("backups_total", counter, "Backups by how they ended.");
    MetricFamily all_read("read_bytes_total", counter, "What all backups read from the database.");
    MetricFamily all_added("added_bytes_total", counter,
                           "What all backups added to the repository.");
    for (const BackupHistory& history : facts_.backups()) {
        const BackupEnd& last = history.last;
        if (!is_shown(last.place, config)) {
            continue;
        }
        const MetricLabels labels = labels_of(last.place);
        ended.add(labels, last.ended);
        const bool is_good =
            last.result == BackupResult::succeeded || last.result == BackupResult::incomplete;
        success.add(labels, std::int64_t{is_good});
        if (history.newest) {
            newest.add(labels, history.newest->begun);
            duration.add(labels, history.newest->duration);
            source.add(labels, history.newest->bytes_source);
            read.add(labels, history.newest->bytes_read);
            added.add(labels, history.newest->bytes_added);
        }
        // Also those that never came: a counter that begins at 1 hides the first.
        for (const BackupResult result : kBackupResults) {
            MetricLabels with_result = labels;
            with_result.emplace_back("result", backup_result_name(result));
            const auto found = history.counts.find(result);
            counts.add(with_result, found == history.counts.end() ? 0 : found->second);
        }
        all_read.add(labels, history.bytes_read_total);
        all_added.add(labels, history.bytes_added_total);
    }
    return joined({&newest, &ended, &success, &duration, &source, &read, &added, &counts, &all_read,
                   &all_added});
}

std::string MetricsPage::repositories(const Config& config) {
    MetricFamily size("repository_size_bytes", gauge,
                      "Size of the packs, as stats or prune counted it, and what backups of this "
                      "machine added since.");
    MetricFamily counted("repository_counted_timestamp_seconds", gauge,
                         "When the size of the repository was counted.");
    MetricFamily problems("repository_problems", gauge,
                          "Problems that the last verification of the repository found.");
    MetricFamily verified("repository_verified_timestamp_seconds", gauge,
                          "When the repository was verified.");
    for (const RepositoryFacts& facts : facts_.repositories()) {
        if (facts.is_configured && !config.repositories.contains(facts.repository)) {
            continue;
        }
        const MetricLabels labels = {{"repository", printable(facts.repository)}};
        if (facts.pack_bytes && facts.counted) {
            size.add(labels, *facts.pack_bytes);
            counted.add(labels, *facts.counted);
        }
        if (facts.problems && facts.verified) {
            problems.add(labels, *facts.problems);
            verified.add(labels, *facts.verified);
        }
    }
    return joined({&size, &counted, &problems, &verified});
}

std::string MetricsPage::jobs(const Config& config) {
    MetricFamily next("job_next_run_timestamp_seconds", gauge, "When the job runs next.");
    MetricFamily good("job_newest_good_timestamp_seconds", gauge,
                      "When the newest good backup of the job was begun.");
    MetricFamily goal("job_goal_seconds", gauge,
                      "How old the newest good backup of the job may become: its rpo.");
    MetricFamily failures("job_consecutive_failures", gauge,
                          "Runs that failed since the last good one.");
    MetricFamily ended("job_last_run_timestamp_seconds", gauge,
                       "When the last run of the job ended.");
    MetricFamily running("job_running", gauge, "1 while the job runs.");
    for (const JobSettings& job : job_settings(config, host_name())) {
        const MetricLabels labels = labels_of(job.name, config.schedules.at(job.name));
        if (const Goal* const age = job.timetable.goal()) {
            goal.add(labels, std::int64_t{age->age.count()});
        }
        const std::optional<JobMemory> memory = store_.memory(job.name);
        if (!memory) {
            continue;
        }
        if (const auto time = next_run(job, *memory)) {
            next.add(labels, *time);
        }
        if (memory->past.newest_good) {
            good.add(labels, *memory->past.newest_good);
        }
        failures.add(labels, std::int64_t{memory->past.failures});
        if (memory->past.last_end) {
            ended.add(labels, *memory->past.last_end);
        }
        const std::vector<JobRun> runs = store_.newest(job.name, 1);
        const bool is_running = !runs.empty() && runs.front().status == RunStatus::running;
        running.add(labels, std::int64_t{is_running});
    }
    return joined({&next, &good, &goal, &failures, &ended, &running});
}

std::string MetricsPage::run_counts(const Config& config) {
    MetricFamily counts("job_runs_total", counter, "Runs of the job by how they ended.");
    const auto known = facts_.run_counts();
    for (const auto& [job, schedule] : config.schedules) {
        for (const RunStatus status : kCountedStatuses) {
            const std::string name(run_status_name(status));
            MetricLabels labels = labels_of(job, schedule);
            labels.emplace_back("status", name);
            const auto found = known.find({job, name});
            counts.add(labels, found == known.end() ? 0 : found->second);
        }
    }
    return counts.text();
}

std::string MetricsPage::text(const Config& config) {
    MetricFamily tick("scheduler_last_tick_timestamp_seconds", gauge,
                      "When a scheduler looked last for what is due.");
    if (const auto time = facts_.last_tick()) {
        tick.add({}, *time);
    }
    return build_info() + backups(config) + repositories(config) + jobs(config) +
           run_counts(config) + tick.text();
}

bool are_metrics_wanted(const Config& config) {
    return config.metrics.textfile || !config.web.listen.empty();
}

void write_metrics_file(MetricsPage& page, const Config& config, Log& log) noexcept {
    try {
        write_file(page, config);
    } catch (const std::exception& error) {
        warn(error, log);
    }
}

void write_metrics_file(OwnDatabase& database, const Config& config, Log& log) noexcept {
    try {
        MetricsPage page(database);
        write_file(page, config);
    } catch (const std::exception& error) {
        warn(error, log);
    }
}

}  // namespace dbbackup
