#include "cli/source_options.hpp"

#include "cli/argument_values.hpp"
#include "cli/command_options.hpp"

#include <string>
#include <vector>

namespace dbbackup {

void add_source_options(CLI::App& command, SourceArguments& source) {
    command.option_defaults()->group("Source");
    add_value(command, {"--type", "TYPE", "sqlite, postgres, mysql, mariadb or mongodb"},
              [&source](const std::string& text) {
                  source.type = enum_argument<DatabaseType>("--type", text);
              });
    add_values(command,
               {"--database", "NAME", "the database; for SQLite its file; may be repeated"},
               [&source](const std::vector<std::string>& texts) {
                   for (const std::string& text : texts) {
                       source.databases.push_back(text_argument("--database", text));
                   }
               });
    add_text(command, {"--all", "FOLDER", "every SQLite database in this folder"}, source.all);
    add_flag(command, "--all-databases", source.is_all_databases,
             "every database of a PostgreSQL server");
    add_text(command, {"--uri", "URI", "the database as a URI, without a password"}, source.uri);
    add_text(command, {"--source", "NAME", "a source of the configuration"},
             source.configured_name);
    command.option_defaults()->group("Options");
}

}  // namespace dbbackup
