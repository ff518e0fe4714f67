#include "notify/make_notifier.hpp"

#include "base/bytes.hpp"
#include "notify/mail_notifier.hpp"
#include "notify/slack_notifier.hpp"
#include "notify/web_notifiers.hpp"

#include <fmt/format.h>

#include <optional>
#include <string_view>
#include <utility>

namespace dbbackup {

std::unique_ptr<Notifier> make_notifier(const std::string& name, const NotificationConfig& config,
                                        const StorageConfig& storage, HttpClient& client,
                                        std::stop_token stop) {
    const auto fetched = [&](const SecretSource& secret, std::string_view what) {
        return secret.fetch(fmt::format("{} of notification {}", what, name), stop);
    };
    const auto text = [&](const SecretSource& secret, std::string_view what) {
        return std::string(as_text(fetched(secret, what).bytes()));
    };
    switch (config.type) {
        case NotifierType::slack:
            return std::make_unique<SlackNotifier>(client, text(config.url, "URL"));
        case NotifierType::webhook:
            return std::make_unique<WebhookNotifier>(
                client, text(config.url, "URL"),
                config.signing.is_set() ? std::optional(fetched(config.signing, "signing key"))
                                        : std::nullopt);
        case NotifierType::ping:
            return std::make_unique<PingNotifier>(client, text(config.url, "URL"));
        case NotifierType::email: break;
    }
    return std::make_unique<MailNotifier>(
        MailServer{.host = config.host,
                   .security = config.security,
                   .user = config.user,
                   .password = config.password.is_set() ? text(config.password, "password") : "",
                   .ca_file = storage.ca_file.value_or("")},
        config.from, config.to);
}

}  // namespace dbbackup
