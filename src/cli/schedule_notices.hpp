#pragma once

/// @file
/// What the scheduler tells, as notices for the outbox.

#include "config/config.hpp"
#include "notify/outbox.hpp"
#include "schedule/scheduler.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace dbbackup {

/// Puts a notice into the outbox for each receiver of the job that wants the event. Logs all.
class ScheduleNotices final : public ScheduleListener {
public:
    /// All is borrowed; `config` may be replaced between two calls.
    ScheduleNotices(Outbox& outbox, const Config*& config, std::string host, Log& log,
                    std::function<std::chrono::sys_seconds()> now)
        : outbox_(outbox),
          config_(config),
          host_(std::move(host)),
          log_(log),
          now_(std::move(now)) {}

    void ended(const JobSettings& job, const JobRun& run,
               std::optional<std::chrono::sys_seconds> again, unsigned failures) override;
    void missed(const JobSettings& job, const JobRun& run) override;
    void too_old(const JobSettings& job,
                 std::optional<std::chrono::sys_seconds> newest_good) override;
    void clock_was_set_back(std::chrono::seconds by) override;
    /// A run begins: for pings.
    void begins(const JobRun& run);

private:
    [[nodiscard]] Notice notice(const std::string& job, Event event, std::string title) const;
    void tell(const Notice& notice);

    Outbox& outbox_;
    const Config*& config_;
    std::string host_;
    Log& log_;
    std::function<std::chrono::sys_seconds()> now_;
};

/// What the end of a run is, after so many failures in a row.
[[nodiscard]] Event event_of(const JobRun& run, unsigned failures);
/// "Backup of shop failed"
[[nodiscard]] std::string title_of(Event event, const JobRun& run, const std::string& source);

/// Puts a notice into the outbox for each of `receivers` that wants it.
void put_for(const std::vector<std::string>& receivers, const Notice& notice, const Config& config,
             Outbox& outbox);

/// What somebody types, from any folder. @param words "schedule run nightly"
[[nodiscard]] std::string typed_command(const Config& config, std::string_view words);

/// A notice with a new id. @param source "" where there is none.
[[nodiscard]] Notice new_notice(Event event, std::string job, std::string source, std::string host,
                                std::chrono::sys_seconds time, std::string title);

}  // namespace dbbackup
