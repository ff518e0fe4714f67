#include "cli/repository_access.hpp"

#include "base/shell_word.hpp"
#include "cli/display_text.hpp"
#include "cli/key_file.hpp"
#include "cli/passphrase.hpp"
#include "cli/storage_limits.hpp"
#include "config/problems.hpp"
#include "repository/config_object.hpp"
#include "repository/known_repository.hpp"
#include "storage/registry.hpp"
#include "sys/paths.hpp"
#include "sys/secret_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

std::vector<std::string> repository_names(const Config& config) {
    std::vector<std::string> names;
    for (const auto& [name, repository] : config.repositories) {
        names.push_back(name);
    }
    return names;
}

RepositoryMissingError missing(const RepositoryChoice& choice, const Config& config) {
    const std::string meant = choice.name ? "" : nearest(choice.url, repository_names(config));
    std::string hint = choice.is_default
                           ? fmt::format("The first backup makes it, or: {}", init_line(choice))
                           : fmt::format("Make one with: {}", init_line(choice));
    if (!meant.empty()) {
        hint = fmt::format("Did you mean --repository {}? Otherwise: {}", meant, init_line(choice));
    }
    return explained<RepositoryMissingError>(
        fmt::format("there is no repository at {}", choice.url), std::move(hint));
}

std::string description(const RepositoryChoice& choice) {
    return fmt::format("repository {}", choice.name.value_or(choice.url));
}

/// Fetches the passphrase at most once, however often it is asked for.
std::function<std::optional<Secret>()> passphrase_fetcher(const RepositoryChoice& choice,
                                                          const CommandContext& context) {
    // shared_ptr, because std::function must be copyable and a Secret is not.
    auto fetched = std::make_shared<std::optional<Secret>>();
    return [fetched, source = passphrase_source(choice, context), what = description(choice),
            stop = context.stop, &log = context.log]() -> std::optional<Secret> {
        if (!*fetched) {
            warn_of_open_secret(source, log);
            *fetched = source.is_set()
                           ? source.fetch("passphrase of " + what, stop)
                           : ask_passphrase(fmt::format("passphrase of {}: ", what), stop);
        }
        return *fetched ? std::optional(fetched->value().clone()) : std::nullopt;
    };
}

/// Reads the key file at most once.
std::function<std::optional<Secret>()> key_file_fetcher(
    const std::optional<std::filesystem::path>& path, const CommandContext& context) {
    auto fetched = std::make_shared<std::optional<Secret>>();
    return [fetched, path, stop = context.stop, &log = context.log]() -> std::optional<Secret> {
        if (path && !*fetched) {
            warn_of_open_secret(*path, log);
            *fetched = read_key_file(*path, stop);
        }
        return *fetched ? std::optional(fetched->value().clone()) : std::nullopt;
    };
}

/// One of our folders; nothing for a user without a home, who works without them.
std::optional<std::filesystem::path> folder_or_none(std::filesystem::path (*folder)()) {
    try {
        return folder();
    } catch (const ConfigError&) {
        return std::nullopt;
    }
}

/// @param storage Null where there is not even a place.
KnownRepository known_repository(const RepositoryChoice& choice, const Storage* storage) {
    return {folder_or_none(state_home),
            storage != nullptr ? storage->url() : StorageUrl::parse(choice.url).path};
}

OpenOptions open_options(const Storage& storage, const RepositoryChoice& choice) {
    OpenOptions options;
    options.init_line = init_line(choice);
    options.state_folder = folder_or_none(state_home);
    options.index_folder = folder_or_none(cache_home);
    if (!storage.capabilities().is_local) {  // A copy of a local file saves nothing.
        options.cache_folder = options.index_folder;
    }
    return options;
}

/// Where a repository is, in one spelling; nothing for what is no URL and no path, and for who has
/// no working folder: the error comes when it is opened.
std::optional<std::string> place_of(const std::string& text) {
    try {
        const StorageUrl url = StorageUrl::parse(text);
        if (url.type() != StorageType::local) {
            return text;
        }
        const std::filesystem::path path = absolute_path(url.path).lexically_normal();
        return (path.has_filename() ? path : path.parent_path()).native();
    } catch (const ConfigError&) {
        return std::nullopt;
    }
}

/// The entry of the configuration for this place, if there is exactly one: its secrets and limits
/// hold, however the repository is named.
std::optional<std::string> name_of_place(const std::string& text, const Config& config) {
    const std::optional<std::string> place = place_of(text);
    std::vector<std::string> names;
    for (const auto& [name, repository] : config.repositories) {
        if (place && place_of(repository.url) == place) {
            names.push_back(name);
        }
    }
    return names.size() == 1 ? std::optional(names.front()) : std::nullopt;
}

}  // namespace

std::string init_line(const RepositoryChoice& choice) {
    return choice.is_default ? std::string("db-backup init")
                             : fmt::format("db-backup init --repository {}",
                                           shell_word(choice.name.value_or(choice.url)));
}

