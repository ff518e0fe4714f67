#pragma once

/// @file
/// What the command line says, typed and checked: one struct per command. Everything here is plain
/// data; only command_line.cpp and the files that build its parser know the parsing library.

#include "base/error.hpp"
#include "base/log.hpp"
#include "config/enums.hpp"
#include "config/notification_config.hpp"
#include "config/retention_rules.hpp"
#include "connector/selection.hpp"
#include "crypto/key_slot.hpp"
#include "schedule/export_format.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace dbbackup {

/// Options that every command takes, before or after its name.
struct GlobalArguments {
    std::optional<std::filesystem::path> config_path;
    std::optional<std::string> repository;  ///< A configured name, a path or a URL.
    /// What `--repository` named after the first one; only some commands take several.
    std::vector<std::string> more_repositories;
    std::optional<std::filesystem::path> key_file;
    bool is_json = false;
    bool is_quiet = false;
    bool is_verbose = false;
    bool is_color_off = false;
    std::optional<std::filesystem::path> log_file;
    std::optional<LogFormat> log_format;
    std::optional<LogLevel> log_level;
};

/// Which database; exactly one of `databases`, `all`, `uri` and `configured_name` is set once
/// parsed, but for servers: a URI goes with names of databases, or with all.
struct SourceArguments {
    std::optional<DatabaseType> type;
    std::vector<std::string> databases;
    std::optional<std::string> all;  ///< A folder of SQLite databases.
    bool is_all_databases = false;   ///< Of a server.
    std::optional<std::string> uri;
    std::optional<std::string> configured_name;  ///< `--source`: an entry of the configuration.
};

struct InitArguments {
    std::optional<Encryption> encryption;
};

struct BackupArguments {
    SourceArguments source;
    std::optional<std::string> source_name;
    BackupMode mode = BackupMode::incremental;
    std::optional<Compression> compression;
    std::optional<unsigned> jobs;
    std::optional<std::uint64_t> spool_bytes;
    std::optional<std::chrono::milliseconds> lock_timeout;
    std::optional<std::uint64_t> throttle_bytes_per_s;
    std::map<std::string, std::string> tags;
    std::vector<std::string> include;
    std::vector<std::string> exclude;
    std::optional<std::string> output;  ///< A path, "-" or a URL; only with `is_archive`.
    bool is_archive = false;
    bool is_mode_given = false;
    bool is_native = false;
    bool is_fallback_refused = false;
    bool is_corrupt_allowed = false;
    bool is_dry_run = false;
    bool is_scheduled = false;  ///< The scheduler has started us, and tells what becomes of it.
};

struct RestoreArguments {
    std::string snapshot;
    std::optional<std::string> source;
    std::optional<std::string> target;
    std::map<std::string, std::string> tags;  ///< `latest` is of those that carry all of these.
    std::optional<unsigned> jobs;
    std::optional<std::chrono::milliseconds> lock_timeout;
    std::vector<std::string> include;
    std::vector<std::string> exclude;
    std::vector<RowCondition> where;
    std::vector<Rename> renames;
    bool is_schema_only = false;
    bool is_data_only = false;
    bool is_clean = false;
    bool is_without_owners = false;
    bool is_without_privileges = false;
    bool makes_roles = false;
    bool is_verify = false;
    bool is_partial = false;
    bool is_dry_run = false;
};

struct ExportArguments {
    std::string snapshot;
    std::optional<std::string> source;
    std::map<std::string, std::string> tags;  ///< As of a restore.
    std::optional<std::string> output;        ///< A path, "-" or a URL.
    std::optional<std::string> database;      ///< Of a snapshot of several.
    std::optional<Compression> compression;
    std::optional<unsigned> jobs;
};

struct ListArguments {
    std::optional<std::string> source;
    std::map<std::string, std::string> tags;  ///< Only snapshots that carry all of these.
    std::optional<std::uint64_t> last;
};

struct ShowArguments {
    std::string snapshot;
    std::optional<std::string> source;
    std::map<std::string, std::string> tags;  ///< As of a restore.
    bool has_tables = false;
    std::vector<std::string> include;  ///< Patterns of tables; only with `has_tables`.
    std::vector<std::string> exclude;
};

struct VerifyArguments {
    bool is_data = false;
    std::vector<std::string> snapshots;
    std::optional<std::string> source;
    std::optional<unsigned> jobs;
};

