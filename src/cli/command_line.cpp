#include "cli/command_line.hpp"

#include "cli/argument_values.hpp"
#include "cli/command_description.hpp"
#include "cli/command_options.hpp"
#include "cli/command_tree.hpp"
#include "cli/completion.hpp"
#include "cli/help_text.hpp"
#include "cli/schedule_arguments.hpp"
#include "cli/source_arguments.hpp"
#include "config/problems.hpp"
#include "repository/version.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

namespace dbbackup {
namespace {

constexpr const char* kDescription =
    "Back up databases into a deduplicated, compressed, encrypted repository, and restore them.";
constexpr const char* kExamples =
    "db-backup backup --type sqlite --database test.db\n"
    "db-backup list\n"
    "db-backup restore latest --to restored.db\n"
    "db-backup help restore";

ConfigError usage_error(std::string message, std::string hint) {
    return explained<ConfigError>(std::move(message), std::move(hint), "usage");
}

/// The innermost command that was recognised.
const CLI::App& innermost(const CLI::App& app) {
    const std::vector<CLI::App*> chosen =
        const_cast<CLI::App&>(app).get_subcommands();  // NOLINT: its const form takes a filter
    return chosen.empty() ? app : innermost(*chosen.back());
}

std::string full_name(const CLI::App& app) {
    return app.get_parent() == nullptr ? app.get_name()
                                       : full_name(*app.get_parent()) + " " + app.get_name();
}

std::vector<std::string> option_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options({})) {
        for (const std::string& name : option->get_lnames()) {
            names.push_back("--" + name);
        }
        for (const std::string& name : option->get_snames()) {
            names.push_back("-" + name);
        }
    }
    return names;
}

std::vector<std::string> command_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands({})) {
        names.push_back(command->get_name());
    }
    return names;
}

/// The error about `word`, which no command and no option took.
ConfigError unknown_word(const CLI::App& root, const std::string& word) {
    const CLI::App& command = innermost(root);
    const std::string help = fmt::format("See: {} --help", full_name(command));
    const auto hint = [&help](const std::string& meant) {
        return !meant.empty() ? fmt::format("Did you mean {}?", meant) : help + ".";
    };
    if (word.size() > 1 && word.front() == '-') {
        const std::string name = word.substr(0, word.find('='));
        // One letter says nothing about which other letter was meant.
        const bool is_long = name.starts_with("--");
        return usage_error(fmt::format("unknown option {}", name),
                           hint(is_long ? nearest(name, option_names(command)) : std::string()));
    }
    const std::vector<std::string> commands = command_names(command);
    if (!commands.empty()) {
        return usage_error(fmt::format("unknown command '{}'", word),
                           hint(nearest(word, commands)));
    }
    return usage_error(fmt::format("unexpected argument '{}'", word), help + ".");
}

/// What the parsing library threw, in our words. Its messages start with "OPTION: ".
ConfigError translated(const CLI::App& root, const CLI::ParseError& error) {
    const std::string text = error.what();
    const std::string name = text.substr(0, text.find(':'));
    const std::string help = fmt::format("See: {} --help.", full_name(innermost(root)));
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ArgumentMismatch)) {
        if (text.find("missing") != std::string::npos) {
            return usage_error(fmt::format("{} needs a value", name), help);
        }
        return usage_error(fmt::format("{} is given more than once", name), help);
    }
    return usage_error(fmt::format("cannot read the command line: {}", text), help);
}

void check_snapshot(const std::string& command, const std::string& snapshot) {
    if (snapshot.empty()) {
        throw usage_error(fmt::format("{} needs a SNAPSHOT", command),
                          "Write latest, or an id that `db-backup list` shows.");
    }
}

void check(const BackupArguments& backup) {
    check_source(backup.source);
    if (!backup.is_archive) {
        if (backup.output) {
            throw usage_error("--output is only for --format archive",
                              "Give the place of a repository with --repository.");
        }
        if (backup.compression) {
            refuse_zip(*backup.compression);
        }
    } else if (!backup.output) {
        throw usage_error("--format archive needs --output",
                          "Say where to: -o FILE, -o - for standard output, or -o URL.");
    } else if (backup.is_mode_given && backup.mode != BackupMode::full) {
        throw usage_error(fmt::format("an archive is always whole: --mode {} does not go with it",
                                      word_of(backup.mode)),
                          "Leave --mode out, or back up into a repository.");
    } else if (backup.is_dry_run) {
        throw usage_error("--dry-run does not go with --format archive", "Leave one of them out.");
    }
}

