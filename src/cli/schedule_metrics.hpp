#pragma once

/// @file
/// What a scheduler tells those who watch it: `/metrics`, `/healthz` and the file for the node
/// exporter. All of it on threads of its own, so that nobody who reads or who is slow delays a run.

#include "cli/command_context.hpp"
#include "cli/metrics_page.hpp"
#include "metrics/web_server.hpp"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

namespace dbbackup {

class ScheduleMetrics {
public:
    /// Tells nothing yet. @param context Borrowed.
    ScheduleMetrics(const CommandContext& context, std::shared_ptr<const LoadedConfig> loaded);
    ~ScheduleMetrics();
    ScheduleMetrics(const ScheduleMetrics&) = delete;
    ScheduleMetrics& operator=(const ScheduleMetrics&) = delete;

    /// What holds from now on. @throws ConfigError (code "listen_failed"); what held before stays
    /// then.
    void use(const std::shared_ptr<const LoadedConfig>& loaded);
    /// The scheduler has looked for what is due. Waits for nobody.
    void ticked(std::chrono::sys_seconds now);
    /// How long it may stay away from that.
    [[nodiscard]] std::optional<std::chrono::seconds> longest_wait() const;

private:
    /// What all threads see.
    struct Shared {
        std::shared_ptr<const LoadedConfig> loaded;
        std::chrono::sys_seconds tick{};
        bool is_new = false;  ///< The file has to be written.
    };

    /// What the thread of one server has read.
    struct Served {
        std::unique_ptr<OwnDatabase> database;
        std::optional<MetricsPage> page;
        std::optional<std::string> text;  ///< Nothing when it could not be read.
        std::optional<std::chrono::steady_clock::time_point> read;
    };

    /// @param address "" for none. @throws ConfigError (code "listen_failed").
    [[nodiscard]] std::unique_ptr<WebServer> server_at(const std::string& address);
    void listen(const std::string& address);
    [[nodiscard]] Shared shared() const;
    [[nodiscard]] WebAnswer answer(Served& served, std::string_view path) const;
    [[nodiscard]] WebAnswer health(Served& served, const Shared& seen) const;
    /// @return nothing when the state cannot be read, which is logged.
    [[nodiscard]] std::optional<std::string> page_text(Served& served, const Shared& seen) const;
    void write_files(const std::stop_token& stop);
    void write_once(const std::stop_token& stop);

    const CommandContext& context_;
    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    Shared shared_;  ///< Under `mutex_`.

    std::string listens_;
    std::unique_ptr<WebServer> server_;
    std::jthread writer_;
};

}  // namespace dbbackup
