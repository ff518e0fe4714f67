#pragma once

/// @file
/// The table of configuration keys. Parsing, environment variables, `config show`, the JSON Schema
/// and the tests of the documentation all read this one table.

#include "config/config.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

enum class KeyKind : std::uint8_t {
    version,
    text,
    word,      ///< One of `words`.
    flag,      ///< true or false, which are its `words`.
    uri,       ///< May hold a password, which is masked.
    location,  ///< A repository: URL or path.
    path,
    secret,
    command,   ///< A shell command that prints a secret.
    hook,      ///< A shell command that is run for what it does, or nothing.
    variable,  ///< The name of an environment variable.
    list,      ///< Of texts, or of `words` if there are any; in a variable, separated by commas.
    texts,     ///< One text, or a list of them.
    count,     ///< A whole number from `least` to `most`.
    size,      ///< Bytes, from `least` to `most`.
    rate,      ///< Bytes per second, from `least` to `most`.
    duration,  ///< Seconds, from `least` to `most`.
    age,       ///< Of snapshots: `parse_age`.
    compression,
};

/// A value that was found good for its kind.
struct KeyValue {
    std::string text;
    std::uint64_t number = 0;       ///< Of version, count, size, rate and duration.
    std::vector<std::string> list;  ///< Of a list.
};

/// One key. Names chosen by the user are `*` in the path.
struct ConfigKey {
    std::string path;  ///< "repositories.*.url"
    KeyKind kind = KeyKind::text;
    std::string description;
    std::string example;   ///< As written in YAML.
    std::string fallback;  ///< What applies when the key is missing; empty for nothing.
    bool required = false;
    std::vector<std::string> words = {};
    std::uint64_t least = 0;
    std::uint64_t most = 0;
    /// Keys of one group exclude each other: they are ways to give the same secret.
    std::string group = {};
    std::vector<std::string> parts = {};  ///< Of the path.
    /// Puts a value into the configuration; `names` stand for the path's `*`.
    std::function<void(Config&, const std::vector<std::string>& names, const KeyValue&)> store = {};
};

/// All keys, in the order in which they are documented.
[[nodiscard]] const std::vector<ConfigKey>& config_keys();

/// A variable that the program reads beside those of the table.
struct PlainVariable {
    std::string_view name;
    std::string_view description;
};

[[nodiscard]] std::span<const PlainVariable> plain_variables();

/// "repositories.*.url" -> {"repositories", "*", "url"}
[[nodiscard]] std::vector<std::string> split_key(std::string_view path);

/// {"repositories", "main", "url"} -> "DB_BACKUP__REPOSITORIES__MAIN__URL"
[[nodiscard]] std::string variable_of(std::span<const std::string> path);

/// What a person calls the kind, for documentation: "size", "list of texts".
[[nodiscard]] std::string_view kind_name(KeyKind kind);

}  // namespace dbbackup
