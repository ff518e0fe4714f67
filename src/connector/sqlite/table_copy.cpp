#include "connector/sqlite/table_copy.hpp"

#include "base/error.hpp"
#include "connector/sqlite/stored_sql.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <array>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

namespace dbbackup::sqlite {
namespace {

constexpr std::uint64_t kRowsBetweenLooks = 256;

/// The sums of both sides are made here and compared here, so the key need not be a secret.
const Fingerprinter& fingerprinter() {
    static const Fingerprinter summing(Bytes(32, 0x5a));
    return summing;
}

std::string columns_text(const Columns& columns) {
    std::string text = columns.rowid.value_or("");
    for (const std::string& name : columns.names) {
        text += (text.empty() ? "" : ", ") + quoted_name(name);
    }
    return text;
}

/// The bytes of a text or blob as they are stored: texts are not converted, since their encoding
/// need not be right.
BytesView bytes_at(sqlite3_stmt* row, int column, TextForm form) {
    const int type = sqlite3_column_type(row, column);
    if (type == SQLITE_TEXT && form == TextForm::utf16) {
        const void* const text = sqlite3_column_text16(row, column);
        return {static_cast<const std::uint8_t*>(text),
                static_cast<std::size_t>(sqlite3_column_bytes16(row, column))};
    }
    const void* const bytes = type == SQLITE_TEXT
                                  ? static_cast<const void*>(sqlite3_column_text(row, column))
                                  : sqlite3_column_blob(row, column);
    return {static_cast<const std::uint8_t*>(bytes),
            static_cast<std::size_t>(sqlite3_column_bytes(row, column))};
}

template <class Number>
void append(Bytes& out, Number number) {
    std::array<std::uint8_t, sizeof(Number)> raw{};
    std::memcpy(raw.data(), &number, sizeof(Number));
    out.insert(out.end(), raw.begin(), raw.end());
}

/// Takes one row after the other to pieces.
class RowAccount {
public:
    RowAccount(sqlite3_stmt* select, TextForm form, Summing summing)
        : select_(select), columns_(sqlite3_column_count(select)), form_(form), summing_(summing) {}

    void add_row() {
        ++sum_.rows;
        digest_.clear();
        for (int column = 0; column < columns_; ++column) {
            add_value(column);
        }
        if (summing_ == Summing::yes) {
            sum_.fingerprint += fingerprinter().of(digest_, 0);
        }
    }
    [[nodiscard]] const RowSum& sum() const { return sum_; }

private:
    void add_value(int column) {
        const int type = sqlite3_column_type(select_, column);
        const bool is_summed = summing_ == Summing::yes;
        if (is_summed) {
            digest_.push_back(static_cast<std::uint8_t>(type));
        }
        if (type == SQLITE_TEXT || type == SQLITE_BLOB) {
            const BytesView value = bytes_at(select_, column, form_);
            sum_.bytes += value.size();
            if (is_summed) {
                const Fingerprint of_value = fingerprinter().of(value, 1);
                append(digest_, of_value.high);
                append(digest_, of_value.low);
            }
            return;
        }
        sum_.bytes += type == SQLITE_NULL ? 0 : sizeof(std::int64_t);
        if (is_summed && type == SQLITE_INTEGER) {
            append(digest_, sqlite3_column_int64(select_, column));
        } else if (is_summed && type == SQLITE_FLOAT) {
            append(digest_, sqlite3_column_double(select_, column));
        }
    }

    sqlite3_stmt* select_;
    int columns_;
    TextForm form_;
    Summing summing_;
    Bytes digest_;
    RowSum sum_;
};

/// Lends the value instead of copying it: it stays valid until the next row.
int bind(sqlite3_stmt* insert, int place, sqlite3_stmt* row, int column, TextForm form) {
    switch (sqlite3_column_type(row, column)) {
        case SQLITE_NULL: return sqlite3_bind_null(insert, place);
        case SQLITE_INTEGER:
            return sqlite3_bind_int64(insert, place, sqlite3_column_int64(row, column));
        case SQLITE_FLOAT:
            return sqlite3_bind_double(insert, place, sqlite3_column_double(row, column));
        case SQLITE_BLOB: {
            const BytesView value = bytes_at(row, column, form);
            return value.empty() ? sqlite3_bind_zeroblob(insert, place, 0)
                                 : sqlite3_bind_blob64(insert, place, value.data(), value.size(),
                                                       SQLITE_STATIC);
        }
        default: break;
    }
    const BytesView value = bytes_at(row, column, form);
    return sqlite3_bind_text64(insert, place, reinterpret_cast<const char*>(value.data()),
                               value.size(), SQLITE_STATIC,
                               form == TextForm::utf8 ? SQLITE_UTF8 : SQLITE_UTF16);
}

/// Calls `visit` for each row.
template <class Visit>
void step_through(Database& database, sqlite3_stmt* select, const std::stop_token& stop,
                  const Visit& visit) {
    int code = SQLITE_OK;
    for (std::uint64_t row = 0; (code = sqlite3_step(select)) == SQLITE_ROW; ++row) {
        if (row % kRowsBetweenLooks == 0 && stop.stop_requested()) {
            throw Cancelled();
        }
        visit();
    }
    database.check(code, "read");
}

}  // namespace

TargetRefused::TargetRefused(const SqliteError& error, std::string words)
    : SourceError(error.what()), words_(std::move(words)), extended_code_(error.extended_code()) {
    set_code(error.code());
    set_hint(error.hint());
}

std::string select_sql(const std::string& table, const Columns& columns,
                       const std::string& condition) {
    // Without a condition the table itself is read, never an index that has all columns: its pages
    // would be fetched for nothing, and its order is another one. A line comment at the end of
    // the condition must not take the bracket away.
    return fmt::format(
        "SELECT {} FROM {}{}", columns_text(columns), quoted_name(table),
        condition.empty() ? " NOT INDEXED" : fmt::format(" WHERE (\n{}\n)", condition));
}

std::string insert_sql(const std::string& table, const Columns& columns) {
    std::string places;
    const std::size_t count = columns.names.size() + (columns.rowid ? 1 : 0);
    for (std::size_t place = 0; place < count; ++place) {
        places += place == 0 ? "?" : ",?";
    }
    return fmt::format("INSERT INTO {}({}) VALUES({})", quoted_name(table), columns_text(columns),
                       places);
}

TextForm text_form_of(Database& source) {
    return source.text("PRAGMA encoding") == "UTF-8" ? TextForm::utf8 : TextForm::utf16;
}

RowSum copy_rows(Database& source, sqlite3_stmt* select, Database& target, sqlite3_stmt* insert,
                 Summing summing, std::stop_token stop) {
    const TextForm form = text_form_of(source);
    RowAccount account(select, form, summing);
    const int columns = sqlite3_column_count(select);
    step_through(source, select, stop, [&] {
        int code = SQLITE_OK;
        for (int column = 0; column < columns && code == SQLITE_OK; ++column) {
            code = bind(insert, column + 1, select, column, form);
        }
        try {
            target.check(code, "write");
            target.run_once(insert);
        } catch (const SqliteError& error) {
            throw TargetRefused(error, sqlite3_errmsg(target.handle()));
        }
        account.add_row();
    });
    return account.sum();
}

RowSum sum_rows(Database& database, sqlite3_stmt* select, TextForm form, std::stop_token stop) {
    RowAccount account(select, form, Summing::yes);
    step_through(database, select, stop, [&] { account.add_row(); });
    return account.sum();
}

}  // namespace dbbackup::sqlite
