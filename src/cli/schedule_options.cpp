#include "cli/schedule_options.hpp"

#include "cli/argument_values.hpp"
#include "cli/command_options.hpp"

#include <initializer_list>

namespace dbbackup {
namespace {

constexpr const char* kJobText = "a job, by its name in the configuration under schedules";

void add_grace(CLI::App& command, ScheduleArguments& arguments) {
    add_value(command,
              {"--grace", "DURATION",
               "how long running jobs have to end when they are asked to, before they are killed "
               "(1m)"},
              [&arguments](const std::string& text) {
                  arguments.grace = duration_argument("--grace", text);
              });
}

void add_start(CLI::App& command, GlobalArguments& globals, ScheduleArguments& arguments) {
    CLI::App& start =
        add_command(command, "start", "Run the jobs when they are due, until stopped", globals,
                    "db-backup schedule start\n"
                    "db-backup schedule start --daemon");
    add_grace(start, arguments);
    add_flag(start, "--daemon", arguments.is_daemon,
             "go on in the background, and return once the jobs are watched");
    // For the process that --daemon makes; a group without a name is not shown.
    start.add_flag("--detached", arguments.is_detached)->group("");
}

/// An option of `add` for each key of a schedule.
void add_add(CLI::App& command, GlobalArguments& globals, ScheduleArguments& arguments) {
    CLI::App& add =
        add_command(command, "add", "Add a job to the configuration", globals,
                    "db-backup schedule add nightly --source shop --cron '30 2 * * *'\n"
                    "db-backup schedule add often --source shop --rpo 1h --retention keep-90-days "
                    "--notify ops");
    add.add_option("JOB", arguments.job, "a name for the job");
    struct Key {
        const char* option;
        const char* key;
        const char* placeholder;
        const char* text;
    };
    for (const Key& key : std::initializer_list<Key>{
             {"--source", "source", "NAME", "what is backed up, by its name in the configuration"},
             {"--cron", "cron", "TIMES", "when, as '30 2 * * *' or @daily"},
             {"--every", "every", "DURATION", "or so often, as 6h"},
             {"--rpo", "rpo", "DURATION", "or so that no good backup is ever older, as 1h"},
             {"--timezone", "timezone", "ZONE", "of --cron, as Europe/Berlin (this machine's)"},
             {"--mode", "mode", "MODE", "incremental (the default), differential or full"},
             {"--full-every", "full_every", "DURATION", "a full backup so often at least, as 30d"},
             {"--catch-up", "catch_up", "WORD", "of missed runs: once (the default) or skip"},
             {"--jitter", "jitter", "DURATION", "begin later by a part of this"},
             {"--timeout", "timeout", "DURATION", "end a run that takes longer"},
             {"--retries", "retries", "N", "how often a run that failed is tried again (2)"},
             {"--retention", "retention", "NAME", "prune by the rules of this name afterwards"},
             {"--verify-every", "verify_every", "DURATION", "verify so often at least, as 7d"}}) {
        add_value(add, {key.option, key.placeholder, key.text},
                  [&arguments, key](const std::string& text) {
                      arguments.settings.emplace_back(
                          key.key, std::vector<std::string>{text_argument(key.option, text)});
                  });
    }
    add_values(add, {"--notify", "NAME", "who is told; may be repeated"},
               [&arguments](const std::vector<std::string>& texts) {
                   arguments.settings.emplace_back("notify", texts);
               });
}

void add_export(CLI::App& command, GlobalArguments& globals, ScheduleArguments& arguments) {
    CLI::App& exported =
        add_command(command, "export", "Write the jobs for systemd, cron or Kubernetes", globals,
                    "db-backup schedule export --output /etc/systemd/system --user db-backup\n"
                    "db-backup schedule export --format cron > /etc/cron.d/db-backup\n"
                    "db-backup schedule export --format kubernetes | kubectl apply -f -");
    exported.add_option("JOB", arguments.job, "only this job");
    add_value(exported, {"--format", "FORMAT", "systemd (the default), cron or kubernetes"},
              [&arguments](const std::string& text) {
                  arguments.format = enum_argument<ExportFormat>("--format", text);
              });
    add_path(exported,
             {"--output", "FOLDER", "write files into this folder instead of printing them"},
             arguments.output);
    add_text(exported, {"--user", "NAME", "whom the jobs run as (who exports them)"},
             arguments.user);
    add_text(exported, {"--image", "IMAGE", "of kubernetes: the image (db-backup:VERSION)"},
             arguments.image);
}

}  // namespace

void add_schedule_command(CLI::App& root, GlobalArguments& globals, ScheduleArguments& arguments) {
    CLI::App& command =
        add_command(root, "schedule", "Run backups when they are due", globals,
                    "db-backup schedule add nightly --source shop --cron '30 2 * * *'\n"
                    "db-backup schedule start\ndb-backup schedule list");
    command.require_subcommand(0, 1);
    add_start(command, globals, arguments);
    CLI::App& stop = add_command(command, "stop", "End the scheduler, and what it runs", globals,
                                 "db-backup schedule stop\ndb-backup schedule stop --grace 10m");
    add_value(stop,
              {"--grace", "DURATION",
               "how long to wait for the scheduler to end (as long as its "
               "own --grace, a minute unless given)"},
              [&arguments](const std::string& text) {
                  arguments.grace = duration_argument("--grace", text);
              });
    CLI::App& list =
        add_command(command, "list", "Show the jobs, and what became of their runs", globals,
                    "db-backup schedule list\ndb-backup schedule list nightly --json");
    list.add_option("JOB", arguments.job, "only this job, with its last runs");
    add_add(command, globals, arguments);
    CLI::App& remove = add_command(command, "remove", "Remove a job that `add` added", globals,
                                   "db-backup schedule remove nightly");
    remove.add_option("JOB", arguments.job, kJobText);
    CLI::App& run = add_command(command, "run", "Run a job now, with all that belongs to it",
                                globals, "db-backup schedule run nightly");
    run.add_option("JOB", arguments.job, kJobText);
    add_grace(run, arguments);
    add_flag(run, "--retry", arguments.is_tried_again,
             "try again when it fails, as often as the job's retries say");
    add_export(command, globals, arguments);
}

void add_notify_command(CLI::App& root, GlobalArguments& globals, NotifyArguments& arguments) {
    CLI::App& command = add_command(root, "notify", "See whether notifications arrive", globals,
                                    "db-backup notify test ops");
    command.require_subcommand(0, 1);
    CLI::App& test = add_command(command, "test", "Send a sample", globals,
                                 "db-backup notify test ops\n"
                                 "db-backup notify test ops --event recovered");
    test.add_option("NAME", arguments.name, "its name in the configuration under notifications");
    add_value(test, {"--event", "EVENT", "what the sample is about (failure)"},
              [&arguments](const std::string& text) {
                  arguments.event = enum_argument<Event>("--event", text);
              });
}

}  // namespace dbbackup
