#include "connector/sqlite/stand_in_collations.hpp"

#include "connector/sqlite/stored_sql.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

namespace dbbackup::sqlite {
namespace {

int compare(void* opaque, int left_bytes, const void* left, int right_bytes, const void* right) {
    const auto& one = *static_cast<StandInCollations::One*>(opaque);
    one.all->note_use(one.name);
    const int order =
        std::memcmp(left, right, static_cast<std::size_t>(std::min(left_bytes, right_bytes)));
    return order != 0 ? order : left_bytes - right_bytes;
}

void forget(void* opaque) {
    std::default_delete<StandInCollations::One>()(static_cast<StandInCollations::One*>(opaque));
}

void provide(void* opaque, sqlite3* database, int, const char* name) {
    // Where texts have 16 bits, SQLite asks before it makes these of its own for 8 bits.
    for (const char* const own : {"BINARY", "NOCASE", "RTRIM"}) {
        if (is_same_name(own, name)) {
            return;
        }
    }
    auto one = std::make_unique<StandInCollations::One>(
        StandInCollations::One{static_cast<StandInCollations*>(opaque), name});
    if (sqlite3_create_collation_v2(database, name, SQLITE_UTF8, one.get(), compare, forget) ==
        SQLITE_OK) {
        [[maybe_unused]] const auto* const owned = one.release();  // SQLite calls `forget`.
    }
}

}  // namespace

StandInCollations::StandInCollations(sqlite3* database) {
    sqlite3_collation_needed(database, this, provide);
}

std::string StandInCollations::take_used() { return std::exchange(used_, {}); }

}  // namespace dbbackup::sqlite