RepositoryChoice choose_repository(const std::optional<std::string>& asked,
                                   const std::string& of_source, const LoadedConfig& loaded,
                                   const std::function<std::filesystem::path()>& default_folder) {
    const Config& config = loaded.config;
    const auto named = [&config](const std::string& text) {
        auto found = config.repositories.find(text);
        if (found == config.repositories.end()) {
            found = config.repositories.find(name_of_place(text, config).value_or(text));
        }
        return found == config.repositories.end()
                   ? RepositoryChoice{text, std::nullopt, nullptr, false}
                   : RepositoryChoice{found->second.url, found->first, &found->second, false};
    };
    if (asked) {
        return named(*asked);
    }
    if (!of_source.empty()) {
        return named(of_source);
    }
    if (loaded.defaults.repository) {
        return named(*loaded.defaults.repository);
    }
    if (config.repositories.size() == 1) {
        return named(config.repositories.begin()->first);
    }
    if (config.repositories.size() > 1) {
        throw explained<ConfigError>("several repositories are configured",
                                     fmt::format("Choose one with --repository: {}.",
                                                 fmt::join(repository_names(config), ", ")),
                                     "repository_ambiguous");
    }
    return {default_folder().string(), std::nullopt, nullptr, true};
}

RepositoryChoice choose_repository(const CommandContext& context, const std::string& of_source) {
    return choose_repository(context.globals.repository, of_source, context.loaded,
                             [] { return data_home() / "repository"; });
}

std::string repository_of_source(const std::optional<std::string>& source, const Config& config) {
    const auto found = source ? config.sources.find(*source) : config.sources.end();
    return found == config.sources.end() ? std::string() : found->second.repository;
}

RepositoryChoice choose_second_repository(const std::string& text,
                                          const std::optional<std::filesystem::path>& key_file,
                                          const CommandContext& context) {
    RepositoryChoice choice = choose_repository(text, "", context.loaded, {});
    choice.key_file = key_file;
    choice.passphrase = &context.loaded.defaults.to_passphrase;
    choice.is_second = true;
    return choice;
}

const SecretSource& passphrase_source(const RepositoryChoice& choice,
                                      const CommandContext& context) {
    if (choice.passphrase != nullptr && choice.passphrase->is_set()) {
        return *choice.passphrase;
    }
    return choice.config != nullptr && choice.config->passphrase.is_set()
               ? choice.config->passphrase
               : context.loaded.defaults.passphrase;
}

std::optional<std::filesystem::path> key_file_path(const RepositoryChoice& choice,
                                                   const CommandContext& context) {
    if (choice.key_file) {
        return choice.key_file;
    }
    if (choice.passphrase != nullptr && choice.passphrase->is_set()) {
        return std::nullopt;
    }
    const bool has_own_secret = choice.config != nullptr && (choice.config->key_file.has_value() ||
                                                             choice.config->passphrase.is_set());
    if (context.globals.key_file && !(choice.is_second && has_own_secret)) {
        return context.globals.key_file;
    }
    return has_own_secret ? choice.config->key_file : context.loaded.defaults.key_file;
}

Unlock unlock_for(const RepositoryChoice& choice, const CommandContext& context) {
    Unlock unlock;
    unlock.passphrase = passphrase_fetcher(choice, context);
    const std::optional<std::filesystem::path> path = key_file_path(choice, context);
    unlock.key_file = key_file_fetcher(path, context);
    unlock.configured = choice.config != nullptr ? choice.config->encryption : std::nullopt;
    unlock.has_key_file = path.has_value();
    unlock.has_passphrase = passphrase_source(choice, context).is_set();
    // With `encryption: none`, a secret in the environment is meant for other repositories.
    unlock.expects_encryption = unlock.configured ? *unlock.configured != Encryption::none
                                                  : unlock.has_key_file || unlock.has_passphrase;
    return unlock;
}

std::unique_ptr<Storage> open_storage(const RepositoryChoice& choice, CreatePlace create,
                                      const CommandContext& context) {
    return context.plugins.storages.open(
        choice.url, create, storage_limits(choice.url, choice.config, context.config()));
}

std::unique_ptr<Repository> open_repository(const RepositoryChoice& choice, const Unlock& unlock,
                                            CommandContext& context) {
    std::unique_ptr<Storage> storage = open_storage(choice, CreatePlace::no, context);
    const KnownRepository known = known_repository(choice, storage.get());
    if (!storage) {
        known.check_new(init_line(choice));
        throw missing(choice, context.config());
    }
    const OpenOptions options = open_options(*storage, choice);
    try {
        return Repository::open(std::move(storage), unlock, options, context.log, context.stop);
    } catch (RepositoryMissingError& error) {
        if (error.code() != "not_a_repository") {
            // The place is there, but empty: the same as if it were not.
            known.check_new(init_line(choice));
            error.set_hint(missing(choice, context.config()).hint());
        }
        throw;
    } catch (WrongKeyError& error) {
        if (error.hint().empty()) {
            error.set_hint(
                "Set DB_BACKUP_PASSPHRASE, DB_BACKUP_PASSPHRASE_FILE or "
                "DB_BACKUP_PASSPHRASE_COMMAND, or give --key-file.");
        }
        throw;
    }
}

