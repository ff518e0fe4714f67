/// @file
/// `db-backup config init`: asks the few things that matter, tries each answer, and writes a
/// configuration file.

#include "base/shell_word.hpp"
#include "cli/commands.hpp"
#include "cli/config_answers.hpp"
#include "cli/config_draft.hpp"
#include "cli/display_text.hpp"
#include "cli/new_file.hpp"
#include "storage/operation.hpp"
#include "sys/file.hpp"
#include "sys/file_error.hpp"
#include "sys/paths.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace dbbackup {
namespace {

/// The file that is written, and whether later commands find it without being told.
struct Place {
    std::filesystem::path path;
    bool is_usual = false;
};

Place place_of(const ConfigInitArguments& arguments, const CommandContext& context) {
    std::error_code ignored;
    if (arguments.output) {
        return {absolute_path(*arguments.output).lexically_normal(), false};
    }
    if (context.globals.config_path) {
        return {absolute_path(*context.globals.config_path).lexically_normal(), false};
    }
    const Environment environment = process_environment();
    if (const auto named = environment.find("DB_BACKUP_CONFIG");
        named != environment.end() && !named->second.empty()) {
        return {absolute_path(named->second).lexically_normal(), true};
    }
    return {config_home() / "config.yaml", !std::filesystem::exists("db-backup.yaml", ignored)};
}

void refuse_existing(const Place& place, const ConfigInitArguments& arguments) {
    std::error_code ignored;
    const std::filesystem::file_status status =
        std::filesystem::symlink_status(place.path, ignored);
    if (status.type() == std::filesystem::file_type::not_found) {
        return;
    }
    if (!arguments.is_force) {
        throw explained<ConfigError>(
            fmt::format("there is a file {} already", place.path.string()),
            "Choose another name with --output, or replace it with --force.", "config_exists");
    }
    if (!std::filesystem::is_regular_file(place.path, ignored)) {
        throw explained<ConfigError>(
            fmt::format("{} is not a file that could be replaced", place.path.string()),
            "Choose another name with --output.", "config_exists");
    }
}

/// Writes all of it or nothing.
void write(const Place& place, const std::string& text, bool is_force) {
    try {
        const std::filesystem::path folder = place.path.parent_path();
        std::error_code error;
        std::filesystem::create_directories(folder, error);
        if (error) {
            throw FileError("make", folder, error.value());
        }
        if (is_force) {
            replace_file(place.path, as_bytes(text), 0600);
        } else {
            write_new_file(place.path, as_bytes(text));
        }
    } catch (const FileError& error) {
        throw explained<ConfigError>(
            error.what(), "Choose another place with --output.",
            error.error_number() == EEXIST ? "config_exists" : "config_not_written");
    }
}

std::vector<std::string> next_commands(const ConfigDraft& draft, const Place& place,
                                       bool has_repository) {
    const std::string config = place.is_usual ? "" : " --config " + shell_word(place.path.string());
    std::vector<std::string> commands;
    if (!has_repository) {
        commands.push_back("db-backup init" + config);
    }
    commands.push_back(fmt::format("db-backup backup --source {}{}", draft.source_name, config));
    commands.push_back(fmt::format("db-backup list{}", config));
    if (!draft.retention.empty()) {
        commands.push_back(
            fmt::format("db-backup prune --retention {} --dry-run{}", kDraftRetention, config));
    }
    return commands;
}

}  // namespace

ExitCode run_command(const ConfigInitArguments& arguments, CommandContext& context) {
    const Place place = place_of(arguments, context);
    refuse_existing(place, arguments);
    const ConfigAnswers answers = gather_answers(arguments, place.path, context);
    const std::string text = config_text(answers.draft);
    // What is written is what every later command reads: it must be good to the last letter.
    static_cast<void>(load_config_text(text, "", answers.variables, place.path.string()));
    throw_if_stopped(context.stop);
    if (answers.new_passphrase) {
        write_passphrase(*answers.draft.passphrase.file, *answers.new_passphrase);
    }
    write(place, text, arguments.is_force);
    context.is_done = true;
    const std::vector<std::string> next =
        next_commands(answers.draft, place, answers.has_repository());
    context.log.info("wrote a configuration", {{"file", place.path.string()}});
    if (context.output.is_json()) {
        context.output.document({{"file", place.path.string()},
                                 {"source", answers.draft.source_name},
                                 {"repository", answers.draft.repository_url},
                                 {"encryption", word_of(answers.draft.encryption)},
                                 {"repository_exists", answers.has_repository()},
                                 {"next", next}});
    } else if (!context.globals.is_quiet) {
        context.output.text(fmt::format("wrote {}\n\nnext:\n  {}\n", printable(place.path.string()),
                                        fmt::join(next, "\n  ")));
    }
    return ExitCode::success;
}

}  // namespace dbbackup
