/// @file
/// Stored definitions are cut at the right name, however it is written.

#include "connector/sqlite/stored_sql.hpp"

#include "sample_database.hpp"

#include <gtest/gtest.h>

namespace dbbackup::sqlite {
namespace {

TEST(StoredSql, FindsTheNameThatSqliteKept) {
    TestFolder folder;
    TestDatabase database(folder / "a.db");
    database.run(
        "CREATE TABLE /* c */ IF NOT EXISTS /*d*/ main.q /*e*/ (a);"
        "CREATE TABLE \"se\"\"le.ct\"(a); CREATE TABLE [a b](a); CREATE TABLE `ä``b`(a);"
        "CREATE UNIQUE INDEX IF NOT EXISTS main.'i x' ON q(a);"
        "CREATE INDEX plain ON q(a) WHERE a > 0;"
        "CREATE VIEW v(x) AS SELECT 1;"
        "CREATE TRIGGER IF NOT EXISTS main.\"t.1\" AFTER INSERT ON q BEGIN SELECT 1; END;"
        "CREATE VIRTUAL TABLE IF NOT EXISTS /*f*/ main.\"f t\" /*g*/ USING /*h*/ fts5(x)");
    int seen = 0;
    const auto check = [](void* count, int, char** values, char**) {
        const auto parsed = StoredSql::parse(values[1]);
        EXPECT_TRUE(parsed) << values[1];
        if (parsed) {
            EXPECT_EQ(parsed->name, values[0]) << values[1];
            EXPECT_EQ(parsed->module, std::string(values[0]) == "f t" ? "fts5" : "");
            const auto again = StoredSql::parse(parsed->named("n\"e\"w"));
            EXPECT_TRUE(again && again->name == "n\"e\"w" && again->rest == parsed->rest);
        }
        ++*static_cast<int*>(count);
        return 0;
    };
    sqlite3_exec(database.handle(), "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL",
                 check, &seen, nullptr);
    EXPECT_GE(seen, 9 + 5);  // the shadow tables of the virtual one too
}

TEST(StoredSql, RefusesWhatSqliteNeverWrites) {
    for (const char* const text :
         {"", "DROP TABLE x", "create table x(a)", "CREATE TEMP TABLE x(a)", "CREATE TABLE ",
          "CREATE TABLE \"open", "CREATE TABLE (a)", "CREATE TABLE /* open",
          "CREATE VIRTUAL TABLE x", "CREATE VIRTUAL TABLE x AS fts5(a)"}) {
        EXPECT_FALSE(StoredSql::parse(text)) << text;
    }
}

TEST(StoredSql, OnlyAsciiLettersHaveACase) {
    EXPECT_TRUE(is_same_name("Orders", "oRDERS"));
    EXPECT_FALSE(is_same_name("Ä", "ä"));
    EXPECT_FALSE(is_same_name("a", "ab"));
}

}  // namespace
}  // namespace dbbackup::sqlite
