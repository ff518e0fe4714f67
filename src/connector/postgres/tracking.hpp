#pragma once

/// @file
/// Which blocks of which tables changed since the parent's view: PostgreSQL 17's WAL summaries,
/// which any role may read by SQL.
///
/// A summary tells the blocks that the write-ahead log between two places touches. The log is not
/// replayed; it only says where to read again.
/// Source: PostgreSQL 17 manual, 9.28 "WAL Summarization Information Functions".

#include "connector/postgres/connection.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace dbbackup::postgres {

inline constexpr int kFirstWithSummaries = 17;

/// A place in the write-ahead log: "16/B374D848" as the server writes it.
class Lsn {
public:
    Lsn() = default;
    explicit Lsn(std::uint64_t value) : value_(value) {}
    /// @throws SourceError unless it is one.
    [[nodiscard]] static Lsn parse(std::string_view text);
    [[nodiscard]] std::string text() const;
    friend auto operator<=>(const Lsn&, const Lsn&) = default;

private:
    std::uint64_t value_ = 0;
};

/// No transaction with a number of `next_xid` or above wrote anything to the log before `lsn`: the
/// place was fixed first, the number read after it.
struct SafePair {
    Lsn lsn;
    std::uint64_t next_xid = 0;
};

/// One summary: the blocks touched from `start` to `end`.
struct SummaryRange {
    std::int64_t timeline = 0;
    Lsn start;
    Lsn end;
    friend bool operator==(const SummaryRange&, const SummaryRange&) = default;
};

/// What a snapshot keeps so that the next one can ask for what changed.
struct TrackingMark {
    std::int64_t timeline = 0;
    /// All that the log tells before it is in the snapshot.
    Lsn safe;
    /// The last summary then, and a digest of it: a server that went back in time, or a copy of
    /// one, has others (its log forks without a new timeline).
    SummaryRange last;
    std::string last_digest;
    /// Of the role, the settings, the server's version and its extensions.
    std::string environment;
    std::vector<SafePair> pairs;  ///< For the next run, newest last.

    [[nodiscard]] std::string json() const;
    /// Nothing for notes of a snapshot that was not tracked.
    [[nodiscard]] static std::optional<TrackingMark> parse(const std::string& json);
};

/// Whether the log can tell what changed since a mark.
struct TrackingAnswer {
    std::string why_not;  ///< "" if it can; else one sentence for people.
};

/// A pair of now. With a transaction number of its own where the server takes writes, else that of
/// the last checkpoint. Call it before the view is taken, in a transaction of its own.
[[nodiscard]] std::optional<SafePair> take_pair(Connection& connection);

/// Reads only. What has to be so before any view is taken.
[[nodiscard]] TrackingAnswer can_track_since(Connection& connection,
                                             const std::optional<TrackingMark>& mark);
/// The role, settings and versions on which the text of rows may depend.
[[nodiscard]] std::string environment_of(Connection& connection);

/// Waits until there are summaries up to `upper`, after a checkpoint of ours where the role may
/// make one. @return why there are none, or "".
[[nodiscard]] std::string wait_for_summaries(Connection& connection, Lsn upper,
                                             std::chrono::milliseconds patience,
                                             std::stop_token stop);

/// The blocks that changed, in runs of `kSegmentBlocks`, for one database.
class ChangedBlocks {
public:
    /// From all summaries that reach from `since.safe` to `upper`.
    /// @throws SourceError; where there is a gap, `gap()` tells it.
    ChangedBlocks(Connection& connection, const TrackingMark& since, Lsn upper);

    /// Why nothing can be told; "" if it can.
    [[nodiscard]] const std::string& gap() const { return gap_; }
    /// Whether the blocks [first, first + kSegmentBlocks) of a table's file may have changed.
    [[nodiscard]] bool touches(std::uint32_t tablespace, std::uint32_t file_node,
                               std::uint64_t first) const;

private:
    struct File {
        std::unordered_set<std::uint64_t> segments;
        std::uint64_t cut_from = UINT64_MAX;  ///< Cut off there and maybe grown again.
    };

    std::string gap_;
    std::uint32_t default_tablespace_ = 0;
    bool is_everything_ = false;  ///< The whole database was copied or replaced.
    std::unordered_map<std::uint64_t, File> files_;
};

/// Whether the server keeps a record now.
/// Whether the role may end the record that is being written.
[[nodiscard]] bool may_make_checkpoint(Connection& connection);
[[nodiscard]] bool can_keep_mark(Connection& connection);
/// Of the last checkpoint.
[[nodiscard]] SafePair checkpoint_pair(Connection& connection);
/// The newest summary, for the mark; nothing without one.
[[nodiscard]] std::optional<SummaryRange> last_summary(Connection& connection);
[[nodiscard]] std::string digest_of(Connection& connection, const SummaryRange& summary);

}  // namespace dbbackup::postgres
