#include "connector/postgres/restored_databases.hpp"

#include "base/error.hpp"
#include "connector/archive_files.hpp"
#include "connector/postgres/stream_plans.hpp"
#include "connector/stream_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace dbbackup::postgres {

std::vector<RestoredDatabase> restored_databases(const std::vector<StoredStream>& streams) {
    std::vector<RestoredDatabase> databases;
    for (const StoredStream& stream : streams) {
        std::string database = stream.name == kArchivedDatabase
                                   ? SchemaDefinition::parse(stream.definition).database.name
                                   : database_of_stream(stream.name);
        if (database.empty()) {
            continue;
        }
        if (databases.empty() || databases.back().name != database) {
            if (stream.kind != StreamKind::opaque) {
                throw CorruptionError(
                    fmt::format("the snapshot has no definitions of the database {}", database));
            }
            databases.emplace_back();
            databases.back().target = database;
            databases.back().name = std::move(database);
            databases.back().schema = SchemaDefinition::parse(stream.definition);
            databases.back().is_dump = !stream.name.ends_with(std::string(":") + kSchemaStream);
        }
        if (is_table(stream)) {
            ++databases.back().tables;
        }
        databases.back().last_stream = stream.name;
    }
    return databases;
}

void refuse_for_script(const RestoreRequest& request, const std::vector<StoredStream>& streams) {
    if (std::ranges::find(streams, kArchivedDatabase, &StoredStream::name) == streams.end()) {
        return;
    }
    if (!request.keeps_owners || !request.keeps_privileges) {
        throw explained<ConfigError>(
            "owners and privileges are in the SQL of an archive, and cannot be left out",
            "Make the roles with --roles, or restore a snapshot instead.", "not_supported");
    }
    if (request.makes_roles && streams.size() == 1) {
        throw explained<ConfigError>(
            "the archive holds no roles",
            "Take a zip, which has them, or make them before and leave --roles out.",
            "not_supported");
    }
}

void check_selection(const std::vector<RestoredDatabase>& databases) {
    if (databases.size() != 1) {
        throw explained<ConfigError>("tables are chosen from one database at a time",
                                     "Choose one with --include DATABASE.SCHEMA.TABLE.",
                                     "selection_not_supported");
    }
    if (databases.front().is_dump) {
        throw explained<ConfigError>(
            "single tables cannot be chosen from what pg_dump wrote as a whole",
            "Restore the whole database under another name.", "selection_not_supported");
    }
}

void name_targets(std::vector<RestoredDatabase>& databases, const std::string& name) {
    if (databases.empty()) {
        throw CorruptionError("the snapshot has no database");
    }
    if (name.empty()) {
        return;
    }
    if (databases.size() > 1) {
        throw explained<ConfigError>(
            fmt::format("the target names one database, {}, and {} are restored", name,
                        databases.size()),
            "Leave the database out of the URI, or choose one with --include.",
            "target_is_one_database");
    }
    databases.front().target = name;
}

}  // namespace dbbackup::postgres
