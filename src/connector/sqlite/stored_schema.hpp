#pragma once

/// @file
/// What a stored database consists of, read from its sqlite_schema: tables with what belongs to
/// them, and views.

#include "connector/sqlite/database.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup::sqlite {

/// An index or a trigger.
struct Attachment {
    std::string name;
    std::string sql;
};

/// A table or a view.
struct TableDefinition {
    enum class Kind : std::uint8_t {
        ordinary,
        virtual_table,
        shadow,  ///< Where the module of a virtual table keeps its data.
        view,
    };
    std::string name;
    Kind kind = Kind::ordinary;
    std::string sql;
    std::string module;               ///< Of a virtual table.
    std::vector<Attachment> indexes;  ///< Those that the table's own SQL does not make.
    std::vector<Attachment> triggers;
    std::vector<std::string> shadows;  ///< Of a virtual table whose module is known.
};

/// In the order in which they were made.
struct StoredSchema {
    std::vector<TableDefinition> tables;
    [[nodiscard]] const TableDefinition* find(std::string_view name) const;
};

/// Without SQLite's own tables. @throws SqliteError.
[[nodiscard]] StoredSchema read_schema(Database& database);

}  // namespace dbbackup::sqlite
