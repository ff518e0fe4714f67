#include "schedule/crontab.hpp"

#include "base/error.hpp"
#include "base/shell_word.hpp"
#include "calendar/crontab_times.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <string>

namespace dbbackup {
namespace {

/// As one word of a shell in a crontab, where `%` is a line break unless `\` stands before it.
std::string crontab_word(const std::string& text) {
    if (text.find('\n') != std::string::npos) {
        throw explained<ConfigError>("a line break cannot stand in a crontab",
                                     "Give the file a name without it.", "not_exportable");
    }
    std::string word;
    for (const char character : shell_word(text)) {
        word += character == '%' ? "\\%" : std::string(1, character);
    }
    return word;
}

/// Zones have several names, and some differ in the past only.
bool is_like(const TimeZone& left, const TimeZone& right) {
    using std::chrono::local_days;
    constexpr local_days kFirst{std::chrono::year(2025) / 1 / 1};
    constexpr local_days kLast{std::chrono::year(2030) / 1 / 1};
    for (local_days day = kFirst; day < kLast; day += std::chrono::days(1)) {
        if (left.offset_through(day) != right.offset_through(day)) {
            return false;
        }
    }
    return true;
}

std::string line_of(const ExportedJob& job, const ExportPlace& place, const TimeZone& machine) {
    if (!job.times.zone.empty() && !is_like(TimeZone::find(job.times.zone), machine)) {
        throw explained<ConfigError>(
            fmt::format("cron runs job {} by the machine's clock ({}), not by that of {}", job.name,
                        machine.name(), job.times.zone),
            "Let the scheduler itself or systemd run it, or change its timezone.",
            "not_exportable");
    }
    std::string remarks = job.times.remark.empty() ? "" : "# " + job.times.remark + '\n';
    std::vector<std::string> missing;
    if (job.jitter.count() > 0) {
        missing.emplace_back("jitter");
    }
    if (job.catch_up == CatchUp::once) {
        missing.emplace_back("catching up of missed runs");
    }
    if (!missing.empty()) {
        remarks += fmt::format("# Left out, since cron has none: {}.\n", fmt::join(missing, ", "));
    }
    std::string command = crontab_word(place.program);
    for (const std::string& option : job.options) {
        command += ' ' + crontab_word(option);
    }
    return fmt::format("\n# {} (source {})\n{}{} {} {} schedule run {} --retry --quiet\n", job.name,
                       job.source, remarks, crontab_times(job.times.cron), place.user, command,
                       job.name);
}

}  // namespace

ExportedFile crontab(const std::vector<ExportedJob>& jobs, const ExportPlace& place,
                     const TimeZone& machine) {
    std::string text =
        "# Jobs of db-backup, for /etc/cron.d. Nothing is printed, and so no mail is sent, unless "
        "something is wrong.\n"
        "# cron gives jobs almost no environment: secrets in variables belong into the .env beside "
        "the configuration.\n"
        "SHELL=/bin/sh\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n";
    for (const ExportedJob& job : jobs) {
        text += line_of(job, place, machine);
    }
    return {"db-backup", text};  // Debian's cron skips names with a dot: cron(8).
}

}  // namespace dbbackup
