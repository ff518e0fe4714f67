#pragma once

/// @file
/// Rows that a condition of `--where` chooses, on their way into a table.

#include "connector/postgres/chosen_parts.hpp"
#include "connector/postgres/connection.hpp"
#include "connector/stream.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup::postgres {

/// @throws ConfigError (bad_condition) with the server's words, unless it is one condition on the
/// columns of the table, which is there.
void check_condition(Connection& connection, const std::string& table,
                     const TableCondition& condition);

/// No row for which the condition does not hold is ever in the table. What asks other tables waits
/// until those have their rows. All calls are given the same connection.
class SomeRows {
public:
    /// @param is_of_new_tables Whether the restore makes the tables; else they may have rows.
    explicit SomeRows(bool is_of_new_tables) : is_of_new_tables_(is_of_new_tables) {}

    struct Loaded {
        std::string stream;
        std::uint64_t rows = 0;
    };

    /// @param table As SQL. @param encoding Of the rows.
    /// @return how many; nothing where they wait.
    /// @throws ConfigError (bad_condition, selection_not_supported).
    [[nodiscard]] std::optional<std::uint64_t> load(Connection& connection, StreamReader& stream,
                                                    const std::string& table,
                                                    const std::string& encoding,
                                                    const TableCondition& condition,
                                                    std::stop_token stop);
    /// Those that waited, once all other tables have their rows.
    /// @throws ConfigError (bad_condition) when they wait for each other.
    [[nodiscard]] std::vector<Loaded> load_rest(Connection& connection);

private:
    /// Rows of a stream in a passing table.
    struct Waiting {
        std::string stream;
        std::string table;    ///< As SQL.
        std::string passing;  ///< As SQL.
        std::vector<std::string> columns;
        TableCondition condition;
        std::set<std::string> own;    ///< Oids of the table and of all that show its rows.
        std::set<std::string> asked;  ///< Oids of relations that the condition reads.
    };

    [[nodiscard]] static std::uint64_t insert(Connection& connection, const Waiting& rows);
    void refuse_rules(Connection& connection, const Waiting& rows) const;

    bool is_of_new_tables_;
    int number_ = 0;
    std::vector<Waiting> waiting_;
};

}  // namespace dbbackup::postgres
