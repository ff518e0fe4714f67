#include "notify/notice.hpp"

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/plain_json.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dbbackup {

using Json = nlohmann::ordered_json;

Tone tone_of(Event event) {
    switch (event) {
        case Event::success:
        case Event::recovered: return Tone::good;
        case Event::warning:
        case Event::missed: return Tone::warning;
        case Event::failure:
        case Event::too_old:
        case Event::damaged: return Tone::bad;
    }
    return Tone::bad;
}

std::string topic_of(const Notice& notice) {
    return fmt::format("{}/{}/{}", notice.job, notice.source, word_of(notice.event));
}

std::string to_json(const Notice& notice) {
    Json facts = Json::array();
    for (const auto& [name, value] : notice.facts) {
        facts.push_back({{"name", name}, {"value", value}});
    }
    const Json document = {
        {"id", notice.id},         {"event", word_of(notice.event)},
        {"job", notice.job},       {"source", notice.source},
        {"host", notice.host},     {"time", notice.time.time_since_epoch().count()},
        {"title", notice.title},   {"problem", notice.problem},
        {"hint", notice.hint},     {"command", notice.command},
        {"facts", facts},          {"run", notice.run},
        {"start", notice.is_start}};
    // What a server said need not be UTF-8.
    return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Notice notice_from_json(std::string_view text) {
    try {
        const nlohmann::json document = parse_plain_json(text);
        Notice notice;
        notice.id = document.at("id").get<std::string>();
        notice.event =
            value_of<Event>(document.at("event").get<std::string>()).value_or(Event::failure);
        notice.job = document.at("job").get<std::string>();
        notice.source = document.at("source").get<std::string>();
        notice.host = document.at("host").get<std::string>();
        notice.time =
            std::chrono::sys_seconds(std::chrono::seconds(document.at("time").get<std::int64_t>()));
        notice.title = document.at("title").get<std::string>();
        notice.problem = document.at("problem").get<std::string>();
        notice.hint = document.at("hint").get<std::string>();
        notice.command = document.at("command").get<std::string>();
        for (const nlohmann::json& fact : document.at("facts")) {
            notice.facts.emplace_back(fact.at("name").get<std::string>(),
                                      fact.at("value").get<std::string>());
        }
        notice.run = document.at("run").get<std::string>();
        notice.is_start = document.at("start").get<bool>();
        return notice;
    } catch (const nlohmann::json::exception&) {
        throw Error("a message in the outbox is damaged");
    }
}

}  // namespace dbbackup
