#include "config/check_schedules.hpp"

#include "base/error.hpp"
#include "calendar/cron_expression.hpp"
#include "config/problems.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {
namespace {

template <class Map>
std::vector<std::string> names_of(const Map& sections) {
    std::vector<std::string> names;
    std::transform(sections.begin(), sections.end(), std::back_inserter(names),
                   [](const auto& entry) { return entry.first; });
    return names;
}

class ScheduleCheck {
public:
    ScheduleCheck(const Config& config, std::string name, const ScheduleConfig& schedule,
                  const ReportWrong& wrong)
        : config_(config),
          schedule_(schedule),
          section_({"schedules", std::move(name)}),
          report_(wrong) {}

    void run() {
        times();
        zone();
        names();
        if (schedule_.full_every && schedule_.mode == BackupMode::full) {
            wrong("full_every", "is given, but the mode is full");
        }
    }

private:
    void times() {
        const int given =
            (schedule_.cron.empty() ? 0 : 1) + (schedule_.every ? 1 : 0) + (schedule_.goal ? 1 : 0);
        if (given == 0) {
            wrong("cron", "is missing; add for example `cron: 30 2 * * *`, or `every` or `rpo`");
        } else if (given > 1) {
            wrong(schedule_.goal ? "rpo" : "every",
                  "cron, every and rpo exclude each other; keep one of them");
        }
        if (schedule_.cron.empty()) {
            return;
        }
        try {
            static_cast<void>(CronExpression::parse(schedule_.cron, section_[1]));
        } catch (const ConfigError& error) {
            wrong("cron", error.what());
        }
    }

    void zone() {
        try {
            static_cast<void>(TimeZone::find(schedule_.timezone));
        } catch (const ConfigError& error) {
            wrong("timezone", error.what());
        }
    }

    void names() {
        if (!schedule_.source.empty()) {
            has_to_be_in("source", schedule_.source, "sources", names_of(config_.sources));
        }
        for (const std::string& each : schedule_.repositories) {
            has_to_be_in("repository", each, "repositories", names_of(config_.repositories));
        }
        if (!schedule_.retention.empty()) {
            has_to_be_in("retention", schedule_.retention, "retention",
                         names_of(config_.retention));
        }
        for (const std::string& each : schedule_.notify) {
            has_to_be_in("notify", each, "notifications", names_of(config_.notifications));
        }
    }

    void has_to_be_in(const std::string& key, const std::string& name, std::string_view section,
                      const std::vector<std::string>& names) {
        if (std::find(names.begin(), names.end(), name) == names.end()) {
            wrong(key, fmt::format("there is no \"{}\" in {}", shown(name), section),
                  nearest(name, names));
        }
    }

    void wrong(const std::string& key, std::string_view problem, std::string_view suggestion = {}) {
        report_(section_, key, problem, suggestion);
    }

    const Config& config_;
    const ScheduleConfig& schedule_;
    std::vector<std::string> section_;
    const ReportWrong& report_;
};

void check_notification(const std::string& name, const NotificationConfig& told,
                        const ReportWrong& report) {
    const std::vector<std::string> section = {"notifications", name};
    const auto wrong = [&](const std::string& key, std::string_view problem) {
        report(section, key, problem, {});
    };
    if (told.type == NotifierType::email) {
        if (told.host.empty()) {
            wrong("smtp", "is missing; it is the mail server, such as smtp.example.com:587");
        }
        if (told.from.empty()) {
            wrong("from", "is missing; it is the address that mails are from");
        }
        if (told.to.empty()) {
            wrong("to", "is missing; it is who gets the mails");
        }
        if (told.user.empty() != !told.password.is_set()) {
            wrong(told.user.empty() ? "user" : "password",
                  "is missing; user and password belong together");
        }
        if (told.security == MailSecurity::none && told.password.is_set()) {
            wrong("security", "is none, which would show the password to everybody on the way");
        }
        if (told.url.is_set()) {
            wrong("webhook_url", "is not for mail");
        }
        return;
    }
    if (!told.url.is_set()) {
        const bool is_ping = told.type == NotifierType::ping;
        wrong(is_ping ? "ping_url" : "webhook_url",
              is_ping ? "is missing; add for example `ping_url_file: /etc/db-backup/ping`"
                      : "is missing; add for example `webhook_url_file: /etc/db-backup/hook`");
    }
    if (told.type != NotifierType::webhook && told.signing.is_set()) {
        wrong("signing_key", "is only for a webhook");
    }
    if (!told.host.empty() || !told.to.empty() || !told.from.empty()) {
        wrong(told.host.empty() ? (told.to.empty() ? "from" : "to") : "smtp", "is only for email");
    }
}

}  // namespace

void check_schedules(const Config& config, const ReportWrong& wrong) {
    for (const auto& [name, schedule] : config.schedules) {
        ScheduleCheck(config, name, schedule, wrong).run();
    }
    for (const auto& [name, source] : config.sources) {
        for (const std::string& each : source.notify) {
            if (!config.notifications.contains(each)) {
                wrong({"sources", name}, "notify",
                      fmt::format("there is no \"{}\" in notifications", shown(each)),
                      nearest(each, names_of(config.notifications)));
            }
        }
    }
    for (const auto& [name, notification] : config.notifications) {
        check_notification(name, notification, wrong);
    }
}

}  // namespace dbbackup
