#pragma once

/// @file
/// A small HTTP server for those who watch: it answers what is asked of it by GET and HEAD, and
/// knows nothing else of the web. It has no encryption and no password: what it says is for
/// everybody who can reach its address.

#include "config/monitoring_config.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

struct MHD_Daemon;

namespace dbbackup {

struct WebAnswer {
    unsigned status = 200;
    std::string type = "text/plain; charset=utf-8";
    std::string body;
};

/// Answers the path of a request, without its query; called by one thread at a time. What it throws
/// is answer 500, and not told.
using AnswerPath = std::function<WebAnswer(std::string_view path)>;

/// Listens while it is there, on a thread of its own. Clients that are slow or say nothing have 10
/// seconds, 64 connections at once (16 of one address) and 16 KiB each, and hold up nobody: all are
/// served by events. Those beyond are closed at once.
class WebServer {
public:
    /// @throws ConfigError (code "listen_failed"): the port is taken, or the address is not ours.
    WebServer(const ListenAddress& address, AnswerPath answer);
    /// Ends what is under way.
    ~WebServer();
    WebServer(const WebServer&) = delete;
    WebServer& operator=(const WebServer&) = delete;

    /// "http://127.0.0.1:8750", with the port that the system chose where it did.
    [[nodiscard]] const std::string& url() const noexcept { return url_; }

    /// What answers; for the callback alone.
    [[nodiscard]] const AnswerPath& answer() const noexcept { return answer_; }

private:
    struct Stop {
        void operator()(MHD_Daemon* daemon) const noexcept;
    };

    AnswerPath answer_;
    std::string url_;
    std::unique_ptr<MHD_Daemon, Stop> daemon_;
};

}  // namespace dbbackup
