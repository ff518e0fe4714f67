#pragma once

/// @file
/// The values that the layers give (file, `.env`, environment), matched with the table of keys but
/// not yet read.

#include "config/config_keys.hpp"
#include "config/yaml_tree.hpp"

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace dbbackup {

/// Later layers win.
enum class Layer : std::uint8_t { file, dotenv, environment };

/// Where a value comes from.
struct Origin {
    Layer layer = Layer::file;
    std::string file;  ///< For problems.
    Mark mark;
    std::string label;             ///< For `config show`.
    std::filesystem::path folder;  ///< What relative paths are relative to; empty for none.
};

/// One value with its key.
struct Setting {
    const ConfigKey* key = nullptr;
    std::vector<std::string> path;   ///< {"repositories", "main", "url"}
    std::vector<std::string> names;  ///< {"main"}
    YamlNode value;
    Origin origin;
};

/// A variable of `.env` or the environment.
struct VariableText {
    std::string name;
    std::string value;
    Origin origin;
};

/// What all layers give together.
struct Settings {
    std::map<std::vector<std::string>, Setting> by_path;
    /// The repositories, sources and retention rules that exist: {"sources", "shop"} -> where its
    /// name stands.
    std::map<std::vector<std::string>, Origin> sections;
    /// Keys that are given, but with a value that is not good: said already.
    std::set<std::vector<std::string>> unreadable;
};

/// "repositories.main.url"
[[nodiscard]] std::string key_text(const std::vector<std::string>& path);

/// Adds the keys of a document. Returns false when it has none, because it is no map.
[[nodiscard]] bool collect_document(const YamlNode& root, const Origin& origin, Settings& settings,
                                    Problems& problems);

/// Adds the variables that start with DB_BACKUP__, all of one layer.
void collect_variables(const std::vector<VariableText>& variables, Settings& settings,
                       Problems& problems);

/// Of the ways to give one secret, keeps those of the latest layer; two there are a problem.
void settle_groups(Settings& settings, Problems& problems);

}  // namespace dbbackup
