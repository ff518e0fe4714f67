#pragma once

/// @file
/// Room for what was selected, in a database that is there: what is dropped or emptied for it, what
/// is refused, and foreign keys that are checked later.

#include "connector/connector.hpp"
#include "connector/postgres/chosen_parts.hpp"
#include "connector/postgres/connection.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace dbbackup::postgres {

/// "a, b and 7 more"
[[nodiscard]] std::string some_of(std::vector<std::string> names);

/// Runs statements that need locks.
/// @param hint What to do where others depend on what is dropped.
/// @throws ServerError (code "target_locked" where a lock was not had in time).
void run_locking(Connection& connection, const std::string& sql, std::string_view hint);

/// Borrows everything. One thread at a time.
class TargetRoom {
public:
    TargetRoom(Connection& connection, const ChosenParts& parts, Overwrite overwrite)
        : connection_(connection), parts_(parts), overwrite_(overwrite) {}

    /// Finds what is in the way. Changes nothing.
    /// @throws ConfigError (target_not_empty, target_table_missing, selection_conflict).
    void look();
    [[nodiscard]] bool is_needed() const { return !drops_.empty() || !filled_.empty(); }
    /// For a plan.
    [[nodiscard]] std::vector<std::string> steps() const;
    /// Makes it, in the connection's transaction.
    void make();
    /// After rows were loaded: checks what `make` put off.
    void check_foreign_keys();

private:
    struct Drop {
        std::string name;
        std::string schema;
        std::string table;
        std::string sql;
    };

    void look_for_tables();
    void refuse_to_empty(const std::string& stream) const;
    void look_for_occupied();
    void refuse_other_partitions();
    void defer_foreign_keys();
    [[nodiscard]] std::string table_of(const std::string& stream) const;

    Connection& connection_;
    const ChosenParts& parts_;
    Overwrite overwrite_;
    std::vector<Drop> drops_;            ///< What depends on others first.
    std::vector<std::string> filled_;    ///< Tables with rows, of which rows alone are restored.
    std::vector<std::string> deferred_;  ///< Statements that make foreign keys as they were.
};

}  // namespace dbbackup::postgres
