#include "connector/postgres/tracking.hpp"

#include "base/bytes.hpp"
#include "base/wait.hpp"
#include "connector/postgres/catalogue.hpp"
#include "crypto/hash.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace dbbackup::postgres {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kPairsMax = 32;
/// How often a server is asked that may take its time; at first more often.
constexpr std::chrono::milliseconds kFirstPause{2};
constexpr std::chrono::milliseconds kLongestPause{50};

std::uint64_t hexadecimal(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (failed != std::errc() || end != text.data() + text.size()) {
        throw SourceError(fmt::format("'{}' is no place in a write-ahead log", text));
    }
    return value;
}

std::uint64_t decimal(std::string_view text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

/// "1:733", the epoch and a number of 32 bits, or one of 64 bits.
std::uint64_t transaction_number(std::string_view text) {
    const std::size_t colon = text.find(':');
    return colon == std::string_view::npos
               ? decimal(text)
               : (decimal(text.substr(0, colon)) << 32U) + decimal(text.substr(colon + 1));
}

std::vector<SummaryRange> summaries(Connection& connection, std::int64_t timeline) {
    const Rows rows = connection.query(
        "SELECT tli, start_lsn, end_lsn FROM pg_catalog.pg_available_wal_summaries() "
        "WHERE tli = $1 ORDER BY start_lsn, end_lsn",
        {fmt::format("{}", timeline)});
    std::vector<SummaryRange> all;
    for (int row = 0; row < rows.count(); ++row) {
        all.push_back(
            {rows.integer(row, 0), Lsn::parse(rows.text(row, 1)), Lsn::parse(rows.text(row, 2))});
    }
    return all;
}

std::uint64_t file_key(std::uint32_t tablespace, std::uint32_t file_node) {
    return (std::uint64_t{tablespace} << 32U) + file_node;
}

void pause(std::chrono::milliseconds time, std::stop_token stop) {
    wait_unless_stopped(time, stop);
    if (stop.stop_requested()) {
        throw Cancelled();
    }
}

}  // namespace

Lsn Lsn::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) {
        throw SourceError(fmt::format("'{}' is no place in a write-ahead log", text));
    }
    return Lsn((hexadecimal(text.substr(0, slash)) << 32U) + hexadecimal(text.substr(slash + 1)));
}

std::string Lsn::text() const {
    return fmt::format("{:X}/{:X}", value_ >> 32U, value_ & 0xffffffffU);
}

std::string TrackingMark::json() const {
    Json list = Json::array();
    const std::size_t first = pairs.size() > kPairsMax ? pairs.size() - kPairsMax : 0;
    for (std::size_t each = first; each < pairs.size(); ++each) {
        list.push_back({pairs[each].lsn.text(), pairs[each].next_xid});
    }
    return Json{{"timeline", timeline},
                {"safe", safe.text()},
                {"last", {last.timeline, last.start.text(), last.end.text()}},
                {"last_digest", last_digest},
                {"environment", environment},
                {"pairs", list}}
        .dump();
}

std::optional<TrackingMark> TrackingMark::parse(const std::string& json) {
    try {
        const Json value = Json::parse(json);
        TrackingMark mark;
        mark.timeline = value.at("timeline");
        mark.safe = Lsn::parse(value.at("safe").get<std::string>());
        const Json& last = value.at("last");
        mark.last = {last.at(0), Lsn::parse(last.at(1).get<std::string>()),
                     Lsn::parse(last.at(2).get<std::string>())};
        mark.last_digest = value.at("last_digest");
        mark.environment = value.at("environment");
        for (const Json& pair : value.at("pairs")) {
            mark.pairs.push_back({Lsn::parse(pair.at(0).get<std::string>()), pair.at(1)});
        }
        return mark;
    } catch (const Json::exception&) {
        return std::nullopt;
    } catch (const SourceError&) {
        return std::nullopt;
    }
}

