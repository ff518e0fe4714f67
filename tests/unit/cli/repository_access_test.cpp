#include "cli/repository_access.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace dbbackup {
namespace {

std::filesystem::path default_folder() { return "/home/a/.local/share/db-backup/repository"; }

LoadedConfig config_with(std::initializer_list<const char*> names) {
    LoadedConfig loaded;
    for (const char* name : names) {
        loaded.config.repositories[name].url = std::string("/mnt/") + name;
    }
    return loaded;
}

TEST(RepositoryChoice, FallsBackToTheDefault) {
    const RepositoryChoice choice = choose_repository(std::nullopt, "", {}, default_folder);
    EXPECT_EQ(choice.url, default_folder());
    EXPECT_TRUE(choice.is_default);
    EXPECT_EQ(init_line(choice), "db-backup init");
}

TEST(RepositoryChoice, PrefersWhatWasAskedFor) {
    const LoadedConfig config = config_with({"main", "other"});
    const auto no_default = []() -> std::filesystem::path {
        throw std::logic_error("the default was looked up");
    };
    EXPECT_EQ(choose_repository("other", "main", config, no_default).url, "/mnt/other");
    EXPECT_EQ(choose_repository(std::nullopt, "main", config, no_default).url, "/mnt/main");
    EXPECT_EQ(choose_repository("/elsewhere", "", config, no_default).url, "/elsewhere");
    EXPECT_EQ(choose_repository("/elsewhere", "", config, no_default).config, nullptr);
}

TEST(RepositoryChoice, KnowsAConfiguredPlaceByItsUrl) {
    LoadedConfig config = config_with({"main", "other"});
    config.config.repositories["cloud"].url = "s3://bucket/prefix?region=x";
    const auto chosen = [&config](const std::string& asked) {
        return choose_repository(asked, "", config, default_folder).name;
    };
    for (const char* same :
         {"/mnt/main", "/mnt/main/", "/mnt/./other/../main", "file:///mnt/main"}) {
        EXPECT_EQ(chosen(same), "main") << same;
    }
    EXPECT_EQ(chosen("s3://bucket/prefix?region=x"), "cloud");
    for (const char* other : {"/mnt", "/mnt/main/x", "s3://bucket/prefix", "s3://", "ftp://x/y"}) {
        EXPECT_EQ(chosen(other), std::nullopt) << other;
    }
    config.config.repositories["again"].url = "/mnt/main";
    EXPECT_EQ(chosen("/mnt/main"), std::nullopt) << "whose secrets are meant is not known";
    config.defaults.repository = "/mnt/other/";
    EXPECT_EQ(choose_repository(std::nullopt, "", config, default_folder).name, "other");
}

TEST(RepositoryChoice, TakesTheOnlyOneThatIsConfigured) {
    const LoadedConfig config = config_with({"main"});
    const RepositoryChoice choice = choose_repository(std::nullopt, "", config, default_folder);
    EXPECT_EQ(choice.name, "main");
    EXPECT_FALSE(choice.is_default);
    EXPECT_THROW(static_cast<void>(
                     choose_repository(std::nullopt, "", config_with({"a", "b"}), default_folder)),
                 ConfigError);
}

TEST(RepositoryChoice, TheVariableIsBetweenTheSourceAndTheOnlyOne) {
    LoadedConfig config = config_with({"main", "other"});
    config.defaults.repository = "/mnt/variable";
    const auto chosen = [&config](const std::optional<std::string>& asked, const char* of_source) {
        return choose_repository(asked, of_source, config, default_folder).url;
    };
    EXPECT_EQ(chosen(std::nullopt, ""), "/mnt/variable");
    EXPECT_EQ(chosen(std::nullopt, "main"), "/mnt/main");
    EXPECT_EQ(chosen("/asked", ""), "/asked");
    config.defaults.repository = "other";
    const RepositoryChoice named = choose_repository(std::nullopt, "", config, default_folder);
    EXPECT_EQ(named.name, "other");
    EXPECT_FALSE(named.is_default) << "only the default folder is made by a backup";
}

TEST(RepositoryChoice, ASourceOfTheConfigurationHasItsOwn) {
    LoadedConfig loaded = config_with({"main", "other"});
    loaded.config.sources["shop"].repository = "other";
    loaded.config.sources["wiki"] = {};
    EXPECT_EQ(repository_of_source("shop", loaded.config), "other");
    EXPECT_EQ(repository_of_source("wiki", loaded.config), "");
    EXPECT_EQ(repository_of_source("sqlite-test", loaded.config), "");
    EXPECT_EQ(repository_of_source(std::nullopt, loaded.config), "");
}

TEST(RepositoryChoice, InitLineCanBePasted) {
    const auto line = [](const char* url) {
        return init_line(choose_repository(url, "", config_with({"main"}), default_folder));
    };
    EXPECT_EQ(line("main"), "db-backup init --repository main");
    EXPECT_EQ(line("/mnt/a b"), "db-backup init --repository '/mnt/a b'");
    EXPECT_EQ(line("/mnt/it's"), "db-backup init --repository '/mnt/it'\\''s'");
    EXPECT_EQ(line("/mnt/$(rm)"), "db-backup init --repository '/mnt/$(rm)'");
}

}  // namespace
}  // namespace dbbackup
