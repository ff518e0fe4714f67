#include "config/key_sections.hpp"

#include <string_view>

namespace dbbackup {
namespace {

RepositoryConfig& repository(Config& config, const KeyNames& names) {
    return config.repositories[names.at(0)];
}

void add_lock_keys(std::vector<ConfigKey>& keys) {
    keys.push_back({.path = "repositories.*.object_lock.mode",
                    .kind = KeyKind::word,
                    .description = "Who may remove what is locked before its date: whoever has a "
                                   "permission for that, or nobody at all.",
                    .example = "governance",
                    .fallback = "governance",
                    .words = words_of_keys<LockMode>(),
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        repository(config, names).lock_mode = checked_value<LockMode>(value);
                    }});
    keys.push_back({.path = "repositories.*.object_lock.days",
                    .kind = KeyKind::count,
                    .description = "How long the store lets nobody remove what is stored. `prune` "
                                   "makes it longer for what is still needed.",
                    .example = "30",
                    .fallback = "",
                    .least = 1,
                    .most = kLockDaysMax,
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        repository(config, names).lock_days = static_cast<unsigned>(value.number);
                    }});
}

}  // namespace

void add_secret_keys(std::vector<ConfigKey>& keys, const std::string& path, const std::string& what,
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
             .store = [find, store](Config& config, const KeyNames& names, const KeyValue& value) {
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

void add_repository_keys(std::vector<ConfigKey>& keys) {
    keys.push_back({.path = "repositories.*.url",
                    .kind = KeyKind::location,
                    .description = "Where the repository is: a path or a URL (`file://`, `s3://`, "
                                   "`gs://`, `az://`).",
                    .example = "/var/backups/db",
                    .fallback = "",
                    .required = true,
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        repository(config, names).url = value.text;
                    }});
    keys.push_back({.path = "repositories.*.encryption",
                    .kind = KeyKind::word,
                    .description = "How the repository must be encrypted; it is refused when it is "
                                   "not. Without this key, as the repository itself says.",
                    .example = "passphrase",
                    .fallback = "",
                    .words = words_of_keys<Encryption>(),
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        repository(config, names).encryption = checked_value<Encryption>(value);
                    }});
    add_secret_keys(keys, "repositories.*.passphrase", "passphrase",
                    [](Config& config, const KeyNames& names) -> SecretSource& {
                        return repository(config, names).passphrase;
                    });
    keys.push_back({.path = "repositories.*.key_file",
                    .kind = KeyKind::path,
                    .description = "The key file of a repository with `encryption: keyfile`.",
                    .example = "/etc/db-backup/main.key",
                    .fallback = "",
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        repository(config, names).key_file = value.text;
                    }});
    keys.push_back({.path = "repositories.*.bandwidth_limit",
                    .kind = KeyKind::rate,
                    .description = "How much one command may send to the repository, and receive "
                                   "from it, in a second.",
                    .example = "50MiB/s",
                    .fallback = "",
                    .least = kRateMin,
                    .most = kRateMax,
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        repository(config, names).bandwidth_bytes_per_s = value.number;
                    }});
    add_lock_keys(keys);
    keys.push_back({.path = "repositories.*.mirror_to",
                    .kind = KeyKind::list,
                    .description = "Repositories, by their names, into which each backup to this "
                                   "one copies its snapshot.",
                    .example = "[offsite]",
                    .fallback = "",
                    .store = [](Config& config, const KeyNames& names, const KeyValue& value) {
                        repository(config, names).mirror_to = value.list;
                    }});
}

void add_storage_keys(std::vector<ConfigKey>& keys) {
    keys.push_back({.path = "storage.ca_file",
                    .kind = KeyKind::path,
                    .description = "Certificates of the authorities to trust in the place of the "
                                   "system's, for every object store (`s3://`, `gs://`, `az://`) "
                                   "whose URL has no `ca_file`: repositories and archives.",
                    .example = "/etc/ssl/acme-ca.pem",
                    .fallback = "",
                    .store = [](Config& config, const KeyNames&, const KeyValue& value) {
                        config.storage.ca_file = value.text;
                    }});
    keys.push_back({.path = "storage.bandwidth_limit",
                    .kind = KeyKind::rate,
                    .description = "How much one command may send to an object store, and receive "
                                   "from it, in a second: archives, and repositories without a "
                                   "limit of their own.",
                    .example = "20MiB/s",
                    .fallback = "",
                    .least = kRateMin,
                    .most = kRateMax,
                    .store = [](Config& config, const KeyNames&, const KeyValue& value) {
                        config.storage.bandwidth_bytes_per_s = value.number;
                    }});
}

}  // namespace dbbackup
