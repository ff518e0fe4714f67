#include "engine/database_choice.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

std::vector<StoredStream> streams_named(const std::vector<std::string>& names) {
    std::vector<StoredStream> streams;
    for (const std::string& name : names) {
        streams.emplace_back().name = name;
    }
    return streams;
}

const std::vector<std::string> kNames = {"cart.db", "shop.db", "users"};

StreamChoice choose(const std::vector<std::string>& include,
                    const std::vector<std::string>& exclude,
                    const std::vector<std::string>& names = kNames) {
    Selection selection;
    selection.names = NameSelection::parse(include, exclude);
    return choose_streams(DatabaseType::sqlite, streams_named(names), selection);
}

std::string refusal(const std::vector<std::string>& include,
                    const std::vector<std::string>& exclude = {}) {
    try {
        static_cast<void>(choose(include, exclude));
    } catch (const ConfigError& error) {
        return error.code();
    }
    return "";
}

TEST(DatabaseChoice, TellsOneDatabaseFromSeveral) {
    EXPECT_FALSE(are_several_databases(DatabaseType::sqlite, streams_named({"main"})));
    EXPECT_TRUE(are_several_databases(DatabaseType::sqlite, streams_named({"a.db"})));
    EXPECT_TRUE(are_several_databases(DatabaseType::sqlite, streams_named({"a.db", "main"})));
    EXPECT_FALSE(are_several_databases(DatabaseType::postgres, streams_named({"a", "b"})));
}

const std::vector<std::string> kOfServer = {":roles",      "a:schema",       "a.public.t",
                                            "a:sequences", "\"b.c\":schema", "\"b.c\":sequences"};

StreamChoice choose_of_server(const std::vector<std::string>& include,
                              const std::vector<std::string>& exclude) {
    Selection selection;
    selection.names = NameSelection::parse(include, exclude);
    return choose_streams(DatabaseType::postgres, streams_named(kOfServer), selection);
}

TEST(DatabaseChoice, OfAServerTheStreamsOfADatabaseGoTogether) {
    const std::vector<StoredStream> streams = streams_named(kOfServer);
    EXPECT_TRUE(are_several_databases(DatabaseType::postgres, streams));
    EXPECT_EQ(databases_of(DatabaseType::postgres, streams),
              (std::vector<std::string>{"a", "b.c"}));
    EXPECT_FALSE(are_several_databases(DatabaseType::postgres,
                                       streams_named({":roles", "a:schema", "a.public.t"})));
    EXPECT_EQ(choose_of_server({}, {}).names.size(), kOfServer.size());
    const std::set<std::string> only_a = {":roles", "a:schema", "a.public.t", "a:sequences"};
    const StreamChoice a = choose_of_server({"a"}, {});
    EXPECT_EQ(a.names, only_a);  // What is the server's goes with any of them.
    EXPECT_TRUE(a.is_a_part);
    EXPECT_TRUE(a.within.is_everything());
    EXPECT_EQ(choose_of_server({}, {"b.c"}).names, only_a);
    const StreamChoice tables = choose_of_server({"a.public.t"}, {});
    EXPECT_EQ(tables.names, only_a);
    EXPECT_FALSE(tables.within.is_everything());
    EXPECT_THROW(static_cast<void>(choose_of_server({"nothing"}, {})), ConfigError);
    EXPECT_THROW(static_cast<void>(choose_of_server({}, {"*"})), ConfigError);
}

TEST(DatabaseChoice, TakesWholeNames) {
    EXPECT_EQ(choose({"shop.db"}, {}).names, (std::set<std::string>{"shop.db"}));
    EXPECT_EQ(choose({"*.db"}, {}).names, (std::set<std::string>{"cart.db", "shop.db"}));
    EXPECT_EQ(choose({}, {"*.db"}).names, (std::set<std::string>{"users"}));
    EXPECT_EQ(choose({"*"}, {"users"}).names, (std::set<std::string>{"cart.db", "shop.db"}));
    EXPECT_TRUE(choose({"shop.db"}, {}).is_a_part);
    EXPECT_TRUE(choose({"shop.db"}, {}).within.is_everything());
}

TEST(DatabaseChoice, NothingSaidIsTheWholeSnapshot) {
    const StreamChoice choice = choose({}, {});
    EXPECT_EQ(choice.names.size(), kNames.size());
    EXPECT_FALSE(choice.is_a_part);
}

TEST(DatabaseChoice, TakesTablesOfOneDatabase) {
    const StreamChoice choice = choose({"shop.db.orders", "shop.db.cust*"}, {"shop.db.custom"});
    EXPECT_EQ(choice.names, (std::set<std::string>{"shop.db"}));
    EXPECT_EQ(choice.within.names.include.size(), 2U);
}

TEST(DatabaseChoice, OfOneDatabaseEveryPatternIsOfTables) {
    const StreamChoice choice = choose({"orders"}, {}, {"main"});
    EXPECT_EQ(choice.names, (std::set<std::string>{"main"}));
    EXPECT_FALSE(choice.within.is_everything());
    EXPECT_FALSE(choice.is_a_part);
}

TEST(DatabaseChoice, RefusesWhatNamesNothing) {
    EXPECT_EQ(refusal({"shop"}), "selection_unknown");
    EXPECT_EQ(refusal({"*"}, {"shop.db.orders"}), "selection_unknown");
    EXPECT_EQ(refusal({"users"}, {"*"}), "selection_empty");
}

TEST(DatabaseChoice, RefusesTablesOfSeveralDatabases) {
    EXPECT_EQ(refusal({"shop.db.orders", "users.names"}), "selection_not_supported");
    EXPECT_EQ(refusal({"shop.db.orders", "users"}), "selection_not_supported");
    Selection schema;
    schema.parts = Parts::schema;
    EXPECT_THROW(
        static_cast<void>(choose_streams(DatabaseType::sqlite, streams_named(kNames), schema)),
        ConfigError);
}

}  // namespace
}  // namespace dbbackup
