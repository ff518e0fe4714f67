#pragma once

/// @file
/// The typed configuration: what the YAML file, `.env` and the environment say together. The
/// command line is laid over it by cli/.
///
/// The keys are listed once, in config_keys.cpp. Every section grows with its issue;
/// docs/configuration.md and `db-backup config schema` list them for people and editors.

#include "base/log.hpp"
#include "base/secret.hpp"
#include "config/enums.hpp"
#include "config/monitoring_config.hpp"
#include "config/notification_config.hpp"
#include "config/object_lock.hpp"
#include "config/retention_rules.hpp"
#include "config/schedule_config.hpp"
#include "config/secret_source.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

template <>
struct EnumWords<LogLevel> {
    static constexpr std::array<std::string_view, 5> words = {"debug", "info", "warning", "error",
                                                              "off"};
};
template <>
struct EnumWords<LogFormat> {
    static constexpr std::array<std::string_view, 2> words = {"text", "json"};
};

/// What is sensible at most, in the configuration and on the command line.
inline constexpr unsigned kJobsMax = 64;
/// What may move in a second, of a line or of a source. A pack of 16 MiB takes four minutes at the
/// least of it; with much less, a run would look dead to others.
inline constexpr std::uint64_t kRateMin = 64_KiB;
inline constexpr std::uint64_t kRateMax = 1024_GiB;
inline constexpr std::chrono::seconds kLockTimeoutMax = std::chrono::hours(24);
inline constexpr std::chrono::seconds kHookTimeoutMax = std::chrono::hours(24 * 7);

struct RepositoryConfig {
    std::string url;
    std::optional<Encryption> encryption;
    SecretSource passphrase;
    std::optional<std::filesystem::path> key_file;
    std::optional<std::uint64_t> bandwidth_bytes_per_s;  ///< Each way by itself.
    LockMode lock_mode = LockMode::governance;
    std::optional<unsigned> lock_days;   ///< Nothing: nothing is locked.
    std::vector<std::string> mirror_to;  ///< Names of repositories that get each new snapshot.

    [[nodiscard]] std::optional<ObjectLock> object_lock() const {
        return lock_days ? std::optional(ObjectLock{lock_mode, std::chrono::days(*lock_days)})
                         : std::nullopt;
    }
};

/// What holds for every object store, of repositories and of archives.
struct StorageConfig {
    std::optional<std::filesystem::path> ca_file;
    std::optional<std::uint64_t> bandwidth_bytes_per_s;  ///< Each way by itself.
};

/// Shell commands that a backup of a source runs. Empty: none.
struct HooksConfig {
    std::string before;
    std::string after;
    std::string on_error;
    std::chrono::seconds timeout = std::chrono::hours(1);  ///< Of each by itself.

    [[nodiscard]] bool is_empty() const noexcept {
        return before.empty() && after.empty() && on_error.empty();
    }
};

struct SourceConfig {
    DatabaseType type = DatabaseType::sqlite;
    std::vector<std::string> databases;  ///< Only SQLite and PostgreSQL can have more than one.
    std::string folder;                  ///< SQLite: all databases in it instead.
    bool is_all_databases = false;       ///< PostgreSQL: all of the server instead.
    std::string uri;
    SecretSource password;
    std::vector<std::string> include;
    std::vector<std::string> exclude;
    std::optional<unsigned> jobs;
    std::optional<Compression> compression;
    DeltaPolicy delta = DeltaPolicy::automatic;
    std::optional<std::uint64_t> spool_bytes;
    std::optional<std::chrono::milliseconds> lock_timeout;
    std::optional<std::uint64_t> throttle_bytes_per_s;  ///< The most that a backup reads of it.
    std::map<std::string, std::string> tags;
    std::string repository;  ///< Name of the repository this source goes to by default.
    HooksConfig hooks;
    std::vector<std::string> notify;  ///< Who is told of backups that no schedule takes.
};

struct LoggingConfig {
    std::optional<LogLevel> level;  ///< Of the file if there is one, else of stderr.
    LogFormat format = LogFormat::text;
    std::optional<std::filesystem::path> file;
    std::uint64_t rotate_bytes = 50_MiB;
    std::uint32_t rotate_keep = 10;
    std::optional<std::chrono::seconds> rotate_age;
};

struct Config {
    std::optional<std::filesystem::path> path;  ///< The file that was read, if any.
    std::map<std::string, RepositoryConfig> repositories;
    StorageConfig storage;
    std::map<std::string, SourceConfig> sources;
    std::map<std::string, ScheduleConfig> schedules;
    SchedulerConfig scheduler;
    std::map<std::string, RetentionRules> retention;
    std::map<std::string, NotificationConfig> notifications;
    LoggingConfig logging;
    WebConfig web;
    MetricsConfig metrics;
};

/// Where a value came from and what it is, one row of `config show`. Secrets are masked.
struct ConfigValue {
    std::string key;     ///< "repositories.main.url"
    std::string value;   ///< As text; "(secret)" for secrets.
    std::string origin;  ///< "db-backup.yaml:4", ".env:2", "DB_BACKUP__…", "default"
};

/// What the plain variables say, for a command line without a configured repository.
struct EnvironmentDefaults {
    SecretSource passphrase;      ///< DB_BACKUP_PASSPHRASE, …_FILE or …_COMMAND
    SecretSource new_passphrase;  ///< DB_BACKUP_NEW_PASSPHRASE, …_FILE or …_COMMAND
    SecretSource to_passphrase;   ///< DB_BACKUP_TO_PASSPHRASE, …_FILE or …_COMMAND
    std::optional<std::filesystem::path> key_file;  ///< DB_BACKUP_KEY_FILE
    std::optional<std::string> repository;          ///< DB_BACKUP_REPOSITORY: URL or name
};

using Environment = std::map<std::string, std::string>;

/// Everything that loading produces.
struct LoadedConfig {
    Config config;
    std::vector<ConfigValue> values;    ///< In the order of the table of keys.
    std::vector<std::string> warnings;  ///< For the log, such as secrets that others can read.
    EnvironmentDefaults defaults;
    /// Variables that hold secrets because a `…_env` key says so; programs that we start need not
    /// see them.
    std::vector<std::string> secret_variables;
};

/// Reads the configuration: `explicit_path` (from --config) or the first of $DB_BACKUP_CONFIG,
/// ./db-backup.yaml, $XDG_CONFIG_HOME/db-backup/config.yaml, /etc/db-backup/config.yaml that
/// exists; `.env` beside it; `environment` over both. No file at all is a valid configuration.
/// @throws ConfigError "config_missing" when a file that was named does not exist;
/// "config_invalid" naming all problems at once, each with file, line, column, key and the
/// nearest valid key.
[[nodiscard]] LoadedConfig load_config(const std::optional<std::filesystem::path>& explicit_path,
                                       const Environment& environment);

/// Where jobs stand that were added by command, each in a file of its own with a section
/// `schedules`: `load_config` reads all "*.yaml" of this folder beside the configuration file.
[[nodiscard]] std::filesystem::path added_schedules_folder(const std::filesystem::path& config);

/// The same for texts in memory; `name` stands for the file in messages and origins, and relative
/// paths stay as they are.
[[nodiscard]] LoadedConfig load_config_text(std::string_view yaml, std::string_view dotenv,
                                            const Environment& environment,
                                            std::string_view name = "db-backup.yaml");

/// The JSON Schema (draft 7) of the YAML file, made from the same table that parses it.
[[nodiscard]] std::string config_schema();

/// The process's own environment.
[[nodiscard]] Environment process_environment();

}  // namespace dbbackup
