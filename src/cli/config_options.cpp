#include "cli/config_options.hpp"

#include "cli/argument_values.hpp"
#include "cli/command_options.hpp"

#include <string>
#include <vector>

namespace dbbackup {
namespace {

void add_init_options(CLI::App& command, ConfigInitArguments& arguments) {
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

}  // namespace

void add_config_command(CLI::App& root, GlobalArguments& globals, ConfigInitArguments& init) {
    CLI::App& command =
        add_command(root, "config", "Check and show the configuration", globals,
                    "db-backup config init\ndb-backup config validate\ndb-backup config show\n"
                    "db-backup config schema > db-backup.schema.json");
    command.require_subcommand(0, 1);
    add_init_options(add_command(command, "init", "Make a configuration file", globals,
                                 "db-backup config init\n"
                                 "db-backup config init --database test.db --repository "
                                 "/mnt/backups/db --encryption none --yes"),
                     init);
    add_command(command, "validate", "Check the configuration file", globals,
                "db-backup config validate --config db-backup.yaml");
    add_command(command, "show", "Show every value and where it comes from", globals,
                "db-backup config show --json");
    add_command(command, "schema", "Print the JSON Schema of the file", globals,
                "db-backup config schema > db-backup.schema.json");
}

}  // namespace dbbackup