struct CopyArguments {
    std::vector<std::string> snapshots;  ///< Empty: all.
    std::optional<std::string> target;   ///< A configured name, a path or a URL.
    std::optional<std::filesystem::path> target_key_file;
    std::optional<std::string> source;
    std::map<std::string, std::string> tags;  ///< Only snapshots that carry all of these.
    std::optional<Compression> compression;
    std::optional<unsigned> jobs;
    bool is_dry_run = false;
};

struct RepairArguments {
    bool is_data = false;
    bool is_yes = false;
    bool is_dry_run = false;
    std::optional<std::string> source;
    std::optional<unsigned> jobs;
};

struct PruneArguments {
    std::vector<std::string> snapshots;    ///< That go whatever the rules say.
    std::optional<std::string> source;     ///< The rules are for this one only.
    RetentionRules rules;                  ///< For each source by itself.
    std::optional<std::string> retention;  ///< Or those of this name in the configuration.
    std::optional<std::chrono::seconds> wait;
    std::optional<std::chrono::seconds> give_up_after;
    std::optional<std::uint64_t> unused_percent_max;
    std::optional<std::uint64_t> repack_bytes_max;
    bool rebases = false;
    bool is_dry_run = false;
};

struct PinArguments {
    std::string snapshot;
    std::optional<std::string> source;
    std::map<std::string, std::string> tags;  ///< As of a restore.
    std::optional<std::string> reason;
    std::optional<std::chrono::seconds> wait;
};

struct UnpinArguments {
    std::string snapshot;
    std::optional<std::string> source;
};

struct UndeleteArguments {
    bool is_dry_run = false;
};

struct StatsArguments {};

struct KeyArguments {
    enum class Action : std::uint8_t { list, add, remove, rotate };
    Action action = Action::list;
    std::string slot;                                   ///< Of `remove`: an id or its beginning.
    std::optional<KeySlotKind> kind;                    ///< Of the new slot.
    std::optional<std::filesystem::path> new_key_file;  ///< Made if there is none.
    std::optional<std::string> label;
};

struct DoctorArguments {
    SourceArguments source;  ///< Nothing set: every source of the configuration.
};

/// `schedule start` and its kind.
struct ScheduleArguments {
    enum class Action : std::uint8_t { start, stop, list, add, remove, run, export_jobs };
    Action action = Action::list;
    std::string job;
    std::optional<std::chrono::seconds> grace;  ///< How long runs have to end after a stop.
    /// Of `add`: keys of a schedule in the configuration, and what they are to be.
    std::vector<std::pair<std::string, std::vector<std::string>>> settings;
    bool is_daemon = false;
    bool is_detached = false;     ///< We are the process that `--daemon` made.
    bool is_tried_again = false;  ///< Of `run`: as often as the job says.
    ExportFormat format = ExportFormat::systemd;
    std::optional<std::filesystem::path> output;  ///< A folder.
    std::optional<std::string> user;              ///< Whom exported jobs run as.
    std::optional<std::string> image;             ///< In which they run.
};

struct NotifyArguments {
    std::string name;
    std::optional<Event> event;
};

struct ConfigArguments {
    enum class Action : std::uint8_t { validate, show, schema };
    Action action = Action::show;
};

/// `config init`. What is not given is asked for.
struct ConfigInitArguments {
    std::optional<std::filesystem::path> output;
    std::optional<DatabaseType> type;
    std::vector<std::string> databases;
    std::optional<std::string> all;  ///< A folder of SQLite databases.
    std::optional<std::string> source_name;
    std::optional<Encryption> encryption;
    std::optional<std::filesystem::path> passphrase_file;
    std::optional<std::string> passphrase_variable;
    std::optional<std::string> passphrase_command;
    std::optional<std::string> retention;
    bool is_yes = false;
    bool is_force = false;
};

/// Text to print on stdout as it is: help, the version, a completion script.
struct PrintArguments {
    std::string text;
    ExitCode exit_code = ExitCode::success;
};

using CommandArguments =
    std::variant<PrintArguments, InitArguments, BackupArguments, RestoreArguments, ExportArguments,
                 ListArguments, ShowArguments, VerifyArguments, CopyArguments, RepairArguments,
                 PruneArguments, PinArguments, UnpinArguments, UndeleteArguments, StatsArguments,
                 KeyArguments, DoctorArguments, ScheduleArguments, NotifyArguments, ConfigArguments,
                 ConfigInitArguments>;

/// One parsed call of the program.
struct CommandLine {
    GlobalArguments globals;
    CommandArguments command;
};

}  // namespace dbbackup
