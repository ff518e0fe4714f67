#pragma once

/// @file
/// A configuration that is being made: what was answered, and the file that says it.

#include "config/config.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

/// What `config init` needs to know. Paths are absolute.
struct ConfigDraft {
    std::string source_name;
    DatabaseType type = DatabaseType::sqlite;
    std::vector<std::string> databases;
    std::string folder;  ///< SQLite: all databases in it instead.
    std::string repository_url;
    Encryption encryption = Encryption::passphrase;
    SecretSource passphrase;  ///< With a file, a variable or a command; never the secret itself.
    std::optional<std::filesystem::path> key_file;
    std::string retention;  ///< As `--retention`; empty: everything stays.
};

/// The names that it gives.
inline constexpr std::string_view kDraftRepository = "main";
inline constexpr std::string_view kDraftRetention = "standard";

/// What is proposed to who does not know.
inline constexpr std::string_view kUsualRetention = "last=7,daily=30,weekly=8,monthly=12";

/// Checks "last=7,daily=30", "within=1y6mo" or "all" (which is returned as an empty text).
/// @throws ConfigError.
[[nodiscard]] std::string checked_retention(std::string_view text);

/// A name for a source, made from that of its file or folder: "shop" for "/srv/Shop.db".
[[nodiscard]] std::string name_of_source(const std::filesystem::path& database);

/// The file, with comments for who reads it later. @throws ConfigError when something in it is not
/// UTF-8, which YAML has to be.
[[nodiscard]] std::string config_text(const ConfigDraft& draft);

/// `text` as one value of YAML. Dollars are doubled, because `${` begins a variable.
/// @throws ConfigError (code "bad_option_value") for what is not UTF-8.
[[nodiscard]] std::string yaml_value(const std::string& text);

}  // namespace dbbackup
