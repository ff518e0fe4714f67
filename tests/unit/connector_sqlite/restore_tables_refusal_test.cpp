/// @file
/// Definitions that lie or that SQLite cannot take are named and do no harm.

#include "restore_tables_sample.hpp"

#include <string_view>

namespace dbbackup::sqlite {
namespace {

class HostileTablesTest : public RestoreTablesTest {
protected:
    /// Two good tables, and a stored schema changed behind SQLite's back.
    void make_hostile(const std::string& change) {
        make(
            "CREATE TABLE good(a); INSERT INTO good VALUES(1);"
            "CREATE TABLE bad(a); INSERT INTO bad VALUES(2); CREATE INDEX bad_i ON bad(a);"
            "CREATE TRIGGER bad_t AFTER INSERT ON bad BEGIN SELECT 1; END");
        TestDatabase database(source_);
        database.run("PRAGMA writable_schema=ON; " + change);
        store_raw();
    }
    /// As it is, without asking whether it is a sound database.
    void store_raw() {
        Taken taken;
        taken.stream.name = "main";
        taken.stream.kind = StreamKind::pages;
        taken.stream.page_bytes = 4096;
        taken.image = bytes_of(source_);
        taken_ = std::move(taken);
        reader_ = std::make_unique<MemoryReader>(*taken_, fingerprinter_);
    }
    /// Restores all, expects the good table and that a line names what is missing.
    void expect_left_out(const std::string& what) {
        RestoreReport report;
        try {
            report = restore_tables(asking(taking({"*"})));
        } catch (const Error& error) {
            ADD_FAILURE() << what << ": " << error.what();
            return;
        }
        EXPECT_TRUE(report.is_incomplete);
        EXPECT_NE(joined(report.warnings).find(what), std::string::npos)
            << what << " is not in " << joined(report.warnings);
        EXPECT_EQ(ask_target("SELECT a FROM good LIMIT 1"), "1");
        EXPECT_EQ(ask_target("PRAGMA integrity_check"), "ok");
        std::filesystem::remove(folder_ / "target.db");
    }
};

TEST_F(HostileTablesTest, ATriggerOfAnotherTableThanItSays) {
    make_hostile(
        "UPDATE sqlite_schema SET sql='CREATE TRIGGER bad_t AFTER INSERT ON good BEGIN DELETE FROM "
        "good; END' WHERE name='bad_t'");
    expect_left_out(
        "the trigger 'bad_t' of the table 'bad' was left out: its definition is of "
        "something else");
}

TEST_F(HostileTablesTest, MoreThanOneStatement) {
    make_hostile(
        "UPDATE sqlite_schema SET sql='CREATE TABLE bad(a); DROP TABLE good' WHERE name='bad'");
    expect_left_out("the table 'bad' was left out: its definition goes on behind its end");
}

TEST_F(HostileTablesTest, AnotherNameThanItSays) {
    make_hostile("UPDATE sqlite_schema SET sql='CREATE TABLE worse(a)' WHERE name='bad'");
    expect_left_out("the table 'bad' was left out: ");
}

TEST_F(HostileTablesTest, OneThatSqliteDoesNotUnderstand) {
    make_hostile("UPDATE sqlite_schema SET sql='CREATE TABLE bad(a,,)' WHERE name='bad'");
    expect_left_out("the table 'bad' was left out: ");
}

TEST_F(HostileTablesTest, AVirtualTableOfAModuleThatIsNotThere) {
    make_hostile(
        "INSERT INTO sqlite_schema VALUES('table','v','v',0,'CREATE VIRTUAL TABLE v USING "
        "nowhere(x)')");
    expect_left_out("the virtual table 'v' was left out: no such module: nowhere");
    EXPECT_TRUE(refusal(asking(taking({"v"})))
                    .starts_with("nothing_restorable: nothing could be "
                                 "restored: the virtual table 'v'"));
    EXPECT_EQ(folder_.names(), std::set<std::string>{"source.db"});
}

TEST_F(HostileTablesTest, AVirtualTableWhoseDefinitionGoesOn) {
    make_hostile(
        "INSERT INTO sqlite_schema VALUES('table','v','v',0,"
        "'CREATE VIRTUAL TABLE v USING fts5(x); DROP TABLE good')");
    expect_left_out("the virtual table 'v' was left out: ");
}

TEST_F(HostileTablesTest, AFunctionOrCollationOfTheApplication) {
    std::filesystem::remove(source_);
    {
        TestDatabase database(source_);
        const auto one = [](sqlite3_context* context, int, sqlite3_value**) {
            sqlite3_result_int(context, 1);
        };
        const auto backwards = [](void*, int left_bytes, const void* left, int right_bytes,
                                  const void* right) {
            const std::string_view one_text(static_cast<const char*>(left),
                                            static_cast<std::size_t>(left_bytes));
            const std::string_view other(static_cast<const char*>(right),
                                         static_cast<std::size_t>(right_bytes));
            return other.compare(one_text);
        };
        sqlite3_create_function(database.handle(), "mine", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                nullptr, one, nullptr, nullptr);
        sqlite3_create_collation(database.handle(), "german", SQLITE_UTF8, nullptr, backwards);
        database.run(
            "CREATE TABLE good(a, b COLLATE german); INSERT INTO good VALUES(1, 'x');"
            "INSERT INTO good SELECT 1, 'y'; CREATE INDEX good_b ON good(b);"
            "CREATE INDEX good_f ON good(mine(a)); CREATE TABLE bad(a CHECK (mine(a)));"
            "CREATE TABLE worse(a TEXT COLLATE german PRIMARY KEY);"
            "INSERT INTO worse VALUES('x'), ('y')");
    }
    store_raw();
    expect_left_out(
        "the index 'good_b' of the table 'good' was left out: no such collation "
        "sequence: german");
    expect_left_out("the index 'good_f' of the table 'good' was left out: no such function: mine");
    expect_left_out("the table 'bad' was left out: no such function: mine");
    expect_left_out("the table 'worse' was left out: no such collation sequence: german");
    Selection renamed = taking({"good", "bad"});
    renamed.renames = {{"good", "better"}, {"bad", "b"}};
    const RestoreReport report = restore_tables(renamed);
    EXPECT_EQ(ask_target("SELECT count(*) FROM better"), "2");
    EXPECT_NE(joined(report.warnings).find("no such function: mine"), std::string::npos);
}

TEST_F(HostileTablesTest, ATableThatWasDamagedInTheSource) {
    make(
        "CREATE TABLE good(a); INSERT INTO good VALUES(1); CREATE TABLE bad(a);"
        "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
        "INSERT INTO bad SELECT zeroblob(1000) FROM n");
    const std::string root = ask_source("SELECT rootpage FROM sqlite_schema WHERE name='bad'");
    store_raw();
    const auto begin_at = static_cast<std::ptrdiff_t>((std::stoul(root) - 1) * 4096);
    std::fill_n(reader_->image().begin() + begin_at, 4096, std::uint8_t{0xff});
    expect_left_out("the table 'bad' was left out: it was damaged in the source");
    EXPECT_TRUE(refusal(asking(taking({"bad"}))).starts_with("nothing_restorable: "));
}

TEST_F(HostileTablesTest, RowsThatATableWouldNotTake) {
    make_hostile("UPDATE sqlite_schema SET sql='CREATE TABLE bad(a, b NOT NULL)' WHERE name='bad'");
    expect_left_out("the table 'bad' was left out: NOT NULL constraint failed: bad.b");
}

TEST_F(HostileTablesTest, GarbageInPagesEndsInAnErrorAtWorst) {
    make(
        "CREATE TABLE good(a, b); CREATE VIRTUAL TABLE ft USING fts5(x);"
        "INSERT INTO ft VALUES('hello world'); INSERT INTO good VALUES(1, zeroblob(9000));"
        "CREATE VIEW v AS SELECT * FROM good; CREATE INDEX i ON good(a)");
    store_raw();
    const Bytes whole = reader_->image();
    unsigned state = 12345;
    for (int round = 0; round < 60; ++round) {
        reader_->image() = whole;
        for (int flips = 0; flips < 20; ++flips) {
            state = state * 1103515245U + 12345U;
            const std::size_t at = 16 + (state >> 8U) % (whole.size() - 16);
            reader_->image()[at] = static_cast<std::uint8_t>(state >> 3U);
        }
        std::filesystem::remove(folder_ / "target.db");
        const std::string said = refusal(asking(taking({"*"})));
        EXPECT_FALSE(said.starts_with("failure: ")) << said;
        if (std::filesystem::exists(folder_ / "target.db")) {
            EXPECT_EQ(ask_target("PRAGMA integrity_check"), "ok") << round;
        }
    }
}

}  // namespace
}  // namespace dbbackup::sqlite
