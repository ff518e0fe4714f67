/// @file
/// Tables into a real server, on several connections.

#include "connector/postgres/table_loads.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "conformance/connector_memory.hpp"
#include "connector/postgres/connection.hpp"
#include "connector/postgres/connection_info.hpp"
#include "connector/postgres/sql_text.hpp"
#include "connector/postgres/table_loader.hpp"
#include "support/test_server.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <list>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace dbbackup::postgres {
namespace {

/// Rows of numbers from 1, as COPY writes them, each of a hundred bytes.
MemoryStream numbers(const std::string& table, std::uint64_t bytes) {
    std::string text;
    std::uint64_t rows = 0;
    while (text.size() < bytes) {
        text += fmt::format("{}\t{}\n", ++rows, std::string(90, 'x'));
    }
    MemoryStream stream;
    stream.plan.name = "shop.public." + table;
    stream.plan.kind = StreamKind::rows;
    stream.plan.definition =
        fmt::format(R"({{"schema":"public","table":"{}","columns":["id","filler"]}})", table);
    stream.segments.push_back({{}, copy_of(as_bytes(text)), rows});
    return stream;
}

class GivenStreams final : public StreamGroup {
public:
    void add(const MemoryStream& stream) {
        readers_.emplace_back(stream, fingerprinter_);
        streams_.push_back(readers_.back().stream());
        opened_.push_back(0);
    }
    MemoryStreamReader& reader(std::size_t index) {
        return *std::next(readers_.begin(), std::ptrdiff_t(index));
    }
    [[nodiscard]] std::span<const StoredStream> streams() const override { return streams_; }
    [[nodiscard]] StreamReader& open(std::size_t index, std::stop_token) override {
        ++opened_.at(index);
        return reader(index);
    }
    void close(std::size_t index) override { opened_.at(index) += 100; }
    /// 101: opened once and closed once.
    [[nodiscard]] const std::vector<int>& opened() const { return opened_; }

private:
    Fingerprinter fingerprinter_{Bytes(32, 1)};
    std::list<MemoryStreamReader> readers_;
    std::vector<StoredStream> streams_;
    std::vector<int> opened_;
};

class TableLoadsTest : public ::testing::TestWithParam<const char*> {
protected:
    void SetUp() override {
        ::setenv("PGPASSFILE", server_.file("pgpass").c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
        Connection(info("postgres"), Role::source, {}).execute("CREATE DATABASE " + name_);
        ask("CREATE EXTENSION pageinspect; CREATE TABLE a(id int, filler text);"
            "CREATE TABLE b(id int, filler text); CREATE TABLE c(id int, filler text)");
    }
    void TearDown() override {
        Connection(info("postgres"), Role::source, {})
            .execute(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", name_));
    }
    [[nodiscard]] ConnectionInfo info(const std::string& database) const {
        const std::string uri = server_.endpoint();
        return {uri.substr(0, uri.rfind('/') + 1) + database, Secret(server_.password())};
    }
    void ask(const std::string& sql) const {
        Connection(info(name_), Role::source, {}).execute("SET search_path = public; " + sql);
    }
    [[nodiscard]] std::string answer(const std::string& sql) const {
        Connection connection(info(name_), Role::source, {});
        connection.execute("SET search_path = public");
        return std::string(connection.query(sql, {}).text(0, 0));
    }
    /// Loads all of the group.
    std::vector<std::uint64_t> load(StreamGroup& group, unsigned jobs,
                                    EarlyIndexes* indexes = nullptr) {
        std::vector<std::size_t> wanted(group.streams().size());
        for (std::size_t index = 0; index < wanted.size(); ++index) {
            wanted[index] = index;
        }
        const ConnectionInfo target = info(name_);
        TableLoader loader(target, jobs);
        return loader.load(group, wanted, indexes, {});
    }
    [[nodiscard]] std::string rows(const char* table) const {
        return answer(
            fmt::format("SELECT count(*) || ' ' || count(DISTINCT id) || ' ' || "
                        "coalesce(max(id), 0) FROM {}",
                        table));
    }
    /// Rows that come before one with a lower number.
    [[nodiscard]] std::string out_of_order(const char* table) const {
        return answer(
            fmt::format("SELECT count(*) FROM (SELECT id < lag(id) OVER (ORDER BY ctid) "
                        "AS is_less FROM {}) AS each WHERE is_less",
                        table));
    }
    /// Bits HEAP_XMIN_FROZEN (PostgreSQL, src/include/access/htup_details.h).
    [[nodiscard]] std::string frozen(const char* table) const {
        return answer(
            fmt::format("SELECT bool_and(t_infomask & 768 = 768) FROM "
                        "heap_page_items(get_raw_page('{}', 0))",
                        table));
    }

    TestServer server_{GetParam()};
    std::string name_ = fmt::format("loads_{}", ::getpid());
};

INSTANTIATE_TEST_SUITE_P(Postgres, TableLoadsTest, ::testing::Values("postgres15", "postgres17"),
                         [](const auto& server) { return std::string(server.param); });

TEST_P(TableLoadsTest, TablesOfLikeSizesKeepTheirOrderAndAreFrozen) {
    GivenStreams group;
    group.add(numbers("a", 12_MiB));
    group.add(numbers("b", 20_MiB));
    group.add(numbers("c", 10_KiB));
    EXPECT_EQ(load(group, 2),
              (std::vector{group.streams()[0].row_count, group.streams()[1].row_count,
                           group.streams()[2].row_count}));
    EXPECT_EQ(group.opened(), (std::vector{101, 101, 101}));
    for (const auto& [index, table] : {std::pair(0, "a"), std::pair(1, "b"), std::pair(2, "c")}) {
        const std::uint64_t count = group.streams()[static_cast<std::size_t>(index)].row_count;
        EXPECT_EQ(rows(table), fmt::format("{0} {0} {0}", count));
        EXPECT_EQ(out_of_order(table), "0") << table;
    }
    EXPECT_EQ(frozen("a"), "t");
    EXPECT_EQ(frozen("b"), "t");
    EXPECT_EQ(frozen("c"), "f");  // So small that it does not pay.
}

TEST_P(TableLoadsTest, OneThatIsMoreThanAFairShareIsLoadedOnAllConnections) {
    GivenStreams group;
    group.add(numbers("a", 40_MiB));
    group.add(numbers("b", 2_MiB));
    static_cast<void>(load(group, 3));
    EXPECT_EQ(group.opened(), (std::vector{101, 101}));
    EXPECT_EQ(rows("a"), fmt::format("{0} {0} {0}", group.streams()[0].row_count));
    EXPECT_EQ(rows("b"), fmt::format("{0} {0} {0}", group.streams()[1].row_count));
    EXPECT_EQ(frozen("b"), "t");
}

TEST_P(TableLoadsTest, RowsThatAreThereStayAndSoDoTablesOfExtensions) {
    ask("INSERT INTO a VALUES (0, 'an extension made it'); "
        "ALTER EXTENSION pageinspect ADD TABLE b");
    const std::string file = answer("SELECT pg_relation_filenode('b')");
    GivenStreams group;
    group.add(numbers("a", 2_MiB));
    group.add(numbers("b", 2_MiB));
    static_cast<void>(load(group, 1));
    EXPECT_EQ(answer("SELECT filler FROM a WHERE id = 0"), "an extension made it");
    EXPECT_EQ(answer("SELECT count(*) FROM a"), std::to_string(group.streams()[0].row_count + 1));
    EXPECT_EQ(answer("SELECT pg_relation_filenode('b')"), file);
}

TEST_P(TableLoadsTest, AFailureOnOneConnectionIsThrown) {
    GivenStreams group;
    group.add(numbers("a", 20_MiB));
    group.add(numbers("b", 20_MiB));
    group.reader(1).fail_from(1_MiB);
    EXPECT_THROW(static_cast<void>(load(group, 2)), CorruptionError);
    EXPECT_EQ(answer("SELECT count(*) FROM b"), "0");
}

/// Asks until it is so.
void eventually(const std::function<bool()>& is_so) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!is_so() && std::chrono::steady_clock::now() < deadline) {
    }
}

/// Calls a function before each read.
class ObservedReader final : public StreamReader {
public:
    ObservedReader(StreamReader& reader, std::function<void()> before)
        : reader_(reader), before_(std::move(before)) {}
    [[nodiscard]] const StoredStream& stream() const override { return reader_.stream(); }
    void read_at(std::uint64_t offset, std::span<std::uint8_t> out, std::stop_token stop) override {
        before_();
        reader_.read_at(offset, out, std::move(stop));
    }
    void read_all(const std::function<void(std::uint64_t, BytesView)>& visit,
                  std::stop_token stop) override {
        before_();
        reader_.read_all(visit, std::move(stop));
    }

private:
    StreamReader& reader_;
    std::function<void()> before_;
};

/// The first stream is observed.
class ObservedStreams final : public StreamGroup {
public:
    ObservedStreams(GivenStreams& given, std::function<void()> before)
        : given_(given), first_(given.reader(0), std::move(before)) {}
    [[nodiscard]] std::span<const StoredStream> streams() const override {
        return given_.streams();
    }
    [[nodiscard]] StreamReader& open(std::size_t index, std::stop_token stop) override {
        StreamReader& opened = given_.open(index, std::move(stop));
        return index == 0 ? first_ : opened;
    }
    void close(std::size_t index) override { given_.close(index); }

private:
    GivenStreams& given_;
    ObservedReader first_;
};

TEST_P(TableLoadsTest, WhatIsAbandonedEndsSoon) {
    GivenStreams given;
    given.add(numbers("a", 20_MiB));  // several slices
    given.add(numbers("b", 2_MiB));
    TableLoads* failed = nullptr;
    ObservedStreams group(given, [&failed] { failed->abandon(); });
    TableLoads loads(group, {0, 1}, 1_GiB, nullptr, {});
    failed = &loads;
    Connection connection(info(name_), Role::target, {});
    loads.work(connection);
    EXPECT_GT(loads.rows().at(0), 0U);
    EXPECT_LT(loads.rows().at(0), given.streams()[0].row_count);
    EXPECT_EQ(given.opened(), (std::vector{101, 0}));
}

/// An archive with the table b and one index of it.
Toc with_index(const std::string& sql) {
    TocEntry table;
    table.id = 1;
    table.kind = "TABLE";
    table.schema = "public";
    table.name = "b";
    TocEntry index;
    index.id = 2;
    index.kind = "INDEX";
    index.schema = "public";
    index.name = "b_by_id";
    index.needs = {1};
    index.definition = sql;
    return Toc({table, index});
}

TEST_P(TableLoadsTest, WhoHasNothingLeftToLoadMakesIndexes) {
    GivenStreams given;
    given.add(numbers("a", 20_MiB));
    given.add(numbers("b", 17_MiB));
    // The rows of the first table come when the second one has its index.
    ObservedStreams group(given, [this] {
        eventually([this] { return answer("SELECT to_regclass('b_by_id') IS NOT NULL") == "t"; });
    });
    EarlyIndexes indexes(with_index("CREATE INDEX b_by_id ON public.b USING btree (id);"),
                         std::vector{2});
    static_cast<void>(load(group, 2, &indexes));
    EXPECT_EQ(indexes.made(), std::set{2});
    EXPECT_EQ(answer("SELECT indisvalid FROM pg_index WHERE indexrelid = 'b_by_id'::regclass"),
              "t");
    EXPECT_EQ(rows("a"), fmt::format("{0} {0} {0}", group.streams()[0].row_count));
    EXPECT_EQ(rows("b"), fmt::format("{0} {0} {0}", group.streams()[1].row_count));
}

TEST_P(TableLoadsTest, AFailureEndsWhatTheServerIsDoing) {
    constexpr const char* kIsBusy =
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600);' AND "
        "state = 'active' AND datname = current_database())";
    GivenStreams given;
    given.add(numbers("a", 20_MiB));
    given.add(numbers("b", 17_MiB));
    ObservedStreams group(given, [this] {
        eventually([this] { return answer(kIsBusy) == "t"; });
        throw CorruptionError("the first table is damaged");
    });
    EarlyIndexes indexes(with_index("SELECT pg_sleep(600);"), std::vector{2});
    EXPECT_THROW(static_cast<void>(load(group, 2, &indexes)), CorruptionError);
    eventually([this] { return answer(kIsBusy) == "f"; });
    EXPECT_EQ(answer(kIsBusy), "f");
    EXPECT_TRUE(indexes.made().empty());
}

}  // namespace
}  // namespace dbbackup::postgres
