#pragma once

/// @file
/// The signs by which a database is known to be what it was at the parent snapshot, without
/// reading it.
///
/// No counter of SQLite's tells by itself: a log that was filled, copied back and started over
/// leaves header, size and inode as they were, and an older copy put in place may have the same
/// change counter. So all of these must be equal: device, inode, size, mtime and ctime of the
/// file, its header, and of the log the same, its header, length, salts and last checksum.
///
/// Why equal signs mean equal pages:
/// - Every write to the file sets its ctime to the kernel's clock, and no program can set a ctime.
/// - Two writes within one tick of that clock get the same ctime, so a ctime proves something only
///   once the clock has moved past it: signs are *settled* when they were seen, inside the
///   transaction, later than the ctime by a margin. Unsettled signs are stored as such and prove
///   nothing; the next run reads. (The "racy" rule of git's index.)
/// - A ctime means that only where it comes from this machine's clock: local file systems.
/// - The pages of the log are proven by its cumulative checksum, which each frame continues from
///   the last one, seeded with salts that change whenever the log is started over.

#include "connector/sqlite/reachability.hpp"
#include "connector/sqlite/view.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dbbackup::sqlite {

using Time = std::chrono::sys_time<std::chrono::milliseconds>;

/// What is known of the write-ahead log; all empty in rollback journal mode.
struct LogSigns {
    std::uint64_t inode = 0;
    std::uint64_t size_bytes = 0;
    std::int64_t modified_ns = 0;  ///< No ctime: opening a log as root changes it (robustFchown).
    std::uint32_t frames = 0;
    std::string header;  ///< Hexadecimal, as the next two.
    std::string salts;
    std::string checksum;  ///< Of the last frame of the view.
    friend bool operator==(const LogSigns&, const LogSigns&) = default;
};

struct Signs {
    FileFacts file;      ///< Owner and mode are not compared: a change of them changes the ctime.
    std::string header;  ///< Hexadecimal.
    LogSigns log;
    bool is_settled = false;

    /// Compact JSON.
    [[nodiscard]] std::string text() const;
    /// Nothing when `text` is not what `text()` wrote, for example of another version.
    static std::optional<Signs> parse(std::string_view text);
};

/// Whether a ctime seen at `now` can no longer be that of a later write.
[[nodiscard]] bool is_settled(const FileFacts& file, Time now);

/// The signs of what `view` shows. Call it inside the view's transaction.
[[nodiscard]] Signs take_signs(View& view, Time now);

/// Whether the source that shows `now` certainly has the pages that it had at `parent`.
[[nodiscard]] bool proves_unchanged(const Signs& parent, const Signs& now);

/// Looks again at the end of the view's transaction: signs that stood still until a later time
/// are as good as signs taken then.
void settle(Signs& signs, View& view, Time now);

}  // namespace dbbackup::sqlite
