#pragma once

/// @file
/// The SQL that SQLite keeps of an object, as far as it must be understood to make the object again
/// under another name. Pure.

#include <optional>
#include <string>
#include <string_view>

namespace dbbackup::sqlite {

/// `"odd ""name"""`, as SQL wants an identifier that may have any characters.
[[nodiscard]] std::string quoted_name(std::string_view name);

/// `'it''s'`, as SQL wants a text.
[[nodiscard]] std::string text_literal(std::string_view text);

/// Whether SQLite takes the names for one: only ASCII letters have a case.
[[nodiscard]] bool is_same_name(std::string_view one, std::string_view other) noexcept;

/// A CREATE statement, cut at the name of what it makes.
///
/// Whatever was typed, SQLite keeps "CREATE TABLE ", "CREATE INDEX ", "CREATE UNIQUE INDEX ",
/// "CREATE VIEW ", "CREATE TRIGGER " or "CREATE VIRTUAL TABLE ", without IF NOT EXISTS and the name
/// of a schema, and from the object's name on what was typed.
/// Source: sqlite3EndTable, sqlite3CreateIndex, sqlite3FinishTrigger and sqlite3VtabFinishParse.
struct StoredSql {
    std::string prefix;  ///< With its space.
    std::string name;    ///< Without quotes.
    std::string rest;    ///< From behind the name.
    std::string module;  ///< Virtual tables only: behind USING.

    /// Nothing when `sql` is not of this form, which SQLite itself never writes.
    [[nodiscard]] static std::optional<StoredSql> parse(std::string_view sql);
    [[nodiscard]] std::string named(std::string_view new_name) const;
};

}  // namespace dbbackup::sqlite