std::optional<SafePair> take_pair(Connection& connection) {
    if (connection.text("SELECT pg_catalog.pg_is_in_recovery()") == "t") {
        return checkpoint_pair(connection);
    }
    // Two statements, so that the number is drawn after the place was fixed.
    const Lsn lsn = Lsn::parse(connection.text("SELECT pg_catalog.pg_current_wal_insert_lsn()"));
    return SafePair{lsn,
                    transaction_number(connection.text("SELECT pg_catalog.pg_current_xact_id()"))};
}

bool may_make_checkpoint(Connection& connection) {
    return connection.text(
               "SELECT r.rolsuper OR pg_catalog.pg_has_role('pg_checkpoint', 'USAGE') "
               "FROM pg_catalog.pg_roles r WHERE r.rolname = current_user") == "t";
}

bool can_keep_mark(Connection& connection) {
    return connection.text("SELECT pg_catalog.current_setting('summarize_wal', true)") == "on";
}

SafePair checkpoint_pair(Connection& connection) {
    const Rows row =
        connection.query("SELECT redo_lsn, next_xid FROM pg_catalog.pg_control_checkpoint()");
    return {Lsn::parse(row.text(0, 0)), transaction_number(row.text(0, 1))};
}

std::string environment_of(Connection& connection) {
    const Rows rows = connection.query(R"(
SELECT current_user || ' ' || current_setting('server_version_num') || ' ' ||
       current_setting('server_encoding') || ' ' ||
       (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database()) || ' ' ||
       (SELECT r.rolsuper::text || r.rolbypassrls::text FROM pg_catalog.pg_roles r
         WHERE r.rolname = current_user)
UNION ALL
SELECT e.extname || ' ' || e.extversion FROM pg_catalog.pg_extension e
 ORDER BY 1)");
    std::string text;
    for (int row = 0; row < rows.count(); ++row) {
        text += rows.text(row, 0);
        text += '\n';
    }
    return to_hex(sha256(as_bytes(text)));
}

TrackingAnswer can_track_since(Connection& connection, const std::optional<TrackingMark>& mark) {
    if (connection.server_major() < kFirstWithSummaries) {
        return {
            fmt::format("PostgreSQL {} keeps no record of which blocks changed; {} and later do",
                        connection.server_major(), kFirstWithSummaries)};
    }
    if (!can_keep_mark(connection)) {
        return {"the server keeps no record of which blocks changed: summarize_wal is off"};
    }
    if (!mark) {
        return {
            "when the parent snapshot was taken, the server kept no record of which blocks "
            "change, or a transaction older than the record was open"};
    }
    if (environment_of(connection) != mark->environment) {
        return {
            "the database is another one of that name, or the role, the server's version or its "
            "extensions are not those of the parent snapshot, so that equal rows may be written "
            "otherwise"};
    }
    const std::vector<SummaryRange> all = summaries(connection, mark->timeline);
    if (std::find(all.begin(), all.end(), mark->last) == all.end()) {
        return {
            "the server's record of changed blocks does not reach back to the parent snapshot: "
            "it was removed, or the server has another history now"};
    }
    if (digest_of(connection, mark->last) != mark->last_digest) {
        return {
            "the server's record of changed blocks is not the one of the parent snapshot: the "
            "server went back in time, or is a copy"};
    }
    return {};
}

std::optional<SummaryRange> last_summary(Connection& connection) {
    const Rows row = connection.query(
        "SELECT tli, start_lsn, end_lsn FROM pg_catalog.pg_available_wal_summaries() "
        "ORDER BY tli DESC, end_lsn DESC, start_lsn LIMIT 1");
    if (row.count() == 0) {
        return std::nullopt;
    }
    return SummaryRange{row.integer(0, 0), Lsn::parse(row.text(0, 1)), Lsn::parse(row.text(0, 2))};
}

std::string digest_of(Connection& connection, const SummaryRange& summary) {
    const Rows row = connection.query(
        "SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to("
        "coalesce(pg_catalog.string_agg(c::text, ' ' ORDER BY c::text), ''), 'UTF8')), 'hex') "
        "FROM pg_catalog.pg_wal_summary_contents($1, $2, $3) c",
        {fmt::format("{}", summary.timeline), summary.start.text(), summary.end.text()});
    return std::string(row.text(0, 0));
}

