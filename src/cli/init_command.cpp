/// @file
/// `db-backup init`: makes a repository.

#include "cli/commands.hpp"
#include "cli/key_file.hpp"
#include "cli/passphrase.hpp"
#include "cli/repository_access.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <system_error>

namespace dbbackup {
namespace {

Encryption chosen_encryption(const InitArguments& arguments, const RepositoryChoice& choice,
                             const CommandContext& context) {
    if (arguments.encryption) {
        return *arguments.encryption;
    }
    if (choice.config != nullptr && choice.config->encryption) {
        return *choice.config->encryption;
    }
    return key_file_path(choice, context) ? Encryption::keyfile : Encryption::passphrase;
}

Secret new_passphrase(const RepositoryChoice& choice, const CommandContext& context) {
    const std::string what = fmt::format("repository {}", choice.name.value_or(choice.url));
    const SecretSource& source = passphrase_source(choice, context);
    std::optional<Secret> secret = source.is_set()
                                       ? source.fetch("passphrase of the new " + what, context.stop)
                                       : ask_new_passphrase(what, context.stop);
    if (!secret) {
        throw explained<ConfigError>(
            fmt::format("no passphrase is given for the new {}", what),
            "Set DB_BACKUP_PASSPHRASE, DB_BACKUP_PASSPHRASE_FILE or DB_BACKUP_PASSPHRASE_COMMAND, "
            "or choose --encryption keyfile or --encryption none.",
            "passphrase_missing");
    }
    return std::move(*secret);
}

/// The key in the file, which is made unless it is there.
Secret key_from_file(const std::optional<std::filesystem::path>& path) {
    if (!path) {
        throw explained<ConfigError>("--encryption keyfile needs --key-file",
                                     "Write for example --key-file ~/db-backup.key; the file is "
                                     "made if there is none.",
                                     "usage");
    }
    std::error_code error;
    const bool is_missing = !std::filesystem::exists(*path, error) && !error;
    return is_missing ? make_key_file(*path) : read_key_file(*path);
}

std::string text_of(Encryption encryption, const std::string& key_file) {
    switch (encryption) {
        case Encryption::passphrase:
            return "encrypted; whoever loses the passphrase loses the backups";
        case Encryption::keyfile:
            return fmt::format(
                "encrypted; keep a copy of {} elsewhere: without it the backups are "
                "lost",
                key_file);
        case Encryption::none: return "not encrypted";
    }
    return "";
}

}  // namespace

ExitCode run_command(const InitArguments& arguments, CommandContext& context) {
    const RepositoryChoice choice = choose_repository(context);
    const Encryption encryption = chosen_encryption(arguments, choice, context);
    if (repository_exists(choice, context)) {
        // Before a passphrase is asked for or a key file made.
        throw explained<RepositoryError>(
            fmt::format("there is a repository at {} already", choice.url),
            "Use it as it is, or choose another place.", "repository_exists");
    }
    InitOptions options;
    options.encryption = encryption;
    const std::optional<std::filesystem::path> key_file = key_file_path(choice, context);
    if (encryption == Encryption::passphrase) {
        options.secret = new_passphrase(choice, context);
    } else if (encryption == Encryption::keyfile) {
        options.secret = key_from_file(key_file);
    }
    const std::unique_ptr<Storage> storage =
        context.plugins.storages.open(choice.url, CreatePlace::yes);
    Repository::init(*storage, options, context.clock, context.stop);
    context.is_done = true;
    remember_new_repository(*storage, choice, context);

    const std::string shown_key_file =
        encryption == Encryption::keyfile ? key_file->string() : std::string();
    context.log.info("made a repository",
                     {{"url", storage->url()}, {"encryption", std::string(word_of(encryption))}});
    if (context.output.is_json()) {
        context.output.document(
            {{"repository", storage->url()},
             {"encryption", word_of(encryption)},
             {"key_file", shown_key_file.empty() ? nlohmann::ordered_json(nullptr)
                                                 : nlohmann::ordered_json(shown_key_file)}});
    } else if (!context.globals.is_quiet) {
        context.output.text(fmt::format("made the repository {}\n{}\n", storage->url(),
                                        text_of(encryption, shown_key_file)));
    }
    return ExitCode::success;
}

}  // namespace dbbackup
