#pragma once

/// @file
/// Which connection loads which table, when several do.
///
/// Data path: storage -> unpacker -> table loader -> [table loads] -> server.

#include "connector/postgres/catalogue.hpp"
#include "connector/postgres/connection.hpp"
#include "connector/postgres/early_indexes.hpp"
#include "connector/postgres/stream_slices.hpp"
#include "connector/stream.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup::postgres {

/// Each connection takes the largest table that nobody has; when there is none left, it helps with
/// one that is so large that it is loaded in slices, and then makes indexes until the others have
/// loaded what they have. Thread-safe.
class TableLoads {
public:
    /// @param group Borrowed. @param wanted Of its streams.
    /// @param fair_bytes What each connection would have if all had as much.
    /// @param indexes Null: all of them are made later. Borrowed.
    TableLoads(StreamGroup& group, const std::vector<std::size_t>& wanted, std::uint64_t fair_bytes,
               EarlyIndexes* indexes, std::stop_token stop);

    /// One connection's part: returns when there is nothing left to do.
    /// @throws as `Connection` and as `StreamReader`.
    void work(Connection& connection);
    /// `work` ends soon: it failed on another connection.
    void abandon();
    /// That the server took, of each of `wanted`.
    [[nodiscard]] std::vector<std::uint64_t> rows() const;

private:
    /// A table that is being loaded.
    struct Load {
        std::size_t place = 0;  ///< In `wanted`.
        TableDefinition table;
        bool is_shared = false;
        unsigned users = 0;
        std::optional<StreamSlices> slices;
    };

    /// What to work on next; null when there is nothing. To be given to `end`.
    Load* take();
    void load(Connection& connection, Load& load);
    void end(Load& load);
    /// Whether another connection loads a table, or makes an index.
    [[nodiscard]] bool are_others_busy() const;

    StreamGroup& group_;
    std::vector<std::size_t> wanted_;
    std::vector<std::size_t> order_;  ///< Places in `wanted_`, the largest first.
    std::uint64_t shared_from_bytes_;
    EarlyIndexes* indexes_;
    std::stop_token stop_;
    mutable std::mutex mutex_;  ///< Guards all that follows.
    std::size_t next_ = 0;      ///< In `order_`.
    bool is_abandoned_ = false;
    std::list<Load> loads_;
    std::vector<std::uint64_t> rows_;
};

}  // namespace dbbackup::postgres
