#include "http/http_message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>

namespace dbbackup {

std::optional<std::string> HttpResponse::header(std::string_view name) const {
    const auto found =
        std::ranges::find_if(headers, [name](const auto& header) { return header.first == name; });
    return found == headers.end() ? std::nullopt : std::optional(found->second);
}

bool is_passing(int status) noexcept {
    constexpr int kNotImplemented = 501;
    return status == http_status::request_timeout || status == http_status::too_many_requests ||
           (status >= http_status::internal_error && status != kNotImplemented);
}

std::chrono::seconds retry_after(const HttpResponse& response) {
    const std::string text = response.header("retry-after").value_or("");
    std::uint32_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    const bool is_number = error == std::errc() && end == text.data() + text.size();
    return std::chrono::seconds(is_number ? seconds : 0);
}

std::string percent_encoded(std::string_view text, bool keeps_slashes) {
    constexpr std::string_view kUnreserved =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
    std::string result;
    result.reserve(text.size());
    for (const char character : text) {
        if (kUnreserved.find(character) != std::string_view::npos ||
            (character == '/' && keeps_slashes)) {
            result.push_back(character);
        } else {
            result += fmt::format("%{:02X}", static_cast<std::uint8_t>(character));
        }
    }
    return result;
}

}  // namespace dbbackup
