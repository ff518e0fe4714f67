#include "config/enums.hpp"

#include <fmt/format.h>

#include <charconv>

namespace dbbackup {
namespace {

/// The levels that a codec takes; equal bounds of 0 mean none. zstd's 20 to 22 are left out: they
/// need memory that the bound per job does not allow.
std::pair<int, int> levels_of(CompressionKind kind) {
    switch (kind) {
        case CompressionKind::zstd: return {1, 19};
        case CompressionKind::gzip:
        case CompressionKind::zip: return {1, 9};
        case CompressionKind::none: return {0, 0};
    }
    return {0, 0};
}

}  // namespace

std::optional<Compression> Compression::parse(std::string_view text) {
    const std::size_t colon = text.find(':');
    const std::optional<CompressionKind> kind = value_of<CompressionKind>(text.substr(0, colon));
    if (!kind) {
        return std::nullopt;
    }
    if (colon == std::string_view::npos) {
        return Compression{*kind, 0};
    }
    const std::string_view digits = text.substr(colon + 1);
    int level = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stopped, failed] = std::from_chars(digits.data(), end, level);
    const auto [least, most] = levels_of(*kind);
    if (failed != std::errc() || stopped != end || most == 0 || level < least || level > most) {
        return std::nullopt;
    }
    return Compression{*kind, level};
}

std::string Compression::text() const {
    return level == 0 ? std::string(word_of(kind)) : fmt::format("{}:{}", word_of(kind), level);
}

}  // namespace dbbackup
