#include "cli/config_draft.hpp"

#include "cli/argument_values.hpp"
#include "config/problems.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cctype>

namespace dbbackup {
namespace {

constexpr std::array<std::string_view, 7> kRules = {"last",    "hourly", "daily", "weekly",
                                                    "monthly", "yearly", "within"};

std::string secret_lines(const ConfigDraft& draft) {
    constexpr const char* kKeep =
        "    # Keep a copy elsewhere: whoever loses it loses the backups.\n";
    const SecretSource& secret = draft.passphrase;
    switch (draft.encryption) {
        case Encryption::none: return "";
        case Encryption::keyfile:
            return fmt::format("{}    key_file: {}\n", kKeep,
                               yaml_value(draft.key_file.value().string()));
        case Encryption::passphrase: break;
    }
    if (secret.file) {
        return fmt::format("{}    passphrase_file: {}\n", kKeep, yaml_value(secret.file->string()));
    }
    if (secret.environment) {
        return fmt::format("{}    passphrase_env: {}\n", kKeep, yaml_value(*secret.environment));
    }
    return fmt::format("{}    passphrase_command: {}\n", kKeep,
                       yaml_value(secret.command.value_or("")));
}

std::string database_lines(const ConfigDraft& draft) {
    if (!draft.folder.empty()) {
        return fmt::format(
            "    # Every SQLite database in this folder, in one snapshot.\n    all: {}\n",
            yaml_value(draft.folder));
    }
    if (draft.databases.size() == 1) {
        return fmt::format("    database: {}\n", yaml_value(draft.databases.front()));
    }
    std::string text = "    database:\n";
    for (const std::string& database : draft.databases) {
        text += fmt::format("      - {}\n", yaml_value(database));
    }
    return text;
}

std::string retention_lines(const ConfigDraft& draft) {
    std::string rules;
    for (const char character : draft.retention) {
        rules += character == '='   ? std::string(": ")
                 : character == ',' ? std::string(", ")
                                    : std::string(1, character);
    }
    return fmt::format("  {}: {{{}}}{}\n", kDraftRetention, rules,
                       rules.empty() ? "  # everything stays" : "");
}

}  // namespace

std::string yaml_value(const std::string& text) {
    if (utf8_prefix_bytes(text) != text.size()) {
        throw explained<ConfigError>(
            fmt::format("{} is not UTF-8, so a configuration file cannot name it", shown(text)),
            "Rename it, or give it on the command line.", "bad_option_value");
    }
    std::string doubled;
    for (const char character : text) {
        doubled += character == '$' ? std::string("$$") : std::string(1, character);
    }
    return nlohmann::json(doubled).dump();  // A string of JSON is one of YAML.
}

std::string checked_retention(std::string_view text) {
    if (text == "all") {
        return "";
    }
    const std::string_view accepted = "a set of rules such as last=7,daily=30, and not all";
    const std::string hint = fmt::format("The rules are {}; write for example {}.",
                                         fmt::join(kRules, ", "), kUsualRetention);
    std::vector<std::string_view> seen;
    for (std::size_t start = 0; start <= text.size();) {
        const std::size_t end = std::min(text.find(',', start), text.size());
        const std::string_view rule = text.substr(start, end - start);
        const std::size_t equals = std::min(rule.find('='), rule.size());
        const std::string_view name = rule.substr(0, equals);
        const bool is_known = std::ranges::find(kRules, name) != kRules.end();
        if (!is_known || equals == rule.size() || std::ranges::find(seen, name) != seen.end()) {
            throw bad_value("--retention", text, accepted, hint);
        }
        seen.push_back(name);
        const std::string_view value = rule.substr(equals + 1);
        if (name == "within") {
            static_cast<void>(age_argument("--retention", value));
        } else {
            static_cast<void>(number_argument("--retention", value, 1, kKeepMax));
        }
        start = end + 1;
    }
    return std::string(text);
}

std::string name_of_source(const std::filesystem::path& database) {
    std::string name;
    for (const char letter : database.stem().string()) {
        const auto byte = static_cast<unsigned char>(letter);
        const bool is_letter = byte < 0x80 && std::isalnum(byte) != 0;
        if (is_letter) {
            name += static_cast<char>(std::tolower(byte));
        } else if (!name.empty() && name.back() != '-') {
            name += '-';
        }
    }
    while (name.ends_with('-')) {
        name.pop_back();
    }
    return name.empty() ? "database" : name.substr(0, 64);
}

std::string config_text(const ConfigDraft& draft) {
    return fmt::format(
        "# A configuration of db-backup, made by `db-backup config init`.\n"
        "# `db-backup config schema` lists every key; after a change: `db-backup config "
        "validate`.\n"
        "version: 1\n"
        "\n"
        "repositories:\n"
        "  {0}:\n"
        "    url: {1}\n"
        "    # passphrase, keyfile or none: a repository that is encrypted in another way is "
        "refused.\n"
        "    encryption: {2}\n"
        "{3}"
        "\n"
        "sources:\n"
        "  {4}:\n"
        "    type: {5}\n"
        "{6}"
        "    repository: {0}\n"
        "    # Shell commands that a backup runs.\n"
        "    # hooks: {{before: \"\", after: \"\", on_error: \"\"}}\n"
        "\n"
        "# Which snapshots of each source `db-backup prune --retention {7}` keeps.\n"
        "retention:\n"
        "{8}"
        "\n"
        "# logging:\n"
        "#   file: /var/log/db-backup/db-backup.log\n",
        kDraftRepository, yaml_value(draft.repository_url), word_of(draft.encryption),
        secret_lines(draft), draft.source_name, word_of(draft.type), database_lines(draft),
        kDraftRetention, retention_lines(draft));
}

}  // namespace dbbackup
