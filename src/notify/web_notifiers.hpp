#pragma once

/// @file
/// Events over HTTP: as signed JSON, and as signs of life.

#include "base/secret.hpp"
#include "http/http_client.hpp"
#include "notify/notifier.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace dbbackup {

/// Posts JSON. @param who For messages, which never show the URL. @throws as `Notifier::send`.
void post(HttpClient& client, std::string_view who, const std::string& url, std::string_view body,
          const HttpHeaders& headers, std::stop_token stop);

/// The event as JSON (docs/json/notice.schema.json). With a key it carries `X-Db-Backup-Timestamp`,
/// in seconds since 1970, and `X-Db-Backup-Signature: sha256=…`: HMAC-SHA-256, in hex, of the
/// timestamp, a dot and the body. `X-Db-Backup-Id` is the same in every try.
class WebhookNotifier final : public Notifier {
public:
    /// @param client Borrowed.
    WebhookNotifier(HttpClient& client, std::string url, std::optional<Secret> key)
        : client_(client), url_(std::move(url)), key_(std::move(key)) {}
    void send(const Notice& notice, std::stop_token stop) override;

private:
    HttpClient& client_;
    std::string url_;
    std::optional<Secret> key_;
};

/// A dead man's switch: the URL when a run was good, and the same with `/start` and `/fail`, as
/// Healthchecks.io and its kind have it; `?rid=` tells runs apart.
/// Source: healthchecks.io/docs/http_api.
class PingNotifier final : public Notifier {
public:
    PingNotifier(HttpClient& client, std::string url) : client_(client), url_(std::move(url)) {}
    void send(const Notice& notice, std::stop_token stop) override;

private:
    HttpClient& client_;
    std::string url_;
};

}  // namespace dbbackup
