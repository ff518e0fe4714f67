#include "config/object_lock.hpp"

#include <fmt/format.h>

#include <charconv>
#include <system_error>

namespace dbbackup {

std::optional<ObjectLock> ObjectLock::parse(std::string_view text) {
    const std::size_t colon = text.find(':');
    const std::optional<LockMode> mode = value_of<LockMode>(text.substr(0, colon));
    if (colon == std::string_view::npos || !mode) {
        return std::nullopt;
    }
    const std::string_view number = text.substr(colon + 1);
    unsigned days = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), days);
    if (error != std::errc() || end != number.data() + number.size() || days < 1 ||
        days > kLockDaysMax) {
        return std::nullopt;
    }
    return ObjectLock{*mode, std::chrono::days(days)};
}

std::string ObjectLock::text() const { return fmt::format("{}:{}", word_of(mode), days.count()); }

}  // namespace dbbackup
