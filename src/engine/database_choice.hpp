#pragma once

/// @file
/// Which databases of a snapshot of several are meant: `--include` and `--exclude` of a restore.
///
/// For SQLite a pattern that names whole databases is told from one that names tables by the
/// snapshot: where it is of several databases, a pattern that is the name of one, as a whole,
/// chooses that database; any other one is `DATABASE.TABLE`, and tables are chosen from one
/// database at a time. Where the snapshot is of one database, which is then called "main", every
/// pattern is `[main.]TABLE`.
///
/// Of a server it is the same, but for the names: a table is `[DATABASE.][SCHEMA.]TABLE`.

#include "connector/connector.hpp"

#include <set>
#include <string>
#include <vector>

namespace dbbackup {

/// The database that a stream is of: for SQLite the stream itself; "" for what is the server's.
[[nodiscard]] std::string database_of(DatabaseType type, const std::string& stream);

/// The databases that these streams are of: for SQLite each is one; of a server only those that
/// have a name.
[[nodiscard]] std::vector<std::string> databases_of(DatabaseType type,
                                                    const std::vector<StoredStream>& streams);

/// Whether it is a snapshot of several databases: for SQLite, each stream is one, named after its
/// file.
[[nodiscard]] bool are_several_databases(DatabaseType type,
                                         const std::vector<StoredStream>& streams);

/// What a selection means in one snapshot.
struct StreamChoice {
    std::set<std::string> names;  ///< Of the streams that are restored.
    Selection within;             ///< What of them; everything where they are meant whole.
    bool is_a_part = false;       ///< Not the whole snapshot.
};

/// @throws ConfigError: code "selection_empty" where nothing is left, "selection_unknown" for a
/// pattern that names none, "selection_not_supported" for tables of several databases.
[[nodiscard]] StreamChoice choose_streams(DatabaseType type,
                                          const std::vector<StoredStream>& streams,
                                          const Selection& selection);

}  // namespace dbbackup
