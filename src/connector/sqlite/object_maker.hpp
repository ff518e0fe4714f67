#pragma once

/// @file
/// Makes one object from SQL that was stored. That SQL is bytes from outside: it is run only if it
/// is one statement that makes the object it is said to be and nothing else.

#include "base/error.hpp"
#include "connector/sqlite/database.hpp"

#include <functional>
#include <string>

namespace dbbackup::sqlite {

/// SQLite does not take a definition or a row; in its own words, without the file's name.
class ObjectRefused final : public SourceError {
public:
    using SourceError::SourceError;
};

/// What SQL is said to make.
struct ObjectLabel {
    std::string type;  ///< "table", "index", "trigger" or "view"
    std::string name;
    std::string table;  ///< To which an index or trigger belongs; else the name again.
};

/// Does `work` in a savepoint: when it throws, nothing of it is left.
void all_or_nothing(Database& database, const std::function<void()>& work);

/// Whether SQLite refused what was asked for, which asking for something else can avoid; not that
/// it cannot work at all (disk, memory, locks, a stop).
[[nodiscard]] bool is_refusal(int extended_code) noexcept;

/// @throws ObjectRefused, then nothing was made; SqliteError.
void make_object(Database& database, const ObjectLabel& object, const std::string& sql);

/// Enters the definition of a virtual table whose shadow tables are there, without running its
/// module: that would fill them anew. VACUUM and the shell's .dump do it like this.
/// @throws ObjectRefused, then nothing was made; SqliteError.
void enter_virtual_table(Database& database, const std::string& name, const std::string& sql);

}  // namespace dbbackup::sqlite
