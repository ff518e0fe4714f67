#include "cli/schedule_metrics.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "cli/schedule_service.hpp"
#include "schedule/state_file.hpp"

#include <fmt/format.h>

#include <exception>
#include <utility>

namespace dbbackup {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

/// Whoever watches looks about as often.
constexpr seconds kLongestWait(30);
/// A scheduler that has not looked for so long does not any more.
constexpr seconds kSilenceMax = std::chrono::minutes(3);
/// However often somebody asks.
constexpr seconds kReadAgainAfter(1);
/// Runs that end at once are told at once.
constexpr seconds kWriteAgainAfter(2);
constexpr seconds kPauseAfterError(30);
constexpr unsigned kNotFound = 404;
constexpr unsigned kUnavailable = 503;
constexpr const char* kUnreadable = "the state of the scheduler cannot be read\n";

}  // namespace

ScheduleMetrics::ScheduleMetrics(const CommandContext& context,
                                 std::shared_ptr<const LoadedConfig> loaded)
    : context_(context), shared_{.loaded = std::move(loaded)} {}

ScheduleMetrics::~ScheduleMetrics() = default;

void ScheduleMetrics::use(const std::shared_ptr<const LoadedConfig>& loaded) {
    if (loaded->config.web.listen != listens_) {
        listen(loaded->config.web.listen);
    }
    {
        const std::lock_guard lock(mutex_);
        shared_.loaded = loaded;
        shared_.is_new = true;
    }
    changed_.notify_all();
    if (!writer_.joinable() && are_metrics_wanted(loaded->config)) {
        writer_ = std::jthread([this](const std::stop_token& stop) { write_files(stop); });
    }
}

std::unique_ptr<WebServer> ScheduleMetrics::server_at(const std::string& address) {
    if (address.empty()) {
        return nullptr;
    }
    // Shared, because a function object has to be one that can be copied.
    auto server =
        std::make_unique<WebServer>(parse_listen_address(address).value(),
                                    [this, served = std::make_shared<Served>()](
                                        std::string_view path) { return answer(*served, path); });
    context_.log.info("metrics are served", {{"url", server->url() + "/metrics"}});
    return server;
}

void ScheduleMetrics::listen(const std::string& address) {
    const std::optional<ListenAddress> wanted = parse_listen_address(address);
    const bool is_same_port =
        server_ && wanted && server_->url().ends_with(fmt::format(":{}", wanted->port));
    if (!is_same_port) {
        server_ = server_at(address);
        listens_ = address;
        return;
    }
    // The same port at another address may hold that of before, or be held by it.
    server_.reset();
    const std::string before = std::exchange(listens_, "");
    try {
        server_ = server_at(address);
        listens_ = address;
    } catch (const ConfigError&) {
        server_ = server_at(before);
        listens_ = before;
        throw;
    }
}

void ScheduleMetrics::ticked(sys_seconds now) {
    {
        const std::lock_guard lock(mutex_);
        shared_.tick = now;
        shared_.is_new = true;
    }
    changed_.notify_all();
}

std::optional<seconds> ScheduleMetrics::longest_wait() const {
    return writer_.joinable() ? std::optional(kLongestWait) : std::nullopt;
}

ScheduleMetrics::Shared ScheduleMetrics::shared() const {
    const std::lock_guard lock(mutex_);
    return shared_;
}

WebAnswer ScheduleMetrics::answer(Served& served, std::string_view path) const {
    if (path != "/metrics" && path != "/healthz") {
        return {.status = kNotFound, .body = "there are /metrics and /healthz\n"};
    }
    const Shared seen = shared();
    if (path == "/healthz") {
        return health(served, seen);
    }
    std::optional<std::string> text = page_text(served, seen);
    if (!text) {
        return {.status = kUnavailable, .body = kUnreadable};
    }
    return {.type = "text/plain; version=0.0.4; charset=utf-8", .body = std::move(*text)};
}

WebAnswer ScheduleMetrics::health(Served& served, const Shared& seen) const {
    const sys_seconds now = std::chrono::floor<seconds>(context_.clock.now());
    if (now - seen.tick > kSilenceMax) {
        return {.status = kUnavailable,
                .body = fmt::format("the scheduler has not looked for what is due for {}\n",
                                    format_duration(now - seen.tick))};
    }
    if (!page_text(served, seen)) {
        return {.status = kUnavailable, .body = kUnreadable};
    }
    return {.body = "ok\n"};
}

std::optional<std::string> ScheduleMetrics::page_text(Served& served, const Shared& seen) const {
    const auto now = std::chrono::steady_clock::now();
    if (served.read && now - *served.read < kReadAgainAfter) {
        return served.text;
    }
    served.read = now;
    served.text.reset();
    try {
        if (!served.page) {
            served.database = open_state_file(schedule_state_file(), {});
            served.page.emplace(*served.database);
        }
        served.text = served.page->text(seen.loaded->config);
    } catch (const std::exception& error) {
        served.page.reset();
        context_.log.error(fmt::format("metrics cannot be read: {}", error.what()));
    }
    return served.text;
}

void ScheduleMetrics::write_files(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        try {
            write_once(stop);
        } catch (const Cancelled&) {
            return;
        } catch (const std::exception& error) {
            context_.log.error(fmt::format("metrics cannot be written: {}", error.what()));
            std::unique_lock lock(mutex_);
            changed_.wait_for(lock, stop, kPauseAfterError, [] { return false; });
        }
    }
}

void ScheduleMetrics::write_once(const std::stop_token& stop) {
    // A connection of its own: one thread at a time has one.
    const std::unique_ptr<OwnDatabase> database = open_state_file(schedule_state_file(), stop);
    MetricsPage page(*database);
    while (!stop.stop_requested()) {
        Shared seen;
        {
            std::unique_lock lock(mutex_);
            if (!changed_.wait(lock, stop, [this] { return shared_.is_new; })) {
                return;
            }
            shared_.is_new = false;
            seen = shared_;
        }
        page.facts().note_tick(seen.tick);
        write_metrics_file(page, seen.loaded->config, context_.log);
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, stop, kWriteAgainAfter, [] { return false; });
    }
}

}  // namespace dbbackup
