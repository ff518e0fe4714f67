#pragma once

/// @file
/// The section `notifications`: who is told what.

#include "config/enums.hpp"
#include "config/secret_source.hpp"

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace dbbackup {

enum class NotifierType : std::uint8_t {
    slack,    ///< An incoming webhook of Slack, or of what speaks as it does.
    email,    ///< SMTP.
    webhook,  ///< An event as JSON, signed.
    ping,     ///< A dead man's switch: silence is the alarm.
};

/// What there is to tell.
enum class Event : std::uint8_t {
    success,
    failure,
    warning,    ///< Done, but something was left out.
    missed,     ///< No run when one was due.
    recovered,  ///< Good again, after a failure.
    too_old,    ///< The newest good backup is older than it may be.
    damaged,    ///< `verify` found damage in a repository.
};

enum class MailSecurity : std::uint8_t { starttls, tls, none };

template <>
struct EnumWords<NotifierType> {
    static constexpr std::array<std::string_view, 4> words = {"slack", "email", "webhook", "ping"};
};
template <>
struct EnumWords<Event> {
    static constexpr std::array<std::string_view, 7> words = {
        "success", "failure", "warning", "missed", "recovered", "too_old", "damaged"};
};
template <>
struct EnumWords<MailSecurity> {
    static constexpr std::array<std::string_view, 3> words = {"starttls", "tls", "none"};
};

struct NotificationConfig {
    NotifierType type = NotifierType::slack;
    std::set<Event> on = {Event::failure,   Event::warning, Event::missed,
                          Event::recovered, Event::too_old, Event::damaged};
    SecretSource url;      ///< Of Slack, a webhook or a ping. Whoever knows it can use it.
    SecretSource signing;  ///< Of a webhook: the key of its signatures.
    std::string host;      ///< Of mail, "smtp.example:587".
    MailSecurity security = MailSecurity::starttls;
    std::string user;
    SecretSource password;
    std::string from;
    std::vector<std::string> to;
    /// The same event of the same job is not told again within this time.
    std::chrono::seconds quiet = std::chrono::hours(1);
};

}  // namespace dbbackup
