#include "cli/copy_options.hpp"

#include "cli/argument_values.hpp"
#include "cli/command_options.hpp"

#include <string>

namespace dbbackup {

void add_copy_command(CLI::App& root, GlobalArguments& globals, CopyArguments& arguments) {
    CLI::App& command =
        add_command(root, "copy", "Copy snapshots to another repository", globals,
                    "db-backup copy --to offsite\n"
                    "db-backup copy latest --source shop --to s3://acme-backups/prod\n"
                    "db-backup copy --repository main --to /mnt/disk/backups --dry-run");
    command.add_option("SNAPSHOT", arguments.snapshots, "only these snapshots (default: all)");
    add_text(command, {"--to", "URL|NAME", "where to copy to: a configured name, path or URL"},
             arguments.target);
    add_path(command, {"--to-key-file", "FILE", "the key file that opens that repository"},
             arguments.target_key_file);
    add_text(command, {"--source", "NAME", "only snapshots of this source"}, arguments.source);
    add_tags(command, "only snapshots with this tag; may be repeated", arguments.tags);
    add_value(command,
              {"--compression", "KIND",
               "compress anew: zstd, gzip or none, as KIND or KIND:LEVEL (default: as it is)"},
              [&arguments](const std::string& text) {
                  arguments.compression = compression_argument(text);
              });
    add_jobs(command, arguments.jobs);
    add_flag(command, "--dry-run", arguments.is_dry_run, "say what would be copied, write nothing");
}

}  // namespace dbbackup
