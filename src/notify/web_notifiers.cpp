#include "notify/web_notifiers.hpp"

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "crypto/hash.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dbbackup {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::seconds kTimeMax = std::chrono::minutes(1);
constexpr int kAnswersOfSuccess = 2;  // 2xx
constexpr int kHundred = 100;
constexpr std::size_t kWordsMax = 200;

/// The receiver's own words, of which a page of HTML would be none.
std::string words_of(const HttpResponse& response) {
    const std::string_view body = as_text(response.body).substr(0, kWordsMax);
    if (body.empty() || body.find('<') != std::string_view::npos) {
        return {};
    }
    return fmt::format(": {}", body.substr(0, body.find('\n')));
}

}  // namespace

void post(HttpClient& client, std::string_view who, const std::string& url, std::string_view body,
          const HttpHeaders& headers, std::stop_token stop) {
    HttpRequest request{.method = "POST", .url = url, .headers = headers, .body = as_bytes(body)};
    request.headers.emplace_back("Content-Type", "application/json");
    request.time_max = kTimeMax;
    HttpResponse response;
    try {
        response = client.send(request, std::move(stop));
    } catch (HttpError& error) {
        // What libcurl says names the host, and no more of the URL.
        throw Error(fmt::format("{} was not reached: {}", who, error.what()), Retry::may_help);
    }
    if (response.status / kHundred == kAnswersOfSuccess) {
        return;
    }
    Error error(fmt::format("{} answered {}{}", who, response.status, words_of(response)),
                is_passing(response.status) ? Retry::may_help : Retry::never);
    error.set_retry_after(retry_after(response));
    throw error;
}

void WebhookNotifier::send(const Notice& notice, std::stop_token stop) {
    if (notice.is_start) {
        return;
    }
    Json facts = Json::object();
    for (const auto& [name, value] : notice.facts) {
        facts[name] = value;
    }
    const Json event = {{"id", notice.id},
                        {"event", word_of(notice.event)},
                        {"time", format_rfc3339(notice.time)},
                        {"host", notice.host},
                        {"job", notice.job},
                        {"source", notice.source},
                        {"title", notice.title},
                        {"problem", notice.problem},
                        {"hint", notice.hint},
                        {"command", notice.command},
                        {"facts", facts}};
    const std::string body = event.dump(-1, ' ', false, Json::error_handler_t::replace);
    HttpHeaders headers = {{"X-Db-Backup-Id", notice.id}};
    if (key_) {
        const std::string stamp =
            std::to_string(std::chrono::floor<std::chrono::seconds>(SystemClock().now())
                               .time_since_epoch()
                               .count());
        const Digest digest = KeyedHash(key_->bytes())(as_bytes(stamp + "." + body));
        headers.emplace_back("X-Db-Backup-Timestamp", stamp);
        headers.emplace_back("X-Db-Backup-Signature", "sha256=" + to_hex(digest));
    }
    post(client_, "the webhook", url_, body, headers, std::move(stop));
}

void PingNotifier::send(const Notice& notice, std::stop_token stop) {
    std::string_view what;
    if (notice.is_start) {
        what = "/start";
    } else if (notice.event == Event::failure || notice.event == Event::damaged) {
        what = "/fail";
    } else if (notice.event != Event::success && notice.event != Event::warning) {
        return;  // Silence is what tells of all else.
    }
    // What is asked for in the URL stays behind the path.
    const std::size_t query = url_.find('?');
    std::string url = url_.substr(0, query);
    while (url.ends_with('/')) {
        url.pop_back();
    }
    url += what;
    const std::string rest = query == std::string::npos ? "" : url_.substr(query + 1);
    const std::string run = notice.run.empty() ? "" : "rid=" + percent_encoded(notice.run);
    if (!rest.empty() || !run.empty()) {
        url += fmt::format("?{}{}{}", rest, rest.empty() || run.empty() ? "" : "&", run);
    }
    const Json body = {{"title", notice.title}, {"problem", notice.problem}};
    post(client_, "the ping", url, body.dump(-1, ' ', false, Json::error_handler_t::replace), {},
         std::move(stop));
}

}  // namespace dbbackup
