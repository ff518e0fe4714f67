#pragma once

/// @file
/// Which databases of a server a source is that is several: those of a list, or all.

#include "connector/connector.hpp"
#include "connector/postgres/backup_choice.hpp"
#include "connector/postgres/connection.hpp"
#include "connector/postgres/connection_info.hpp"

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup::postgres {

/// A database as `pg_database` tells it.
struct ServerDatabase {
    std::string name;
    bool allows_connections = true;
    bool is_invalid = false;         ///< A DROP DATABASE died half-way.
    bool is_being_restored = false;  ///< By db-backup, under its passing name.
    /// Every server has it, and here nothing was made in it or set for it: `postgres`, `template1`.
    bool is_untouched = false;
    std::uint64_t size_bytes = 0;
};

/// Several databases as one source.
struct DatabaseSet {
    std::vector<std::string> names;  ///< In order; "" alone is what the URI says.
    std::vector<std::string> notes;  ///< What was passed over and need not be here.
    /// What should be here and cannot be: the source is incomplete.
    std::vector<std::string> lost;
    /// All are looked for each time: databases may come and go. A list is exact.
    bool is_all = false;
    std::uint64_t size_bytes = 0;
    BackupChoice choice;
};

/// Whether a source is several databases.
[[nodiscard]] bool is_set(const SourceOptions& options);

/// A word that can be typed: "postgres-shop" for "Shop".
[[nodiscard]] std::string suggested_name(std::string_view what);

/// A source that is one database, as a set of one. Pure.
[[nodiscard]] DatabaseSet one_database(const SourceOptions& options);
/// Those that are meant. Pure.
/// @throws SourceError (source_missing) for one of a list that is not there, with all that are not;
/// ConfigError for one that is given twice (database_given_twice), or patterns that leave none
/// (selection_empty).
[[nodiscard]] DatabaseSet choose_databases(const std::vector<ServerDatabase>& found,
                                           const SourceOptions& options);

/// A connection to any database of the server: that of the URI, `postgres`, one of the list, or
/// `template1`. @throws SourceError.
[[nodiscard]] std::unique_ptr<Connection> connect_to_server(const ConnectionInfo& info,
                                                            const SourceOptions& options,
                                                            const std::stop_token& stop);
/// Asks the server. @throws as `choose_databases`, and SourceError.
[[nodiscard]] DatabaseSet find_databases(Connection& server, const ConnectionInfo& info,
                                         const SourceOptions& options, const std::stop_token& stop);
/// How one of a set is reached.
[[nodiscard]] ConnectionInfo info_of(const ConnectionInfo& info, const std::string& database);
/// Looks at the tables of all databases, where patterns may mean them.
/// @throws ConfigError (code "selection_matches_nothing"), SourceError.
void clear_patterns(DatabaseSet& set, const ConnectionInfo& info, const std::stop_token& stop);

/// What a source is that is several; see docs/postgres.md, "Several databases".
void identify(const DatabaseSet& set, const std::string& system, const SourceOptions& options,
              const std::string& host, Probe& probe);

}  // namespace dbbackup::postgres
