#pragma once

/// @file
/// Messages for Slack: an incoming webhook that takes Block Kit.
///
/// Source: Slack's manual, "Sending messages using incoming webhooks" and "Block Kit reference".

#include "http/http_client.hpp"
#include "notify/notifier.hpp"

#include <string>

namespace dbbackup {

class SlackNotifier final : public Notifier {
public:
    /// @param client Borrowed.
    SlackNotifier(HttpClient& client, std::string url) : client_(client), url_(std::move(url)) {}
    void send(const Notice& notice, std::stop_token stop) override;

private:
    HttpClient& client_;
    std::string url_;
};

/// The message as JSON. No text in it is longer than Slack takes.
[[nodiscard]] std::string slack_message(const Notice& notice);

}  // namespace dbbackup
