#pragma once

/// @file
/// A stored stream of pages as a database to ask: read-only, in place, and treated as what it is,
/// bytes from outside.
///
/// Data path: storage -> unpacker -> stream_vfs -> [stored_database] -> table_copy.

#include "base/error.hpp"
#include "connector/sqlite/database.hpp"
#include "connector/sqlite/stored_schema.hpp"
#include "connector/sqlite/stream_vfs.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup::sqlite {

/// The columns of a table that hold something of their own.
struct Columns {
    std::vector<std::string> names;  ///< Without generated ones.
    /// By which word the number of a row can be asked for and set. Nothing when the table has no
    /// row numbers, or columns with all three words for names.
    std::optional<std::string> rowid;
    bool has_hidden_rowid = false;   ///< There are row numbers, but no word for them is left.
    bool is_rowid_a_column = false;  ///< A column is the row number: INTEGER PRIMARY KEY.
};

/// @param table A name as it is, without quotes. No columns when there is no such table.
[[nodiscard]] Columns columns_of(Database& database, const std::string& table);

/// The error for a condition that SQLite does not take. @param why In SQLite's words.
[[nodiscard]] ConfigError bad_condition(const std::string& table, std::string_view why);

/// One thread at a time.
class StoredDatabase {
public:
    /// @param stream Borrowed. @throws SourceError (source_corrupt), what the stream throws.
    StoredDatabase(StreamReader& stream, std::stop_token stop);

    [[nodiscard]] Database& database() noexcept { return *database_; }
    [[nodiscard]] const StoredSchema& schema() const noexcept { return schema_; }

    /// Calls `ask`; what the stream threw meanwhile comes before what SQLite made of it.
    void read(const std::function<void(Database&)>& ask);
    /// Prepares a query that contains a condition from outside: it may read this database and do
    /// nothing else. @throws ConfigError (bad_condition) with SQLite's words.
    [[nodiscard]] StatementHandle prepare_query(const std::string& sql, const std::string& table);

private:
    void open(std::stop_token stop);

    StreamVfs vfs_;
    std::unique_ptr<Database> database_;
    StoredSchema schema_;
};

}  // namespace dbbackup::sqlite
