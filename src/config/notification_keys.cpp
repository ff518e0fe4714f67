#include "config/key_sections.hpp"

#include <algorithm>
#include <iterator>

namespace dbbackup {
namespace {

constexpr std::uint64_t kQuietMax = std::chrono::seconds(std::chrono::hours(24 * 31)).count();

NotificationConfig& notification(Config& config, const KeyNames& names) {
    return config.notifications[names.at(0)];
}

/// @param member Where the text goes.
void add_text(std::vector<ConfigKey>& keys, const std::string& name,
              std::string NotificationConfig::* member, const std::string& description,
              const std::string& example) {
    keys.push_back(
        {.path = "notifications.*." + name,
         .kind = KeyKind::text,
         .description = description,
         .example = example,
         .fallback = "",
         .store = [member](Config& config, const KeyNames& names, const KeyValue& value) {
             notification(config, names).*member = value.text;
         }});
}

void add_general(std::vector<ConfigKey>& keys) {
    keys.push_back({.path = "notifications.*.type",
                    .kind = KeyKind::word,
                    .description = "How somebody is told: a webhook of Slack, a mail, an event as "
                                   "JSON that is signed, or a sign of life that is missed when it "
                                   "does not come.",
                    .example = "slack",
                    .fallback = "",
                    .required = true,
                    .words = words_of_keys<NotifierType>(),
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        notification(config, names).type = checked_value<NotifierType>(value);
                    }});
    keys.push_back({.path = "notifications.*.on",
                    .kind = KeyKind::list,
                    .description = "Which events are told. A ping has its own.",
                    .example = "[failure, recovered]",
                    .fallback = "[failure, warning, missed, recovered, too_old, damaged]",
                    .words = words_of_keys<Event>(),
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        std::set<Event> events;
                        std::transform(value.list.begin(), value.list.end(),
                                       std::inserter(events, events.end()),
                                       [](const std::string& word) {
                                           return value_of<Event>(word).value_or(Event::failure);
                                       });
                        notification(config, names).on = std::move(events);
                    }});
    keys.push_back({.path = "notifications.*.quiet",
                    .kind = KeyKind::duration,
                    .description = "The same event of the same job is not told again within this "
                                   "time.",
                    .example = "4h",
                    .fallback = "1h",
                    .most = kQuietMax,
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        notification(config, names).quiet = std::chrono::seconds(value.number);
                    }});
}

void add_web(std::vector<ConfigKey>& keys) {
    const auto url = [](Config& config, const KeyNames& names) -> SecretSource& {
        return notification(config, names).url;
    };
    add_secret_keys(keys, "notifications.*.webhook_url", "URL of the webhook", url);
    add_secret_keys(keys, "notifications.*.ping_url", "URL of the ping", url);
    add_secret_keys(keys, "notifications.*.signing_key", "key of a webhook's signatures",
                    [](Config& config, const KeyNames& names) -> SecretSource& {
                        return notification(config, names).signing;
                    });
}

void add_mail(std::vector<ConfigKey>& keys) {
    add_text(keys, "smtp", &NotificationConfig::host,
             "The mail server and its port; without one, 587, or 465 with `security: tls`.",
             "smtp.example.com:587");
    keys.push_back({.path = "notifications.*.security",
                    .kind = KeyKind::word,
                    .description = "How the connection to the mail server is protected: it has to "
                                   "offer STARTTLS, speaks TLS at once, or is not.",
                    .example = "tls",
                    .fallback = "starttls",
                    .words = words_of_keys<MailSecurity>(),
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        notification(config, names).security = checked_value<MailSecurity>(value);
                    }});
    add_text(keys, "user", &NotificationConfig::user, "The user of the mail server.", "backup");
    add_secret_keys(keys, "notifications.*.password", "password of the mail server",
                    [](Config& config, const KeyNames& names) -> SecretSource& {
                        return notification(config, names).password;
                    });
    add_text(keys, "from", &NotificationConfig::from, "Who a mail is from.",
             "db-backup@example.com");
    keys.push_back({.path = "notifications.*.to",
                    .kind = KeyKind::texts,
                    .description = "Who gets a mail, or a list of them.",
                    .example = "[dba@example.com]",
                    .fallback = "",
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        NotificationConfig& named = notification(config, names);
                        named.to = value.list;
                        if (value.list.empty()) {
                            named.to.push_back(value.text);
                        }
                    }});
}

}  // namespace

void add_notification_keys(std::vector<ConfigKey>& keys) {
    add_general(keys);
    add_web(keys);
    add_mail(keys);
}

}  // namespace dbbackup
