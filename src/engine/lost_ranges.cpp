#include "engine/lost_ranges.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace dbbackup {

void LostRanges::add(const StoredStream& stream, std::uint64_t offset, std::uint64_t bytes,
                     bool is_filled, const std::string& problem) {
    const std::uint64_t first = offset / stream.page_bytes;
    const std::uint64_t end = (offset + bytes + stream.page_bytes - 1) / stream.page_bytes;
    found_.with([&](std::vector<LostRange>& found) {
        found.push_back({stream.name, first, end - first, is_filled, problem});
    });
}

std::vector<LostRange> LostRanges::ranges() const {
    std::vector<LostRange> found =
        found_.with([](const std::vector<LostRange>& ranges) { return ranges; });
    std::sort(found.begin(), found.end());
    std::vector<LostRange> merged;
    for (LostRange& next : found) {
        LostRange* const last = merged.empty() ? nullptr : &merged.back();
        const std::uint64_t last_end = last != nullptr ? last->first_page + last->page_count : 0;
        if (last == nullptr || last->stream != next.stream || next.first_page > last_end) {
            merged.push_back(std::move(next));
            continue;
        }
        const std::uint64_t next_end = next.first_page + next.page_count;
        const bool is_same = last->is_filled == next.is_filled && last->problem == next.problem;
        if (is_same) {
            last->page_count = std::max(last_end, next_end) - last->first_page;
        } else if (next_end > last_end) {
            next.page_count = next_end - last_end;
            next.first_page = last_end;
            merged.push_back(std::move(next));
        }
    }
    return merged;
}

std::string lost_range_text(const LostRange& range) {
    const std::string pages =
        range.page_count == 1
            ? fmt::format("page {} of stream '{}' is", range.first_page, range.stream)
            : fmt::format("pages {} to {} of stream '{}' are", range.first_page,
                          range.first_page + range.page_count - 1, range.stream);
    return range.is_filled
               ? fmt::format("{} lost, and zeros stand in the place: {}", pages, range.problem)
               : fmt::format("{} not what was read from the database: {}", pages, range.problem);
}

}  // namespace dbbackup
