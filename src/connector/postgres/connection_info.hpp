#pragma once

/// @file
/// How a PostgreSQL server is reached: what libpq understands, with the password kept apart.

#include "base/secret.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dbbackup::postgres {

/// Keywords and values of libpq. What is not said here libpq takes from where its users already
/// have it: PG* variables, service files, ~/.pgpass. Move-only.
/// Source: PostgreSQL manual, "Database Connection Control Functions", 34.1.1 and 34.1.2.
class ConnectionInfo {
public:
    /// @param text A URI (`postgresql://…`), keywords (`host=… dbname=…`) or "". A password in it
    /// is moved out.
    /// @param password Wins over one in `text`; may be empty.
    /// @throws ConfigError (code "bad_source_uri") with libpq's words, which never hold a value.
    ConnectionInfo(const std::string& text, Secret password);

    [[nodiscard]] ConnectionInfo clone() const;
    /// The same server, another database.
    [[nodiscard]] ConnectionInfo with_database(std::string_view name) const;

    /// "" if not said.
    [[nodiscard]] std::string value(std::string_view keyword) const;
    [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& keywords() const {
        return keywords_;
    }
    [[nodiscard]] const Secret& password() const { return password_; }
    /// For arguments of PostgreSQL's programs: `host='…' dbname='…'`, without the password.
    [[nodiscard]] std::string text() const;

private:
    ConnectionInfo() = default;
    void set(std::string_view keyword, std::string_view value);

    std::vector<std::pair<std::string, std::string>> keywords_;
    Secret password_;
};

}  // namespace dbbackup::postgres
