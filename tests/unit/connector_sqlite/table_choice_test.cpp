/// @file
/// A selection means the tables that people expect, and says so when it means none.

#include "connector/sqlite/table_choice.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>

namespace dbbackup::sqlite {
namespace {

using Kind = TableDefinition::Kind;

TableDefinition table(const std::string& name, Kind kind = Kind::ordinary) {
    TableDefinition definition;
    definition.name = name;
    definition.kind = kind;
    return definition;
}

StoredSchema shop() {
    StoredSchema schema;
    schema.tables = {table("recent", Kind::view),
                     table("Orders"),
                     table("customers"),
                     table("find", Kind::virtual_table),
                     table("find_data", Kind::shadow),
                     table("odd.name")};
    schema.tables[3].shadows = {"find_data"};
    return schema;
}

std::string names(const Selection& selection) {
    std::string text;
    for (const ChosenTable& each : choose_tables(shop(), selection, "main")) {
        text += each.definition.name;
        text += each.is_renamed() ? "=" + each.target + " " : " ";
    }
    return text;
}

Selection taking(const std::vector<std::string>& include,
                 const std::vector<std::string>& exclude = {}) {
    Selection selection;
    selection.names = NameSelection::parse(include, exclude);
    return selection;
}

/// The code and message of the refusal.
std::string refusal(const Selection& selection) {
    try {
        return "none: " + names(selection);
    } catch (const ConfigError& error) {
        return error.code() + ": " + error.what() + " " + error.hint();
    }
}

TEST(TableChoice, TakesTablesThenViewsByPattern) {
    EXPECT_EQ(names(taking({})), "Orders customers find odd.name recent ");
    EXPECT_EQ(names(taking({"orders"})), "Orders ");
    EXPECT_EQ(names(taking({"main.orders", "cust*"})), "Orders customers ");
    EXPECT_EQ(names(taking({"odd.name"})), "odd.name ");
    EXPECT_EQ(names(taking({}, {"*r*"})), "find odd.name ");
}

TEST(TableChoice, ShadowTablesComeWithTheirVirtualTableOnly) {
    const auto chosen = choose_tables(shop(), taking({"find"}), "main");
    ASSERT_EQ(chosen.size(), 1U);
    ASSERT_EQ(chosen[0].shadows.size(), 1U);
    EXPECT_EQ(chosen[0].target_of(chosen[0].shadows[0]), "find_data");
    EXPECT_TRUE(refusal(taking({"find_data"})).starts_with("selection_matches_nothing"));
    Selection renamed = taking({"find"});
    renamed.renames = {{"find", "seek"}};
    const auto seek = choose_tables(shop(), renamed, "main");
    EXPECT_EQ(seek[0].target_of(seek[0].shadows[0]), "seek_data");
}

TEST(TableChoice, NamesTheNearestWhenAPatternMatchesNothing) {
    EXPECT_EQ(refusal(taking({"customers", "oders"})),
              "selection_matches_nothing: no table or view of the snapshot matches 'oders' "
              "Did you mean 'Orders'?");
    EXPECT_NE(refusal(taking({"zzzzzzzz"})).find("It has recent, Orders"), std::string::npos);
    EXPECT_TRUE(refusal(taking({"orders"}, {"o*"})).starts_with("selection_matches_nothing"));
}

TEST(TableChoice, ConditionsAndRenamesAreOfSelectedTables) {
    Selection selection = taking({"orders", "customers", "recent", "find"});
    selection.where = {{"ORDERS", "a = 1"}};
    selection.renames = {{"main.orders", "old"}, {"customers", "orders"}};
    EXPECT_EQ(names(selection), "Orders=old customers=orders find recent ");
    EXPECT_EQ(choose_tables(shop(), selection, "main")[0].condition, "a = 1");

    const auto with = [](auto change) {
        Selection changed = taking({"orders", "customers", "recent", "find"});
        change(changed);
        return refusal(changed);
    };
    for (const auto& refused : {
             with([](Selection& s) { s.where = {{"odd.name", "1"}}; }),
             with([](Selection& s) { s.where = {{"recent", "1"}}; }),
             with([](Selection& s) { s.where = {{"find", "1"}}; }),
             with([](Selection& s) { s.renames = {{"orders", "CUSTOMERS"}}; }),
             with([](Selection& s) {
                 s.where = {{"orders", "1"}};
                 s.parts = Parts::schema;
             }),
         }) {
        EXPECT_TRUE(refused.starts_with("selection_conflict")) << refused;
    }
    EXPECT_TRUE(with([](Selection& s) {
                    s.where = {{"nobody", "1"}};
                }).starts_with("selection_matches_nothing"));
    for (const auto& refused : {
             with([](Selection& s) { s.where = {{"orders", "1"}, {"Orders", "2"}}; }),
             with([](Selection& s) { s.renames = {{"orders", "a"}, {"orders", "b"}}; }),
             with([](Selection& s) { s.renames = {{"orders", "SQLite_x"}}; }),
         }) {
        EXPECT_TRUE(refused.starts_with("bad_option_value")) << refused;
    }
}

}  // namespace
}  // namespace dbbackup::sqlite
