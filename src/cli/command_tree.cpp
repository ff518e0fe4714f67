#include "cli/command_tree.hpp"

#include "cli/archive_options.hpp"
#include "cli/argument_values.hpp"
#include "cli/command_options.hpp"
#include "cli/config_options.hpp"
#include "cli/copy_options.hpp"
#include "cli/doctor_options.hpp"
#include "cli/schedule_options.hpp"
#include "cli/selection_arguments.hpp"
#include "cli/source_options.hpp"
#include "cli/undelete_options.hpp"

#include <functional>
#include <initializer_list>

namespace dbbackup {
namespace {

void add_init(CLI::App& root, CommandTreeValues& values) {
    CLI::App& command =
        add_command(root, "init", "Make a repository", values.globals,
                    "db-backup init --repository /mnt/backups/db\n"
                    "db-backup init --repository /mnt/backups/db --encryption none\n"
                    "db-backup init --repository /mnt/backups/db --encryption keyfile "
                    "--key-file ~/db-backup.key");
    add_value(command,
              {"--encryption", "KIND",
               "passphrase (the default), keyfile (with --key-file, which is made if there is "
               "none) or none"},
              [&values](const std::string& text) {
                  values.init.encryption = enum_argument<Encryption>("--encryption", text);
              });
}

void add_patterns(CLI::App& command, const char* include_text, const char* exclude_text,
                  std::vector<std::string>& include, std::vector<std::string>& exclude) {
    const auto add = [&command](const char* name, const char* text,
                                std::vector<std::string>& patterns) {
        add_values(command, {name, "PATTERN", text},
                   [&patterns, name](const std::vector<std::string>& texts) {
                       for (const std::string& each : texts) {
                           patterns.push_back(text_argument(name, each));
                       }
                   });
    };
    add("--include", include_text, include);
    add("--exclude", exclude_text, exclude);
}

void add_backup(CLI::App& root, CommandTreeValues& values) {
    BackupArguments& arguments = values.backup;
    CLI::App& command =
        add_command(root, "backup", "Take a snapshot of a database", values.globals,
                    "db-backup backup --type sqlite --database test.db\n"
                    "db-backup backup --type sqlite --database test.db --mode full --tag env=prod\n"
                    "db-backup backup --type sqlite --all /srv/shop --exclude 'cache*'\n"
                    "db-backup backup --uri postgresql://db1.example --all-databases\n"
                    "db-backup backup --source shop --repository main --json\n"
                    "db-backup backup --type sqlite --database test.db --format archive -o "
                    "test.sqlite.gz");
    add_source_options(command, arguments.source);
    add_text(command,
             {"--source-name", "NAME", "what to call the source (default: from type and name)"},
             arguments.source_name);
    add_value(command,
              {"--mode", "MODE",
               "incremental (the default; the first backup is full), differential or full"},
              [&arguments](const std::string& text) {
                  arguments.mode = enum_argument<BackupMode>("--mode", text);
                  arguments.is_mode_given = true;
              });
    add_archive_options(command, arguments);
    add_value(command, {"--method", "METHOD", "auto (the default) or native, the vendor's tool"},
              [&arguments](const std::string& text) {
                  arguments.is_native = index_of_word("--method", text, {"auto", "native"}) == 1;
              });
    add_jobs(command, arguments.jobs);
    add_patterns(command, "only these databases of several, or rows of tables; may be repeated",
                 "not these databases, or rows of tables; may be repeated", arguments.include,
                 arguments.exclude);
    add_tags(command, "a note on the snapshot; may be repeated", arguments.tags);
    add_flag(command, "--no-fallback", arguments.is_fallback_refused,
             "fail rather than read everything when the change record can not be used");
    add_value(
        command,
        {"--spool", "SIZE", "most bytes to stage on disk (SQLite in rollback mode; 1GiB; 0: none)"},
        [&arguments](const std::string& text) {
            arguments.spool_bytes = size_argument("--spool", text);
        });
    add_lock_timeout(command, arguments.lock_timeout);
    add_value(command,
              {"--throttle", "RATE", "how much to read of the database in a second, as 20MiB/s"},
              [&arguments](const std::string& text) {
                  arguments.throttle_bytes_per_s = rate_argument("--throttle", text);
              });
    add_flag(command, "--allow-corrupt", arguments.is_corrupt_allowed,
             "back up even what the database itself reports as damaged");
    add_flag(command, "--dry-run", arguments.is_dry_run, "say what would be done, write nothing");
    // For the scheduler; a group without a name is not shown.
    command.add_flag("--scheduled", arguments.is_scheduled)->group("");
}

void add_selection(CLI::App& command, RestoreArguments& arguments) {
    command.option_defaults()->group("Which databases and tables");
    add_patterns(command, "only databases or tables like this; may be repeated",
                 "no databases or tables like this; may be repeated", arguments.include,
                 arguments.exclude);
    add_values(command, {"--where", "CONDITION", "only some rows, as 'orders: customer_id = 7'"},
               [&arguments](const std::vector<std::string>& texts) {
                   for (const std::string& text : texts) {
                       arguments.where.push_back(where_argument(text));
                   }
               });
    add_values(
        command,
        {"--rename", "OLD=NEW", "another name for a table (PostgreSQL: a schema); may be repeated"},
        [&arguments](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) {
                arguments.renames.push_back(rename_argument(text));
            }
        });
    add_flag(command, "--schema-only", arguments.is_schema_only, "make the tables without rows");
    add_flag(command, "--data-only", arguments.is_data_only, "add the rows to tables that exist");
    command.option_defaults()->group("Options");
}

void add_restore(CLI::App& root, CommandTreeValues& values) {
    RestoreArguments& arguments = values.restore;
    CLI::App& command = add_command(root, "restore", "Restore a snapshot", values.globals,
                                    "db-backup restore latest --to restored.db\n"
                                    "db-backup restore latest --source sqlite-test --to test.db "
                                    "--clean --verify\n"
                                    "db-backup restore latest --include 'shop*' --to restored/\n"
                                    "db-backup restore latest --to shop.db --include orders "
                                    "--rename orders=orders_old\n"
                                    "db-backup restore latest~1 --to restored.db --dry-run");
    command.add_option("SNAPSHOT", arguments.snapshot,
                       "an id or its beginning, latest, latest~N, or a time");
    add_text(command, {"--source", "NAME", "only snapshots of this source"}, arguments.source);
    add_tags(command, "only snapshots with this tag; may be repeated", arguments.tags);
    add_text(command,
             {"--to", "TARGET", "where to restore to; for SQLite a file, or a folder for several"},
             arguments.target);
    add_selection(command, arguments);
    add_flag(command, "--clean", arguments.is_clean, "replace what the target holds");
    add_flag(command, "--no-owner", arguments.is_without_owners,
             "servers: everything belongs to the role that restores");
    add_flag(command, "--no-privileges", arguments.is_without_privileges, "servers: grant nothing");
    add_flag(command, "--roles", arguments.makes_roles,
             "servers: make the roles that are needed and not there");
    add_flag(command, "--verify", arguments.is_verify,
             "read the result back and prove that it equals the snapshot");
    add_flag(command, "--partial", arguments.is_partial,
             "of a damaged snapshot restore what is left, to a new path");
    add_jobs(command, arguments.jobs);
    add_lock_timeout(command, arguments.lock_timeout);
    add_flag(command, "--dry-run", arguments.is_dry_run, "print the plan, write nothing");
}

void add_list(CLI::App& root, CommandTreeValues& values) {
    ListArguments& arguments = values.list;
    CLI::App& command = add_command(root, "list", "List the snapshots, newest last", values.globals,
                                    "db-backup list\n"
                                    "db-backup list --source sqlite-test --last 5\n"
                                    "db-backup list --tag env=prod --json");
    add_text(command, {"--source", "NAME", "only snapshots of this source"}, arguments.source);
    add_tags(command, "only snapshots with this tag; may be repeated", arguments.tags);
    add_value(command, {"--last", "N", "only the newest N"}, [&arguments](const std::string& text) {
        arguments.last = number_argument("--last", text, 1, 1'000'000'000);
    });
}

void add_show(CLI::App& root, CommandTreeValues& values) {
    CLI::App& command =
        add_command(root, "show", "Show everything about a snapshot", values.globals,
                    "db-backup show latest\ndb-backup show latest --tables --json");
    command.add_option("SNAPSHOT", values.show.snapshot,
                       "an id or its beginning, latest, latest~N, or a time");
    add_text(command, {"--source", "NAME", "only snapshots of this source"}, values.show.source);
    add_tags(command, "only snapshots with this tag; may be repeated", values.show.tags);
    add_flag(command, "--tables", values.show.has_tables, "list tables with size and growth too");
    add_patterns(command, "only databases or tables like this; may be repeated",
                 "no databases or tables like this; may be repeated", values.show.include,
                 values.show.exclude);
}

void add_verify(CLI::App& root, CommandTreeValues& values) {
    VerifyArguments& arguments = values.verify;
    CLI::App& command =
        add_command(root, "verify", "Prove that the repository is whole", values.globals,
                    "db-backup verify\ndb-backup verify --data\ndb-backup verify --data latest");
    command.add_option("SNAPSHOT", arguments.snapshots,
                       "only these snapshots and what they need (default: everything)");
    add_flag(command, "--data", arguments.is_data, "read and check every stored byte too");
    add_text(command, {"--source", "NAME", "where SNAPSHOT is looked for"}, arguments.source);
    add_jobs(command, arguments.jobs);
}

void add_repair(CLI::App& root, CommandTreeValues& values) {
    RepairArguments& arguments = values.repair;
    CLI::App& command =
        add_command(root, "repair", "Mend a damaged repository, and say what is lost",
                    values.globals, "db-backup repair --data --dry-run\ndb-backup repair --data");
    add_flag(command, "--data", arguments.is_data, "read and check every stored byte too");
    add_text(command, {"--source", "NAME", "the repository of this source"}, arguments.source);
    add_jobs(command, arguments.jobs);
    add_flag(command, "--yes", arguments.is_yes, "remove damaged records that stop a prune");
    add_flag(command, "--dry-run", arguments.is_dry_run, "say what would be done, change nothing");
}

void add_retention_rules(CLI::App& command, RetentionRules& rules) {
    command.option_defaults()->group("What stays, of each source");
    struct Count {
        std::string option;
        std::string description;
        std::uint32_t RetentionRules::* member;
    };
    for (const Count& count : std::initializer_list<Count>{
             {"--keep-last", "the newest N", &RetentionRules::keep_last},
             {"--keep-hourly", "the newest of each of N hours", &RetentionRules::keep_hourly},
             {"--keep-daily", "the newest of each of N days", &RetentionRules::keep_daily},
             {"--keep-weekly", "the newest of each of N weeks", &RetentionRules::keep_weekly},
             {"--keep-monthly", "the newest of each of N months", &RetentionRules::keep_monthly},
             {"--keep-yearly", "the newest of each of N years", &RetentionRules::keep_yearly}}) {
        add_value(command, {count.option, "N", count.description},
                  [&rules, count](const std::string& text) {
                      rules.*count.member = static_cast<std::uint32_t>(
                          number_argument(count.option, text, 1, kKeepMax));
                  });
    }
    add_value(command, {"--keep-within", "AGE", "all that are younger, as 30d or 1y6mo"},
              [&rules](const std::string& text) {
                  rules.keep_within = age_argument("--keep-within", text);
              });
    command.option_defaults()->group("Options");
}

void add_prune(CLI::App& root, CommandTreeValues& values) {
    PruneArguments& arguments = values.prune;
    CLI::App& command = add_command(
        root, "prune", "Remove snapshots, and the space that nothing needs", values.globals,
        "db-backup prune --keep-last 7 --keep-daily 30 --keep-monthly 12 --dry-run\n"
        "db-backup prune 3f2a91c0\ndb-backup prune --wait 30m");
    command.add_option("SNAPSHOT", arguments.snapshots,
                       "snapshots to remove, as an id or its beginning");
    add_text(command, {"--source", "NAME", "only snapshots of this source"}, arguments.source);
    add_retention_rules(command, arguments.rules);
    add_text(command, {"--retention", "NAME", "the rules of this name in the configuration"},
             arguments.retention);
    add_flag(command, "--dry-run", arguments.is_dry_run, "say what would be done, write nothing");
    add_value(command, {"--wait", "DURATION", "how long to stay for backups that are running (0s)"},
              [&arguments](const std::string& text) {
                  arguments.wait = duration_argument("--wait", text);
              });
    add_value(command,
              {"--give-up-after", "DURATION",
               "how long a backup may show no sign of life before it is given up (2h)"},
              [&arguments](const std::string& text) {
                  arguments.give_up_after = duration_argument("--give-up-after", text);
              });
    add_value(command,
              {"--max-unused", "PERCENT", "how much of what is stored may be unused (5); 100: any"},
              [&arguments](const std::string& text) {
                  arguments.unused_percent_max = percent_argument("--max-unused", text);
              });
    add_value(command,
              {"--max-repack", "SIZE", "how much to store anew at most to free the rest (all)"},
              [&arguments](const std::string& text) {
                  arguments.repack_bytes_max = size_argument("--max-repack", text);
              });
    add_flag(command, "--rebase", arguments.rebases,
             "also free what is kept only because something else is a delta on it");
}

void add_pin(CLI::App& root, CommandTreeValues& values) {
    constexpr auto kSnapshotText = "an id or its beginning, latest, latest~N, or a time";
    PinArguments& arguments = values.pin;
    CLI::App& command =
        add_command(root, "pin", "Keep a snapshot whatever the rules say", values.globals,
                    "db-backup pin latest --reason 'before the migration'\n"
                    "db-backup unpin 3f2a91c0");
    command.add_option("SNAPSHOT", arguments.snapshot, kSnapshotText);
    add_text(command, {"--reason", "TEXT", "why; shown by list, show and prune"}, arguments.reason);
    add_text(command, {"--source", "NAME", "only snapshots of this source"}, arguments.source);
    add_tags(command, "only snapshots with this tag; may be repeated", arguments.tags);
    add_value(command, {"--wait", "DURATION", "how long to stay for a prune that is running (1m)"},
              [&arguments](const std::string& text) {
                  arguments.wait = duration_argument("--wait", text);
              });
    CLI::App& unpin = add_command(root, "unpin", "Let a pinned snapshot be removed again",
                                  values.globals, "db-backup unpin 3f2a91c0");
    unpin.add_option("SNAPSHOT", values.unpin.snapshot, kSnapshotText);
    add_text(unpin, {"--source", "NAME", "only snapshots of this source"}, values.unpin.source);
}

void add_new_key_options(CLI::App& command, KeyArguments& arguments) {
    add_value(command, {"--kind", "KIND", "passphrase or keyfile, of the new slot"},
              [&arguments](const std::string& text) {
                  arguments.kind = index_of_word("--kind", text, {"passphrase", "keyfile"}) == 0
                                       ? KeySlotKind::passphrase
                                       : KeySlotKind::key_file;
              });
    add_path(command,
             {"--new-key-file", "FILE", "the new key file, which is made if there is none"},
             arguments.new_key_file);
    add_value(command, {"--label", "TEXT", "a note on the slot, which is not encrypted"},
              [&arguments](const std::string& text) {
                  arguments.label = label_argument("--label", text);
              });
}

void add_key(CLI::App& root, CommandTreeValues& values) {
    CLI::App& command = add_command(root, "key", "Manage what opens the repository", values.globals,
                                    "db-backup key list\ndb-backup key add --label ops\n"
                                    "db-backup key rotate\ndb-backup key remove 3f2a91c0");
    command.require_subcommand(0, 1);
    add_command(command, "list", "List the key slots: the secrets that open it", values.globals,
                "db-backup key list\ndb-backup key list --json");
    CLI::App& add = add_command(
        command, "add", "Add a passphrase or key file", values.globals,
        "db-backup key add\ndb-backup key add --new-key-file ~/db-backup-2.key --label safe\n"
        "DB_BACKUP_NEW_PASSPHRASE_FILE=new.txt db-backup key add");
    add_new_key_options(add, values.key);
    CLI::App& remove = add_command(command, "remove", "Remove a passphrase or key file",
                                   values.globals, "db-backup key remove 3f2a91c0");
    remove.add_option("SLOT", values.key.slot, "an id that `db-backup key list` shows");
    CLI::App& rotate = add_command(
        command, "rotate", "Put a new secret in the place of the one that is given", values.globals,
        "db-backup key rotate\n"
        "db-backup key rotate --key-file old.key --new-key-file new.key");
    add_new_key_options(rotate, values.key);
}

}  // namespace

void add_commands(CLI::App& root, CommandTreeValues& values) {
    add_backup(root, values);
    add_restore(root, values);
    add_export_command(root, values.globals, values.export_snapshot);
    add_list(root, values);
    add_show(root, values);
    add_init(root, values);
    add_verify(root, values);
    add_copy_command(root, values.globals, values.copy);
    add_repair(root, values);
    add_prune(root, values);
    add_pin(root, values);
    add_undelete_command(root, values.globals, values.undelete);
    add_command(root, "stats", "Show what the repository holds and costs", values.globals,
                "db-backup stats\ndb-backup stats --json");
    add_key(root, values);
    add_doctor_command(root, values.globals, values.doctor);
    add_schedule_command(root, values.globals, values.schedule);
    add_notify_command(root, values.globals, values.notify);
    add_config_command(root, values.globals, values.config_init);
    CLI::App& completion =
        add_command(root, "completion", "Print a completion script for a shell", values.globals,
                    "db-backup completion bash > /etc/bash_completion.d/db-backup\n"
                    "db-backup completion zsh > ~/.zfunc/_db-backup\n"
                    "db-backup completion fish > ~/.config/fish/completions/db-backup.fish");
    completion.require_subcommand(0, 1);
    for (const char* shell : {"bash", "zsh", "fish"}) {
        add_command(completion, shell, std::string("For ") + shell, values.globals);
    }
    CLI::App& help = *root.add_subcommand("help", "Print the help of a command");
    help.allow_extras();
    help.add_option("COMMAND", values.help_words, "the command");
}

}  // namespace dbbackup
