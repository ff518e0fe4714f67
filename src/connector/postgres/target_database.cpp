#include "connector/postgres/target_database.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "base/wait.hpp"
#include "connector/postgres/database_properties.hpp"
#include "connector/postgres/sql_text.hpp"
#include "sys/process_identity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <random>
#include <thread>
#include <utility>

namespace dbbackup::postgres {
namespace {

/// NAMEDATALEN - 1 (PostgreSQL manual, 4.1.1).
constexpr std::size_t kNameBytesMax = 63;

/// More makes no index faster.
constexpr std::uint64_t kIndexMemoryMax = 1_GiB;
constexpr std::uint64_t kFlushedBytes = 512_KiB;

/// Of the session that restores; eight characters of the passing name follow.
constexpr std::string_view kSessionName = "db-backup restoring ";

/// Asked of the process and not of the address, which at the near end of a tunnel is this
/// machine's.
bool is_on_this_machine(Connection& server) {
    const Rows row = server.query("SELECT pg_catalog.pg_backend_pid()");
    return shown_command(static_cast<std::uint64_t>(row.integer(0, 0))).find("postgres: ") !=
           std::string::npos;
}

/// Any database that lets us in, to make another from.
std::unique_ptr<Connection> connect_beside(const ConnectionInfo& info, const std::string& name,
                                           const std::stop_token& stop) {
    for (const char* const database : {"postgres", "template1"}) {
        if (name == database) {
            continue;  // Who is in it cannot give it another name.
        }
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

/// "shop_restoring_1a2b3c4d"; what names a database that is made, and one that is replaced.
std::string passing_name(const std::string& name, std::string_view what) {
    std::random_device random;
    const std::string suffix = fmt::format("_{}_{:08x}", what, random());
    std::string begin = name.substr(0, kNameBytesMax - suffix.size());
    while (!begin.empty() && (static_cast<unsigned char>(begin.back()) & 0xc0U) == 0x80U) {
        begin.pop_back();  // A character of several bytes is not cut.
    }
    return begin + suffix;
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

/// InvalidOid, which is 0, where there is none of this name.
std::string oid_of(Connection& server, const std::string& database) {
    const Rows row =
        server.query("SELECT oid FROM pg_catalog.pg_database WHERE datname = $1", {database});
    return row.count() == 0 ? "0" : std::string(row.text(0, 0));
}

/// Of those who are in the database `oid`.
void end_sessions(Connection& connection, const std::string& oid) {
    // Workers of autovacuum, which have no user, are ended by who renames.
    static_cast<void>(connection.query(
        "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity "
        "WHERE datid = $1::oid AND usesysid IS NOT NULL AND pid <> pg_catalog.pg_backend_pid()",
        {oid}));
}

/// Drops a database and ends the sessions in it. Before 13 the server has no word for that, so
/// nobody is let in first, and those who are in are sent away: DROP DATABASE waits a little for
/// them.
void drop_with_sessions(Connection& server, const std::string& name) {
    constexpr int kFirstWithForce = 13;
    if (server.server_major() >= kFirstWithForce) {
        server.execute(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted_name(name)));
        return;
    }
    const std::string oid = oid_of(server, name);
    if (oid == "0") {
        return;
    }
    server.execute(fmt::format("ALTER DATABASE {} ALLOW_CONNECTIONS false", quoted_name(name)));
    end_sessions(server, oid);
    server.execute(fmt::format("DROP DATABASE {}", quoted_name(name)));
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
        // Another connection: this one may be what was lost.
        drop_with_sessions(*connect_beside(info_, name_, {}), made_);
    } catch (...) {  // NOLINT(bugprone-empty-catch)
        // The server is gone. Its name tells what it is.
    }
}

void TargetDatabase::look(std::stop_token stop) {
    const Rows row = server_->query(
        "SELECT r.rolsuper OR r.rolcreatedb, "
        "EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = $1) "
        "FROM pg_catalog.pg_roles r WHERE r.rolname = current_user",
        {name_});
    may_create_ = row.flag(0, 0);
    if (!row.flag(0, 1)) {
        return;
    }
    state_ = TargetState::filled;
    try {
        Connection inside(info_.with_database(name_), Role::target, std::move(stop));
        if (is_empty(inside)) {
            state_ = TargetState::empty;
        }
    } catch (const ServerError& error) {
        if (error.sqlstate().empty()) {
            throw;
        }
        // It lets nobody in, so nobody knows that it is empty.
    }
}

bool TargetDatabase::is_empty_inside(const std::string& name, const std::stop_token& stop) const {
    Connection inside(info_.with_database(name), Role::target, stop);
    return is_empty(inside);
}

void TargetDatabase::drop_leftovers(const std::stop_token& stop) {
    // Who restores says so in the name of his session, and is in the database most of the time. Who
    // was killed before he could say so in the comment has put nothing into it.
    const std::string beginning = passing_name(name_, "restoring");
    const Rows rows = server_->query(
        "SELECT d.datname, pg_catalog.shobj_description(d.oid, 'pg_database') = $2 "
        "OR d.datconnlimit = -2 "  // What a DROP left that was interrupted; nobody gets in.
        "FROM pg_catalog.pg_database d "
        "WHERE pg_catalog.left(d.datname, -8) = pg_catalog.left($1::text, -8) "
        "AND pg_catalog.right(d.datname, 8) ~ '^[0-9a-f]{8}$' "
        "AND coalesce(pg_catalog.shobj_description(d.oid, 'pg_database') = $2, true) "
        "AND pg_catalog.pg_has_role(d.datdba, 'USAGE') "
        "AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid "
        "OR a.application_name = $3 || pg_catalog.right(d.datname, 8))",
        {beginning, kRestoringComment, kSessionName});
    for (int row = 0; row < rows.count(); ++row) {
        const std::string name(rows.text(row, 0));
        if (rows.flag(row, 1) || is_empty_inside(name, stop)) {
            server_->execute(fmt::format("DROP DATABASE IF EXISTS {}", quoted_name(name)));
        }
    }
}

void TargetDatabase::set_for_loading(unsigned jobs) {
    // Sorting for an index within memory; shared_buffers is what the server is sized by, mostly a
    // quarter of the machine's memory. What is written goes to the disk at once, not all of it at
    // the next checkpoint.
    const Rows row = server_->query(
        "SELECT share / 1024, share > pg_catalog.pg_size_bytes("
        "pg_catalog.current_setting('maintenance_work_mem')) FROM (SELECT least($2::bigint, "
        "pg_catalog.pg_size_bytes(pg_catalog.current_setting('shared_buffers')) / $1::bigint)) "
        "AS memory(share)",
        {std::to_string(jobs), std::to_string(kIndexMemoryMax)});
    if (row.flag(0, 1)) {
        server_->execute(fmt::format("ALTER DATABASE {} SET maintenance_work_mem = '{}kB'",
                                     quoted_name(made_), row.text(0, 0)));
    }
    // Where the sessions already take all processors, the helpers that each index would bring along
    // only take them from each other. How many another machine has is not known here.
    constexpr int kWithHelpers = 110000;
    if (server_->server_version() >= kWithHelpers && jobs >= std::thread::hardware_concurrency() &&
        is_on_this_machine(*server_)) {
        server_->execute(fmt::format("ALTER DATABASE {} SET max_parallel_maintenance_workers = 0",
                                     quoted_name(made_)));
    }
    server_->execute(fmt::format("ALTER DATABASE {} SET backend_flush_after = '{}kB'",
                                 quoted_name(made_), kFlushedBytes / 1_KiB));
    // Nothing of it counts before it has its name, and that commit puts all before it on the disk.
    server_->execute(
        fmt::format("ALTER DATABASE {} SET synchronous_commit = off", quoted_name(made_)));
}

void TargetDatabase::create(const DatabaseProperties& properties, unsigned jobs,
                            const std::stop_token& stop) {
    drop_leftovers(stop);
    // What is loaded without waiting for the disk is safe when the new name is.
    static_cast<void>(
        server_->query("SELECT pg_catalog.set_config('synchronous_commit', 'on', false) WHERE "
                       "pg_catalog.current_setting('synchronous_commit') = 'off'"));
    const std::string made = passing_name(name_, "restoring");
    server_->execute(
        fmt::format("SET application_name = {}",
                    literal(std::string(kSessionName) + made.substr(made.size() - 8))));
    made_ = made;  // Also if the connection is lost just when the server has made it.
    server_->execute(fmt::format(
        "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}{}{}",
        quoted_name(made), literal(properties.encoding), literal(properties.collate),
        literal(properties.ctype), locale_clause(properties, server_->server_version()),
        properties.tablespace == "pg_default"
            ? std::string()
            : fmt::format(" TABLESPACE {}", quoted_name(properties.tablespace))));
    server_->execute(
        fmt::format("COMMENT ON DATABASE {} IS {}", quoted_name(made), literal(kRestoringComment)));
    set_for_loading(jobs);
}

void TargetDatabase::rename_and_end_sessions(const std::string& rename, const std::string& oid,
                                             Connection& other) {
    // The server waits for those who are in the database, and lets nobody else in meanwhile.
    const std::jthread ender([&](const std::stop_token& stop) {
        constexpr std::chrono::milliseconds kPause{100};
        while (!stop.stop_requested()) {
            try {
                end_sessions(other, oid);
            } catch (const std::exception&) {
                if (other.is_lost()) {
                    return;  // Who is in it then makes the renaming fail, which says so.
                }
            }
            wait_unless_stopped(kPause, stop);
        }
    });
    server_->execute(rename);
}

std::string TargetDatabase::take_name(const std::string& comment, const std::stop_token& stop) {
    constexpr std::string_view kObjectInUse = "55006";
    constexpr int kAttemptsMax = 10;
    const std::string name = quoted_name(name_);
    const std::string before = passing_name(name_, "replaced");
    // Renaming is one transaction, so that the name never is of nothing, nor of what lets nobody
    // in.
    std::string rename = "BEGIN; ";
    if (state_ != TargetState::missing) {
        rename += fmt::format(
            "ALTER DATABASE {0} RENAME TO {1}; ALTER DATABASE {1} ALLOW_CONNECTIONS false; ", name,
            quoted_name(before));
    }
    rename += fmt::format("ALTER DATABASE {} RENAME TO {}; COMMENT ON DATABASE {} IS {}; COMMIT",
                          quoted_name(made_), name, name,
                          comment.empty() ? std::string("NULL") : literal(comment));
    if (state_ == TargetState::missing) {
        server_->execute(rename);
        return before;
    }
    const std::string replaced = oid_of(*server_, name_);
    Connection other(info_.with_database(server_->database()), Role::target, stop);
    for (int attempt = 1;; ++attempt) {
        try {
            end_sessions(*server_, replaced);  // Who may not is told so.
            rename_and_end_sessions(rename, replaced, other);
            return before;
        } catch (const ServerError& error) {
            if (!server_->is_lost()) {
                server_->execute("ROLLBACK");
            }
            // The server has waited five seconds for them itself.
            if (error.sqlstate() != kObjectInUse || attempt >= kAttemptsMax ||
                stop.stop_requested()) {
                throw;
            }
        }
    }
}

void TargetDatabase::keep_what_is_filled(const std::stop_token& stop) {
    keeps_filled_ = state_ == TargetState::empty;
    if (keeps_filled_ && !is_empty_inside(name_, stop)) {
        throw explained<ConfigError>(
            fmt::format("the database {} was empty, and was filled while it was restored", name_),
            "Give another name in the path of the URI, or replace what is there with --clean.",
            "target_not_empty");
    }
}

std::vector<std::string> TargetDatabase::publish(const DatabaseProperties& properties,
                                                 bool keeps_owners, bool keeps_privileges,
                                                 const std::stop_token& stop) {
    server_->execute(fmt::format("ALTER DATABASE {} RESET ALL", quoted_name(made_)));
    for (const std::string& setting : settings_of(properties, made_)) {
        server_->execute(setting);
    }
    // Before the owner changes, who takes what is the owner's then.
    if (keeps_privileges) {
        for (const std::string& grant : privileges_of(*server_, properties, made_)) {
            server_->execute(grant);
        }
    }
    if (keeps_owners) {
        server_->execute(fmt::format("ALTER DATABASE {} OWNER TO {}", quoted_name(made_),
                                     quoted_name(properties.owner)));
    }
    const std::string before = take_name(properties.comment, stop);
    made_ = name_;
    if (properties.is_template) {
        server_->execute(fmt::format("ALTER DATABASE {} IS_TEMPLATE true", quoted_name(name_)));
    }
    if (state_ == TargetState::missing) {
        return {};
    }
    try {
        server_->execute(fmt::format("ALTER DATABASE {} IS_TEMPLATE false", quoted_name(before)));
        if (keeps_filled_) {
            // Until its name was changed somebody may have come in.
            server_->execute(
                fmt::format("ALTER DATABASE {} ALLOW_CONNECTIONS true", quoted_name(before)));
            if (!is_empty_inside(before, stop)) {
                return {fmt::format(
                    "what others made in {} while it was restored is in the database {}", name_,
                    before)};
            }
        }
        drop_with_sessions(*server_, before);
    } catch (const ServerError& error) {
        return {
            fmt::format("what was there before is in the database {}, which could not be "
                        "dropped: {}",
                        before, error.what())};
    }
    return {};
}

}  // namespace dbbackup::postgres
