/// @file
/// What is told of the tables of a stored database is what SQLite itself counts in the original.

#include "connector/sqlite/table_sizes.hpp"

#include "connector/sqlite/stored_sql.hpp"
#include "restore_tables_sample.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace dbbackup::sqlite {
namespace {

/// Rows of every length, so that some end on pages of their own, in every kind of b-tree.
constexpr const char* kOddTables = R"sql(
CREATE TABLE "it's ""odd""
"(id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT UNIQUE, long BLOB);
CREATE INDEX "of [it]" ON "it's ""odd""
"(long) WHERE id % 3 = 0;
CREATE TABLE pairs(a TEXT, b INT, c, PRIMARY KEY(b DESC, a)) WITHOUT ROWID;
CREATE INDEX pairs_by_c ON pairs(c);
CREATE TABLE generated(a INT, v AS (a * 2), s TEXT AS ('s' || a) STORED UNIQUE);
CREATE TABLE "Größe"(x);
CREATE TABLE no_row(a PRIMARY KEY);
CREATE VIRTUAL TABLE words USING fts5(text);
CREATE VIEW seen AS SELECT a FROM generated;
CREATE TRIGGER noted AFTER INSERT ON no_row BEGIN SELECT 1; END;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 700)
INSERT INTO "it's ""odd""
" SELECT i, hex(randomblob(20)), randomblob(CASE WHEN i % 50 = 0 THEN 9000 ELSE i END) FROM n;
INSERT INTO pairs SELECT text, id % 90, substr(long, 1, 300 + id) FROM "it's ""odd""
";
INSERT INTO generated(a) SELECT id FROM "it's ""odd""
";
INSERT INTO "Größe" SELECT long FROM "it's ""odd""
" WHERE id < 50;
INSERT INTO words SELECT text || ' ' || id FROM "it's ""odd""
";
DELETE FROM "it's ""odd""
" WHERE id % 7 = 0;
ANALYZE;
)sql";

class TableSizesTest : public RestoreTablesTest {
protected:
    std::vector<StoredTable> sizes(const std::vector<std::string>& include = {}) {
        if (!reader_) {
            stored();
        }
        return table_sizes(*reader_, NameSelection::parse(include, {}), {});
    }
    static const StoredTable& named(const std::vector<StoredTable>& tables,
                                    const std::string& name) {
        const auto found = std::find_if(tables.begin(), tables.end(),
                                        [&](const auto& each) { return each.name == name; });
        if (found == tables.end()) {
            throw std::runtime_error("there is no table " + name);
        }
        return *found;
    }
    bool can_count() {
        try {
            static_cast<void>(ask_source("SELECT count(*) FROM dbstat"));
        } catch (const std::runtime_error&) {
            return false;  // This SQLite was built without it.
        }
        return true;
    }
    std::uint64_t counted(const std::string& name) {
        const std::string sum = ask_source(
            "SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name = " + text_literal(name));
        return std::stoull(sum);
    }
    /// Every table, index and row; and the sum of it all.
    void expect_as_counted() {
        std::uint64_t sum = 0;
        for (const StoredTable& table : sizes()) {
            EXPECT_FALSE(table.untold) << table.name << ": " << table.untold->why;
            EXPECT_EQ(table.bytes, counted(table.name)) << table.name;
            for (const IndexSize& index : table.indexes) {
                EXPECT_EQ(index.bytes, counted(index.name)) << index.name;
            }
            sum += table.total_bytes().value_or(0);
            if (table.rows) {
                EXPECT_EQ(std::to_string(*table.rows),
                          ask_source("SELECT count(*) FROM " + quoted_name(table.name)))
                    << table.name;
            }
        }
        EXPECT_EQ(std::to_string(sum), ask_source("SELECT sum(pgsize) FROM dbstat"));
    }
};

TEST_F(TableSizesTest, AreThoseThatSqliteCounts) {
    if (!can_count()) {
        GTEST_SKIP() << "this SQLite has no dbstat";
    }
    for (const char* const settings :
         {"PRAGMA page_size=512;", "PRAGMA page_size=4096; PRAGMA auto_vacuum=FULL;",
          "PRAGMA page_size=65536;", "PRAGMA encoding='UTF-16be';"}) {
        SCOPED_TRACE(settings);
        make(settings + std::string("BEGIN;") + kOddTables + "COMMIT;");
        expect_as_counted();
    }
}

