#pragma once

/// @file
/// From what the user said (or did not say) to an open repository.

#include "cli/command_context.hpp"
#include "config/config.hpp"
#include "repository/repository.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace dbbackup {

/// Which repository is meant, and how it is unlocked.
struct RepositoryChoice {
    std::string url;
    std::optional<std::string> name;           ///< When it is configured.
    const RepositoryConfig* config = nullptr;  ///< Borrowed from the configuration.
    bool is_default = false;                   ///< The one that the first backup may make.
    /// Given for this one alone, and before what the configuration says.
    std::optional<std::filesystem::path> key_file = {};
    const SecretSource* passphrase = nullptr;  ///< Borrowed; null: none was.
    /// A second repository of the command: `--key-file` is for it only where nothing else is.
    bool is_second = false;
};

/// The repository that a command writes to beside the one that it reads.
/// @param text A configured name, a path or a URL. @param key_file Given for it.
[[nodiscard]] RepositoryChoice choose_second_repository(
    const std::string& text, const std::optional<std::filesystem::path>& key_file,
    const CommandContext& context);

/// `--repository`, else the repository of the source, else that of DB_BACKUP_REPOSITORY, else the
/// only configured one, else the default folder. A URL or path of a place that is configured means
/// that entry. Pure, but for the working folder.
/// @throws ConfigError when several are configured and none was chosen.
[[nodiscard]] RepositoryChoice choose_repository(
    const std::optional<std::string>& asked, const std::string& of_source,
    const LoadedConfig& loaded, const std::function<std::filesystem::path()>& default_folder);

/// The same for the arguments of this call.
[[nodiscard]] RepositoryChoice choose_repository(const CommandContext& context,
                                                 const std::string& of_source = {});

/// The repository that the configuration gives a source, by its name; empty when the source is
/// none of the configuration or has no repository of its own. Snapshots carry that name too.
[[nodiscard]] std::string repository_of_source(const std::optional<std::string>& source,
                                               const Config& config);

/// The passphrase's source: the repository's own, else that of DB_BACKUP_PASSPHRASE, …_FILE or
/// …_COMMAND (an empty one counts as set). Borrowed from the configuration.
[[nodiscard]] const SecretSource& passphrase_source(const RepositoryChoice& choice,
                                                    const CommandContext& context);
/// `--key-file`, else the repository's own, else DB_BACKUP_KEY_FILE for a repository without any
/// secret of its own.
[[nodiscard]] std::optional<std::filesystem::path> key_file_path(const RepositoryChoice& choice,
                                                                 const CommandContext& context);

/// Logs a warning when others may read the file that holds this secret.
void warn_of_open_secret(const SecretSource& source, Log& log);
void warn_of_open_secret(const std::filesystem::path& key_file, Log& log);

/// How a new repository is encrypted when nobody said so: by whichever secret there is, else not.
/// @throws ConfigError (code "secret_ambiguous") when there are a passphrase and a key file.
[[nodiscard]] Encryption encryption_of_secrets(const RepositoryChoice& choice,
                                               const CommandContext& context);

/// The secrets that are configured, each fetched or asked for at most once and only when needed.
[[nodiscard]] Unlock unlock_for(const RepositoryChoice& choice, const CommandContext& context);

/// Opens the place of it, within the limits that are configured. Nothing as
/// `StorageRegistry::open`.
[[nodiscard]] std::unique_ptr<Storage> open_storage(const RepositoryChoice& choice,
                                                    CreatePlace create,
                                                    const CommandContext& context);

/// Opens it with these secrets. @throws as below.
[[nodiscard]] std::unique_ptr<Repository> open_repository(const RepositoryChoice& choice,
                                                          const Unlock& unlock,
                                                          CommandContext& context);

/// Opens it. @throws RepositoryMissingError with the `init` line as the hint; what
/// `Repository::open` throws.
[[nodiscard]] std::unique_ptr<Repository> open_repository(const RepositoryChoice& choice,
                                                          CommandContext& context);

/// So that the next command does not wonder at a repository that this one made.
void remember_new_repository(Storage& storage, const RepositoryChoice& choice,
                             const CommandContext& context);

/// Whether there is one.
[[nodiscard]] bool repository_exists(const RepositoryChoice& choice, CommandContext& context);

/// Refuses to go on without a default repository that this machine has used before: a disk may not
/// be mounted, and a new, empty one would hide that. @throws RepositoryMissingError (code
/// "repository_gone").
void refuse_lost_default(const RepositoryChoice& choice, CommandContext& context);

/// As `open_repository`, but makes the default repository when it is missing, and says so.
/// @throws as `refuse_lost_default` too.
[[nodiscard]] std::unique_ptr<Repository> open_or_make_repository(const RepositoryChoice& choice,
                                                                  CommandContext& context);

/// All snapshots that can be read.
struct ReadableSnapshots {
    std::vector<SnapshotSummary> snapshots;
    std::vector<std::string> damaged;  ///< Names of objects that can not be read.
};

/// What is damaged is named on stderr: it must not stand in the way of the rest.
[[nodiscard]] ReadableSnapshots read_snapshots(Repository& repository, CommandContext& context);

/// The `db-backup init` line that would make it, ready to be pasted into a shell.
[[nodiscard]] std::string init_line(const RepositoryChoice& choice);

/// @throws ConfigError when no snapshot is of that source: an empty list would say that there are
/// no backups, when only the name is wrong.
void check_source(const std::string& source, const std::vector<SnapshotSummary>& snapshots);

}  // namespace dbbackup
