#include "connector/postgres/sql_text.hpp"

#include "connector/stream_names.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace dbbackup::postgres {
namespace {

TEST(SqlText, QuotesNamesAndValues) {
    EXPECT_EQ(quoted_name("plain"), "\"plain\"");
    EXPECT_EQ(quoted_name("we\"ird"), "\"we\"\"ird\"");
    EXPECT_EQ(quoted_name("a.b", "c"), "\"a.b\".\"c\"");
    EXPECT_EQ(literal("it's"), "'it''s'");
    EXPECT_EQ(literal("back\\slash"), "'back\\slash'");
}

TEST(SqlText, DifferentTablesHaveDifferentStreams) {
    std::set<std::string> names;
    const char* const parts[] = {"a", "a.b", "b", "\"", ":", "a:roles", "", "a\nb", "\"a\""};
    for (const char* const database : parts) {
        for (const char* const schema : parts) {
            for (const char* const table : parts) {
                const std::string name = stream_name(database, schema, table);
                EXPECT_TRUE(names.insert(name).second) << database << '/' << schema << '/' << table;
                EXPECT_EQ(database_of_stream(name), database);
            }
        }
        const std::string name = special_stream_name(database, "schema");
        EXPECT_TRUE(names.insert(name).second) << database;
        EXPECT_EQ(database_of_stream(name), database);
    }
}

TEST(SqlText, OrdinaryNamesAreReadable) {
    EXPECT_EQ(stream_name("shop", "public", "orders"), "shop.public.orders");
    EXPECT_EQ(stream_name("shop", "public", "Größe 1"), "shop.public.Größe 1");
    EXPECT_EQ(stream_name("shop", "my.schema", "t"), "shop.\"my.schema\".t");
    EXPECT_EQ(special_stream_name("", "roles"), ":roles");
}

TEST(SqlText, WhatIsNoNameOfAServersStreamIsOfNoDatabase) {
    for (const char* const name : {"", "main", "\"a", "\"a\"", "\"a\"b.c", ":roles"}) {
        EXPECT_EQ(database_of_stream(name), "") << name;
    }
}

TEST(SqlText, NamesOfStreamsAreTakenApartAgain) {
    using Parts = std::vector<std::string>;
    EXPECT_EQ(parts_of_stream(stream_name("shop", "public", "orders")),
              (Parts{"shop", "public", "orders"}));
    EXPECT_EQ(parts_of_stream(stream_name("s:p", "a.b", "we\"ird")),
              (Parts{"s:p", "a.b", "we\"ird"}));
    EXPECT_EQ(parts_of_stream(stream_name("", "", "x")), (Parts{"", "", "x"}));
    EXPECT_EQ(parts_of_stream(special_stream_name("shop", "schema")), (Parts{"shop", "schema"}));
    EXPECT_EQ(parts_of_stream(special_stream_name("", "roles")), (Parts{"", "roles"}));
}

}  // namespace
}  // namespace dbbackup::postgres
