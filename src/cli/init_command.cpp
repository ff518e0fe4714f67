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
#include <utility>

namespace dbbackup {
namespace {

ConfigError contradiction(std::string message, std::string hint) {
    return explained<ConfigError>(std::move(message), std::move(hint), "usage");
}

/// Refuses what was asked for when other things that were given say the opposite.
void check_asked(Encryption asked, const RepositoryChoice& choice, const CommandContext& context) {
    const std::string option = fmt::format("--encryption {}", word_of(asked));
    if (choice.config != nullptr && choice.config->encryption.value_or(asked) != asked) {
        throw contradiction(
            fmt::format("{} contradicts the configuration, which says `encryption: {}`", option,
                        word_of(*choice.config->encryption)),
            "Leave --encryption out, or correct the configuration.");
    }
    if (asked != Encryption::keyfile && context.globals.key_file) {
        throw contradiction(fmt::format("{} and --key-file exclude each other", option),
                            "Leave one of them out.");
    }
    const bool has_secret =
        passphrase_source(choice, context).is_set() || key_file_path(choice, context).has_value();
    const bool says_none = choice.config != nullptr && choice.config->encryption.has_value();
    if (asked == Encryption::none && has_secret && !says_none) {
        throw contradiction(
            fmt::format("{} does not go with the passphrase or key file that is configured",
                        option),
            "Unset it first: with it, every command would refuse a repository that is not "
            "encrypted.");
    }
}

Encryption chosen_encryption(const InitArguments& arguments, const RepositoryChoice& choice,
                             const CommandContext& context) {
    const std::optional<Encryption> configured =
        choice.config != nullptr ? choice.config->encryption : std::nullopt;
    if (const std::optional<Encryption> asked =
            arguments.encryption ? arguments.encryption : configured) {
        check_asked(*asked, choice, context);
        return *asked;
    }
    const Encryption chosen = encryption_of_secrets(choice, context);
    return chosen == Encryption::none ? Encryption::passphrase : chosen;
}

Secret passphrase_of_new(const RepositoryChoice& choice, const CommandContext& context) {
    const std::string what = fmt::format("repository {}", choice.name.value_or(choice.url));
    std::optional<Secret> secret =
        new_passphrase(passphrase_source(choice, context), "passphrase of the new " + what, what,
                       context.log, context.stop);
    if (!secret) {
        throw explained<ConfigError>(
            fmt::format("no passphrase is given for the new {}", what),
            "Set DB_BACKUP_PASSPHRASE, DB_BACKUP_PASSPHRASE_FILE or DB_BACKUP_PASSPHRASE_COMMAND, "
            "or choose --encryption keyfile or --encryption none.",
            "passphrase_missing");
    }
    return std::move(*secret);
}

KeyOfFile key_of_new(const std::optional<std::filesystem::path>& path,
                     const CommandContext& context) {
    if (!path) {
        throw explained<ConfigError>("--encryption keyfile needs --key-file",
                                     "Write for example --key-file ~/db-backup.key; the file is "
                                     "made if there is none.",
                                     "usage");
    }
    return read_or_make_key_file(*path, context.log, context.stop);
}

/// After a failed init, a new key file is of no use, unless there is a repository nevertheless.
void remove_key_file(const std::filesystem::path& path, const RepositoryChoice& choice,
                     const CommandContext& context) noexcept {
    try {
        const std::unique_ptr<Storage> storage = open_storage(choice, CreatePlace::no, context);
        if (!storage || !Repository::exists(*storage, {})) {
            std::filesystem::remove(path);
        }
    } catch (const std::exception&) {
        return;  // Not known to be useless, so it stays.
    }
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
    bool is_key_new = false;
    const std::optional<std::filesystem::path> key_file = key_file_path(choice, context);
    if (encryption == Encryption::passphrase) {
        options.secret = passphrase_of_new(choice, context);
    } else if (encryption == Encryption::keyfile) {
        KeyOfFile key = key_of_new(key_file, context);
        options.secret = std::move(key.secret);
        is_key_new = key.is_new;
    }
    std::unique_ptr<Storage> storage;
    try {
        storage = open_storage(choice, CreatePlace::yes, context);
        Repository::init(*storage, options, context.clock, context.stop);
    } catch (...) {
        if (is_key_new) {
            remove_key_file(*key_file, choice, context);
        }
        throw;
    }
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
