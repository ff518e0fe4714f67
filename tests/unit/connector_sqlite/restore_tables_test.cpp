/// @file
/// Chosen tables come back as they were, into a new database and beside what is there.

#include "restore_tables_sample.hpp"

namespace dbbackup::sqlite {
namespace {

constexpr const char* kShop =
    "PRAGMA user_version=7; PRAGMA application_id=99;"
    "CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT UNIQUE);"
    "CREATE TABLE orders(id INTEGER PRIMARY KEY AUTOINCREMENT, customer_id REFERENCES customers,"
    "  note TEXT DEFAULT 'none' CHECK (length(note) < 100));"
    "CREATE INDEX orders_of ON orders(customer_id) WHERE customer_id > 1;"
    "CREATE INDEX orders_upper ON orders(upper(note));"
    "CREATE TABLE audit(what); CREATE TABLE other(x);"
    "CREATE TRIGGER orders_added AFTER INSERT ON orders BEGIN INSERT INTO audit VALUES(new.id); "
    "END;"
    "CREATE VIEW recent AS SELECT * FROM orders WHERE id > 2;"
    "INSERT INTO customers VALUES(1,'anna'),(2,'bert'),(3,NULL);"
    "INSERT INTO orders VALUES(1,1,'a'),(5,2,'b'),(7,2,NULL),(9,3,'d');"
    "DELETE FROM orders WHERE id=9; INSERT INTO other VALUES(1); ANALYZE";

class ShopTest : public RestoreTablesTest {
protected:
    ShopTest() { make(kShop); }
    void make_target(const std::string& sql) { TestDatabase(folder_ / "target.db").run(sql); }
};

TEST_F(ShopTest, ANewDatabaseHasTheTablesWithAllThatBelongsToThem) {
    const RestoreReport report = restore_tables(taking({"orders", "audit", "recent"}));
    EXPECT_TRUE(report.is_verified);
    EXPECT_FALSE(report.is_incomplete);
    EXPECT_EQ(report.rows, 3U + 4U);
    ASSERT_EQ(report.tables.size(), 3U);
    EXPECT_EQ(report.tables[2].name, "recent");
    EXPECT_FALSE(report.tables[2].rows);
    EXPECT_NE(joined(report.warnings).find("'customers'"), std::string::npos);

    EXPECT_EQ(
        ask_target("SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema WHERE name "
                   "NOT LIKE 'sqlite%' ORDER BY name)"),
        "audit,orders,orders_added,orders_of,orders_upper,recent");
    expect_equal("SELECT sql FROM sqlite_schema WHERE name LIKE 'orders%' ORDER BY name");
    expect_equal("SELECT id, customer_id, note FROM orders");
    expect_equal("SELECT * FROM recent");
    expect_equal("SELECT seq FROM sqlite_sequence WHERE name='orders'");
    expect_equal("SELECT tbl, idx, stat FROM sqlite_stat1 WHERE tbl='orders' ORDER BY idx");
    expect_equal("SELECT count(*) FROM audit");  // the trigger did not run
    for (const char* const setting : {"user_version", "application_id", "page_size", "encoding"}) {
        expect_equal(std::string("PRAGMA ") + setting);
    }
    EXPECT_EQ(ask_target("PRAGMA integrity_check"), "ok");
    EXPECT_EQ(folder_.names(), (std::set<std::string>{"source.db", "target.db"}));
}

TEST_F(ShopTest, TablesAreAddedToADatabaseThatIsThere) {
    make_target("CREATE TABLE mine(x); INSERT INTO mine VALUES(1)");
    RestoreReport report = restore_tables(taking({"orders"}));
    EXPECT_EQ(report.tables.size(), 1U);
    EXPECT_EQ(ask_target("SELECT count(*), (SELECT x FROM mine) FROM orders"), "3|1");
    EXPECT_NE(joined(report.warnings)
                  .find("a trigger of 'orders' can not run: no such table: "
                        "main.audit"),
              std::string::npos)
        << joined(report.warnings);

    EXPECT_EQ(refusal(asking(taking({"ord*", "customers"}))),
              "target_not_empty: the target already has a table 'orders'");
    EXPECT_EQ(ask_target("SELECT count(*) FROM sqlite_schema WHERE name='customers'"), "0");

    TestDatabase(folder_ / "target.db")
        .run("DELETE FROM orders; CREATE INDEX mine_too ON orders(id)");
    report = restore_tables(asking(taking({"orders", "customers"}), Overwrite::yes));
    EXPECT_EQ(ask_target("SELECT count(*), (SELECT x FROM mine) FROM orders"), "3|1");
    EXPECT_EQ(ask_target("SELECT count(*) FROM sqlite_schema WHERE name='mine_too'"), "0");
}

TEST_F(ShopTest, ARenamedTableStandsBesideTheOneThatIsThere) {
    make_target(kShop);
    Selection selection = taking({"orders"});
    selection.renames = {{"orders", "orders old"}};
    const RestoreReport report = restore_tables(selection);
    EXPECT_EQ(report.tables.at(0).target, "orders old");
    EXPECT_FALSE(report.is_incomplete) << joined(report.warnings);
    EXPECT_EQ(ask_target("SELECT count(*) FROM \"orders old\""), "3");
    EXPECT_EQ(ask_target("SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema WHERE "
                         "tbl_name='orders old' ORDER BY name)"),
              "orders old,orders old_orders_added,orders old_orders_of,orders old_orders_upper");
    EXPECT_EQ(ask_target("SELECT seq FROM sqlite_sequence WHERE name='orders old'"), "9");
    make_target("INSERT INTO \"orders old\"(note) VALUES('x')");
    EXPECT_EQ(ask_target("SELECT max(what) FROM audit"), "10");
}

TEST_F(ShopTest, TwoTablesSwapTheirNamesWithAllThatRefersToThem) {
    Selection selection = taking({"orders", "customers", "audit", "recent"});
    selection.renames = {{"orders", "customers"}, {"customers", "orders"}};
    restore_tables(selection);
    EXPECT_EQ(ask_target("SELECT name FROM orders WHERE id=2"), "bert");
    EXPECT_EQ(ask_target("SELECT note FROM recent WHERE id=5"), "b");
    EXPECT_EQ(ask_target("SELECT \"table\" FROM pragma_foreign_key_list('customers')"), "orders");
}

TEST_F(ShopTest, ANameThatAnUnselectedTableHasCanBeTaken) {
    Selection selection = taking({"orders"});
    selection.renames = {{"orders", "other"}};
    restore_tables(selection);
    EXPECT_EQ(ask_target("SELECT count(*) FROM other WHERE customer_id IS NOT NULL"), "3");
}

TEST_F(ShopTest, AConditionChoosesRowsAndMayAskTheSnapshot) {
    make_target("CREATE TABLE customers(id, name); INSERT INTO customers VALUES(1, 'bert')");
    Selection selection = taking({"orders"});
    selection.where = {
        {"orders",
         "customer_id IN (SELECT id FROM customers WHERE name = 'bert') -- of the snapshot"}};
    const RestoreReport report = restore_tables(selection);
    EXPECT_EQ(report.rows, 2U);
    EXPECT_TRUE(report.is_verified);
    EXPECT_EQ(ask_target("SELECT group_concat(id) FROM (SELECT id FROM orders ORDER BY id)"),
              "5,7");
    EXPECT_EQ(ask_target("SELECT seq FROM sqlite_sequence"), "9");
}

TEST_F(ShopTest, ABrokenOrActingConditionIsRefusedBeforeAnythingIsWritten) {
    for (const char* const condition :
         {"custmer_id = 7", "1) OR (", "1; DROP TABLE orders", "id = ?", "id = (",
          "load_extension('x')", "id IN (DELETE FROM orders RETURNING id)", "count(*) > 1"}) {
        Selection selection = taking({"orders"});
        selection.where = {{"orders", condition}};
        EXPECT_TRUE(refusal(asking(selection)).starts_with("bad_condition: ")) << condition;
        EXPECT_EQ(folder_.names(), std::set<std::string>{"source.db"}) << condition;
    }
    Selection selection = taking({"orders"});
    selection.where = {{"orders", "abs(id - 5 + -9223372036854775808) > 0"}};  // at run time
    EXPECT_TRUE(refusal(asking(selection)).starts_with("bad_condition: ")) << "run time";
    EXPECT_EQ(folder_.names(), std::set<std::string>{"source.db"});
}

TEST_F(ShopTest, DefinitionsAlone) {
    Selection selection = taking({"orders", "recent"});
    selection.parts = Parts::schema;
    restore_tables(selection);
    EXPECT_EQ(ask_target("SELECT count(*) FROM orders"), "0");
    expect_equal("SELECT sql FROM sqlite_schema WHERE name LIKE 'orders%' ORDER BY name");
    EXPECT_EQ(ask_target("SELECT count(*) FROM sqlite_sequence"), "0");
}

TEST_F(ShopTest, RowsAlone) {
    Selection selection = taking({"orders", "audit"});
    selection.parts = Parts::data;
    EXPECT_TRUE(refusal(asking(selection)).starts_with("target_table_missing: "));
    make_target(
        "CREATE TABLE audit(what); INSERT INTO audit VALUES('mine');"
        "CREATE TABLE orders(note, id INTEGER PRIMARY KEY, customer_id, more DEFAULT 4);"
        "CREATE TRIGGER t AFTER INSERT ON orders BEGIN DELETE FROM audit; END");
    const RestoreReport report = restore_tables(selection);
    EXPECT_TRUE(report.is_verified);
    EXPECT_EQ(ask_target("SELECT note, id, customer_id, more FROM orders WHERE id=5"), "b|5|2|4");
    EXPECT_EQ(ask_target("SELECT count(*), min(what) FROM audit"), "5|1");

    // Again: the numbers are taken.
    EXPECT_TRUE(refusal(asking(selection)).starts_with("target_refused_rows: "));
    EXPECT_EQ(ask_target("SELECT count(*) FROM audit"), "5");

    selection = taking({"customers"});
    selection.parts = Parts::data;
    EXPECT_TRUE(refusal(asking(selection)).starts_with("target_table_missing: "));
    make_target("CREATE TABLE customers(id)");
    EXPECT_EQ(refusal(asking(selection)),
              "target_differs: the table 'customers' of the target has no column 'name'");
}

TEST_F(ShopTest, AnEmptyFileIsADatabaseWithoutTables) {
    write_bytes(folder_ / "target.db", {});
    restore_tables(taking({"customers"}));
    expect_equal("SELECT * FROM customers");
    expect_equal("PRAGMA user_version");
}

TEST_F(ShopTest, ThePlanNamesTablesAndWritesNothing) {
    Selection selection = taking({"orders", "recent"});
    selection.renames = {{"orders", "o"}};
    const auto session = begin(asking(selection));
    session->inspect(*reader_, {});
    const RestorePlan& plan = session->plan();
    ASSERT_EQ(plan.tables.size(), 2U);
    EXPECT_EQ(plan.tables[0].target, "o");
    EXPECT_EQ(plan.tables[0].rows, 3U);  // ANALYZE counted them
    EXPECT_NE(joined(plan.steps).find("'orders' as 'o', about 3 rows"), std::string::npos)
        << joined(plan.steps);
    EXPECT_EQ(folder_.names(), std::set<std::string>{"source.db"});
}

TEST_F(ShopTest, ALockThatIsNotGivenIsSaid) {
    make_target("CREATE TABLE mine(x)");
    TestDatabase other(folder_ / "target.db");
    other.run("BEGIN IMMEDIATE");
    EXPECT_TRUE(refusal(asking(taking({"orders"}))).starts_with("target_locked: "));
    other.run("ROLLBACK");
    EXPECT_EQ(ask_target("SELECT group_concat(name) FROM sqlite_schema"), "mine");
}

TEST_F(ShopTest, ADatabaseWithALogIsLeftAsItWas) {
    make_target("PRAGMA journal_mode=WAL; CREATE TABLE mine(x)");
    restore_tables(taking({"orders"}));
    EXPECT_EQ(ask_target("SELECT count(*) FROM orders"), "3");
    EXPECT_EQ(ask_target("PRAGMA journal_mode"), "wal");
    EXPECT_EQ(folder_.names(), (std::set<std::string>{"source.db", "target.db"}));
}

TEST_F(ShopTest, ANewDatabaseKeepsTheModeOfTheSource) {
    TestDatabase(source_).run("PRAGMA journal_mode=WAL");
    restore_tables(taking({"orders"}));
    EXPECT_EQ(ask_target("PRAGMA journal_mode"), "wal");
    EXPECT_EQ(ask_target("SELECT count(*) FROM orders"), "3");
}

TEST_F(ShopTest, AStopLeavesNothing) {
    std::stop_source stop;
    const auto session = begin(asking(taking({"orders"})));
    session->inspect(*reader_, {});
    stop.request_stop();
    EXPECT_THROW(session->apply(*reader_, stop.get_token()), Cancelled);
}

TEST_F(ShopTest, DamageInTheRepositoryIsNotTakenForDamageOfTheSource) {
    stored().fail_from(4096);
    EXPECT_TRUE(refusal(asking(taking({"orders"}))).starts_with("corruption: "));
    EXPECT_EQ(folder_.names(), std::set<std::string>{"source.db"});
}

}  // namespace
}  // namespace dbbackup::sqlite
