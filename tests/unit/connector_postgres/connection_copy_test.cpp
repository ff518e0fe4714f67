/// @file
/// Rows out of a real server.

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/units.hpp"
#include "connector/postgres/connection.hpp"
#include "connector/postgres/connection_info.hpp"
#include "support/test_server.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup::postgres {
namespace {

class ConnectionCopyTest : public ::testing::TestWithParam<const char*> {
protected:
    void SetUp() override {
        ::setenv("PGPASSFILE", server_.file("pgpass").c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
    }
    /// The lengths of the rows without their line feeds.
    std::vector<std::size_t> lengths(const std::string& query) {
        std::vector<std::size_t> lengths;
        texts_.clear();
        const std::uint64_t said = connection_.copy_out(
            fmt::format("COPY ({}) TO STDOUT", query),
            [&](BytesView rows, std::span<const std::uint32_t> ends) {
                ++visits_;
                std::size_t start = 0;
                for (const std::uint32_t end : ends) {
                    const std::string_view row = as_text(rows.subspan(start, end - start));
                    EXPECT_EQ(row.find('\n'), row.size() - 1);
                    lengths.push_back(row.size() - 1);
                    texts_ += row;
                    start = end;
                }
                EXPECT_EQ(start, rows.size());
            });
        EXPECT_EQ(said, lengths.size());
        return lengths;
    }

    TestServer server_{GetParam()};
    Connection connection_{
        ConnectionInfo(server_.endpoint(), Secret(server_.password())), Role::source, {}};
    int visits_ = 0;
    std::string texts_;  ///< All rows of the last copy.
};

/// Numbers of seven digits from 0, one after another: nothing stands at two places.
std::string numbered(std::size_t bytes) {
    std::string text;
    for (int number = 0; text.size() < bytes; ++number) {
        text += fmt::format("{:07}", number);
    }
    text.resize(bytes);
    return text + '\n';
}

INSTANTIATE_TEST_SUITE_P(Postgres, ConnectionCopyTest,
                         ::testing::Values("postgres15", "postgres17"),
                         [](const auto& server) { return std::string(server.param); });

TEST_P(ConnectionCopyTest, RowsOfAnyLengthComeWhole) {
    const std::vector<std::size_t> wanted = {
        0,           1,           256_KiB - 2, 256_KiB - 1, 256_KiB, 320_KiB - 2,
        320_KiB - 1, 320_KiB,     320_KiB + 1, 640_KiB - 1, 5,       2_MiB,
        3,           640_KiB + 7, 3_MiB,       1,           2};
    std::string values;
    std::string texts;
    for (const std::size_t length : wanted) {
        values += fmt::format("{}({})", values.empty() ? "" : ", ", length);
        texts += numbered(length);
    }
    const std::string query = fmt::format(
        "SELECT pg_catalog.left((SELECT pg_catalog.string_agg(pg_catalog.lpad(k::text, 7, '0'), '' "
        "ORDER BY k) FROM generate_series(0, n / 7) AS k), n) FROM (VALUES {}) AS wanted(n)",
        values);
    EXPECT_EQ(lengths(query), wanted);
    EXPECT_TRUE(texts_ == texts);
    EXPECT_EQ(lengths(query), wanted) << "the same connection, once more";
    EXPECT_TRUE(texts_ == texts);
}

TEST_P(ConnectionCopyTest, ManyShortRowsComeManyAtOnce) {
    const std::vector<std::size_t> found =
        lengths("SELECT pg_catalog.lpad(i::text, 9, '0') FROM generate_series(1, 300000) AS i");
    EXPECT_EQ(found, std::vector<std::size_t>(300000, 9));
    EXPECT_LT(visits_, 20);
}

TEST_P(ConnectionCopyTest, RowsWithoutColumnsAreRows) {
    EXPECT_EQ(lengths("SELECT FROM generate_series(1, 3)"), std::vector<std::size_t>(3, 0));
    EXPECT_EQ(lengths("SELECT WHERE false"), std::vector<std::size_t>());
    EXPECT_EQ(visits_, 1);
}

TEST_P(ConnectionCopyTest, AnErrorInTheMiddleLeavesNothingForTheNextCopy) {
    try {
        static_cast<void>(lengths("SELECT 100 / (5000 - i) FROM generate_series(1, 9999) AS i"));
        FAIL() << "nothing was thrown";
    } catch (const ServerError& error) {
        EXPECT_EQ(error.sqlstate(), "22012") << error.what();
    }
    EXPECT_EQ(lengths("SELECT 'abc'"), std::vector<std::size_t>{3});
}

TEST_P(ConnectionCopyTest, WhoThrowsAmongTheRowsEndsTheConnection) {
    EXPECT_THROW(connection_.copy_out("COPY (SELECT FROM generate_series(1, 1000000)) TO STDOUT",
                                      [](BytesView, std::span<const std::uint32_t>) {
                                          throw std::runtime_error("no room");
                                      }),
                 std::runtime_error);
    EXPECT_TRUE(connection_.is_lost());
}

TEST_P(ConnectionCopyTest, AStopEndsACopyThatFlows) {
    std::stop_source stop;
    Connection connection(ConnectionInfo(server_.endpoint(), Secret(server_.password())),
                          Role::source, stop.get_token());
    std::uint64_t rows = 0;
    EXPECT_THROW(
        connection.copy_out(
            "COPY (SELECT pg_catalog.repeat('x', 1000) FROM generate_series(1, 2000000)) TO STDOUT",
            [&](BytesView, std::span<const std::uint32_t> ends) {
                rows += ends.size();
                stop.request_stop();
            }),
        Cancelled);
    EXPECT_LT(rows, 20000U);
}

}  // namespace
}  // namespace dbbackup::postgres
