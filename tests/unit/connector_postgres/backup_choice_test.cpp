#include "connector/postgres/backup_choice.hpp"

#include "base/error.hpp"
#include "connector/postgres/database_set.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dbbackup::postgres {
namespace {

using Names = std::vector<std::string>;

const Names kDatabases = {"crm", "shop", "shop_old"};

BackupChoice choice(const Names& include, const Names& exclude,
                    const Names& databases = kDatabases) {
    return {NameSelection::parse(include, exclude), databases};
}

Names taken(const BackupChoice& chosen) {
    Names names;
    for (const std::string& name : kDatabases) {
        if (chosen.takes_database(name)) {
            names.push_back(name);
        }
    }
    return names;
}

bool takes(const BackupChoice& chosen, const std::string& database, const std::string& table) {
    const std::vector<TableName> names = {{"public", table}};
    return chosen.takes_rows(database, names);
}

TEST(BackupChoice, WithoutPatternsEverythingIsTaken) {
    const BackupChoice all = choice({}, {});
    EXPECT_EQ(taken(all), kDatabases);
    EXPECT_TRUE(all.takes_all_rows());
    EXPECT_TRUE(takes(all, "shop", "orders"));
}

TEST(BackupChoice, APatternThatNamesADatabaseMeansIt) {
    EXPECT_EQ(taken(choice({"shop*"}, {})), (Names{"shop", "shop_old"}));
    EXPECT_EQ(taken(choice({}, {"*_old"})), (Names{"crm", "shop"}));
    EXPECT_EQ(taken(choice({"shop*"}, {"shop_old"})), Names{"shop"});
    EXPECT_TRUE(choice({"shop*"}, {"shop_old"}).takes_all_rows());
}

TEST(BackupChoice, AnyOtherPatternMeansTables) {
    const BackupChoice without = choice({}, {"shop.public.orders", "log_*"});
    EXPECT_EQ(taken(without), kDatabases);
    EXPECT_FALSE(takes(without, "shop", "orders"));
    EXPECT_TRUE(takes(without, "crm", "orders"));
    EXPECT_FALSE(takes(without, "crm", "log_2026"));
    // Of one database, a pattern never means a database.
    EXPECT_FALSE(takes(choice({}, {"shop"}, {}), "shop", "shop"));
    EXPECT_TRUE(takes(choice({}, {"shop"}, {}), "shop", "orders"));
}

TEST(BackupChoice, TablesOfOneDatabaseBesideAnotherAsAWhole) {
    const BackupChoice some = choice({"crm", "shop.public.orders"}, {});
    EXPECT_EQ(taken(some), (Names{"crm", "shop"}));
    EXPECT_TRUE(takes(some, "crm", "anything"));
    EXPECT_TRUE(takes(some, "shop", "orders"));
    EXPECT_FALSE(takes(some, "shop", "carts"));
    // What may be anywhere is looked for everywhere.
    EXPECT_EQ(taken(choice({"orders"}, {})), kDatabases);
    EXPECT_EQ(taken(choice({"public.orders"}, {})), kDatabases);
    EXPECT_EQ(taken(choice({"sho?.public.orders"}, {})), kDatabases);
}

TEST(BackupChoice, APartitionGoesWithTheTableThatItIsOf) {
    const std::vector<TableName> names = {{"parts", "p1"}, {"public", "events"}};
    EXPECT_FALSE(choice({}, {"events"}).takes_rows("shop", names));
    EXPECT_FALSE(choice({}, {"parts.*"}).takes_rows("shop", names));
    EXPECT_TRUE(choice({"public.events"}, {}).takes_rows("shop", names));
    EXPECT_FALSE(choice({"public.events"}, {"p1"}).takes_rows("shop", names));
}

TEST(BackupChoice, APatternToIncludeThatMeansNothingIsRefused) {
    BackupChoice some = choice({"orders", "ordres"}, {"nothing"});
    const std::vector<TableName> names = {{"public", "orders"}};
    some.see("shop", names);
    EXPECT_FALSE(some.is_clear());
    try {
        some.refuse_idle();
        FAIL() << "it was not refused";
    } catch (const ConfigError& error) {
        EXPECT_EQ(error.code(), "selection_matches_nothing");
        EXPECT_NE(std::string(error.what()).find("'ordres'"), std::string::npos) << error.what();
    }
    ASSERT_EQ(some.idle_warnings().size(), 1U);
    EXPECT_NE(some.idle_warnings().front().find("nothing"), std::string::npos);
    BackupChoice clear = choice({"orders"}, {"shop_old"});
    clear.see("shop", names);
    EXPECT_TRUE(clear.is_clear());
    EXPECT_NO_THROW(clear.refuse_idle());
    EXPECT_TRUE(clear.idle_warnings().empty());
}

std::vector<ServerDatabase> server() {
    return {{.name = "closed", .allows_connections = false},
            {.name = "crm", .size_bytes = 5},
            {.name = "half", .is_invalid = true},
            {.name = "postgres", .is_untouched = true, .size_bytes = 1},
            {.name = "shop", .size_bytes = 7},
            {.name = "shop_restoring_1a2b3c4d", .is_being_restored = true},
            {.name = "template0", .allows_connections = false},
            {.name = "template1", .is_untouched = true}};
}

std::string code_of(const std::vector<ServerDatabase>& found, const SourceOptions& options) {
    try {
        static_cast<void>(choose_databases(found, options));
    } catch (const Error& error) {
        return error.code();
    }
    return "";
}

TEST(DatabaseSet, AllAreThoseThatHoldSomethingAndLetUsIn) {
    SourceOptions options;
    options.is_all_databases = true;
    const DatabaseSet set = choose_databases(server(), options);
    EXPECT_EQ(set.names, (Names{"crm", "shop"}));
    EXPECT_EQ(set.size_bytes, 12U);
    ASSERT_EQ(set.lost.size(), 1U);
    EXPECT_NE(set.lost.front().find("closed"), std::string::npos);
    ASSERT_EQ(set.notes.size(), 2U);
    EXPECT_NE(set.notes.front().find("half"), std::string::npos);
    options.exclude = {"closed", "half", "*_restoring_*"};
    EXPECT_TRUE(choose_databases(server(), options).lost.empty());
    EXPECT_TRUE(choose_databases(server(), options).notes.empty());
    options.exclude = {"*"};
    EXPECT_EQ(code_of(server(), options), "selection_empty");
}

TEST(DatabaseSet, WhatEveryServerHasIsTakenOnceSomethingWasMadeInIt) {
    SourceOptions options;
    options.is_all_databases = true;
    std::vector<ServerDatabase> found = server();
    found.back().is_untouched = false;
    EXPECT_EQ(choose_databases(found, options).names, (Names{"crm", "shop", "template1"}));
    // A new server has nothing but that, and its roles.
    EXPECT_EQ(choose_databases({found[3]}, options).names, Names{"postgres"});
}

TEST(DatabaseSet, AListIsExact) {
    SourceOptions options;
    options.databases = {"shop", "crm"};
    EXPECT_EQ(choose_databases(server(), options).names, (Names{"crm", "shop"}));
    options.databases = {"shop", "postgres"};  // Named, it is wanted.
    EXPECT_EQ(choose_databases(server(), options).names, (Names{"postgres", "shop"}));
    options.databases = {"shop", "shop"};
    EXPECT_EQ(code_of(server(), options), "database_given_twice");
    options.databases = {"shop", "gone", "lost"};
    EXPECT_EQ(code_of(server(), options), "source_missing");
    options.databases = {"shop", "closed"};
    EXPECT_EQ(code_of(server(), options), "source_unreadable");
}

TEST(DatabaseSet, AListWithANameKeepsItsIdentity) {
    SourceOptions options;
    options.databases = {"shop", "crm"};
    const DatabaseSet set = choose_databases(server(), options);
    Probe unnamed;
    identify(set, "77", options, "db1.example", unnamed);
    EXPECT_EQ(unnamed.identity, "postgres:77/{crm,shop}");
    EXPECT_EQ(unnamed.suggested_name, "postgres-db1.example");
    options.name = "both";
    Probe named;
    identify(set, "77", options, "db1.example", named);
    EXPECT_EQ(named.identity, "postgres:77/[both]");
    EXPECT_EQ(named.former_identities,
              (Names{"postgres:77/crm", "postgres:77/shop", "postgres:77/{crm,shop}"}));
    SourceOptions all;
    all.is_all_databases = true;
    Probe every;
    identify(choose_databases(server(), all), "77", all, "db1", every);
    EXPECT_EQ(every.identity, "postgres:77/*");
}

}  // namespace
}  // namespace dbbackup::postgres
