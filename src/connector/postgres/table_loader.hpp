#pragma once

/// @file
/// Rows of tables into and out of a target, on several connections.
///
/// Data path: storage -> unpacker -> [table loader] -> server.

#include "connector/connector.hpp"
#include "connector/postgres/catalogue.hpp"
#include "connector/postgres/connection.hpp"
#include "connector/postgres/early_indexes.hpp"
#include "connector/postgres/stream_slices.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup::postgres {

/// Whether rows are stored as visible to all, which the server allows where the transaction has
/// emptied the table (PostgreSQL manual, COPY).
enum class Freeze : bool { no, yes };

/// COPY … FROM stdin of a table's rows as they are stored.
/// @param table Where to, as SQL. @param encoding Of the rows.
[[nodiscard]] std::string copy_into(const TableDefinition& definition, const std::string& table,
                                    const std::string& encoding, Freeze freeze = Freeze::no);

/// COPY … FROM STDIN of a whole stream of rows, on one connection. @throws as `Connection`, and
/// as `StreamReader`. @return the rows that the server took.
std::uint64_t copy_whole(Connection& connection, const std::string& copy, StreamReader& stream,
                         std::stop_token stop);

/// Loads one table on one connection, which may be in a transaction.
/// @param table Where to, as SQL. @param encoding Of the rows.
/// @return the rows that the server took.
[[nodiscard]] std::uint64_t load_rows(Connection& connection, StreamReader& stream,
                                      const std::string& table, const std::string& encoding,
                                      std::stop_token stop);

/// Reads one table again, on a connection that sees its rows.
/// @param table Where it is, as SQL. @param encoding Of the stored rows. @throws SourceError (code
/// "verification_failed").
void verify_table(Connection& connection, const StoredStream& stored, const std::string& table,
                  const std::string& encoding, const Fingerprinter& fingerprinter);

/// What is loaded through one root is one table.
[[nodiscard]] std::vector<StoredStream> with_partitions_together(
    std::span<const StoredStream> streams);

class TableLoader {
public:
    /// @param info Of the target. Borrowed.
    TableLoader(const ConnectionInfo& info, unsigned jobs) : info_(info), jobs_(jobs) {}

    /// Loads tables side by side, the largest first: each on one connection, so that its rows keep
    /// their order, and one that is more than a fair share of all of them on several. Rows that
    /// nobody else can have seen need no freezing later.
    /// @param wanted Of the group's streams; the others are not opened.
    /// @param indexes Made by connections that have nothing left to load; null: none are.
    /// @return for each of `wanted`, the rows that the server took.
    [[nodiscard]] std::vector<std::uint64_t> load(StreamGroup& group,
                                                  const std::vector<std::size_t>& wanted,
                                                  EarlyIndexes* indexes, std::stop_token stop);

    /// Reads tables again and compares rows and fingerprints; partitions whose rows may lie in
    /// others now, together. @throws SourceError (code "verification_failed") for the first that
    /// differs.
    void verify(std::span<const StoredStream> streams, const Fingerprinter& fingerprinter,
                std::stop_token stop);

    /// One of the connections, for what is done once.
    [[nodiscard]] Connection& any(std::stop_token stop);
    void close() { connections_.clear(); }

private:
    void connect(std::size_t count, const std::stop_token& stop);
    /// Calls `work` on so many threads, each with a connection. At the first error `abandon` is
    /// called, and what the server is just doing cancelled; it is thrown after all ended.
    void run(std::size_t threads, const std::function<void(Connection&)>& work,
             const std::function<void()>& abandon);

    const ConnectionInfo& info_;
    unsigned jobs_;
    std::stop_source ended_;  ///< Of all connections.
    std::optional<std::stop_callback<std::function<void()>>> end_;
    std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace dbbackup::postgres
