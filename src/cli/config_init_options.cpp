#include "cli/config_init_options.hpp"

#include "cli/argument_values.hpp"
#include "cli/command_options.hpp"

#include <string>
#include <vector>

namespace dbbackup {

void add_config_init_options(CLI::App& command, ConfigInitArguments& arguments) {
    add_path(command, {"--output", "FILE", "where to write it (the user's own configuration)"},
             arguments.output);
    add_value(command, {"--type", "TYPE", "the kind of database; sqlite unless given"},
              [&arguments](const std::string& text) {
                  arguments.type = enum_argument<DatabaseType>("--type", text);
              });
    add_values(command, {"--database", "FILE", "the database; may be repeated"},
               [&arguments](const std::vector<std::string>& texts) {
                   for (const std::string& text : texts) {
                       arguments.databases.push_back(text_argument("--database", text));
                   }
               });
    add_text(command, {"--all", "FOLDER", "every SQLite database in this folder"}, arguments.all);
    add_text(command, {"--source-name", "NAME", "what to call the source (after the database)"},
             arguments.source_name);
    add_value(command, {"--encryption", "KIND", "passphrase, keyfile (with --key-file) or none"},
              [&arguments](const std::string& text) {
                  arguments.encryption = enum_argument<Encryption>("--encryption", text);
              });
    add_path(command, {"--passphrase-file", "FILE", "the file that holds the passphrase"},
             arguments.passphrase_file);
    add_text(command, {"--passphrase-env", "NAME", "the variable that holds the passphrase"},
             arguments.passphrase_variable);
    add_text(command, {"--passphrase-command", "COMMAND", "the command that prints the passphrase"},
             arguments.passphrase_command);
    add_text(command, {"--retention", "RULES", "which snapshots stay, as last=7,daily=30, or all"},
             arguments.retention);
    add_flag(command, "--yes", arguments.is_yes, "ask nothing; take what is usual");
    add_flag(command, "--force", arguments.is_force, "replace the file if there is one");
}

}  // namespace dbbackup