void check(const ExportArguments& arguments) {
    if (!arguments.output) {
        throw usage_error("export needs --output",
                          "Say where to: -o FILE, -o - for standard output, or -o URL.");
    }
}

void check(const ShowArguments& show) {
    if (!show.has_tables && (!show.include.empty() || !show.exclude.empty())) {
        throw usage_error("--include and --exclude choose among the tables of a snapshot",
                          "Add --tables.");
    }
}

void check(const CopyArguments& copy) {
    if (!copy.target) {
        throw usage_error("copy needs --to", "Say where to: a configured name, a path or a URL.");
    }
}

void check(const PinArguments& pin) {
    if (!pin.reason || pin.reason->empty()) {
        throw usage_error("pin needs a --reason", "Say why, for whoever finds the pin next year.");
    }
}

void check(const GlobalArguments& globals) {
    if (globals.is_quiet && globals.is_verbose) {
        throw usage_error("--quiet and --verbose exclude each other", "Leave one of them out.");
    }
}

CommandArguments config_command(const CLI::App& command, const ConfigInitArguments& init) {
    const CLI::App& action = innermost(command);
    if (action.get_name() == "init") {
        return init;
    }
    if (action.get_name() == "validate") {
        return ConfigArguments{ConfigArguments::Action::validate};
    }
    if (action.get_name() == "schema") {
        return ConfigArguments{ConfigArguments::Action::schema};
    }
    if (action.get_name() == "show") {
        return ConfigArguments{ConfigArguments::Action::show};
    }
    throw usage_error("config needs a command", "Write init, validate, show or schema after it.");
}

CommandArguments key_command(const CLI::App& command, KeyArguments arguments) {
    const std::string& name = innermost(command).get_name();
    if (name == "remove" && arguments.slot.empty()) {
        throw usage_error("key remove needs a SLOT",
                          "Write an id that `db-backup key list` shows.");
    }
    for (const auto& [word, action] : {std::pair("list", KeyArguments::Action::list),
                                       std::pair("add", KeyArguments::Action::add),
                                       std::pair("remove", KeyArguments::Action::remove),
                                       std::pair("rotate", KeyArguments::Action::rotate)}) {
        if (name == word) {
            arguments.action = action;
            return arguments;
        }
    }
    throw usage_error("key needs a command", "Write list, add, remove or rotate after it.");
}

CommandArguments completion_command(const CLI::App& command) {
    const CLI::App& shell = innermost(command);
    if (&shell == &command) {
        throw usage_error("completion needs a shell", "Write bash, zsh or fish after it.");
    }
    return PrintArguments{completion_script(shell.get_name())};
}

CommandArguments help_command(CLI::App& root, const std::vector<std::string>& words) {
    CLI::App* app = &root;
    for (const std::string& word : words) {
        const std::vector<CLI::App*> found =
            app->get_subcommands([&word](CLI::App* each) { return each->get_name() == word; });
        if (found.empty()) {
            const std::string meant = nearest(word, command_names(*app));
            throw usage_error(
                fmt::format("unknown command '{}'", word),
                !meant.empty() ? fmt::format("Did you mean {}?", meant) : "See: db-backup --help.");
        }
        app = found.front();
    }
    return PrintArguments{app->get_formatter()->make_help(app, "", CLI::AppFormatMode::Normal)};
}

/// @throws ConfigError: a program that asked for JSON must not be given something else.
void refuse_json(const std::vector<std::string>& words, std::string_view what) {
    if (asks_for_json(words)) {
        throw usage_error(fmt::format("--json does not go with {}, which is plain text", what),
                          "Leave --json out.");
    }
}

PrintArguments version_text(const std::vector<std::string>& words) {
    return {asks_for_json(words) ? fmt::format("{{\n  \"version\": \"{}\"\n}}\n", kProgramVersion)
                                 : fmt::format("db-backup {}\n", kProgramVersion)};
}

/// @throws ConfigError.
PinArguments checked(const std::string& command, const PinArguments& pin) {
    check_snapshot(command, pin.snapshot);
    check(pin);
    return pin;
}
ExportArguments checked(const std::string& command, const ExportArguments& arguments) {
    check_snapshot(command, arguments.snapshot);
    check(arguments);
    return arguments;
}

DoctorArguments checked(const DoctorArguments& doctor) {
    if (is_named(doctor.source)) {
        check_source(doctor.source);
    }
    return doctor;
}

