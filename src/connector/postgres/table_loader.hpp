#pragma once

/// @file
/// Rows of tables into and out of a target, on several connections.
///
/// Data path: storage -> unpacker -> [table loader] -> server.

#include "connector/connector.hpp"
#include "connector/postgres/catalogue.hpp"
#include "connector/postgres/connection.hpp"
#include "connector/postgres/stream_slices.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup::postgres {

/// COPY … FROM stdin of a table's rows as they are stored.
/// @param table Where to, as SQL. @param encoding Of the rows.
[[nodiscard]] std::string copy_into(const TableDefinition& definition, const std::string& table,
                                    const std::string& encoding);

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

    /// Loads one table, in slices where it is large.
    /// @return the rows that the server took.
    std::uint64_t load(StreamReader& stream, std::stop_token stop);

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
    /// Calls `work` on so many threads, each with a connection; the first error is thrown after all
    /// ended, and `abandon` called before that.
    void run(std::size_t threads, const std::function<void(Connection&)>& work,
             const std::function<void()>& abandon);

    const ConnectionInfo& info_;
    unsigned jobs_;
    std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace dbbackup::postgres
