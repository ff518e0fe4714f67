#include "notify/slack_notifier.hpp"

#include "base/clock.hpp"
#include "notify/web_notifiers.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace dbbackup {
namespace {

using Json = nlohmann::ordered_json;

// Block Kit's own limits, in characters; bytes are never fewer.
constexpr std::size_t kHeaderMax = 150;
constexpr std::size_t kTextMax = 2900;  // Of 3000, so that marks around it fit.
constexpr std::size_t kFieldMax = 1900;
constexpr std::size_t kFieldsMax = 10;

/// Cut between characters.
std::string cut(std::string_view text, std::size_t most) {
    if (text.size() <= most) {
        return std::string(text);
    }
    std::size_t end = most - 3;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
        --end;
    }
    return std::string(text.substr(0, end)) + "…";
}

/// Slack reads these three as its own.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char each : text) {
        switch (each) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            default: out += each;
        }
    }
    return out;
}

/// A block of code, which a text of three backticks would end.
std::string code(std::string_view text) {
    std::string inside = cut(escaped(text), kTextMax);
    std::replace(inside.begin(), inside.end(), '`', '\'');
    return fmt::format("```{}```", inside);
}

Json section(const std::string& text) {
    return {{"type", "section"}, {"text", {{"type", "mrkdwn"}, {"text", text}}}};
}

std::string_view mark_of(Tone tone) {
    switch (tone) {
        case Tone::good: return ":white_check_mark:";
        case Tone::warning: return ":warning:";
        case Tone::bad: return ":rotating_light:";
    }
    return "";
}

}  // namespace

std::string slack_message(const Notice& notice) {
    Json blocks = Json::array();
    blocks.push_back(
        {{"type", "header"},
         {"text",
          {{"type", "plain_text"},
           {"text",
            cut(fmt::format("{} {}", mark_of(tone_of(notice.event)), notice.title), kHeaderMax)},
           {"emoji", true}}}});
    if (!notice.problem.empty()) {
        blocks.push_back(section(code(notice.problem)));
    }
    Json fields = Json::array();
    const auto add_field = [&fields](std::string_view name, std::string_view value) {
        if (!value.empty() && fields.size() < kFieldsMax) {
            fields.push_back(
                {{"type", "mrkdwn"},
                 {"text", fmt::format("*{}*\n{}", escaped(name), cut(escaped(value), kFieldMax))}});
        }
    };
    add_field("Source", notice.source);
    add_field("Job", notice.job);
    for (const auto& [name, value] : notice.facts) {
        add_field(name, value);
    }
    if (!fields.empty()) {
        blocks.push_back({{"type", "section"}, {"fields", fields}});
    }
    if (!notice.hint.empty()) {
        blocks.push_back(section(cut(escaped(notice.hint), kTextMax)));
    }
    if (!notice.command.empty()) {
        blocks.push_back(section("Run it again:\n" + code(notice.command)));
    }
    blocks.push_back(
        {{"type", "context"},
         {"elements",
          {{{"type", "mrkdwn"},
            {"text", fmt::format("db-backup on {} · {}", escaped(notice.host),
                                 format_rfc3339(notice.time).substr(0, 19) + "Z")}}}}});
    // Where blocks cannot be shown, as in a notification of a phone.
    const Json message = {{"text", cut(escaped(notice.title), kHeaderMax)}, {"blocks", blocks}};
    return message.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void SlackNotifier::send(const Notice& notice, std::stop_token stop) {
    if (notice.is_start) {
        return;
    }
    post(client_, "Slack", url_, slack_message(notice), {}, std::move(stop));
}

}  // namespace dbbackup
