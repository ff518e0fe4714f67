#include "config/config_keys.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>

namespace dbbackup {
namespace {

using Names = std::vector<std::string>;
/// Finds the secret that a group of keys sets.
using FindSecret = SecretSource& (*)(Config&, const Names&);

template <class E>
std::vector<std::string> words() {
    return {EnumWords<E>::words.begin(), EnumWords<E>::words.end()};
}

/// Only for values that were checked to be one of the words.
template <class E>
E checked_value(const KeyValue& value) {
    return value_of<E>(value.text).value_or(E{});
}

RepositoryConfig& repository(Config& config, const Names& names) {
    return config.repositories[names.at(0)];
}

SourceConfig& source(Config& config, const Names& names) { return config.sources[names.at(0)]; }

/// The four ways to give one secret.
void add_secret(std::vector<ConfigKey>& keys, const std::string& path, const std::string& what,
                FindSecret find) {
    const auto add = [&](std::string_view suffix, KeyKind kind, const std::string& description,
                         const std::string& example, auto store) {
        keys.push_back(
            {.path = path + std::string(suffix),
             .kind = kind,
             .description = description,
             .example = example,
             .fallback = "",
             .group = path,
             .store = [find, store](Config& config, const Names& names, const KeyValue& value) {
                 SecretSource& secret = find(config, names);
                 secret = SecretSource();
                 store(secret, value.text);
             }});
    };
    add("", KeyKind::secret, "The " + what + " itself; prefer one of the next three.",
        "correct horse battery staple",
        [](SecretSource& secret, const std::string& text) { secret.value = text; });
    add("_file", KeyKind::path, "A file whose only line is the " + what + ".",
        "/etc/db-backup/secret",
        [](SecretSource& secret, const std::string& text) { secret.file = text; });
    add("_env", KeyKind::variable, "The environment variable that holds the " + what + ".",
        "BACKUP_SECRET",
        [](SecretSource& secret, const std::string& text) { secret.environment = text; });
    add("_command", KeyKind::command,
        "A shell command that prints the " + what + "; it has two minutes.", "pass show db-backup",
        [](SecretSource& secret, const std::string& text) { secret.command = text; });
}

void add_repositories(std::vector<ConfigKey>& keys) {
    keys.push_back({.path = "repositories.*.url",
                    .kind = KeyKind::location,
                    .description = "Where the repository is: a path or a URL (`file://`, `s3://`, "
                                   "`gs://`, `az://`).",
                    .example = "/var/backups/db",
                    .fallback = "",
                    .required = true,
                    .store = [](Config& config, const Names& names, const KeyValue& value) {
                        repository(config, names).url = value.text;
                    }});
    keys.push_back({.path = "repositories.*.encryption",
                    .kind = KeyKind::word,
                    .description = "How the repository must be encrypted; it is refused when it is "
                                   "not. Without this key, as the repository itself says.",
                    .example = "passphrase",
                    .fallback = "",
                    .words = words<Encryption>(),
                    .store = [](Config& config, const Names& names, const KeyValue& value) {
                        repository(config, names).encryption = checked_value<Encryption>(value);
                    }});
    add_secret(keys, "repositories.*.passphrase", "passphrase",
               [](Config& config, const Names& names) -> SecretSource& {
                   return repository(config, names).passphrase;
               });
    keys.push_back({.path = "repositories.*.key_file",
                    .kind = KeyKind::path,
                    .description = "The key file of a repository with `encryption: keyfile`.",
                    .example = "/etc/db-backup/main.key",
                    .fallback = "",
                    .store = [](Config& config, const Names& names, const KeyValue& value) {
                        repository(config, names).key_file = value.text;
                    }});
}

void add_source_place(std::vector<ConfigKey>& keys) {
    keys.push_back({.path = "sources.*.type",
                    .kind = KeyKind::word,
                    .description = "The kind of database.",
                    .example = "sqlite",
                    .fallback = "",
                    .required = true,
                    .words = words<DatabaseType>(),
                    .store = [](Config& config, const Names& names, const KeyValue& value) {
                        source(config, names).type = checked_value<DatabaseType>(value);
                    }});
    keys.push_back({.path = "sources.*.database",
                    .kind = KeyKind::texts,
                    .description = "The path of a SQLite file or a list of such paths, or the name "
                                   "of a database on a server.",
                    .example = "/srv/shop/shop.db",
                    .fallback = "",
                    .store = [](Config& config, const Names& names, const KeyValue& value) {
                        SourceConfig& named = source(config, names);
                        named.databases = value.list;
                        if (value.list.empty()) {
                            named.databases.push_back(value.text);
                        }
                    }});
    keys.push_back({.path = "sources.*.all",
                    .kind = KeyKind::path,
                    .description = "In the place of `database`: a folder whose SQLite databases "
                                   "are all backed up, in one snapshot.",
                    .example = "/srv/shop",
                    .fallback = "",
                    .store = [](Config& config, const Names& names, const KeyValue& value) {
                        source(config, names).folder = value.text;
                    }});
    keys.push_back({.path = "sources.*.uri",
                    .kind = KeyKind::uri,
                    .description = "How to reach a database server. Not for SQLite.",
                    .example = "postgresql://backup@db1.example/shop",
                    .fallback = "",
                    .store = [](Config& config, const Names& names, const KeyValue& value) {
                        source(config, names).uri = value.text;
                    }});
    add_secret(keys, "sources.*.password", "password",
               [](Config& config, const Names& names) -> SecretSource& {
                   return source(config, names).password;
               });
}

void add_source_content(std::vector<ConfigKey>& keys) {
    keys.push_back({.path = "sources.*.include",
                    .kind = KeyKind::list,
                    .description = "Patterns `[database.][schema.]table` of what to back up; "
                                   "without it, everything. For SQLite only with `all`: names of "
                                   "databases.",
                    .example = "[\"shop.*\"]",
                    .fallback = "",
                    .store = [](Config& config, const Names& names, const KeyValue& value) {
                        source(config, names).include = value.list;
                    }});
    keys.push_back({.path = "sources.*.exclude",
                    .kind = KeyKind::list,
                    .description = "Patterns of what to leave out of that.",
                    .example = "[\"audit.*\"]",
                    .fallback = "",
                    .store = [](Config& config, const Names& names, const KeyValue& value) {
                        source(config, names).exclude = value.list;
                    }});
    keys.push_back({.path = "sources.*.tags.*",
                    .kind = KeyKind::text,
                    .description = "A tag that every snapshot of this source gets.",
                    .example = "prod",
                    .fallback = "",
                    .store = [](Config& config, const Names& names, const KeyValue& value) {
                        source(config, names).tags[names.at(1)] = value.text;
                    }});
    keys.push_back({.path = "sources.*.repository",
                    .kind = KeyKind::text,
                    .description = "The repository that this source goes to, by its name in "
                                   "`repositories`.",
                    .example = "main",
                    .fallback = "",
                    .store = [](Config& config, const Names& names, const KeyValue& value) {
                        source(config, names).repository = value.text;
                    }});
}

void add_source_effort(std::vector<ConfigKey>& keys) {
    keys.push_back({.path = "sources.*.jobs",
                    .kind = KeyKind::count,
                    .description = "How many workers read and pack at once; without it, one per "
                                   "processor.",
                    .example = "4",
                    .fallback = "",
                    .least = 1,
                    .most = kJobsMax,
                    .store = [](Config& config, const Names& names, const KeyValue& value) {
                        source(config, names).jobs = static_cast<unsigned>(value.number);
                    }});
    keys.push_back({.path = "sources.*.compression",
                    .kind = KeyKind::compression,
                    .description =
                        "Codec and level: `zstd[:1-19]`, `gzip[:1-9]`, `zip[:1-9]` (only "
                        "archives) or `none`; without it, `zstd`.",
                    .example = "zstd:3",
                    .fallback = "",
                    .store = [](Config& config, const Names& names, const KeyValue& value) {
                        source(config, names).compression = Compression::parse(value.text);
                    }});
    keys.push_back({.path = "sources.*.delta",
                    .kind = KeyKind::word,
                    .description = "Whether changed chunks are stored as deltas; `auto` does so "
                                   "where the bases are cheap to read.",
                    .example = "auto",
                    .fallback = "auto",
                    .words = words<DeltaPolicy>(),
                    .store = [](Config& config, const Names& names, const KeyValue& value) {
                        source(config, names).delta = checked_value<DeltaPolicy>(value);
                    }});
    keys.push_back({.path = "sources.*.spool",
                    .kind = KeyKind::size,
                    .description = "Disk space that a SQLite source in rollback mode may take for "
                                   "its copy.",
                    .example = "2GiB",
                    .fallback = "",
                    .most = 1_GiB << 20U,
                    .store = [](Config& config, const Names& names, const KeyValue& value) {
                        source(config, names).spool_bytes = value.number;
                    }});
    keys.push_back({.path = "sources.*.lock_timeout",
                    .kind = KeyKind::duration,
                    .description = "How long a backup waits for a lock that another program "
                                   "holds; without it, five seconds.",
                    .example = "30s",
                    .fallback = "",
                    .most = kLockTimeoutMax.count(),
                    .store = [](Config& config, const Names& names, const KeyValue& value) {
                        source(config, names).lock_timeout = std::chrono::seconds(value.number);
                    }});
}

void add_retention(std::vector<ConfigKey>& keys) {
    struct Count {
        std::string name;
        std::uint32_t RetentionRules::* member;
        std::string description;
        std::string example;
    };
    for (const Count& count : std::initializer_list<Count>{
             {"last", &RetentionRules::keep_last, "The newest snapshots of a source.", "7"},
             {"hourly", &RetentionRules::keep_hourly, "The newest of each hour.", "24"},
             {"daily", &RetentionRules::keep_daily, "The newest of each day.", "30"},
             {"weekly", &RetentionRules::keep_weekly, "The newest of each week, from Monday.", "8"},
             {"monthly", &RetentionRules::keep_monthly, "The newest of each month.", "12"},
             {"yearly", &RetentionRules::keep_yearly, "The newest of each year.", "3"}}) {
        keys.push_back({.path = "retention.*." + count.name,
                        .kind = KeyKind::count,
                        .description = count.description + " That many of them stay.",
                        .example = count.example,
                        .fallback = "",
                        .least = 1,
                        .most = kKeepMax,
                        .store = [member = count.member](Config& config, const Names& names,
                                                         const KeyValue& value) {
                            config.retention[names.at(0)].*member =
                                static_cast<std::uint32_t>(value.number);
                        }});
    }
    keys.push_back({.path = "retention.*.within",
                    .kind = KeyKind::age,
                    .description = "Snapshots that were begun at most this long ago stay.",
                    .example = "1y6mo",
                    .fallback = "",
                    .store = [](Config& config, const Names& names, const KeyValue& value) {
                        config.retention[names.at(0)].keep_within = parse_age(value.text);
                    }});
}

void add_logging(std::vector<ConfigKey>& keys) {
    keys.push_back({.path = "logging.level",
                    .kind = KeyKind::word,
                    .description =
                        "The least important lines that are written: of the file if there "
                        "is one, else of stderr. Without it, `info` in the file and "
                        "`warning` on stderr.",
                    .example = "info",
                    .fallback = "",
                    .words = words<LogLevel>(),
                    .store = [](Config& config, const Names&, const KeyValue& value) {
                        config.logging.level = checked_value<LogLevel>(value);
                    }});
    keys.push_back({.path = "logging.format",
                    .kind = KeyKind::word,
                    .description = "Lines for people, or one JSON document per line.",
                    .example = "json",
                    .fallback = "text",
                    .words = words<LogFormat>(),
                    .store = [](Config& config, const Names&, const KeyValue& value) {
                        config.logging.format = checked_value<LogFormat>(value);
                    }});
    keys.push_back({.path = "logging.file",
                    .kind = KeyKind::path,
                    .description = "The log file; its folder is made. Without it, only stderr.",
                    .example = "/var/log/db-backup/db-backup.log",
                    .fallback = "",
                    .store = [](Config& config, const Names&, const KeyValue& value) {
                        config.logging.file = value.text;
                    }});
    keys.push_back({.path = "logging.rotate.size",
                    .kind = KeyKind::size,
                    .description = "The log file is rotated before it grows beyond this.",
                    .example = "10MiB",
                    .fallback = "50MiB",
                    .least = 4_KiB,
                    .most = 1024_GiB,
                    .store = [](Config& config, const Names&, const KeyValue& value) {
                        config.logging.rotate_bytes = value.number;
                    }});
    keys.push_back({.path = "logging.rotate.keep",
                    .kind = KeyKind::count,
                    .description = "Rotated files that are kept: `db-backup.1.log` is the newest.",
                    .example = "5",
                    .fallback = "10",
                    .most = 1000,
                    .store = [](Config& config, const Names&, const KeyValue& value) {
                        config.logging.rotate_keep = static_cast<std::uint32_t>(value.number);
                    }});
}

std::vector<ConfigKey> make_keys() {
    std::vector<ConfigKey> keys;
    keys.push_back({.path = "version",
                    .kind = KeyKind::version,
                    .description = "The version of this file's format. Always 1 for now.",
                    .example = "1",
                    .fallback = "",
                    .required = true,
                    .store = [](Config&, const Names&, const KeyValue&) {}});
    add_repositories(keys);
    add_source_place(keys);
    add_source_content(keys);
    add_source_effort(keys);
    add_retention(keys);
    add_logging(keys);
    for (ConfigKey& key : keys) {
        key.parts = split_key(key.path);
    }
    return keys;
}

constexpr std::array<PlainVariable, 9> kPlainVariables = {{
    {"DB_BACKUP_CONFIG", "The configuration file, unless --config names one."},
    {"DB_BACKUP_REPOSITORY", "The repository to use when none is named: a URL or a name."},
    {"DB_BACKUP_PASSPHRASE", "The passphrase of repositories without one of their own."},
    {"DB_BACKUP_PASSPHRASE_FILE", "The same, as the only line of a file."},
    {"DB_BACKUP_PASSPHRASE_COMMAND", "The same, as a shell command that prints it."},
    {"DB_BACKUP_NEW_PASSPHRASE", "The passphrase of the slot that `key add` or `key rotate` adds."},
    {"DB_BACKUP_NEW_PASSPHRASE_FILE", "The same, as the only line of a file."},
    {"DB_BACKUP_NEW_PASSPHRASE_COMMAND", "The same, as a shell command that prints it."},
    {"DB_BACKUP_KEY_FILE", "The key file of repositories without one of their own."},
}};

}  // namespace

const std::vector<ConfigKey>& config_keys() {
    static const std::vector<ConfigKey> keys = make_keys();
    return keys;
}

std::span<const PlainVariable> plain_variables() { return kPlainVariables; }

std::vector<std::string> split_key(std::string_view path) {
    std::vector<std::string> parts;
    for (std::size_t start = 0; start <= path.size();) {
        const std::size_t end = std::min(path.find('.', start), path.size());
        parts.emplace_back(path.substr(start, end - start));
        start = end + 1;
    }
    return parts;
}

std::string variable_of(std::span<const std::string> path) {
    std::string name = "DB_BACKUP";
    for (const std::string& part : path) {
        name += "__";
        for (const char character : part) {
            name += character == '-'
                        ? '_'
                        : static_cast<char>(std::toupper(static_cast<unsigned char>(character)));
        }
    }
    return name;
}

}  // namespace dbbackup
