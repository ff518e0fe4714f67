#pragma once

/// @file
/// Makes the selected tables in a target database and fills them, within a transaction of the
/// caller's. What SQLite refuses is left out and named; the others go on.
///
/// Data path: stored_database -> table_copy -> [table_loader] -> target.

#include "connector/connector.hpp"
#include "connector/sqlite/database.hpp"
#include "connector/sqlite/stand_in_collations.hpp"
#include "connector/sqlite/stored_database.hpp"
#include "connector/sqlite/table_choice.hpp"
#include "connector/sqlite/table_copy.hpp"

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup::sqlite {

/// How a selective restore loads.
struct LoadOptions {
    Parts parts = Parts::all;
    Summing summing = Summing::no;  ///< So that `unlike` can compare.
};

/// One thread at a time. Everything is borrowed.
class TableLoader {
public:
    TableLoader(StoredDatabase& source, Database& target, StandInCollations& collations,
                LoadOptions options, std::stop_token stop);

    /// Makes and fills tables and views, then what belongs to them.
    /// @throws SourceError when the target refuses rows with `Parts::data`, or fails; ConfigError
    /// (bad_condition); what the stream throws; Cancelled.
    void load(const std::vector<ChosenTable>& chosen);

    [[nodiscard]] const std::vector<RestoredTable>& loaded() const noexcept { return loaded_; }
    /// What was left out and why, one line each.
    [[nodiscard]] const std::vector<std::string>& refused() const noexcept { return refused_; }
    /// What is otherwise than it was, one line each.
    [[nodiscard]] const std::vector<std::string>& remarks() const noexcept { return remarks_; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

    /// The first table whose rows in the target are not those that were read, or which
    /// integrity_check finds wrong, in words; nothing when all is well.
    [[nodiscard]] std::optional<std::string> unlike(std::stop_token stop);

private:
    /// What was copied into one table of the target.
    struct Copied {
        std::string target;
        Columns columns;
        RowSum before;  ///< With `Parts::data`, what the target held.
        RowSum copied;
        TextForm form = TextForm::utf8;
    };

    void load_table(const ChosenTable& table);
    std::uint64_t make_and_fill(const ChosenTable& table);
    std::uint64_t fill(const std::string& stored, const std::string& target,
                       const std::string& condition);
    [[nodiscard]] Columns columns_to_copy(const std::string& stored, const std::string& target);
    void copy_sequence(const ChosenTable& table);
    void make_attachments(const ChosenTable& table, const std::string& type);
    [[nodiscard]] bool is_loaded(const ChosenTable& table) const;
    [[nodiscard]] std::string target_index(const ChosenTable& table,
                                           const std::string& stored) const;
    void copy_statistics(const std::vector<ChosenTable>& chosen);
    void refuse_used_collations();
    void refuse(const std::string& what, const std::string& name, std::string_view why);

    StoredDatabase& source_;
    Database& target_;
    StandInCollations& collations_;
    LoadOptions options_;
    std::stop_token stop_;
    std::vector<RestoredTable> loaded_;
    std::vector<std::string> refused_;
    std::vector<std::string> remarks_;
    std::vector<Copied> copies_;
    std::uint64_t bytes_ = 0;
};

}  // namespace dbbackup::sqlite
