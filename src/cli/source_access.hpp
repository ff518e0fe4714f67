#pragma once

/// @file
/// From what the user said about a database to its connector.

#include "cli/arguments.hpp"
#include "cli/command_context.hpp"
#include "config/config.hpp"
#include "connector/connector.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

/// Which database is meant.
struct SourceChoice {
    DatabaseType type = DatabaseType::sqlite;
    std::string database;
    std::vector<std::string> databases;  ///< Several, in the place of `database`.
    std::string folder;                  ///< All that are in it, in the place of `database`.
    bool is_all_databases = false;       ///< All of the server, in the place of `database`.
    std::string uri;
    std::optional<std::string> name;       ///< Of the entry in the configuration.
    const SourceConfig* config = nullptr;  ///< Borrowed from the configuration.
};

/// Pure. @throws ConfigError for an unknown name, an unknown or contradicting URI.
[[nodiscard]] SourceChoice choose_source(const SourceArguments& arguments, const Config& config);

/// What to do with the source's data; from the command line, else the configuration.
[[nodiscard]] SourceOptions source_options(const SourceChoice& choice,
                                           const BackupArguments& arguments,
                                           const CommandContext& context);

/// The connector of a kind of database.
/// @throws ConfigError (code "not_built_in") that names those of this build.
[[nodiscard]] std::unique_ptr<Connector> make_connector(SourceOptions options,
                                                        const Plugins& plugins);

/// @throws ConfigError when a name is unfit to be shown and typed.
void check_source_name(std::string_view name);

}  // namespace dbbackup