TEST_F(TableSizesTest, AreRightWhereEachPageHasReservedBytes) {
    if (!can_count()) {
        GTEST_SKIP() << "this SQLite has no dbstat";
    }
    std::filesystem::remove(source_);
    {
        TestDatabase database(source_);
        int reserved = 32;
        ASSERT_EQ(
            sqlite3_file_control(database.handle(), "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved),
            SQLITE_OK);
        database.run(std::string("PRAGMA page_size=1024; VACUUM; BEGIN;") + kOddTables + "COMMIT;");
    }
    expect_as_counted();
    EXPECT_EQ(reader_->image().at(20), 32);
}

TEST_F(TableSizesTest, TellWhatEachTableIs) {
    make(std::string("BEGIN;") + kOddTables + "COMMIT;");
    const std::vector<StoredTable> tables = sizes();
    EXPECT_EQ(tables.front().name, "sqlite_schema");
    EXPECT_EQ(named(tables, "sqlite_sequence").kind, TableKind::system);
    EXPECT_EQ(named(tables, "pairs").kind, TableKind::table);
    EXPECT_EQ(named(tables, "words").kind, TableKind::virtual_table);
    EXPECT_EQ(named(tables, "words").bytes, 0U);
    EXPECT_EQ(named(tables, "words_data").kind, TableKind::shadow);
    EXPECT_EQ(named(tables, "words_data").shadow_of, "words");
    EXPECT_EQ(named(tables, "seen").kind, TableKind::view);
    EXPECT_FALSE(named(tables, "seen").rows);
    EXPECT_EQ(named(tables, "no_row").triggers, std::vector<std::string>{"noted"});
    EXPECT_EQ(named(tables, "no_row").indexes.front().name, "sqlite_autoindex_no_row_1");
    EXPECT_EQ(named(tables, "it's \"odd\"\n").indexes.size(), 2U);
}

TEST_F(TableSizesTest, AreOfTheChosenTablesAndTheirShadows) {
    make(std::string("BEGIN;") + kOddTables + "COMMIT;");
    std::vector<std::string> names;
    for (const StoredTable& table : sizes({"PAIRS", "main.words", "seen"})) {
        names.push_back(table.name);
    }
    EXPECT_EQ(names,
              (std::vector<std::string>{"pairs", "words", "words_data", "words_idx",
                                        "words_content", "words_docsize", "words_config", "seen"}));
    EXPECT_TRUE(sizes({"absent"}).empty());
    const auto some = table_sizes(*reader_, NameSelection::parse({"words"}, {"words_[!d]*"}), {});
    ASSERT_EQ(some.size(), 3U);
    EXPECT_EQ(some.back().name, "words_docsize");
}

TEST_F(TableSizesTest, OfADatabaseWithoutTablesAreThoseOfItsSchema) {
    make("CREATE TABLE t(a); DROP TABLE t; PRAGMA user_version=1;");
    const std::vector<StoredTable> tables = sizes();
    ASSERT_EQ(tables.size(), 1U);
    EXPECT_EQ(tables.front().total_bytes(), 4096U);
    EXPECT_EQ(tables.front().rows, 0U);
}

TEST_F(TableSizesTest, AreLeftOutWhereChunksAreDamaged) {
    make(
        "CREATE TABLE early(a); INSERT INTO early VALUES(1);"
        "CREATE TABLE late(a UNIQUE); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
        "FROM n WHERE i < 3000) INSERT INTO late SELECT hex(i) FROM n;");
    stored().fail_from(std::uint64_t{5} * 4096);
    const std::vector<StoredTable> tables = sizes();
    EXPECT_EQ(named(tables, "early").bytes, 4096U);
    EXPECT_EQ(named(tables, "early").rows, 1U);
    const StoredTable& late = named(tables, "late");
    ASSERT_TRUE(late.untold);
    EXPECT_EQ(late.untold->fault, Fault::repository);
    EXPECT_EQ(late.untold->why, "chunk 7 is damaged");
    EXPECT_FALSE(late.total_bytes());
    EXPECT_FALSE(late.rows);
}

/// Page 2 is the root of the table, with pages of rows below it.
class DamagedTreeTest : public TableSizesTest {
protected:
    void make_tree() {
        make(
            "PRAGMA page_size=512; CREATE TABLE t(a); CREATE TABLE other(a);"
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) "
            "INSERT INTO t SELECT hex(randomblob(20)) FROM n;");
        stored();
        ASSERT_EQ(at(2, 0), 5);
    }
    std::uint8_t& at(std::size_t page, std::size_t offset) {
        return reader_->image().at((page - 1) * 512 + offset);
    }
    /// The table alone is affected.
    void expect_untold(const std::string& what) {
        const std::vector<StoredTable> tables = sizes();
        EXPECT_FALSE(named(tables, "other").untold) << what;
        ASSERT_TRUE(named(tables, "t").untold) << what;
        EXPECT_EQ(named(tables, "t").untold->fault, Fault::source) << what;
    }
};

TEST_F(DamagedTreeTest, IsToldFromADamagedRepository) {
    make_tree();
    at(2, 8) = 0xff;  // the last child
    expect_untold("a page beyond the end");
    make_tree();
    at(2, 0) = 13;
    at(2, 3) = 0xff;
    expect_untold("more cells than fit");
    make_tree();
    at(2, 0) = 99;
    expect_untold("no kind of page");
    make_tree();
    at(2, 0) = 2;
    expect_untold("pages of a table below one of an index");
}

TEST_F(DamagedTreeTest, EndsWhereAPageIsItsOwnChild) {
    make_tree();
    std::fill_n(&at(2, 8), 3, std::uint8_t{0});
    at(2, 11) = 2;
    try {
        static_cast<void>(sizes());
        FAIL() << "a ring was not noticed";
    } catch (const SourceError& error) {
        EXPECT_EQ(error.code(), "source_corrupt");
        EXPECT_FALSE(error.hint().empty());
    }
}

TEST_F(DamagedTreeTest, NoByteOfItDoesHarm) {
    make_tree();
    const Bytes whole = reader_->image();
    for (std::size_t offset = 512; offset < 1536; offset += 3) {
        for (const std::uint8_t value : {std::uint8_t{0}, std::uint8_t{0x81}, std::uint8_t{0xff}}) {
            reader_->image() = whole;
            reader_->image().at(offset) = value;
            try {
                static_cast<void>(sizes());
            } catch (const SourceError&) {
                continue;  // Noticed.
            }
        }
    }
}

}  // namespace
}  // namespace dbbackup::sqlite
