#pragma once

/// @file
/// Indexes and keys of tables whose rows are there, made while others are still being loaded.
///
/// Data path: restore -> table loader -> [early indexes] -> server.

#include "connector/postgres/connection.hpp"
#include "connector/postgres/toc.hpp"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace dbbackup::postgres {

/// Those of `ids` that may be made before other tables have their rows: indexes and keys of columns
/// alone, since an expression may look into other tables. Pure.
/// @param ids Of what may be made at once (post_data.hpp).
[[nodiscard]] std::vector<int> early_among(const Toc& toc, std::span<const int> ids);

/// What pg_restore would make after the rows of all tables. A connection that has no table left to
/// load would wait for the largest one, and the server has time for a sort. Thread-safe.
class EarlyIndexes {
public:
    /// @param ids As those of `early_among`; the others are left.
    EarlyIndexes(const Toc& toc, std::span<const int> ids);

    /// All rows of this table are there.
    void add_table(const std::string& schema, const std::string& name, std::uint64_t rows);
    /// Makes one of those that are due, of the table with most rows: what takes longest should not
    /// be what all others have ended before. @param connection Has the text form of rows
    /// (view.hpp), and has it again after it.
    /// @return false when none is due. @throws as `Connection`.
    bool make_one(Connection& connection);
    /// Whether another connection is just making one.
    [[nodiscard]] bool is_making() const;
    /// Ids.
    [[nodiscard]] std::set<int> made() const;

private:
    struct Index {
        int id = 0;
        std::string name;   ///< For people.
        std::string table;  ///< Quoted.
        std::string sql;
        std::uint64_t rows = 0;  ///< Of the table.
    };

    std::vector<std::string> settings_;  ///< For the SQL of the archive.
    mutable std::mutex mutex_;           ///< Guards all that follows.
    std::vector<Index> waiting_;
    std::vector<Index> due_;
    std::size_t making_ = 0;
    std::set<int> made_;
};

}  // namespace dbbackup::postgres
