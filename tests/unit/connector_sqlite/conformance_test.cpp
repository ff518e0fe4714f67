/// @file
/// The connector suite against SQLite in both journal modes, and against the toy connector.

#include "conformance/connector_suite.hpp"
#include "conformance/toy_connector.hpp"
#include "connector/sqlite/sqlite_connector.hpp"
#include "sample_database.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>

namespace dbbackup {
namespace {

/// Names of targets in one folder, and what else there is.
class TargetFolder {
public:
    std::string fresh() { return (folder_ / ("new-" + std::to_string(++made_) + ".db")).native(); }
    [[nodiscard]] std::string impossible() const { return (folder_ / "no-folder/x.db").native(); }
    [[nodiscard]] std::set<std::string> names() const { return folder_.names(); }

private:
    sqlite::TestFolder folder_;
    int made_ = 0;
};

class SqlitePlace final : public ConnectorPlace {
public:
    explicit SqlitePlace(const std::string& journal_mode) : path_(folder_ / "source.db") {
        sqlite::TestDatabase database(path_);
        database.run("PRAGMA journal_mode=" + journal_mode);
        sqlite::make_accounts(database, 5000, 4000);  // more than one segment
    }
    std::unique_ptr<Connector> connect() override {
        return make_sqlite_connector(sqlite::source_at(path_), clock_);
    }
    std::unique_ptr<Connector> connect_missing() override {
        return make_sqlite_connector(sqlite::source_at(folder_ / "missing.db"));
    }
    bool change_source() override {
        sqlite::TestDatabase database(path_);
        sqlite3_busy_timeout(database.handle(), 0);
        try {
            database.run("UPDATE account SET balance = balance + 1 WHERE id % 1000 = 7");
            return true;
        } catch (const std::runtime_error&) {
            return false;
        }
    }
    std::string source_content() override { return content(path_); }
    std::string target_content(const std::string& target) override { return content(target); }
    std::string new_target() override { return targets_.fresh(); }
    std::string filled_target() override {
        const std::string target = targets_.fresh();
        sqlite::TestDatabase(target).run(
            "CREATE TABLE account (id, balance, filler); INSERT INTO account VALUES (1, 1, 1)");
        return target;
    }
    std::string impossible_target() override { return targets_.impossible(); }
    std::set<std::string> around_targets() override { return targets_.names(); }

private:
    static std::string content(const std::filesystem::path& path) {
        return sqlite::TestDatabase(path).ask(
            "SELECT id, balance, substr(hex(filler), 1, 8) FROM account ORDER BY id");
    }
    sqlite::TestFolder folder_;
    std::filesystem::path path_;
    TargetFolder targets_;
    sqlite::ClockAhead clock_;
};

class ToyPlace final : public ConnectorPlace {
public:
    ToyPlace() : path_(folder_ / "source.db") {
        std::ofstream file(path_);
        for (int row = 0; row < 10; ++row) {
            file << "key" << row << "=value" << row << '\n';
        }
    }
    std::unique_ptr<Connector> connect() override { return std::make_unique<ToyConnector>(path_); }
    std::unique_ptr<Connector> connect_missing() override {
        return std::make_unique<ToyConnector>(folder_ / "missing");
    }
    bool change_source() override {
        std::ofstream(path_, std::ios::app) << "added=" << ++added_ << '\n';
        return true;
    }
    std::string source_content() override { return toy::read_text(path_); }
    std::string target_content(const std::string& target) override {
        return toy::read_text(target);
    }
    std::string new_target() override { return targets_.fresh(); }
    std::string filled_target() override {
        const std::string target = targets_.fresh();
        std::ofstream(target) << "other=1\n";
        return target;
    }
    std::string impossible_target() override { return targets_.impossible(); }
    std::set<std::string> around_targets() override { return targets_.names(); }

private:
    sqlite::TestFolder folder_;
    std::filesystem::path path_;
    TargetFolder targets_;
    int added_ = 0;
};

INSTANTIATE_TEST_SUITE_P(
    Connectors, ConnectorSuite,
    testing::Values(
        ConnectorCase{"sqlite_rollback", [] { return std::make_unique<SqlitePlace>("DELETE"); }},
        ConnectorCase{"sqlite_wal", [] { return std::make_unique<SqlitePlace>("WAL"); }},
        ConnectorCase{"toy", [] { return std::make_unique<ToyPlace>(); }}),
    connector_case_name);

}  // namespace
}  // namespace dbbackup
