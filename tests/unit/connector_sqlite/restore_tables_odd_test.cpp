/// @file
/// Tables of every kind that SQLite has come back row by row, with row numbers and types.

#include "restore_tables_sample.hpp"

namespace dbbackup::sqlite {
namespace {

using OddTablesTest = RestoreTablesTest;

TEST_F(OddTablesTest, RowNumbersAndTypesAreKept) {
    make(
        "CREATE TABLE plain(a, b INTEGER, c TEXT, d REAL, e NUMERIC, f BLOB);"
        "INSERT INTO plain(rowid, a, b, c, d, e, f) VALUES(-5, 1, 'text', 2, 3, '4.0', 'x'),"
        "(3, NULL, 1.5, x'00ff', 9007199254740993, 1e300, zeroblob(0)),"
        "(9000000000000000000, x'', '', 'a' || char(0) || 'b', -0.0, 'abc', 7);"
        "CREATE TABLE named(rowid TEXT, x); INSERT INTO named(_rowid_, rowid, x) VALUES(8, 'r', 1);"
        "CREATE TABLE all_named(rowid, oid, _rowid_); INSERT INTO all_named VALUES(1, 2, 3);"
        "CREATE TABLE key_named(rowid INTEGER PRIMARY KEY, oid, _rowid_);"
        "INSERT INTO key_named VALUES(5, 2, 3);"
        "CREATE TABLE descending(id INTEGER PRIMARY KEY DESC, x); INSERT INTO descending(rowid, id)"
        " VALUES(70, 2), (71, 1);"
        "CREATE TABLE pairs(a TEXT, b INT, c, PRIMARY KEY(b DESC, a)) WITHOUT ROWID;"
        "INSERT INTO pairs VALUES('x', 1, x'01'), ('y', 2, 'z'), ('a', 2, NULL);"
        "CREATE TABLE strict_one(a INT, b ANY) STRICT; INSERT INTO strict_one VALUES(1, '2');"
        "CREATE TABLE empty(a, b)");
    const RestoreReport report = restore_tables(taking({"*"}));
    EXPECT_TRUE(report.is_verified);
    EXPECT_FALSE(report.is_incomplete);
    EXPECT_EQ(joined(report.warnings),
              "the rows of 'all_named' have other numbers (rowid) than they had: columns have the "
              "names by which they could be set\n");
    for (const char* const column : {"a", "b", "c", "d", "e", "f"}) {
        const std::string name(column);
        expect_equal("SELECT group_concat(rowid || typeof(" + name + ") || quote(" + name +
                     ")) FROM plain");
    }
    expect_equal("SELECT _rowid_, rowid, x FROM named");
    expect_equal("SELECT * FROM all_named");
    expect_equal("SELECT * FROM key_named");
    expect_equal("SELECT group_concat(rowid || ':' || id) FROM descending");
    expect_equal("SELECT group_concat(a || b || typeof(c)) FROM pairs");
    expect_equal("SELECT typeof(a), typeof(b) FROM strict_one");
    expect_equal("SELECT count(*) FROM empty");
    expect_equal("SELECT group_concat(sql) FROM (SELECT sql FROM sqlite_schema ORDER BY name)");
}

TEST_F(OddTablesTest, NamesThatNeedQuotes) {
    const std::vector<std::string> names = {
        "select", "a.b", "a \"quoted\" name", "it's", "[x]", "ta\nble", "Größe", "-- x",
        "%s {}",  "`"};
    std::string sql;
    for (const std::string& name : names) {
        std::string quoted = "\"";
        for (const char c : name) {
            quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
        }
        quoted += '"';
        sql += "CREATE TABLE " + quoted + "(" + quoted + " TEXT, \"or\"\"der\" INT);" +
               "INSERT INTO " + quoted + " VALUES('1', 2);";
    }
    make(sql);
    for (const bool is_renamed : {false, true}) {
        std::filesystem::remove(folder_ / "target.db");
        Selection selection = taking({"*"});
        if (is_renamed) {
            selection.renames = {{"select", "from \"x\""}, {"a.b", "select"}};
        }
        const RestoreReport report = restore_tables(selection);
        EXPECT_EQ(report.rows, names.size());
        EXPECT_FALSE(report.is_incomplete) << joined(report.warnings);
    }
    EXPECT_EQ(ask_target("SELECT \"a.b\" FROM \"select\""), "1");
}

TEST_F(OddTablesTest, GeneratedColumns) {
    make(
        "CREATE TABLE g(a INT, v AS (a * 2), b TEXT, s INT AS (length(b) + a) STORED UNIQUE);"
        "INSERT INTO g(a, b) VALUES(1, 'x'), (2, 'yyy'); CREATE INDEX g_v ON g(v);"
        "CREATE TABLE gw(a PRIMARY KEY, v AS (a || 'x')) WITHOUT ROWID; INSERT INTO gw "
        "VALUES('q')");
    restore_tables(taking({"*"}));
    expect_equal("SELECT a, v, b, s FROM g ORDER BY a");
    expect_equal("SELECT * FROM gw");
    expect_equal("SELECT group_concat(sql) FROM (SELECT sql FROM sqlite_schema ORDER BY name)");
}

TEST_F(OddTablesTest, FullTextAndRangeTables) {
    make(
        "CREATE VIRTUAL TABLE five USING fts5(title, body, prefix='2 3');"
        "INSERT INTO five VALUES('one', 'the quick fox'), ('two', 'the lazy dog');"
        "DELETE FROM five WHERE title='one'; INSERT INTO five VALUES('three', 'quick again');"
        "CREATE TABLE posts(id INTEGER PRIMARY KEY, t); INSERT INTO posts VALUES(1, 'external "
        "words');"
        "CREATE VIRTUAL TABLE ext USING fts5(t, content='posts', content_rowid='id');"
        "INSERT INTO ext(ext) VALUES('rebuild');"
        "CREATE VIRTUAL TABLE four USING fts4(x, tokenize=porter);"
        "INSERT INTO four VALUES('running dogs');"
        "CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1, +label);"
        "INSERT INTO boxes VALUES(1, 0, 10, 'a'), (2, 20, 30, 'b')");
    const RestoreReport report = restore_tables(taking({"five", "four", "boxes", "ext", "posts"}));
    EXPECT_FALSE(report.is_incomplete) << joined(report.warnings);
    EXPECT_EQ(report.tables.size(), 5U);
    expect_equal("SELECT group_concat(title) FROM five WHERE five MATCH 'qui*'");
    expect_equal("SELECT rowid FROM ext WHERE ext MATCH 'words'");
    expect_equal("SELECT x FROM four WHERE four MATCH 'dog'");
    expect_equal("SELECT id, label FROM boxes WHERE x0 >= 15");
    expect_equal("SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema ORDER BY name)");
    expect_equal("SELECT quote(block) FROM five_data ORDER BY id DESC LIMIT 1");
    TestDatabase target(folder_ / "target.db");
    target.run(
        "INSERT INTO five(five) VALUES('integrity-check'); INSERT INTO five VALUES('n', 'new');"
        "INSERT INTO four(four) VALUES('integrity-check'); INSERT INTO boxes VALUES(3,1,2,'c')");
    EXPECT_EQ(target.ask("PRAGMA integrity_check"), "ok");
    EXPECT_EQ(target.ask("SELECT rtreecheck('boxes')"), "ok");
}

TEST_F(OddTablesTest, AVirtualTableUnderAnotherNameAndInThePlaceOfAnOther) {
    make("CREATE VIRTUAL TABLE ft USING fts5(x); INSERT INTO ft VALUES('hello world')");
    restore_tables(taking({"ft"}));
    Selection renamed = taking({"ft"});
    renamed.renames = {{"ft", "f t"}};
    restore_tables(renamed);
    EXPECT_EQ(ask_target("SELECT x FROM \"f t\" WHERE \"f t\" MATCH 'hello'"), "hello world");
    TestDatabase(folder_ / "target.db").run("DELETE FROM ft");
    restore_tables(asking(taking({"ft"}), Overwrite::yes));
    EXPECT_EQ(ask_target("SELECT x FROM ft WHERE ft MATCH 'hello'"), "hello world");

    Selection schema = taking({"ft"});
    schema.parts = Parts::schema;
    schema.renames = {{"ft", "none"}};
    restore_tables(schema);
    EXPECT_EQ(ask_target("SELECT count(*) FROM none"), "0");
}

TEST_F(OddTablesTest, SixteenBitTextAndBigValues) {
    make(
        "PRAGMA encoding='UTF-16be'; PRAGMA page_size=512; PRAGMA auto_vacuum=FULL;"
        "CREATE TABLE t(a TEXT PRIMARY KEY, b BLOB);"
        "INSERT INTO t VALUES('gr\xc3\xb6\xc3\x9f"
        "e', randomblob(3000000)), ('', zeroblob(5))");
    restore_tables(taking({"t"}));
    expect_equal("SELECT hex(a), length(b) FROM t");
    expect_equal("SELECT hex(b) FROM t WHERE a <> ''");
    for (const char* const setting : {"encoding", "page_size", "auto_vacuum"}) {
        expect_equal(std::string("PRAGMA ") + setting);
    }
    // Into one of 8 bits.
    std::filesystem::remove(folder_ / "target.db");
    TestDatabase(folder_ / "target.db").run("CREATE TABLE mine(x)");
    EXPECT_TRUE(restore_tables(taking({"t"})).is_verified);
    expect_equal("SELECT a, length(b) FROM t");
}

TEST_F(OddTablesTest, OldDefinitions) {
    make(
        "CREATE TABLE t(a DEFAULT \"word\", b CHECK (b <> \"no\"), c);"
        "CREATE INDEX i ON t(c) WHERE b <> \"x\"; INSERT INTO t(b) VALUES('yes');"
        // What a constraint would not let in today, and what older rows do not have.
        "PRAGMA ignore_check_constraints=ON; INSERT INTO t(b) VALUES('no');"
        "ALTER TABLE t ADD COLUMN d NOT NULL DEFAULT 'added'");
    const RestoreReport report = restore_tables(taking({"t"}));
    EXPECT_FALSE(report.is_incomplete) << joined(report.warnings);
    expect_equal("SELECT group_concat(a || b || d) FROM t");
}

}  // namespace
}  // namespace dbbackup::sqlite
