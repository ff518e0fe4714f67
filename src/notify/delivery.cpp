#include "notify/delivery.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace dbbackup {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

/// Whoever took a message and died leaves it to others after this: a try takes a minute at most.
constexpr seconds kClaim = std::chrono::minutes(3);
constexpr seconds kFirstPause(15);
constexpr seconds kLongestPause = std::chrono::minutes(30);
constexpr seconds kPatience = std::chrono::hours(72);
constexpr unsigned kDoublings = 7;

seconds pause_after(unsigned tries) {
    return std::min(kFirstPause * (1U << std::min(tries, kDoublings)), kLongestPause);
}

}  // namespace

void deliver(Outbox& outbox, const FindNotifier& find, const Clock& clock, sys_seconds deadline,
             Log& log, std::stop_token stop) {
    const auto now = [&clock] { return std::chrono::floor<seconds>(clock.now()); };
    while (now() < deadline) {
        std::optional<OutboxMessage> message = outbox.take(now(), now() + kClaim);
        if (!message) {
            return;
        }
        const LogFields fields = {{"notification", message->receiver},
                                  {"event", std::string(word_of(message->notice.event))}};
        bool is_found = false;
        try {
            const std::unique_ptr<Notifier> notifier = find(message->receiver);
            is_found = true;
            if (!notifier) {
                outbox.give_up(*message, "the configuration no longer has it");
                continue;
            }
            notifier->send(message->notice, stop);
            outbox.told(*message);
            log.info("told", fields);
        } catch (const OwnDatabaseError&) {
            throw;
        } catch (const Error& error) {
            const bool is_too_late = now() - message->notice.time > kPatience;
            // A secret that cannot be fetched now may be there tomorrow.
            if ((is_found && error.retry() == Retry::never) || is_too_late) {
                outbox.give_up(*message, error.what());
                log.error(fmt::format("not told: {}", error.what()), fields);
            } else {
                const seconds pause = std::max(pause_after(message->tries), error.retry_after());
                outbox.postpone(*message, now() + pause, error.what());
                log.warning(fmt::format("not told yet: {}", error.what()), fields);
            }
        } catch (const Cancelled&) {
            outbox.postpone(*message, now(), "the program was stopped");
            throw;
        }
    }
}

}  // namespace dbbackup
