#pragma once

/// @file
/// Collations that only the application knows, so that tables which name them can be made here.

#include <string>

struct sqlite3;

namespace dbbackup::sqlite {

/// Gives a connection every collation that it asks for, and notices when one is used: then the
/// order of an index, or a value, is not the application's. Loading rows compares nothing. One
/// thread at a time; outlives the connection's use of it.
class StandInCollations {
public:
    explicit StandInCollations(sqlite3* database);
    ~StandInCollations() = default;
    StandInCollations(const StandInCollations&) = delete;
    StandInCollations& operator=(const StandInCollations&) = delete;

    /// The name of one that was used since this was asked last; "" if none was.
    [[nodiscard]] std::string take_used();

    /// For SQLite's callbacks.
    struct One {
        StandInCollations* all;
        std::string name;
    };
    void note_use(const std::string& name) { used_ = name; }

private:
    std::string used_;
};

}  // namespace dbbackup::sqlite
