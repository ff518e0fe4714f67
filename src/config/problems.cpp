#include "config/problems.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <tuple>
#include <utility>

namespace dbbackup {
namespace {

/// More than this nobody reads; a hostile file could make millions.
constexpr std::size_t kLinesMax = 50;
constexpr std::size_t kShownBytesMax = 80;
constexpr std::size_t kComparedBytesMax = 64;

/// Edits (insert, remove, replace, swap of neighbours) that turn one text into the other.
/// Source: optimal string alignment distance, in Boytsov, "Indexing methods for approximate
/// dictionary searching", 2011, section 2.2.
std::size_t edit_distance(std::string_view first, std::string_view second) {
    std::vector<std::size_t> before(second.size() + 1);
    std::vector<std::size_t> above(second.size() + 1);
    std::vector<std::size_t> row(second.size() + 1);
    std::iota(above.begin(), above.end(), std::size_t{0});
    for (std::size_t i = 1; i <= first.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= second.size(); ++j) {
            const std::size_t replace = first[i - 1] == second[j - 1] ? 0 : 1;
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + replace});
            if (i > 1 && j > 1 && first[i - 1] == second[j - 2] && first[i - 2] == second[j - 1]) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
        }
        std::swap(before, above);
        std::swap(above, row);
    }
    return above[second.size()];
}

/// The length of the UTF-8 sequence at the front of `text`, or 0. Source: Unicode 15, table 3-7.
std::size_t sequence_bytes(std::string_view text) {
    const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
    const std::uint8_t lead = byte(0);
    if (lead < 0x80) {
        return 1;
    }
    const std::size_t length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (length == 0 || lead > 0xf4 || text.size() < length) {
        return 0;
    }
    for (std::size_t at = 1; at < length; ++at) {
        if ((byte(at) & 0xc0U) != 0x80) {
            return 0;
        }
    }
    const bool out_of_range = (lead == 0xe0 && byte(1) < 0xa0) ||
                              (lead == 0xed && byte(1) > 0x9f) ||
                              (lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f);
    return out_of_range ? 0 : length;
}

}  // namespace

void Problems::add(std::string_view file, Mark mark, std::string_view key, std::string_view problem,
                   std::string_view suggestion) {
    ++count_;
    if (lines_.size() >= kLinesMax) {
        return;
    }
    std::string line(file);
    if (mark.line > 0) {
        line += fmt::format(":{}:{}", mark.line, mark.column);
    }
    line += ": ";
    if (!key.empty()) {
        line += shown(key) + ": ";
    }
    line += problem;
    if (!suggestion.empty()) {
        line += fmt::format(" (did you mean \"{}\"?)", suggestion);
    }
    const auto known = std::find(files_.begin(), files_.end(), file);
    const auto number = static_cast<std::size_t>(known - files_.begin());
    if (known == files_.end()) {
        files_.emplace_back(file);
    }
    lines_.push_back({number, mark, std::move(line)});
}

void Problems::throw_if_any() const {
    if (count_ == 0) {
        return;
    }
    std::vector<Line> lines = lines_;
    std::stable_sort(lines.begin(), lines.end(), [](const Line& first, const Line& second) {
        return std::tie(first.file, first.mark.line, first.mark.column) <
               std::tie(second.file, second.mark.line, second.mark.column);
    });
    std::string message;
    for (const Line& line : lines) {
        message += (message.empty() ? "" : "\n") + line.text;
    }
    if (count_ > lines_.size()) {
        message += fmt::format("\nand {} more problems", count_ - lines_.size());
    }
    throw explained<ConfigError>(std::move(message),
                                 "Correct this, then check with `db-backup config validate`.",
                                 "config_invalid");
}

std::string nearest(std::string_view text, std::span<const std::string> candidates) {
    const std::string_view compared = text.substr(0, kComparedBytesMax);
    std::string best;
    std::size_t best_distance = std::max<std::size_t>(2, compared.size() / 3) + 1;
    for (const std::string& candidate : candidates) {
        const std::size_t distance = edit_distance(compared, candidate);
        // Something of the word must be left of it: "ab" is no misspelling of "url".
        if (distance < best_distance &&
            distance < std::max(compared.size(), candidate.size()) / 2 + 1) {
            best_distance = distance;
            best = candidate;
        }
    }
    return best;
}

std::string shown(std::string_view text) {
    const bool cut = text.size() > kShownBytesMax;
    text = text.substr(0, kShownBytesMax);
    text = text.substr(0, utf8_prefix_bytes(text));
    std::string line(text);
    std::replace_if(
        line.begin(), line.end(),
        [](char character) {
            const auto byte = static_cast<unsigned char>(character);
            return byte < 0x20 || byte == 0x7f;
        },
        '?');
    return cut ? line + "..." : line;
}

std::size_t utf8_prefix_bytes(std::string_view text) {
    std::size_t offset = 0;
    while (offset < text.size()) {
        const std::size_t length = sequence_bytes(text.substr(offset));
        if (length == 0) {
            break;
        }
        offset += length;
    }
    return offset;
}

Mark mark_of(std::string_view text, std::size_t offset) {
    const std::string_view before = text.substr(0, offset);
    const auto lines = std::count(before.begin(), before.end(), '\n');
    const std::size_t start = before.rfind('\n') + 1;  // npos + 1 is 0
    return {static_cast<unsigned>(lines) + 1, static_cast<unsigned>(offset - start) + 1};
}

}  // namespace dbbackup
