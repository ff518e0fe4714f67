#include "storage/gcs/gcs_object.hpp"

#include "storage/cloud/service_answer.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>

namespace dbbackup {

using std::chrono::sys_seconds;

nlohmann::json gcs_json_of(const HttpResponse& response) {
    const std::string_view text = as_text(response.body);
    return nlohmann::json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
}

nlohmann::json gcs_property(const nlohmann::json& json, const char* name) {
    if (!json.is_object()) {
        return {};
    }
    const auto found = json.find(name);
    return found == json.end() ? nlohmann::json() : *found;
}

std::optional<std::uint64_t> parse_gcs_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() && !text.empty()
               ? std::optional(number)
               : std::nullopt;
}

std::string_view gcs_word_of(LockMode mode) noexcept {
    return mode == LockMode::compliance ? "Locked" : "Unlocked";
}

nlohmann::json gcs_retention(LockMode mode, sys_seconds until) {
    return {{"mode", gcs_word_of(mode)},
            {"retainUntilTime", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", until)}};
}

std::optional<sys_seconds> gcs_retention_end(const nlohmann::json& object) {
    std::optional<sys_seconds> end = parse_second(text_at(object, "retentionExpirationTime"));
    if (has_gcs_retention(object)) {
        end = std::max(end, parse_second(text_at(object[kGcsRetention], "retainUntilTime")));
    }
    return end;
}

bool has_gcs_retention(const nlohmann::json& object) {
    const auto retention = object.is_object() ? object.find(kGcsRetention) : object.end();
    return retention != object.end() && !text_at(*retention, "mode").empty();
}

}  // namespace dbbackup
