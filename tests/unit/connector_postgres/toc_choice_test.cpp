#include "connector/postgres/toc_choice.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace dbbackup::postgres {
namespace {

/// A shop as pg_dump tells of it.
Toc shop() {
    const auto entry = [](int id, const char* kind, const char* schema, const char* name,
                          std::vector<int> needs) {
        return TocEntry{id, kind, schema, name, "", "", "", std::move(needs)};
    };
    return Toc({
        entry(1, "ENCODING", "", "ENCODING", {}),
        entry(2, "SCHEMA", "", "app", {}),
        entry(3, "ACL", "", "SCHEMA app", {2}),
        entry(4, "ACL", "", "SCHEMA public", {999}),
        entry(5, "EXTENSION", "", "hstore", {2}),
        entry(6, "TYPE", "app", "colour", {2}),
        entry(7, "COMMENT", "app", "TYPE colour", {6}),
        entry(8, "FUNCTION", "app", "touch()", {2}),
        entry(9, "FUNCTION", "app", "unused()", {2}),
        entry(10, "FUNCTION", "app", "reads_customers()", {2, 20}),
        entry(12, "TABLE", "app", "orders", {2, 6, 6}),
        entry(11, "SEQUENCE", "app", "orders_id_seq", {2, 12}),
        entry(13, "SEQUENCE OWNED BY", "app", "orders_id_seq", {11}),
        entry(14, "ACL", "app", "TABLE orders", {12}),
        entry(20, "TABLE", "app", "customers", {2, 5}),
        entry(21, "SEQUENCE", "app", "customers_id_seq", {2, 20}),  // Of an identity.
        entry(30, "TABLE", "app", "sales", {2}),
        entry(31, "TABLE", "app", "sales_1", {2, 30}),
        entry(32, "TABLE", "app", "sales_2", {2, 30}),
        entry(33, "TABLE ATTACH", "app", "sales_1", {31, 30}),
        entry(34, "TABLE ATTACH", "app", "sales_2", {32, 30}),
        entry(40, "VIEW", "public", "good", {20}),
        entry(41, "VIEW", "app", "grouped", {2}),
        entry(50, "DEFAULT", "app", "orders id", {11, 12}),
        entry(51, "CONSTRAINT", "app", "orders orders_pkey", {12}),
        entry(52, "CONSTRAINT", "app", "customers customers_pkey", {20}),
        entry(53, "CONSTRAINT", "app", "sales sales_pkey", {30}),
        entry(54, "CONSTRAINT", "app", "sales_1 sales_1_pkey", {31, 53}),
        entry(55, "INDEX ATTACH", "app", "sales_1_pkey", {54, 53, 31, 30}),
        entry(60, "RULE", "app", "grouped _RETURN", {52, 20, 41}),
        entry(61, "TRIGGER", "app", "orders touched", {12, 8}),
        entry(62, "TRIGGER", "app", "orders checked", {12, 10}),
        entry(63, "FK CONSTRAINT", "app", "orders orders_customer_fkey", {12, 20, 52}),
        entry(70, "PUBLICATION", "", "of_some", {}),
        entry(71, "PUBLICATION TABLE", "app", "of_some orders", {12, 70}),
    });
}

TocChoice chosen(const std::vector<std::string>& include,
                 const std::vector<std::string>& exclude = {}) {
    const Toc toc = shop();
    return choose(toc, "shop", NameSelection::parse(include, exclude));
}

using Ids = std::vector<int>;

bool makes(const TocChoice& choice, int id) {
    return std::find(choice.ids.begin(), choice.ids.end(), id) != choice.ids.end();
}

TEST(PostgresTocChoice, ATableBringsWhatItNeedsAndWhatBelongsToIt) {
    const TocChoice choice = chosen({"app.orders"});
    EXPECT_EQ(choice.ids, (Ids{2, 3, 6, 7, 8, 12, 11, 13, 14, 50, 51, 61}));
    EXPECT_EQ(choice.selected, std::set<int>{12});
    EXPECT_TRUE(choice.rowless.empty());
    std::vector<std::string> left_out;
    for (const LeftOut& each : choice.left_out) {
        left_out.push_back(each.what);
    }
    EXPECT_EQ(
        left_out,
        (std::vector<std::string>{
            "left out: the trigger checked of app.orders, because app.customers is not restored",
            "left out: the foreign key orders_customer_fkey of app.orders, because "
            "app.customers is not restored",
            "left out: the place in the publication of_some of app.orders"}));
}

TEST(PostgresTocChoice, AForeignKeyNeedsBothTables) {
    const TocChoice choice = chosen({"orders", "shop.app.customers"});
    EXPECT_TRUE(makes(choice, 63));
    EXPECT_TRUE(makes(choice, 62));
    EXPECT_TRUE(makes(choice, 21));
    EXPECT_TRUE(makes(choice, 5));
    EXPECT_EQ(choice.left_out.size(), 1U);
}

TEST(PostgresTocChoice, APartitionedTableBringsItsPartitions) {
    EXPECT_EQ(chosen({"sales"}).ids, (Ids{2, 3, 30, 31, 32, 33, 34, 53, 54, 55}));
    EXPECT_EQ(chosen({"sales"}, {"sales_2"}).selected, (std::set<int>{30, 31}));
    const TocChoice one = chosen({"sales_1"});
    EXPECT_EQ(one.ids, (Ids{2, 3, 30, 31, 33, 53, 54, 55}));
    EXPECT_EQ(one.rowless, Ids{30});
}

TEST(PostgresTocChoice, AViewBringsTheDefinitionsOfWhatItReads) {
    const TocChoice good = chosen({"good"});
    EXPECT_EQ(good.rowless, Ids{20});
    EXPECT_TRUE(makes(good, 4));
    const TocChoice grouped = chosen({"grouped"});
    EXPECT_TRUE(makes(grouped, 60));
    EXPECT_TRUE(makes(grouped, 52));
}

TEST(PostgresTocChoice, AWholeSchemaBringsWhatNoTableNeeds) {
    const TocChoice choice = chosen({"app.*"});
    EXPECT_TRUE(makes(choice, 9));
    EXPECT_FALSE(makes(choice, 40));
    EXPECT_FALSE(makes(choice, 70));
    const TocChoice all_but = chosen({}, {"app.orders"});
    EXPECT_TRUE(makes(all_but, 70));
    EXPECT_TRUE(makes(all_but, 9));
    EXPECT_FALSE(makes(all_but, 12));
    EXPECT_FALSE(makes(all_but, 71));
}

TEST(PostgresTocChoice, AnExclusionConstraintBringsItsOperatorClasses) {
    const Toc toc({
        {1, "EXTENSION", "", "btree_gist", "", "", "", {}},
        {2, "TABLE", "public", "bookings", "", "", "", {}},
        {3,
         "CONSTRAINT",
         "public",
         "bookings once",
         "ADD CONSTRAINT once EXCLUDE USING gist (who WITH =)",
         "",
         "",
         {2}},
    });
    EXPECT_EQ(choose(toc, "shop", NameSelection::parse({"bookings"}, {})).ids, (Ids{1, 2, 3}));
}

TEST(PostgresTocChoice, WhatIsThereIsNotMadeAgain) {
    const Toc toc = shop();
    const TocChoice orders = chosen({"app.orders"});
    EXPECT_EQ(without(toc, orders.ids, {2, 6, 8, 11}), (Ids{12, 14, 50, 51, 61}));
    // The server makes the index of a partition with ATTACH.
    EXPECT_EQ(without(toc, chosen({"sales_1"}).ids, {2, 30}), (Ids{31, 33}));
    // Nothing is changed of what is there.
    EXPECT_EQ(without(toc, chosen({"good"}).ids, {5, 2, 20}), (Ids{40}));
}

}  // namespace
}  // namespace dbbackup::postgres
