#include "connector/sqlite/object_maker.hpp"

#include "connector/sqlite/stored_sql.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <string_view>

namespace dbbackup::sqlite {
namespace {

constexpr const char* kReload = "PRAGMA writable_schema=RESET";

void check_refusal(Database& database, int code) {
    if (is_refusal(code)) {
        throw ObjectRefused(sqlite3_errmsg(database.handle()));
    }
    database.check(code, "write");
}

/// @throws ObjectRefused when there is more than one statement.
StatementHandle prepare_only(Database& database, const std::string& sql) {
    sqlite3_stmt* prepared = nullptr;
    const char* tail = nullptr;
    check_refusal(database, sqlite3_prepare_v2(database.handle(), sql.c_str(),
                                               static_cast<int>(sql.size()), &prepared, &tail));
    StatementHandle statement(prepared);
    const std::string rest(tail == nullptr ? "" : tail);
    const bool is_blank = rest.find_first_not_of("; \t\r\n") == std::string::npos;
    if (!is_blank && !rest.starts_with("--") && !rest.starts_with("/*")) {
        throw ObjectRefused("its definition goes on behind its end");
    }
    return statement;
}

std::string type_of(const StoredSql& sql) {
    for (const std::string_view type : {"TABLE", "INDEX", "TRIGGER", "VIEW"}) {
        if (sql.prefix.find(type) != std::string::npos) {
            std::string word;
            for (const char c : type) {
                word += static_cast<char>(c - 'A' + 'a');
            }
            return word;
        }
    }
    return {};
}

StoredSql checked(const ObjectLabel& object, const std::string& sql) {
    const std::optional<StoredSql> parsed = StoredSql::parse(sql);
    if (!parsed || type_of(*parsed) != object.type || !is_same_name(parsed->name, object.name)) {
        throw ObjectRefused("its definition is of something else");
    }
    return *parsed;
}

}  // namespace

void all_or_nothing(Database& database, const std::function<void()>& work) {
    database.execute("SAVEPOINT db_backup_object");
    try {
        work();
    } catch (...) {
        // Where the transaction itself is gone, these fail, and there is nothing left to undo.
        sqlite3_exec(database.handle(), "ROLLBACK TO db_backup_object", nullptr, nullptr, nullptr);
        sqlite3_exec(database.handle(), "RELEASE db_backup_object", nullptr, nullptr, nullptr);
        sqlite3_exec(database.handle(), kReload, nullptr, nullptr, nullptr);
        throw;
    }
    database.execute("RELEASE db_backup_object");
}

bool is_refusal(int extended_code) noexcept {
    switch (extended_code & 0xff) {
        case SQLITE_ERROR:
        case SQLITE_CONSTRAINT:
        case SQLITE_MISMATCH:
        case SQLITE_TOOBIG:
        case SQLITE_RANGE:
        case SQLITE_AUTH: return true;
        default: return false;
    }
}

void make_object(Database& database, const ObjectLabel& object, const std::string& sql) {
    static_cast<void>(checked(object, sql));
    all_or_nothing(database, [&] {
        const StatementHandle statement = prepare_only(database, sql);
        const int code = sqlite3_step(statement.get());
        if (code != SQLITE_DONE) {
            check_refusal(database, code == SQLITE_ROW ? SQLITE_ERROR : code);
        }
        // A trigger or index of another table than it is listed under.
        const std::int64_t made = database.integer(fmt::format(
            "SELECT count(*) FROM main.sqlite_schema WHERE type={} AND name={} COLLATE NOCASE AND "
            "tbl_name={} COLLATE NOCASE",
            text_literal(object.type), text_literal(object.name), text_literal(object.table)));
        if (made != 1) {
            throw ObjectRefused("its definition is of something else");
        }
    });
}

void enter_virtual_table(Database& database, const std::string& name, const std::string& sql) {
    const StoredSql parsed = checked({"table", name, name}, sql);
    const std::int64_t is_known = database.integer(
        fmt::format("SELECT count(*) FROM pragma_module_list WHERE name={} COLLATE NOCASE",
                    text_literal(parsed.module)));
    if (is_known == 0) {
        throw ObjectRefused(fmt::format("no such module: {}", parsed.module));
    }
    all_or_nothing(database, [&] {
        static_cast<void>(prepare_only(database, sql));  // its form; nothing is run
        const std::int64_t version = database.integer("PRAGMA main.schema_version");
        database.execute("PRAGMA writable_schema=ON");
        database.execute(
            fmt::format("INSERT INTO main.sqlite_schema(type, name, tbl_name, rootpage, sql) "
                        "VALUES('table', {0}, {0}, 0, {1})",
                        text_literal(name), text_literal(sql)));
        // Other programs read the schema again when this number has changed.
        database.execute(fmt::format("PRAGMA main.schema_version={}", (version + 1) & 0x7fffffff));
        database.execute(kReload);
        const int code = sqlite3_exec(database.handle(), "SELECT count(*) FROM main.sqlite_schema",
                                      nullptr, nullptr, nullptr);
        if ((code & 0xff) == SQLITE_CORRUPT) {
            throw ObjectRefused(sqlite3_errmsg(database.handle()));
        }
        check_refusal(database, code);
    });
}

}  // namespace dbbackup::sqlite
