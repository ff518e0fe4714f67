#include "base/units.hpp"

#include "base/trimmed.hpp"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <utility>

namespace dbbackup {
namespace {

/// Takes a decimal number off the front of `text`. Always with a point, whatever the locale.
std::optional<double> take_number(std::string_view& text) {
    std::size_t length = 0;
    bool point = false;
    while (length < text.size() &&
           (std::isdigit(static_cast<unsigned char>(text[length])) != 0 || text[length] == '.')) {
        if (text[length] == '.' && std::exchange(point, true)) {
            return std::nullopt;
        }
        ++length;
    }
    if (length == 0 || length > 20 || (length == 1 && point)) {
        return std::nullopt;
    }
    double number = 0;
    std::from_chars(text.data(), text.data() + length, number, std::chars_format::fixed);
    text.remove_prefix(length);
    return number;
}

std::optional<double> size_factor(std::string_view unit) {
    if (unit.empty() || unit == "B") {
        return 1;
    }
    constexpr std::string_view kLetters = "kMGTP";
    const int upper = std::toupper(static_cast<unsigned char>(unit.front()));
    const std::size_t power = kLetters.find(upper == 'K' ? 'k' : static_cast<char>(upper));
    if (power == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view rest = unit.substr(1);
    if (rest.empty() || rest == "iB") {
        return std::pow(1024.0, static_cast<double>(power + 1));
    }
    if (rest == "B") {
        return std::pow(1000.0, static_cast<double>(power + 1));
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) {
    text = trimmed(text);
    const std::optional<double> number = take_number(text);
    if (!number) {
        return std::nullopt;
    }
    const std::optional<double> factor = size_factor(trimmed(text));
    if (!factor || *number * *factor >= std::pow(2.0, 63)) {
        return std::nullopt;
    }
    return static_cast<std::uint64_t>(*number * *factor);
}

std::optional<std::uint64_t> parse_rate(std::string_view text) {
    text = trimmed(text);
    if (!text.ends_with("/s")) {
        return std::nullopt;
    }
    text.remove_suffix(2);
    return lacks_unit(text) ? std::nullopt : parse_size(text);
}

bool lacks_unit(std::string_view text) {
    text = trimmed(text);
    const std::optional<double> number = take_number(text);
    return number && text.empty() && *number > 0;
}

std::string format_size(std::uint64_t bytes) {
    if (bytes < 1024) {
        return fmt::format("{} B", bytes);
    }
    constexpr std::array<std::string_view, 6> kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    while (value >= 1023.95 && unit + 1 < kUnits.size()) {
        value /= 1024;
        ++unit;
    }
    return value < 99.95 ? fmt::format("{:.1f} {}", value, kUnits[unit])
                         : fmt::format("{:.0f} {}", value, kUnits[unit]);
}

std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
    text = trimmed(text);
    if (text.empty()) {
        return std::nullopt;
    }
    double seconds = 0;
    while (!text.empty()) {
        const std::optional<double> number = take_number(text);
        if (!number || text.empty()) {
            return std::nullopt;
        }
        switch (text.front()) {
            case 's': seconds += *number; break;
            case 'm': seconds += *number * 60; break;
            case 'h': seconds += *number * 3600; break;
            case 'd': seconds += *number * 86400; break;
            case 'w': seconds += *number * 604800; break;
            default: return std::nullopt;
        }
        text.remove_prefix(1);
    }
    // A thousand years: anything longer is a typing error and would overflow time arithmetic.
    if (seconds > 86400.0 * 365 * 1000) {
        return std::nullopt;
    }
    return std::chrono::seconds(static_cast<std::int64_t>(seconds));
}

std::string format_duration(std::chrono::duration<double> duration) {
    const double seconds = duration.count();
    if (seconds < 9.95) {
        return fmt::format("{:.1f} s", seconds);
    }
    const auto whole = static_cast<std::int64_t>(std::llround(seconds));
    if (whole < 60) {
        return fmt::format("{} s", whole);
    }
    if (whole < 3600) {
        return fmt::format("{} min {:02} s", whole / 60, whole % 60);
    }
    return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

}  // namespace dbbackup
