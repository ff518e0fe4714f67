#pragma once

/// @file
/// One request and its answer, as a store's client makes and reads them.

#include "base/bytes.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dbbackup {

/// Names and values in the order in which they are sent.
using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
    std::string method = "GET";
    std::string url;  ///< Sent as it is: percent-encoded by whoever made it.
    HttpHeaders headers;
    BytesView body;  ///< Borrowed while the request runs.
    /// For the whole exchange, where nobody waits for it longer; 0: as long as it moves.
    std::chrono::seconds time_max{0};
};

struct HttpResponse {
    int status = 0;
    HttpHeaders headers;  ///< Names in lower case.
    Bytes body;

    /// Nothing when there is no such header. @param name In lower case.
    [[nodiscard]] std::optional<std::string> header(std::string_view name) const;
};

/// Status codes that clients of stores act on. Source: RFC 9110, section 15.
namespace http_status {
inline constexpr int ok = 200;
inline constexpr int no_content = 204;
inline constexpr int partial_content = 206;
inline constexpr int moved_permanently = 301;
inline constexpr int temporary_redirect = 307;
inline constexpr int bad_request = 400;
inline constexpr int unauthorized = 401;
inline constexpr int forbidden = 403;
inline constexpr int not_found = 404;
inline constexpr int request_timeout = 408;
inline constexpr int conflict = 409;
inline constexpr int precondition_failed = 412;
inline constexpr int range_not_satisfiable = 416;
inline constexpr int too_many_requests = 429;
inline constexpr int internal_error = 500;
}  // namespace http_status

/// Whether a later try may be answered otherwise: 408, 429 and 5xx, but for 501.
[[nodiscard]] bool is_passing(int status) noexcept;

/// What `retry-after` says in seconds; none without it, and for one that is a date.
/// Source: RFC 9110, section 10.2.3.
[[nodiscard]] std::chrono::seconds retry_after(const HttpResponse& response);

/// `text` with everything percent-encoded but RFC 3986's unreserved characters, and '/' where
/// `keeps_slashes`.
[[nodiscard]] std::string percent_encoded(std::string_view text, bool keeps_slashes = false);

}  // namespace dbbackup
