#include "connector/postgres/native_session.hpp"

#include "base/error.hpp"
#include "connector/postgres/connection.hpp"
#include "connector/postgres/globals.hpp"
#include "connector/postgres/roles.hpp"
#include "connector/postgres/schema_definition.hpp"
#include "connector/postgres/script_export.hpp"
#include "connector/postgres/sql_text.hpp"
#include "connector/postgres/stream_plans.hpp"
#include "connector/postgres/tools.hpp"
#include "connector/postgres/view.hpp"
#include "connector/stream_names.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace dbbackup::postgres {
namespace {

/// Before pg_dump takes its view: whatever was committed up to here is in the dump.
Position position_of(Connection& connection, bool is_standby) {
    const Rows row = connection.query(
        fmt::format("SELECT (pg_catalog.pg_control_system()).system_identifier, "
                    "(pg_catalog.pg_control_checkpoint()).timeline_id, pg_catalog.{}()",
                    is_standby ? "pg_last_wal_replay_lsn" : "pg_current_wal_insert_lsn"));
    Position position;
    position.source_id = row.text(0, 0);
    position.history = row.text(0, 1);
    position.value = row.text(0, 2);
    return position;
}

std::vector<std::string> unlogged_tables(Connection& connection) {
    const Rows rows = connection.query(
        "SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_class c "
        "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind = 'r' AND c.relpersistence = 'u' ORDER BY 1");
    std::vector<std::string> names;
    for (int row = 0; row < rows.count(); ++row) {
        names.emplace_back(rows.text(row, 0));
    }
    return names;
}

}  // namespace

NativeSession::NativeSession(const ConnectionInfo& info, const SourceOptions& options,
                             std::optional<ArchiveForm> archive, std::stop_token stop)
    : info_(info), archive_(archive) {
    if (!options.include.empty() || !options.exclude.empty()) {
        throw explained<ConfigError>(
            fmt::format("{} holds the whole database, and --include and --exclude choose tables",
                        archive_ ? "an archive" : "what pg_dump tells (--method native)"),
            archive_ ? "Leave them out, or back up into a repository and use 'db-backup export'."
                     : "Leave them out, or back up without --method native.",
            "method_not_supported");
    }
    Connection connection(info_, Role::source, std::move(stop));
    set_text_form(connection);
    definition_.database = properties_of(connection);
    definition_.requirements = requirements_of(connection);
    setting_.server_major = connection.server_major();
    setting_.lock_timeout = options.lock_timeout;
    setting_.is_standby = connection.text("SELECT pg_catalog.pg_is_in_recovery()") == "t";
    end_.position = position_of(connection, setting_.is_standby);
    if (setting_.is_standby) {
        if (const auto unlogged = unlogged_tables(connection); !unlogged.empty()) {
            end_.warnings.push_back(
                fmt::format("unlogged tables have no rows on a standby, and are left out: {}",
                            fmt::join(unlogged, ", ")));
            end_.is_incomplete = true;
        }
    }
}

std::vector<StreamPlan> NativeSession::plan() {
    std::vector<StreamPlan> plans;
    if (archive_ != ArchiveForm::one_file) {
        plans.push_back(opaque_stream(special_stream_name("", kRolesStream), Consistency::fuzzy));
    }
    plans.push_back(opaque_stream(
        archive_ ? kArchivedDatabase : special_stream_name(definition_.database.name, kDumpStream),
        Consistency::view));
    plans.back().definition = definition_.json();
    return plans;
}

void NativeSession::read(const StreamPlan& stream, const SegmentPlan& /*segment*/,
                         SegmentSink& sink, std::stop_token stop) {
    const ConnectionInfo database = info_.with_database(definition_.database.name);
    const auto take = [&](BytesView part) {
        end_.bytes_read += part.size();
        sink.opaque(part);
    };
    if (stream.name != special_stream_name("", kRolesStream)) {
        read_database(database, take, stop);
        return;
    }
    ToolFinder tools;
    std::ranges::move(dump_globals(database, tools, take, stop), std::back_inserter(end_.warnings));
}

void NativeSession::read_database(const ConnectionInfo& database,
                                  const std::function<void(BytesView part)>& take,
                                  const std::stop_token& stop) {
    if (!archive_) {
        dump_natively(database, setting_, DumpForm::archive, take, stop);
        return;
    }
    const std::string begin = script_begin(definition_);
    take(as_bytes(begin));
    dump_natively(database, setting_, DumpForm::script, take, stop);
    take(as_bytes(kScriptEnd));
}

SessionEnd NativeSession::finish(std::stop_token /*stop*/) { return end_; }

}  // namespace dbbackup::postgres
