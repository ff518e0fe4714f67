/// @file
/// What stands outside the code must agree with the table of keys: the examples, .env.example,
/// the documentation and the JSON Schema.

#include "base/error.hpp"
#include "config/config_keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

namespace dbbackup {
namespace {

using testing::HasSubstr;

const std::filesystem::path kRoot = DB_BACKUP_ROOT;

std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path);
    EXPECT_TRUE(file) << path;
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// The key with names instead of its stars.
std::vector<std::string> named(const ConfigKey& key, std::string first, std::string second) {
    std::vector<std::string> path = split_key(key.path);
    for (std::string& part : path) {
        if (part == "*") {
            part = std::exchange(first, second);
        }
    }
    return path;
}

TEST(ConfigExamples, Load) {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(kRoot / "configs")) {
        if (entry.path().extension() != ".yaml") {
            continue;
        }
        ++count;
        EXPECT_NO_THROW({
            const LoadedConfig loaded = load_config(entry.path(), {{"OFFSITE", "/mnt"}});
            EXPECT_FALSE(loaded.config.sources.empty());
            EXPECT_TRUE(loaded.warnings.empty());
        }) << entry.path();
    }
    EXPECT_GE(count, 3U);
}

TEST(DotenvExample, NamesEveryVariable) {
    const std::string text = text_of(kRoot / ".env.example");
    for (const ConfigKey& key : config_keys()) {
        const std::string name = key.path.starts_with("sources") ? "SHOP" : "MAIN";
        EXPECT_THAT(text, HasSubstr("\n#" + variable_of(named(key, name, "ENV")) + "="));
    }
    for (const PlainVariable& variable : plain_variables()) {
        EXPECT_THAT(text, HasSubstr("\n#" + std::string(variable.name) + "="));
    }
    for (const std::string name :
         {"HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "TMPDIR",
          "NO_COLOR", "CLICOLOR_FORCE", "TERM", "COLUMNS"}) {
        EXPECT_THAT(text, HasSubstr("\n#" + name + "="));
    }
}

TEST(DotenvExample, HasOnlyVariablesThatAreRead) {
    // Without the comment signs, all lines together must load (secrets' other ways and what is
    // not for SQLite left out).
    std::string text = text_of(kRoot / ".env.example");
    std::string dotenv;
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        const std::string line = text.substr(start, end - start);
        const bool is_other_way =
            line.find("_ENV=") != std::string::npos ||
            line.find("_COMMAND=") != std::string::npos ||
            line.find("PASSPHRASE=") != std::string::npos ||
            line.find("PASSWORD") != std::string::npos ||
            line.find("MAIN__KEY_FILE") != std::string::npos ||
            line.find("CLUDE=") != std::string::npos || line.find("__ALL") != std::string::npos ||
            line.find("URI=") != std::string::npos || line.find("__RPO=") != std::string::npos ||
            line.find("__EVERY=") != std::string::npos ||
            (line.find("NOTIFICATIONS") != std::string::npos &&
             line.find("__TYPE=") == std::string::npos && line.find("__ON=") == std::string::npos &&
             line.find("WEBHOOK_URL_FILE=") == std::string::npos);
        if (line.starts_with("#") && line.size() > 1 && line[1] != ' ' && !is_other_way) {
            dotenv += line.substr(1) + "\n";
        }
        start = end + 1;
    }
    EXPECT_GT(std::count(dotenv.begin(), dotenv.end(), '\n'), 20);
    const LoadedConfig loaded = load_config_text("", dotenv, {});
    EXPECT_TRUE(loaded.warnings.empty());
    EXPECT_EQ(loaded.config.sources.at("shop").jobs, 4U);
}

TEST(ConfigurationPage, ListsEveryKeyWithItsDefaultAndExample) {
    const std::string page = text_of(kRoot / "docs" / "configuration.md");
    for (const ConfigKey& key : config_keys()) {
        std::string path;
        for (const std::string& part : named(key, "NAME", "TAG")) {
            path += (path.empty() ? "" : ".") + part;
        }
        const std::size_t start = page.find("| `" + path + "` |");
        ASSERT_NE(start, std::string::npos) << path << " is not in the table of the page";
        const std::string row = page.substr(start, page.find('\n', start) - start);
        EXPECT_THAT(row, HasSubstr("| `" + key.example + "` |"));
        EXPECT_THAT(row, HasSubstr(key.description));
        EXPECT_THAT(row, HasSubstr(key.required           ? "| required |"
                                   : key.fallback.empty() ? "| none |"
                                                          : "| `" + key.fallback + "` |"));
        for (const std::string& word : key.words) {
            EXPECT_THAT(row, HasSubstr("`" + word + "`")) << path;
        }
    }
    for (const PlainVariable& variable : plain_variables()) {
        EXPECT_THAT(page, HasSubstr("| `" + std::string(variable.name) + "` |"));
    }
}

TEST(ConfigurationPage, TheWorkedExampleLoads) {
    const std::string page = text_of(kRoot / "docs" / "configuration.md");
    const std::size_t start = page.find("```yaml\n") + 8;
    const std::string yaml = page.substr(start, page.find("```", start) - start);
    const LoadedConfig loaded = load_config_text(yaml, "BACKUP_DISK=/mnt/backup", {});
    EXPECT_EQ(loaded.config.repositories.at("main").url, "/mnt/backup/db-backup");
    EXPECT_EQ(loaded.config.sources.at("shop").databases.at(0), "/srv/shop/shop.db");
}

TEST(ConfigKeys, AreUniqueAndTheirDefaultsAndExamplesAreGood) {
    std::set<std::string> paths;
    for (const ConfigKey& key : config_keys()) {
        EXPECT_TRUE(paths.insert(key.path).second) << key.path;
        EXPECT_TRUE(key.description.ends_with(".")) << key.path;
        EXPECT_FALSE(key.example.empty()) << key.path;
        EXPECT_TRUE(key.store) << key.path;
        if (!key.words.empty() && key.kind != KeyKind::list) {
            EXPECT_THAT(key.words, testing::Contains(key.example));
        }
    }
}

TEST(ConfigSchema, HasEveryKeyAndNothingElse) {
    const nlohmann::json schema = nlohmann::json::parse(config_schema());
    EXPECT_EQ(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    EXPECT_EQ(schema["required"], nlohmann::json({"version"}));
    for (const ConfigKey& key : config_keys()) {
        const nlohmann::json* place = &schema;
        for (const std::string& part : split_key(key.path)) {
            place = part == "*" ? &place->at("additionalProperties")
                                : &place->at("properties").at(part);
        }
        EXPECT_EQ(place->at("description"), key.description);
        if (key.kind == KeyKind::flag) {
            EXPECT_EQ(place->at("type"), "boolean");
        } else if (key.kind == KeyKind::list && !key.words.empty()) {
            EXPECT_EQ(place->at("items").at("enum"), nlohmann::json(key.words));
        } else if (!key.words.empty()) {
            EXPECT_EQ(place->at("enum"), nlohmann::json(key.words));
        }
    }
    EXPECT_EQ(schema["additionalProperties"], false);
    const nlohmann::json& source = schema["properties"]["sources"]["additionalProperties"];
    EXPECT_EQ(source["additionalProperties"], false);
    EXPECT_EQ(source["required"], nlohmann::json({"type"}));
    EXPECT_EQ(
        schema["properties"]["logging"]["properties"]["rotate"]["properties"]["keep"]["default"],
        10);
}

}  // namespace
}  // namespace dbbackup
