#include "storage/cloud/service_answer.hpp"

#include "base/clock.hpp"
#include "base/error.hpp"

#include <fmt/format.h>

namespace dbbackup {

HttpOptions metadata_options() {
    HttpOptions options;
    options.connect_timeout = std::chrono::seconds(1);
    options.stall_timeout = std::chrono::seconds(5);
    return options;
}

std::string text_at(const nlohmann::json& json, const char* name) {
    if (!json.is_object()) {
        return {};
    }
    const auto found = json.find(name);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<std::chrono::sys_seconds> parse_second(std::string_view text) {
    const std::optional<TimeSpan> time = parse_time(text);
    return time ? std::optional(std::chrono::floor<std::chrono::seconds>(time->first))
                : std::nullopt;
}

HttpResponse answered(HttpResponse response, std::string_view what) {
    if (response.status != http_status::ok) {
        throw StorageError(fmt::format("{} answers {}", what, response.status),
                           is_passing(response.status) ? Retry::may_help : Retry::never);
    }
    return response;
}

}  // namespace dbbackup
