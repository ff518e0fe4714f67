/// @file
/// What `config init` writes says what was answered, whatever the names look like.

#include "cli/config_draft.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

Config read_back(const ConfigDraft& draft) {
    return load_config_text(config_text(draft), "", {}).config;
}

TEST(ConfigDraft, IsReadBackAsItWas) {
    ConfigDraft draft;
    draft.source_name = "shop";
    draft.repository_url = "/mnt/backup";
    draft.encryption = Encryption::keyfile;
    draft.key_file = "/etc/main.key";
    draft.retention = "last=7,daily=30,within=1y6mo";
    for (const char* odd :
         {"/srv/shop.db", "/srv/a b: c #d.db", "/srv/${HOME}/$x$$y", "/srv/\"q\"'",
          "/srv/back\\slash", "/srv/new\nline", "/srv/größe", "/srv/- [x]"}) {
        draft.databases = {odd};
        const Config config = read_back(draft);
        EXPECT_EQ(config.sources.at("shop").databases, draft.databases);
        EXPECT_EQ(config.sources.at("shop").repository, "main");
        EXPECT_EQ(config.repositories.at("main").url, draft.repository_url);
        EXPECT_EQ(config.repositories.at("main").key_file, draft.key_file);
        EXPECT_EQ(config.retention.at("standard").keep_last, 7U);
        EXPECT_EQ(config.retention.at("standard").keep_within, parse_age("1y6mo"));
    }
    draft.databases = {"/srv/one.db", "/srv/two.db"};
    EXPECT_EQ(read_back(draft).sources.at("shop").databases, draft.databases);
    draft.databases.clear();
    draft.folder = "/srv/all";
    EXPECT_EQ(read_back(draft).sources.at("shop").folder, "/srv/all");
}

TEST(ConfigDraft, SaysWhereThePassphraseIs) {
    ConfigDraft draft;
    draft.source_name = "shop";
    draft.databases = {"/srv/shop.db"};
    draft.repository_url = "s3://bucket/prefix?region=x";
    const auto passphrase = [&draft](SecretSource secret) {
        draft.passphrase = std::move(secret);
        const RepositoryConfig repository = read_back(draft).repositories.at("main");
        EXPECT_EQ(repository.encryption, Encryption::passphrase);
        return repository.passphrase;
    };
    EXPECT_EQ(passphrase({.file = "/etc/secret"}).file, "/etc/secret");
    EXPECT_EQ(passphrase({.environment = "VAULT"}).environment, "VAULT");
    EXPECT_EQ(passphrase({.command = "pass ${X} \"$y\""}).command, "pass ${X} \"$y\"");
    draft.encryption = Encryption::none;
    EXPECT_FALSE(read_back(draft).repositories.at("main").passphrase.is_set());
    EXPECT_TRUE(read_back(draft).retention.at("standard").is_empty()) << "everything stays";
}

TEST(ConfigDraft, RefusesWhatYamlCannotSay) {
    ConfigDraft draft;
    draft.databases = {"/srv/\xff.db"};
    draft.repository_url = "/r";
    EXPECT_THROW(static_cast<void>(config_text(draft)), ConfigError);
}

TEST(ConfigDraft, ReadsRetention) {
    EXPECT_EQ(checked_retention("last=7"), "last=7");
    EXPECT_EQ(checked_retention(kUsualRetention), kUsualRetention);
    EXPECT_EQ(checked_retention("all"), "");
    for (const char* wrong : {"", "last", "last=", "last=x", "last=0", "last=1,", "Last=1",
                              "last=1,last=2", "within=30", "last=1 daily=2", "all,last=1"}) {
        EXPECT_THROW(static_cast<void>(checked_retention(wrong)), ConfigError) << wrong;
    }
}

TEST(ConfigDraft, NamesSourcesAfterTheirFiles) {
    EXPECT_EQ(name_of_source("/srv/Shop.db"), "shop");
    EXPECT_EQ(name_of_source("/srv/my shop (old).sqlite3"), "my-shop-old");
    EXPECT_EQ(name_of_source("/srv/all"), "all");
    EXPECT_EQ(name_of_source("/srv/größe.db"), "gr-e");
    EXPECT_EQ(name_of_source("/srv/...db"), "database");
    EXPECT_EQ(name_of_source("/" + std::string(200, 'x')), std::string(64, 'x'));
}

}  // namespace
}  // namespace dbbackup
