#include "cli/archive_options.hpp"

#include "cli/argument_values.hpp"
#include "cli/command_options.hpp"

#include <string>

namespace dbbackup {

void add_export_command(CLI::App& root, GlobalArguments& globals, ExportArguments& arguments) {
    CLI::App& command =
        add_command(root, "export", "Write a snapshot as an ordinary file", globals,
                    "db-backup export latest -o test.sqlite\n"
                    "db-backup export latest -o test.sqlite.gz\n"
                    "db-backup export latest --source shop -o shop.zip --compression zip:9\n"
                    "db-backup export latest -o - --compression none | ssh host 'cat > test.db'");
    command.add_option("SNAPSHOT", arguments.snapshot,
                       "an id or its beginning, latest, latest~N, or a time");
    add_text(command,
             {"-o,--output", "FILE",
              "the archive: a new file, - for standard output, or a URL of an object"},
             arguments.output);
    add_text(command, {"--source", "NAME", "only snapshots of this source"}, arguments.source);
    add_tags(command, "only snapshots with this tag; may be repeated", arguments.tags);
    add_text(command, {"--database", "NAME", "of a snapshot of several, the one to write"},
             arguments.database);
    add_value(command,
              {"--compression", "KIND",
               "zstd, gzip, zip or none, as KIND or KIND:LEVEL (default: as the name ends, else "
               "zstd)"},
              [&arguments](const std::string& text) {
                  arguments.compression = archive_compression_argument(text);
              });
    add_jobs(command, arguments.jobs);
}

void add_archive_options(CLI::App& backup, BackupArguments& arguments) {
    add_value(backup,
              {"--compression", "KIND",
               "zstd (the default), gzip or none, as KIND or KIND:LEVEL; for an archive zip too"},
              [&arguments](const std::string& text) {
                  arguments.compression = archive_compression_argument(text);
              });
    add_value(backup,
              {"--format", "FORMAT",
               "repository (the default), or archive: one ordinary file that standard tools open"},
              [&arguments](const std::string& text) {
                  arguments.is_archive =
                      index_of_word("--format", text, {"repository", "archive"}) == 1;
              });
    add_text(backup,
             {"-o,--output", "FILE",
              "of an archive: a new file, - for standard output, or a URL of an object"},
             arguments.output);
}

}  // namespace dbbackup
