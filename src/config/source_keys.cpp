#include "config/key_sections.hpp"

namespace dbbackup {
namespace {

SourceConfig& source(Config& config, const KeyNames& names) { return config.sources[names.at(0)]; }

void add_source_place(std::vector<ConfigKey>& keys) {
    keys.push_back({.path = "sources.*.type",
                    .kind = KeyKind::word,
                    .description = "The kind of database.",
                    .example = "sqlite",
                    .fallback = "",
                    .required = true,
                    .words = words_of_keys<DatabaseType>(),
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        source(config, names).type = checked_value<DatabaseType>(value);
                    }});
    keys.push_back({.path = "sources.*.database",
                    .kind = KeyKind::texts,
                    .description = "The path of a SQLite file or a list of such paths, or the name "
                                   "of a database on a server; for PostgreSQL also a list of "
                                   "names.",
                    .example = "/srv/shop/shop.db",
                    .fallback = "",
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
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
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        source(config, names).folder = value.text;
                    }});
    keys.push_back({.path = "sources.*.all_databases",
                    .kind = KeyKind::flag,
                    .description = "In the place of `database`: all databases of a PostgreSQL "
                                   "server, in one snapshot.",
                    .example = "true",
                    .fallback = "false",
                    .words = {"true", "false"},
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        source(config, names).is_all_databases = value.text == "true";
                    }});
    keys.push_back({.path = "sources.*.uri",
                    .kind = KeyKind::uri,
                    .description = "How to reach a database server. Not for SQLite.",
                    .example = "postgresql://backup@db1.example/shop",
                    .fallback = "",
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        source(config, names).uri = value.text;
                    }});
    add_secret_keys(keys, "sources.*.password", "password",
                    [](Config& config, const KeyNames& names) -> SecretSource& {
                        return source(config, names).password;
                    });
}

void add_source_content(std::vector<ConfigKey>& keys) {
    keys.push_back({.path = "sources.*.include",
                    .kind = KeyKind::list,
                    .description = "Patterns `[database.][schema.]table` of what to back up; "
                                   "without it, everything. For SQLite only with `all`: names of "
                                   "databases. For PostgreSQL the rows of tables; definitions are "
                                   "always in.",
                    .example = "[\"shop.*\"]",
                    .fallback = "",
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        source(config, names).include = value.list;
                    }});
    keys.push_back({.path = "sources.*.exclude",
                    .kind = KeyKind::list,
                    .description = "Patterns of what to leave out of that.",
                    .example = "[\"audit.*\"]",
                    .fallback = "",
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        source(config, names).exclude = value.list;
                    }});
    keys.push_back({.path = "sources.*.tags.*",
                    .kind = KeyKind::text,
                    .description = "A tag that every snapshot of this source gets.",
                    .example = "prod",
                    .fallback = "",
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        source(config, names).tags[names.at(1)] = value.text;
                    }});
    keys.push_back({.path = "sources.*.repository",
                    .kind = KeyKind::text,
                    .description = "The repository that this source goes to, by its name in "
                                   "`repositories`.",
                    .example = "main",
                    .fallback = "",
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
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
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        source(config, names).jobs = static_cast<unsigned>(value.number);
                    }});
    keys.push_back({.path = "sources.*.compression",
                    .kind = KeyKind::compression,
                    .description =
                        "Codec and level: `zstd[:1-19]`, `gzip[:1-9]`, `zip[:1-9]` (only "
                        "archives) or `none`; without it, `zstd`.",
                    .example = "zstd:3",
                    .fallback = "",
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        source(config, names).compression = Compression::parse(value.text);
                    }});
    keys.push_back({.path = "sources.*.delta",
                    .kind = KeyKind::word,
                    .description =
                        "Whether changed chunks are stored as deltas: `never` fetches no bases "
                        "and stores wholes; `auto` is `always`.",
                    .example = "auto",
                    .fallback = "auto",
                    .words = words_of_keys<DeltaPolicy>(),
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        source(config, names).delta = checked_value<DeltaPolicy>(value);
                    }});
    keys.push_back({.path = "sources.*.spool",
                    .kind = KeyKind::size,
                    .description = "Disk space that a SQLite source in rollback mode may take for "
                                   "its copy.",
                    .example = "2GiB",
                    .fallback = "",
                    .most = 1_GiB << 20U,
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        source(config, names).spool_bytes = value.number;
                    }});
    keys.push_back({.path = "sources.*.lock_timeout",
                    .kind = KeyKind::duration,
                    .description = "How long a backup waits for a lock that another program "
                                   "holds; without it, five seconds.",
                    .example = "30s",
                    .fallback = "",
                    .most = kLockTimeoutMax.count(),
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        source(config, names).lock_timeout = std::chrono::seconds(value.number);
                    }});
    keys.push_back({.path = "sources.*.throttle",
                    .kind = KeyKind::rate,
                    .description = "How much a backup may read of this source in a second.",
                    .example = "20MiB/s",
                    .fallback = "",
                    .least = kRateMin,
                    .most = kRateMax,
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        source(config, names).throttle_bytes_per_s = value.number;
                    }});
}

void add_source_hooks(std::vector<ConfigKey>& keys) {
    const auto add = [&keys](const std::string& name, std::string HooksConfig::* member,
                             const std::string& description, const std::string& example) {
        keys.push_back(
            {.path = "sources.*.hooks." + name,
             .kind = KeyKind::hook,
             .description = description,
             .example = example,
             .fallback = "",
             .store = [member](Config& config, const KeyNames& names, const KeyValue& value) {
                 source(config, names).hooks.*member = value.text;
             }});
    };
    add("before", &HooksConfig::before,
        "A shell command to run before a backup of this source; when it fails, there is none.",
        "mountpoint -q /mnt/backup");
    add("after", &HooksConfig::after, "A shell command to run after a backup that took a snapshot.",
        "touch /run/shop-was-backed-up");
    add("on_error", &HooksConfig::on_error,
        "A shell command to run when the backup failed, or `before` did.",
        "logger -t backup failed");
    keys.push_back({.path = "sources.*.hooks.timeout",
                    .kind = KeyKind::duration,
                    .description = "How long each of these commands may take.",
                    .example = "10m",
                    .fallback = "1h",
                    .least = 1,
                    .most = kHookTimeoutMax.count(),
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        source(config, names).hooks.timeout = std::chrono::seconds(value.number);
                    }});
}

}  // namespace

void add_source_keys(std::vector<ConfigKey>& keys) {
    add_source_place(keys);
    add_source_content(keys);
    add_source_effort(keys);
    add_source_hooks(keys);
    keys.push_back({.path = "sources.*.notify",
                    .kind = KeyKind::list,
                    .description = "Who is told of backups that no schedule takes, by names in "
                                   "`notifications`.",
                    .example = "[ops]",
                    .fallback = "",
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        source(config, names).notify = value.list;
                    }});
}

}  // namespace dbbackup
