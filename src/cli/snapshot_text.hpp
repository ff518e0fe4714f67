#pragma once

/// @file
/// Parts of a snapshot as people read them.

#include "repository/snapshot.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace dbbackup {

/// "2026-11-22 14:03:05+01:00" in the time zone of this machine; "…Z" where that is UTC. Names the
/// snapshot begun then when it is given in place of an id.
[[nodiscard]] std::string local_time_text(Time time);

/// "env=prod team=db"
[[nodiscard]] std::string tags_text(const std::map<std::string, std::string>& tags);

/// "1,234,567"
[[nodiscard]] std::string count_text(std::uint64_t count);

/// "+1.5 MiB": how much more or less there is now than before, in bytes.
[[nodiscard]] std::string difference_text(std::uint64_t now, std::uint64_t before);

/// "12 new, 3 as deltas, 400 reused"
[[nodiscard]] std::string chunks_text(const SnapshotSummary& summary);

/// What the capture means: "pages compared with the parent".
[[nodiscard]] std::string capture_text(Capture capture);

/// "3 snapshots", "1 snapshot"
[[nodiscard]] std::string counted(std::uint64_t count, const std::string& singular);

/// What is said of a doubtful snapshot (`doubtful_snapshots`).
inline constexpr std::string_view kDoubtfulText =
    "it may hold older data than it says: a later backup found that a part which this one skipped "
    "had changed without a sign";

}  // namespace dbbackup
