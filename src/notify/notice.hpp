#pragma once

/// @file
/// What somebody is told, before anybody decided how.

#include "config/notification_config.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dbbackup {

/// All that is needed at three in the morning, and never a secret.
struct Notice {
    std::string id;  ///< The same for every try to tell it: receivers may know it again.
    Event event = Event::failure;
    std::string job;     ///< "" for a backup that no schedule wanted.
    std::string source;  ///< "" where there is none, as for a repository.
    std::string host;    ///< Where it happened.
    std::chrono::sys_seconds time{};
    std::string title;    ///< "Backup of shop failed"
    std::string problem;  ///< The server's own words, or whoever's; "" when nothing is wrong.
    std::string hint;     ///< What to do; "" for nothing.
    std::string command;  ///< Which does it again; "" for nothing.
    /// What else there is: "Since", "Snapshot" …
    std::vector<std::pair<std::string, std::string>> facts;
    std::string run;        ///< With a ping: which run begins or ends. "" where there is none.
    bool is_start = false;  ///< A run begins: told to pings alone.
};

/// Whether something went wrong, and how much it matters, for colours and subjects.
enum class Tone : unsigned char { good, warning, bad };
[[nodiscard]] Tone tone_of(Event event);

/// What is deduplicated: the same thing about the same job.
[[nodiscard]] std::string topic_of(const Notice& notice);

/// As one JSON document, and back. @throws Error for a text that is none of these.
[[nodiscard]] std::string to_json(const Notice& notice);
[[nodiscard]] Notice notice_from_json(std::string_view text);

}  // namespace dbbackup
