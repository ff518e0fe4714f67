#include "cli/schedule_delivery.hpp"

#include "http/http_client.hpp"
#include "notify/delivery.hpp"
#include "notify/make_notifier.hpp"

#include <memory>
#include <string>
#include <utility>

namespace dbbackup {

void tell_outbox(Outbox& outbox, const LoadedConfig& loaded, const CommandContext& context,
                 std::chrono::seconds time_max, std::stop_token stop) {
    const Config& config = loaded.config;
    HttpClient client({.ca_file = config.storage.ca_file.value_or("")});
    const FindNotifier find = [&](const std::string& name) -> std::unique_ptr<Notifier> {
        const auto found = config.notifications.find(name);
        return found == config.notifications.end()
                   ? nullptr
                   : make_notifier(name, found->second, config.storage, client, stop);
    };
    const auto now = std::chrono::floor<std::chrono::seconds>(context.clock.now());
    deliver(outbox, find, context.clock, now + time_max, context.log, stop);
}

}  // namespace dbbackup
