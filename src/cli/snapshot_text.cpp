#include "cli/snapshot_text.hpp"

#include "base/clock.hpp"
#include "base/units.hpp"

#include <fmt/format.h>

#include <chrono>

namespace dbbackup {

std::string local_time_text(Time time) {
    const std::chrono::minutes ahead = utc_offset_here(time);
    std::string text = format_rfc3339(time + ahead);  // "2026-11-22T14:03:05.123Z"
    text = fmt::format("{} {}", text.substr(0, 10), text.substr(11, 8));
    if (ahead.count() == 0) {
        return text + "Z";
    }
    const std::chrono::hh_mm_ss offset{ahead};
    return fmt::format("{}{}{:02}:{:02}", text, offset.is_negative() ? '-' : '+',
                       offset.hours().count(), offset.minutes().count());
}

std::string tags_text(const std::map<std::string, std::string>& tags) {
    std::string text;
    for (const auto& [key, value] : tags) {
        text += fmt::format("{}{}={}", text.empty() ? "" : " ", key, value);
    }
    return text;
}

std::string difference_text(std::uint64_t now, std::uint64_t before) {
    return now >= before ? "+" + format_size(now - before) : "-" + format_size(before - now);
}

std::string count_text(std::uint64_t count) {
    std::string text = std::to_string(count);
    for (std::size_t at = text.size(); at > 3; at -= 3) {
        text.insert(at - 3, ",");
    }
    return text;
}

std::string chunks_text(const SnapshotSummary& summary) {
    return fmt::format("{} new, {} as deltas, {} reused", count_text(summary.chunks_new),
                       count_text(summary.chunks_delta), count_text(summary.chunks_reused));
}

std::string capture_text(Capture capture) {
    switch (capture) {
        case Capture::full: return "everything was read";
        case Capture::tracked: return "the database told what changed";
        case Capture::compared: return "everything was read and compared with the parent";
        case Capture::unchanged: return "proven unchanged, nothing was read";
        case Capture::reread: return "everything was read, as a fallback";
        case Capture::native: return "the database's own dump tool";
    }
    return "";
}

std::string counted(std::uint64_t count, const std::string& singular) {
    return fmt::format("{} {}{}", count_text(count), singular, count == 1 ? "" : "s");
}

}  // namespace dbbackup
