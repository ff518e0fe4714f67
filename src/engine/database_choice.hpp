#pragma once

/// @file
/// Which databases of a snapshot of several are meant: `--include` and `--exclude` of a restore.
///
/// For SQLite a pattern that names whole databases is told from one that names tables by the
/// snapshot: where it is of several databases, a pattern that is the name of one, as a whole,
/// chooses that database; any other one is `[DATABASE.]TABLE`. Where it is of one database, which
/// is then called "main", every pattern is `[main.]TABLE`.

#include "connector/connector.hpp"

#include <set>
#include <string>
#include <vector>

namespace dbbackup {

/// Whether each stream is a database, named after its file, and not one database alone.
[[nodiscard]] bool are_several_databases(DatabaseType type,
                                         const std::vector<StoredStream>& streams);

/// The names of the databases that the patterns leave.
/// @throws ConfigError: code "selection_not_supported" where the snapshot is of one database,
/// "selection_empty" where nothing is left, "selection_unknown" for a pattern that names none.
[[nodiscard]] std::set<std::string> choose_databases(DatabaseType type,
                                                     const std::vector<StoredStream>& streams,
                                                     const std::vector<std::string>& include,
                                                     const std::vector<std::string>& exclude);

}  // namespace dbbackup
