#include "storage/cloud/object_calls.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

namespace dbbackup {

HttpOptions store_options(const std::string& ca_file) {
    HttpOptions options;
    options.ca_file = ca_file;
    return options;
}

std::string range_value(ByteRange range) {
    constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
    const std::uint64_t first = std::min(range.offset_bytes, kMax);
    const std::uint64_t last = first + std::min(range.length_bytes - 1, kMax - first);
    return fmt::format("bytes={}-{}", first, last);
}

std::optional<Bytes> taken_content(HttpResponse& response) {
    switch (response.status) {
        case http_status::ok:
        case http_status::partial_content: return std::move(response.body);
        case http_status::range_not_satisfiable: return Bytes();
        default: return std::nullopt;
    }
}

std::string listed_prefix(const std::string& place_prefix, const ObjectPrefix& prefix) {
    return place_prefix + (prefix.text().empty() ? "" : prefix.text() + "/");
}

std::optional<ObjectName> name_of_key(std::string_view key, std::string_view place_prefix) {
    if (!key.starts_with(place_prefix)) {
        return std::nullopt;
    }
    key.remove_prefix(place_prefix.size());
    return ObjectName::is_valid(key) ? std::optional(ObjectName(std::string(key))) : std::nullopt;
}

}  // namespace dbbackup
