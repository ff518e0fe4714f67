#pragma once

/// @file
/// Copies rows from one connection to another, value by value and type by type, and sums them up.
///
/// Data path: stored_database -> [table_copy] -> target.

#include "connector/sqlite/database.hpp"
#include "connector/sqlite/stored_database.hpp"
#include "crypto/fingerprint.hpp"

#include <cstdint>
#include <stop_token>
#include <string>

namespace dbbackup::sqlite {

/// How many rows there were, and what was in them, in no order.
struct RowSum {
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;  ///< Of values.
    Fingerprint fingerprint;
    friend bool operator==(const RowSum&, const RowSum&) = default;
};

/// `SELECT rowid, "a", "b" FROM "t" …`: the row number if it has a word, and all columns.
/// @param condition SQL; empty: all rows.
[[nodiscard]] std::string select_sql(const std::string& table, const Columns& columns,
                                     const std::string& condition);
/// The INSERT that takes such rows.
[[nodiscard]] std::string insert_sql(const std::string& table, const Columns& columns);

/// In which form texts are taken from SQLite: that of the source, so that nothing is converted that
/// need not be.
enum class TextForm : bool { utf8, utf16 };
[[nodiscard]] TextForm text_form_of(Database& source);

/// Whether the rows are summed up: that costs time, and is for who compares.
enum class Summing : bool { no, yes };

/// Copies what `select` gives. Holds one row at a time, and SQLite one record of it: at most twice
/// the largest row.
/// @param select Prepared on `source`. @throws SqliteError of either side; Cancelled.
[[nodiscard]] RowSum copy_rows(Database& source, sqlite3_stmt* select, Database& target,
                               sqlite3_stmt* insert, Summing summing, std::stop_token stop);

/// Sums up what `select` gives. Sums in the same form can be compared.
[[nodiscard]] RowSum sum_rows(Database& database, sqlite3_stmt* select, TextForm form,
                              std::stop_token stop);

/// An error of the target while rows were copied to it, to tell it from one of the source.
class TargetRefused final : public SourceError {
public:
    TargetRefused(const SqliteError& error, std::string words);
    [[nodiscard]] int primary_code() const noexcept { return extended_code_ & 0xff; }
    /// SQLite's own, without the file's name.
    [[nodiscard]] const std::string& words() const noexcept { return words_; }

private:
    std::string words_;
    int extended_code_;
};

}  // namespace dbbackup::sqlite
