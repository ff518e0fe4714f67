#include "connector/postgres/target_database.hpp"

#include "connector/postgres/sql_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>
#include <utility>

namespace dbbackup::postgres {
namespace {

/// NAMEDATALEN - 1 (PostgreSQL manual, 4.1.1).
constexpr std::size_t kNameBytesMax = 63;

/// Is there anything but what every new database has?
constexpr const char* kIsEmpty = R"(
SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
                    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
                    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n
                    WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'public'))
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata)
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname <> 'plpgsql'))";

/// Any database that lets us in, to make another from.
std::unique_ptr<Connection> connect_beside(const ConnectionInfo& info, const std::string& name,
                                           const std::stop_token& stop) {
    for (const char* const database : {"postgres", "template1"}) {
        try {
            return std::make_unique<Connection>(info.with_database(database), Role::target, stop);
        } catch (const ServerError& error) {
            if (error.sqlstate().empty() && std::string_view(database) == "template1") {
                break;
            }
        }
    }
    return std::make_unique<Connection>(info.with_database(name), Role::target, stop);
}

std::string passing_name(const std::string& name) {
    std::random_device random;
    const std::string suffix = fmt::format("_restoring_{:08x}", random());
    std::string begin = name.substr(0, kNameBytesMax - suffix.size());
    while (!begin.empty() && (static_cast<unsigned char>(begin.back()) & 0xc0U) == 0x80U) {
        begin.pop_back();  // A character of several bytes is not cut.
    }
    return begin + suffix;
}

/// Settings that are lists are stored as they were written, with their own quotes; all others as
/// plain text. Source: PostgreSQL, src/bin/pg_dump/dumputils.c, variable_is_guc_list_quote.
bool is_list(std::string_view setting) {
    static constexpr std::array<std::string_view, 6> lists = {
        "local_preload_libraries",  "search_path",      "session_preload_libraries",
        "shared_preload_libraries", "temp_tablespaces", "unix_socket_directories"};
    return std::find(lists.begin(), lists.end(), setting) != lists.end();
}

std::string locale_clause(const DatabaseProperties& properties, int server_version) {
    std::string clause;
    if (properties.provider == "i" && server_version >= 150000) {
        clause = fmt::format(" LOCALE_PROVIDER icu ICU_LOCALE {}", literal(properties.locale));
        if (!properties.icu_rules.empty() && server_version >= 160000) {
            clause += fmt::format(" ICU_RULES {}", literal(properties.icu_rules));
        }
    } else if (properties.provider == "b" && server_version >= 170000) {
        clause =
            fmt::format(" LOCALE_PROVIDER builtin BUILTIN_LOCALE {}", literal(properties.locale));
    } else if (!properties.provider.empty() && server_version >= 150000) {
        clause = " LOCALE_PROVIDER libc";
    }
    return clause;
}

}  // namespace

TargetDatabase::TargetDatabase(const ConnectionInfo& server, std::string name, std::stop_token stop)
    : info_(server.clone()), name_(std::move(name)) {
    server_ = connect_beside(info_, name_, stop);
    look(std::move(stop));
}

TargetDatabase::~TargetDatabase() {
    if (made_.empty() || made_ == name_) {
        return;
    }
    try {
        Connection server(
            info_.with_database(server_->text("SELECT pg_catalog.current_database()")),
            Role::target, {});
        server.execute(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted_name(made_)));
    } catch (...) {  // NOLINT(bugprone-empty-catch)
        // The server is gone. Its name tells what it is.
    }
}

void TargetDatabase::look(std::stop_token stop) {
    const Rows row = server_->query(
        "SELECT (pg_catalog.pg_control_system()).system_identifier, r.rolsuper OR r.rolcreatedb, "
        "EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = $1) "
        "FROM pg_catalog.pg_roles r WHERE r.rolname = current_user",
        {name_});
    identity_ = fmt::format("postgres:{}/{}", row.text(0, 0), name_);
    may_create_ = row.flag(0, 1);
    if (!row.flag(0, 2)) {
        return;
    }
    Connection inside(info_.with_database(name_), Role::target, std::move(stop));
    state_ = inside.text(kIsEmpty) == "t" ? TargetState::empty : TargetState::filled;
}

void TargetDatabase::create(const DatabaseProperties& properties) {
    const std::string made = passing_name(name_);
    server_->execute(fmt::format(
        "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}{}",
        quoted_name(made), literal(properties.encoding), literal(properties.collate),
        literal(properties.ctype), locale_clause(properties, server_->server_version())));
    made_ = made;
}

void TargetDatabase::publish(const DatabaseProperties& properties, bool keeps_owners) {
    const std::string name = quoted_name(made_);
    if (!properties.comment.empty()) {
        server_->execute(
            fmt::format("COMMENT ON DATABASE {} IS {}", name, literal(properties.comment)));
    }
    for (const std::string& setting : properties.settings) {
        const std::size_t first = setting.find('\t');
        const std::size_t second = setting.find('\t', first + 1);
        const std::string role = setting.substr(0, first);
        const std::string variable = setting.substr(first + 1, second - first - 1);
        const std::string value = setting.substr(second + 1);
        server_->execute(fmt::format(
            "ALTER {}DATABASE {} SET {} TO {}",
            role.empty() ? std::string() : fmt::format("ROLE {} IN ", quoted_name(role)), name,
            variable, is_list(variable) ? value : literal(value)));
    }
    if (properties.connection_limit >= 0) {
        server_->execute(fmt::format("ALTER DATABASE {} CONNECTION LIMIT {}", name,
                                     properties.connection_limit));
    }
    if (keeps_owners) {
        server_->execute(
            fmt::format("ALTER DATABASE {} OWNER TO {}", name, quoted_name(properties.owner)));
    }
    // Renaming is one transaction, so that the name never is of nothing.
    const std::string before = passing_name(name_);
    std::string rename = "BEGIN; ";
    if (state_ != TargetState::missing) {
        static_cast<void>(server_->query(
            "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity "
            "WHERE datname = $1 AND pid <> pg_catalog.pg_backend_pid()",
            {name_}));
        rename += fmt::format("ALTER DATABASE {} RENAME TO {}; ", quoted_name(name_),
                              quoted_name(before));
    }
    rename += fmt::format("ALTER DATABASE {} RENAME TO {}; COMMIT", name, quoted_name(name_));
    server_->execute(rename);
    made_ = name_;
    if (state_ != TargetState::missing) {
        server_->execute(fmt::format("DROP DATABASE {} WITH (FORCE)", quoted_name(before)));
    }
}

}  // namespace dbbackup::postgres
