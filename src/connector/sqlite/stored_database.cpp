#include "connector/sqlite/stored_database.hpp"

#include "base/error.hpp"
#include "connector/sqlite/stored_sql.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace dbbackup::sqlite {
namespace {

constexpr const char* kSettings =
    "PRAGMA trusted_schema=OFF;"  // no function with side effects from a view or an expression
    "PRAGMA cell_size_check=ON;"  // damaged pages are noticed before they are used
    "PRAGMA query_only=ON;"
    "PRAGMA temp_store=MEMORY;"  // there is no place for a file
    "PRAGMA cache_size=-8192";

OpenOptions in_place(const StreamVfs& vfs) {
    OpenOptions how;
    how.access = OpenOptions::Access::immutable;
    how.vfs = vfs.name();
    return how;
}

/// What a condition may do. Source: https://www.sqlite.org/c3ref/c_alter_table.html
int authorize(void*, int action, const char*, const char* name, const char*, const char*) {
    switch (action) {
        case SQLITE_SELECT:
        case SQLITE_READ:
        case SQLITE_RECURSIVE: return SQLITE_OK;
        case SQLITE_FUNCTION:
            return name != nullptr && is_same_name(name, "load_extension") ? SQLITE_DENY
                                                                           : SQLITE_OK;
        default: return SQLITE_DENY;
    }
}

/// The authorizer is on for as long as this lives.
class Authorized {
public:
    explicit Authorized(sqlite3* database) : database_(database) {
        sqlite3_set_authorizer(database_, authorize, nullptr);
    }
    Authorized(const Authorized&) = delete;
    Authorized& operator=(const Authorized&) = delete;
    ~Authorized() { sqlite3_set_authorizer(database_, nullptr, nullptr); }

private:
    sqlite3* database_;
};

}  // namespace

ConfigError bad_condition(const std::string& table, std::string_view why) {
    return explained<ConfigError>(
        fmt::format("the condition of --where for '{}' can not be used: {}", table, why),
        "Give an SQL condition on the columns of the table, such as 'orders: customer_id = 7'.",
        "bad_condition");
}

Columns columns_of(Database& database, const std::string& table) {
    Columns columns;
    std::vector<std::string> all;
    std::int64_t keys = 0;
    bool is_key_integer = false;
    database.query(fmt::format("SELECT name, hidden, pk, type FROM pragma_table_xinfo({})",
                               text_literal(table)),
                   [&](const Row& row) {
                       all.push_back(row.text(0));
                       if (row.integer(1) == 0) {
                           columns.names.push_back(row.text(0));
                       }
                       if (row.integer(2) > 0) {
                           ++keys;
                           is_key_integer = is_same_name(row.text(3), "integer");
                       }
                   });
    if (all.empty()) {
        return columns;
    }
    constexpr std::array<std::string_view, 3> kWords = {"rowid", "_rowid_", "oid"};
    const auto* const word =
        std::find_if(kWords.begin(), kWords.end(), [&all](std::string_view each) {
            return std::none_of(all.begin(), all.end(), [each](const std::string& column) {
                return is_same_name(column, each);
            });
        });
    if (word == kWords.end()) {
        columns.has_hidden_rowid = keys != 1 || !is_key_integer;
        return columns;
    }
    sqlite3_stmt* probe = nullptr;
    const std::string sql = fmt::format("SELECT {} FROM {}", *word, quoted_name(table));
    if (sqlite3_prepare_v2(database.handle(), sql.c_str(), -1, &probe, nullptr) == SQLITE_OK) {
        columns.rowid = *word;
        columns.is_rowid_a_column = keys == 1 && is_key_integer;
    }
    sqlite3_finalize(probe);
    return columns;
}

StoredDatabase::StoredDatabase(StreamReader& stream, std::stop_token stop)
    : vfs_(stream, stop, StreamVfs::ReadAhead::no) {
    try {
        open(std::move(stop));
    } catch (const SqliteError& error) {
        vfs_.rethrow_failure();
        throw explained<SourceError>(
            fmt::format("SQLite cannot read the tables of the database in the snapshot: {}",
                        error.what()),
            "Restore the snapshot whole, without a selection, and repair it.", "source_corrupt");
    }
}

void StoredDatabase::open(std::stop_token stop) {
    database_ = std::make_unique<Database>("/snapshot", in_place(vfs_), std::move(stop));
    try {
        database_->execute(kSettings);
        schema_ = read_schema(*database_);
    } catch (const SqliteError& error) {
        if (error.primary_code() != SQLITE_CORRUPT && error.primary_code() != SQLITE_ERROR) {
            throw;
        }
        vfs_.rethrow_failure();
        // One definition that SQLite does not understand must not take away all others; with this
        // it leaves that one out. Nothing can be written here.
        database_->execute("PRAGMA writable_schema=ON");
        database_->execute(kSettings);
        schema_ = read_schema(*database_);
    }
}

void StoredDatabase::read(const std::function<void(Database&)>& ask) {
    try {
        ask(*database_);
    } catch (const SqliteError&) {
        vfs_.rethrow_failure();
        throw;
    }
}

StatementHandle StoredDatabase::prepare_query(const std::string& sql, const std::string& table) {
    const Authorized authorized(database_->handle());
    sqlite3_stmt* prepared = nullptr;
    const char* tail = nullptr;
    const int code = sqlite3_prepare_v2(database_->handle(), sql.c_str(),
                                        static_cast<int>(sql.size()), &prepared, &tail);
    StatementHandle statement(prepared);
    if (code != SQLITE_OK) {
        vfs_.rethrow_failure();
        throw bad_condition(table, sqlite3_errmsg(database_->handle()));
    }
    if (tail != nullptr && *tail != '\0') {
        throw bad_condition(table, "it goes on behind its end");
    }
    if (sqlite3_bind_parameter_count(statement.get()) > 0) {
        throw bad_condition(table, "it has a parameter");
    }
    return statement;
}

}  // namespace dbbackup::sqlite
