#include "cli/source_access.hpp"

#include <gtest/gtest.h>

#include <string>

namespace dbbackup {
namespace {

SourceChoice of_uri(const std::string& uri, std::optional<DatabaseType> type = std::nullopt) {
    SourceArguments arguments;
    arguments.uri = uri;
    arguments.type = type;
    return choose_source(arguments, {});
}

TEST(SourceChoice, ReadsUris) {
    EXPECT_EQ(of_uri("sqlite:///var/a.db").database, "/var/a.db");
    EXPECT_EQ(of_uri("sqlite:a.db").database, "a.db");
    EXPECT_EQ(of_uri("postgresql://u@h/d").type, DatabaseType::postgres);
    EXPECT_EQ(of_uri("mysql://h/d", DatabaseType::mariadb).type, DatabaseType::mariadb);
    EXPECT_EQ(of_uri("mongodb+srv://h/d").type, DatabaseType::mongodb);
}

TEST(SourceChoice, RefusesUrisWithoutShowingThem) {
    for (const char* uri : {"", "nothing", "ftp://u:secret@h", "sqlite://host/a.db", "sqlite:"}) {
        try {
            static_cast<void>(of_uri(uri));
            ADD_FAILURE() << "accepted: " << uri;
        } catch (const ConfigError& error) {
            EXPECT_EQ(error.code(), "bad_source_uri");
            EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos);
        }
    }
    EXPECT_THROW(static_cast<void>(of_uri("sqlite:a.db", DatabaseType::mysql)), ConfigError);
}

TEST(SourceChoice, FindsConfiguredSources) {
    Config config;
    config.sources["shop"].databases = {"/var/shop.db"};
    SourceArguments arguments;
    arguments.configured_name = "shop";
    const SourceChoice choice = choose_source(arguments, config);
    EXPECT_EQ(choice.database, "/var/shop.db");
    EXPECT_EQ(choice.name, "shop");
    arguments.configured_name = "shpo";
    try {
        static_cast<void>(choose_source(arguments, config));
        FAIL() << "accepted";
    } catch (const ConfigError& error) {
        EXPECT_EQ(error.code(), "source_unknown");
        EXPECT_EQ(error.hint(), "Did you mean shop?");
    }
}

TEST(SourceChoice, NamesWhatIsBuiltIn) {
    Plugins plugins;
    plugins.connectors[DatabaseType::sqlite] = [](SourceOptions) {
        return std::unique_ptr<Connector>();
    };
    SourceOptions options;
    options.type = DatabaseType::mysql;
    try {
        static_cast<void>(make_connector(std::move(options), plugins));
        FAIL() << "accepted";
    } catch (const ConfigError& error) {
        EXPECT_EQ(error.code(), "not_built_in");
        EXPECT_EQ(error.hint(), "This build backs up: sqlite.");
    }
}

TEST(SourceName, MustBeFitToShow) {
    EXPECT_NO_THROW(check_source_name("sqlite-test"));
    EXPECT_THROW(check_source_name(""), ConfigError);
    EXPECT_THROW(check_source_name("a\nb"), ConfigError);
    EXPECT_THROW(check_source_name(std::string(101, 'a')), ConfigError);
}

}  // namespace
}  // namespace dbbackup
