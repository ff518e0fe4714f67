#include "config/config_keys.hpp"

#include "config/key_sections.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace dbbackup {
namespace {

std::vector<ConfigKey> make_keys() {
    std::vector<ConfigKey> keys;
    keys.push_back({.path = "version",
                    .kind = KeyKind::version,
                    .description = "The version of this file's format. Always 1 for now.",
                    .example = "1",
                    .fallback = "",
                    .required = true,
                    .store = [](Config&, const KeyNames&, const KeyValue&) {}});
    add_repository_keys(keys);
    add_storage_keys(keys);
    add_source_keys(keys);
    add_schedule_keys(keys);
    add_retention_keys(keys);
    add_notification_keys(keys);
    add_logging_keys(keys);
    add_monitoring_keys(keys);
    for (ConfigKey& key : keys) {
        key.parts = split_key(key.path);
    }
    return keys;
}

constexpr std::array<PlainVariable, 12> kPlainVariables = {{
    {"DB_BACKUP_CONFIG", "The configuration file, unless --config names one."},
    {"DB_BACKUP_REPOSITORY", "The repository to use when none is named: a URL or a name."},
    {"DB_BACKUP_PASSPHRASE", "The passphrase of repositories without one of their own."},
    {"DB_BACKUP_PASSPHRASE_FILE", "The same, as the only line of a file."},
    {"DB_BACKUP_PASSPHRASE_COMMAND", "The same, as a shell command that prints it."},
    {"DB_BACKUP_NEW_PASSPHRASE", "The passphrase of the slot that `key add` or `key rotate` adds."},
    {"DB_BACKUP_NEW_PASSPHRASE_FILE", "The same, as the only line of a file."},
    {"DB_BACKUP_NEW_PASSPHRASE_COMMAND", "The same, as a shell command that prints it."},
    {"DB_BACKUP_TO_PASSPHRASE", "The passphrase of the repository that `copy` copies to."},
    {"DB_BACKUP_TO_PASSPHRASE_FILE", "The same, as the only line of a file."},
    {"DB_BACKUP_TO_PASSPHRASE_COMMAND", "The same, as a shell command that prints it."},
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