/// Of a command whose options go together in any way; nothing for the others.
std::optional<CommandArguments> free_command(const std::string& name,
                                             const CommandTreeValues& values) {
    if (name == "init") {
        return values.init;
    }
    if (name == "list") {
        return values.list;
    }
    if (name == "verify") {
        return values.verify;
    }
    if (name == "repair") {
        return values.repair;
    }
    if (name == "prune") {
        return values.prune;
    }
    if (name == "undelete") {
        return values.undelete;
    }
    return name == "stats" ? std::optional<CommandArguments>(StatsArguments()) : std::nullopt;
}

/// The arguments of the command that was chosen, complete and consistent.
CommandArguments chosen_command(CLI::App& root, CommandTreeValues& values) {
    const std::vector<CLI::App*> chosen = root.get_subcommands();
    if (chosen.empty()) {
        if (values.globals.is_json) {
            throw usage_error("no command is given", "See: db-backup --help.");
        }
        return PrintArguments{root.help(), ExitCode::usage};
    }
    const std::string& name = chosen.front()->get_name();
    if (name == "help") {
        return help_command(root, values.help_words);
    }
    if (name != "backup" && name != "doctor" && name != "schedule" &&
        !values.globals.more_repositories.empty()) {
        throw usage_error(fmt::format("{} takes one --repository", name),
                          "Only backup writes to several; give one.");
    }
    if (std::optional<CommandArguments> command = free_command(name, values)) {
        return std::move(*command);
    }
    if (name == "backup") {
        check(values.backup);
        return values.backup;
    }
    if (name == "restore") {
        check_snapshot(name, values.restore.snapshot);
        return values.restore;
    }
    if (name == "export") {
        return checked(name, values.export_snapshot);
    }
    if (name == "show") {
        check_snapshot(name, values.show.snapshot);
        check(values.show);
        return values.show;
    }
    if (name == "copy") {
        check(values.copy);
        return values.copy;
    }
    if (name == "pin") {
        return checked(name, values.pin);
    }
    if (name == "unpin") {
        check_snapshot(name, values.unpin.snapshot);
        return values.unpin;
    }
    if (name == "key") {
        return key_command(*chosen.front(), values.key);
    }
    if (name == "completion") {
        return completion_command(*chosen.front());
    }
    if (name == "doctor") {
        return checked(values.doctor);
    }
    if (name == "schedule") {
        return checked_schedule(innermost(*chosen.front()).get_name(), values.schedule,
                                values.globals);
    }
    if (name == "notify") {
        return checked_notify(innermost(*chosen.front()).get_name(), values.notify);
    }
    return config_command(*chosen.front(), values.config_init);
}

}  // namespace

CommandLine parse_command_line(const std::vector<std::string>& words, const HelpStyle& style) {
    CommandTreeValues values;
    CLI::App root(kDescription, "db-backup");
    root.formatter(help_formatter(style.width));
    root.allow_extras();
    root.require_subcommand(0, 1);
    add_global_options(root, values.globals);
    root.set_version_flag("-V,--version", fmt::format("db-backup {}", kProgramVersion),
                          "print the version");
    add_commands(root, values);
    root.footer(kExamples);
    if (!words.empty() && words.front() == kCompleteCommand) {
        return {{}, PrintArguments{completions(root, {words.begin() + 1, words.end()})}};
    }
    if (words.size() == 1 && words.front() == kDescribeCommand) {
        return {{}, PrintArguments{command_description(root)}};
    }
    try {
        // The library takes the words last one first.
        root.parse(std::vector<std::string>(words.rbegin(), words.rend()));
    } catch (const CLI::CallForHelp&) {
        refuse_json(words, "help");
        return {values.globals, PrintArguments{root.help()}};
    } catch (const CLI::CallForVersion&) {
        return {values.globals, version_text(words)};
    } catch (const CLI::ParseError& error) {
        throw translated(root, error);
    }
    for (const char* name : {"help", "completion"}) {
        if (root.got_subcommand(name)) {
            refuse_json(words, name);
        }
    }
    std::vector<std::string> unknown = root.remaining(true);
    std::erase(unknown, "--");  // The library counts the mark itself among them.
    if (!unknown.empty()) {
        throw unknown_word(root, unknown.front());
    }
    check(values.globals);
    CommandArguments command = chosen_command(root, values);
    return {values.globals, std::move(command)};
}

bool asks_for_json(const std::vector<std::string>& words) {
    const auto end = std::find(words.begin(), words.end(), "--");
    return std::any_of(words.begin(), end, [](const std::string& word) {
        return word == "--json" || word == "--json=true";
    });
}

}  // namespace dbbackup