std::string wait_for_summaries(Connection& connection, Lsn upper,
                               std::chrono::milliseconds patience, std::stop_token stop) {
    const bool is_standby = connection.text("SELECT pg_catalog.pg_is_in_recovery()") == "t";
    const bool makes_checkpoint = !is_standby && may_make_checkpoint(connection);
    if (makes_checkpoint) {
        connection.execute("CHECKPOINT");
    }
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (std::chrono::milliseconds time = kFirstPause;; time = std::min(2 * time, kLongestPause)) {
        const std::string reached = connection.text(
            "SELECT coalesce(max(end_lsn), '0/0') FROM pg_catalog.pg_available_wal_summaries()");
        if (Lsn::parse(reached) >= upper) {
            return {};
        }
        if (std::chrono::steady_clock::now() >= deadline) {
            return fmt::format(
                "the server's record of changed blocks did not reach the view within {} s{}",
                std::chrono::duration_cast<std::chrono::seconds>(patience).count(),
                makes_checkpoint || is_standby
                    ? ""
                    : ": it is written at checkpoints, and the role may make none (GRANT "
                      "pg_checkpoint)");
        }
        pause(time, stop);
    }
}

ChangedBlocks::ChangedBlocks(Connection& connection, const TrackingMark& since, Lsn upper) {
    Lsn reached = since.safe;
    std::vector<SummaryRange> wanted;
    for (const SummaryRange& summary : summaries(connection, since.timeline)) {
        if (summary.end <= since.safe || summary.start >= upper) {
            continue;
        }
        if (summary.start > reached) {
            break;
        }
        reached = std::max(reached, summary.end);
        wanted.push_back(summary);
    }
    if (reached < upper) {
        gap_ = fmt::format("the server's record of changed blocks has a gap at {}", reached.text());
        return;
    }
    const Rows here = connection.query(
        "SELECT oid, dattablespace FROM pg_catalog.pg_database "
        "WHERE datname = pg_catalog.current_database()");
    const std::string database(here.text(0, 0));
    default_tablespace_ = static_cast<std::uint32_t>(here.integer(0, 1));
    for (const SummaryRange& summary : wanted) {
        // Fork 0 alone: a value in TOAST changes only together with its row.
        const Rows rows = connection.query(
            fmt::format(
                "SELECT reltablespace, relfilenode, is_limit_block, CASE WHEN is_limit_block "
                "THEN relblocknumber ELSE relblocknumber / {} END "
                "FROM pg_catalog.pg_wal_summary_contents($1, $2, $3) "
                "WHERE relforknumber = 0 AND reldatabase = $4 GROUP BY 1, 2, 3, 4",
                kSegmentBlocks),
            {fmt::format("{}", summary.timeline), summary.start.text(), summary.end.text(),
             database});
        for (int row = 0; row < rows.count(); ++row) {
            const auto node = static_cast<std::uint32_t>(rows.integer(row, 1));
            is_everything_ = is_everything_ || node == 0;
            File& file = files_[file_key(static_cast<std::uint32_t>(rows.integer(row, 0)), node)];
            const auto number = static_cast<std::uint64_t>(rows.integer(row, 3));
            if (rows.flag(row, 2)) {
                file.cut_from = std::min(file.cut_from, number);
            } else {
                file.segments.insert(number);
            }
        }
    }
}

bool ChangedBlocks::touches(std::uint32_t tablespace, std::uint32_t file_node,
                            std::uint64_t first) const {
    const auto found =
        files_.find(file_key(tablespace == 0 ? default_tablespace_ : tablespace, file_node));
    return is_everything_ ||
           (found != files_.end() && (found->second.segments.contains(first / kSegmentBlocks) ||
                                      first + kSegmentBlocks > found->second.cut_from));
}

}  // namespace dbbackup::postgres
