/// @file
/// The connector suite against real PostgreSQL servers.

#include "conformance/connector_suite.hpp"
#include "connector/postgres/connection.hpp"
#include "connector/postgres/postgres_connector.hpp"
#include "connector/postgres/sql_text.hpp"
#include "support/test_server.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <set>
#include <string>

namespace dbbackup {
namespace {

/// Places of one process do not share a database.
int next_number() {
    static int number = 0;
    return ++number;
}

using postgres::Connection;
using postgres::ConnectionInfo;

/// Before any server's programs were put in front.
const std::string kPath = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe,cert-err58-cpp)

class PostgresPlace final : public ConnectorPlace {
public:
    explicit PostgresPlace(const std::string& server)
        : server_(server), source_(fmt::format("source_{}_{}", ::getpid(), next_number())) {
        // Where users of PostgreSQL have their passwords; the target's URI has none.
        ::setenv("PGPASSFILE", server_.file("pgpass").c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
        ::setenv("PATH", (server_.file("bin").native() + ":" + kPath).c_str(), 1);  // NOLINT
        admin().execute("CREATE DATABASE " + source_);
        Connection inside(info(source_), postgres::Role::source, {});
        inside.execute(
            "CREATE TABLE public.account (id integer PRIMARY KEY, balance integer, filler text);"
            "INSERT INTO public.account SELECT i, 0, repeat('x', 90) "
            "FROM generate_series(1, 30000) i;"  // more than one segment
            "CREATE TABLE public.log (at timestamptz, what text); CREATE SEQUENCE public.numbers;"
            "SELECT nextval('public.numbers')");
    }
    ~PostgresPlace() override {
        for (int each = 0; each <= made_; ++each) {
            drop(target(each));
        }
        drop(source_);
    }
    std::unique_ptr<Connector> connect() override { return connector(source_); }
    std::unique_ptr<Connector> connect_missing() override { return connector("missing"); }
    bool change_source() override {
        Connection inside(info(source_), postgres::Role::source, {});
        inside.execute(
            "UPDATE public.account SET balance = balance + 1 WHERE id % 1000 = 7 AND id < 5000;"
            "INSERT INTO public.log VALUES ('2026-01-02 03:04:05+02', E'tab\\tfeed\\n\\\\')");
        return true;
    }
    std::string source_content() override { return content(source_); }
    std::string target_content(const std::string& uri) override {
        return content(uri.substr(uri.rfind('/') + 1));
    }
    std::string new_target() override { return uri(target(++made_)); }
    std::string filled_target() override {
        const std::string name = target(++made_);
        admin().execute("CREATE DATABASE " + name);
        Connection(info(name), postgres::Role::target, {})
            .execute(
                "CREATE TABLE public.account (id integer, balance integer, filler text);"
                "CREATE TABLE public.log (what text); CREATE SEQUENCE public.numbers");
        return uri(name);
    }
    std::string impossible_target() override {
        std::string text = uri("nowhere");
        return text.replace(text.find("admin"), 5, "reader");  // Who may make no databases.
    }
    std::set<std::string> around_targets() override {
        Connection server = admin();
        const postgres::Rows rows =
            server.query("SELECT datname FROM pg_database WHERE datname LIKE $1",
                         {target(0).substr(0, 12) + '%'});
        std::set<std::string> names;
        for (int row = 0; row < rows.count(); ++row) {
            names.emplace(rows.text(row, 0));
        }
        return names;
    }

private:
    [[nodiscard]] std::string uri(const std::string& database) const {
        std::string text = server_.endpoint();
        return text.substr(0, text.rfind('/') + 1) + database;
    }
    [[nodiscard]] ConnectionInfo info(const std::string& database) const {
        return {uri(database), Secret(server_.password())};
    }
    [[nodiscard]] Connection admin() const {
        return {info("postgres"), postgres::Role::source, {}};
    }
    void drop(const std::string& name) const {
        admin().execute(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", name));
    }
    [[nodiscard]] std::string target(int number) const {
        return fmt::format("t{}_{}_{}", ::getpid(), source_, number);
    }
    [[nodiscard]] std::unique_ptr<Connector> connector(const std::string& database) const {
        SourceOptions options;
        options.type = DatabaseType::postgres;
        options.uri = uri(database);
        options.password = Secret(server_.password());
        return make_postgres_connector(std::move(options));
    }
    [[nodiscard]] std::string content(const std::string& database) const {
        Connection inside(info(database), postgres::Role::source, {});
        return inside.text(
            "SELECT concat((SELECT md5(string_agg(a::text, ';' ORDER BY id)) FROM public.account "
            "a), "
            "(SELECT string_agg(l::text, ';' ORDER BY l::text) FROM public.log l), "
            "(SELECT last_value FROM public.numbers))");
    }

    TestServer server_;
    std::string source_;
    int made_ = 0;
};

INSTANTIATE_TEST_SUITE_P(
    Postgres, ConnectorSuite,
    testing::Values(
        ConnectorCase{"postgres15", [] { return std::make_unique<PostgresPlace>("postgres15"); }},
        ConnectorCase{"postgres17", [] { return std::make_unique<PostgresPlace>("postgres17"); }}),
    connector_case_name);

}  // namespace
}  // namespace dbbackup