std::unique_ptr<Repository> open_repository(const RepositoryChoice& choice,
                                            CommandContext& context) {
    return open_repository(choice, unlock_for(choice, context), context);
}

void warn_of_open_secret(const SecretSource& source, Log& log) {
    if (source.file) {
        warn_of_open_secret(*source.file, log);
    }
}

void warn_of_open_secret(const std::filesystem::path& key_file, Log& log) {
    if (is_readable_by_others(key_file)) {
        log.warning(
            fmt::format("{} can be read by other users and holds a secret: run "
                        "`chmod 600` on it",
                        key_file.native()));
    }
}

Encryption encryption_of_secrets(const RepositoryChoice& choice, const CommandContext& context) {
    const bool has_passphrase = passphrase_source(choice, context).is_set();
    const bool has_key_file = key_file_path(choice, context).has_value();
    if (has_passphrase && has_key_file) {
        throw explained<ConfigError>(
            "a passphrase and a key file are given for a new repository",
            "Leave one of them out, or run `db-backup init` with --encryption passphrase or "
            "keyfile.",
            "secret_ambiguous");
    }
    return has_key_file     ? Encryption::keyfile
           : has_passphrase ? Encryption::passphrase
                            : Encryption::none;
}

void refuse_lost_default(const RepositoryChoice& choice, CommandContext& context) {
    const KnownRepository known = known_repository(choice, nullptr);
    // In this order: another first backup that is quicker makes it before it remembers it.
    if (!repository_exists(choice, context)) {
        known.check_new(init_line(choice));
    }
}

void remember_new_repository(Storage& storage, const RepositoryChoice& choice,
                             const CommandContext& context) {
    if (const std::optional<Bytes> config = storage.get(config_object_name(), context.stop)) {
        KnownRepository(open_options(storage, choice).state_folder, storage.url())
            .remember(decode_config(*config));
    }
}

bool repository_exists(const RepositoryChoice& choice, CommandContext& context) {
    const std::unique_ptr<Storage> storage = open_storage(choice, CreatePlace::no, context);
    return storage && Repository::exists(*storage, context.stop);
}

std::unique_ptr<Repository> open_or_make_repository(const RepositoryChoice& choice,
                                                    CommandContext& context) {
    if (!choice.is_default || repository_exists(choice, context)) {
        return open_repository(choice, context);
    }
    refuse_lost_default(choice, context);
    const Unlock unlock = unlock_for(choice, context);  // A command for the secret runs once.
    InitOptions options;
    options.encryption = encryption_of_secrets(choice, context);
    if (options.encryption == Encryption::keyfile) {
        options.secret = unlock.key_file().value();
    } else if (options.encryption == Encryption::passphrase) {
        options.secret = unlock.passphrase().value();
    }
    const std::unique_ptr<Storage> storage = open_storage(choice, CreatePlace::yes, context);
    try {
        Repository::init(*storage, options, context.clock, context.stop);
        remember_new_repository(*storage, choice, context);
    } catch (const RepositoryError& error) {
        if (error.code() != "repository_exists") {
            throw;
        }
        return open_repository(choice, unlock, context);  // Another first backup was quicker.
    }
    const bool is_encrypted = options.encryption != Encryption::none;
    context.remark(
        fmt::format("made the repository {}, {}", choice.url,
                    is_encrypted ? "encrypted" : "not encrypted, because no passphrase is set"));
    context.log.info(
        "made the default repository",
        {{"url", choice.url}, {"encryption", std::string(word_of(options.encryption))}});
    return open_repository(choice, unlock, context);
}

ReadableSnapshots read_snapshots(Repository& repository, CommandContext& context) {
    std::vector<std::string> damaged;
    std::vector<SnapshotSummary> snapshots = repository.snapshots(context.stop, &damaged);
    for (const std::string& object : damaged) {
        context.errors.line("db-backup: warning: damaged or not readable, left out: " +
                            printable(object));
    }
    return {std::move(snapshots), std::move(damaged)};
}

void check_source(const std::string& source, const std::vector<SnapshotSummary>& snapshots) {
    std::set<std::string> names;
    for (const SnapshotSummary& snapshot : snapshots) {
        names.insert(snapshot.source_name);
    }
    if (names.empty() || names.contains(source)) {
        return;
    }
    const std::vector<std::string> known(names.begin(), names.end());
    const std::string meant = nearest(source, known);
    std::string list = known.front();
    for (std::size_t index = 1; index < known.size(); ++index) {
        list += ", " + known[index];
    }
    throw explained<ConfigError>(
        fmt::format("the repository has no snapshots of a source '{}'", source),
        !meant.empty() ? fmt::format("Did you mean {}?", meant) : fmt::format("It has: {}.", list),
        "source_unknown");
}

}  // namespace dbbackup
