#include "cli/undelete_options.hpp"

#include "cli/command_options.hpp"

namespace dbbackup {

void add_undelete_command(CLI::App& root, GlobalArguments& globals, UndeleteArguments& arguments) {
    CLI::App& command = add_command(
        root, "undelete", "Bring back what was removed from a bucket that keeps it", globals,
        "db-backup undelete --dry-run\n"
        "db-backup undelete --repository s3://acme-backups/prod");
    add_flag(command, "--dry-run", arguments.is_dry_run,
             "say what would be brought back, write nothing");
}

}  // namespace dbbackup
