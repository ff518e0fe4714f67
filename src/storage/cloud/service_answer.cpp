#include "storage/cloud/service_answer.hpp"

#include "base/clock.hpp"
#include "base/error.hpp"
#include "sys/secret_file.hpp"

#include <fmt/format.h>

#include <utility>

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

std::string read_token_file(const std::string& file, std::stop_token stop) {
    constexpr std::uint64_t kTokenBytesMax = std::uint64_t{64} * 1024;
    std::optional<Bytes> bytes;
    try {
        bytes = read_secret_file(file, kTokenBytesMax, kSecretPatience, std::move(stop));
    } catch (const Error& error) {
        throw StorageError(fmt::format("the token file cannot be read: {}", error.what()));
    }
    if (!bytes) {
        throw StorageError(fmt::format("there is no token file {}", file));
    }
    const std::string_view token = as_text(*bytes);
    return std::string(token.substr(0, token.find_last_not_of("\r\n") + 1));
}

HttpResponse answered(HttpResponse response, std::string_view what) {
    if (response.status != http_status::ok) {
        throw StorageError(fmt::format("{} answers {}", what, response.status),
                           is_passing(response.status) ? Retry::may_help : Retry::never);
    }
    return response;
}

}  // namespace dbbackup
