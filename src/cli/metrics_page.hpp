#pragma once

/// @file
/// What is known of backups, repositories and jobs, as metrics: scraped, or in a file.

#include "base/log.hpp"
#include "config/config.hpp"
#include "metrics/backup_facts.hpp"
#include "schedule/schedule_store.hpp"
#include "sys/own_database.hpp"

#include <string>

namespace dbbackup {

/// Reads them from the state file. One thread; throws OwnDatabaseError.
class MetricsPage {
public:
    /// @param database Borrowed. @throws also RepositoryError (code "newer_version").
    explicit MetricsPage(OwnDatabase& database) : facts_(database), store_(database) {}

    /// The same as long as nothing happens: ages are for whoever reads the times.
    /// @throws ConfigError for a timetable that cannot be read.
    [[nodiscard]] std::string text(const Config& config);

    [[nodiscard]] BackupFacts& facts() { return facts_; }

private:
    [[nodiscard]] std::string backups(const Config& config);
    [[nodiscard]] std::string repositories(const Config& config);
    [[nodiscard]] std::string jobs(const Config& config);
    [[nodiscard]] std::string run_counts(const Config& config);

    BackupFacts facts_;
    ScheduleStore store_;
};

/// Somebody reads metrics, so that they have to be kept.
[[nodiscard]] bool are_metrics_wanted(const Config& config);

/// Writes the file of `metrics.textfile`, if there is to be one. What goes wrong is only logged.
void write_metrics_file(MetricsPage& page, const Config& config, Log& log) noexcept;
void write_metrics_file(OwnDatabase& database, const Config& config, Log& log) noexcept;

}  // namespace dbbackup
