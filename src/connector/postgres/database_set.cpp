#include "connector/postgres/database_set.hpp"

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "connector/postgres/catalogue.hpp"
#include "connector/postgres/target_database.hpp"
#include "connector/postgres/view.hpp"
#include "crypto/hash.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace dbbackup::postgres {
namespace {

/// Longer lists of names are told by their number and a hash: an identity is shown in tables.
constexpr std::size_t kIdentityNamesBytesMax = 200;
/// Is never connected to, and never changed (PostgreSQL manual, 23.3 "Template Databases").
constexpr std::string_view kPristine = "template0";
constexpr std::array<std::string_view, 2> kOfEveryServer = {"postgres", "template1"};

/// A size needs a privilege that a backup does not.
constexpr const char* kDatabases = R"(
SELECT d.datname, d.datallowconn, d.datconnlimit = -2,
       CASE WHEN pg_catalog.has_database_privilege(d.oid, 'CONNECT')
              OR pg_catalog.pg_has_role('pg_read_all_stats', 'MEMBER')
            THEN pg_catalog.pg_database_size(d.oid) ELSE 0 END,
       pg_catalog.shobj_description(d.oid, 'pg_database') = $1,
       d.datconnlimit >= 0
         OR (d.datacl IS NOT NULL AND d.datname <> 'template1')  -- which initdb gives some
         OR EXISTS (SELECT FROM pg_catalog.pg_db_role_setting s WHERE s.setdatabase = d.oid)
  FROM pg_catalog.pg_database d ORDER BY d.datname)";

const ServerDatabase* find(const std::vector<ServerDatabase>& found, std::string_view name) {
    const auto at = std::ranges::find(found, name, &ServerDatabase::name);
    return at == found.end() ? nullptr : &*at;
}

void check_list(const std::vector<ServerDatabase>& found, const SourceOptions& options) {
    std::vector<std::string> missing;
    std::set<std::string_view> given;
    for (const std::string& name : options.databases) {
        if (!given.insert(name).second) {
            throw explained<ConfigError>(fmt::format("the database {} is given twice", name),
                                         "Give each database once.", "database_given_twice");
        }
        const ServerDatabase* const database = find(found, name);
        if (database == nullptr) {
            missing.push_back(name);
        } else if (!database->allows_connections || database->is_invalid) {
            throw explained<SourceError>(
                fmt::format("the database {} {}", name,
                            database->is_invalid ? "was half dropped" : "allows no connections"),
                "Leave it out, or ALTER DATABASE … ALLOW_CONNECTIONS true.", "source_unreadable");
        }
    }
    if (!missing.empty()) {
        throw explained<SourceError>(
            fmt::format("the server has no database {}", fmt::join(missing, ", ")),
            "psql -l lists those that there are.", "source_missing");
    }
}

void add(DatabaseSet& set, const ServerDatabase& database) {
    set.names.push_back(database.name);
    set.size_bytes += database.size_bytes;
}

void add_all(DatabaseSet& set, const std::vector<ServerDatabase>& found) {
    const ServerDatabase* spare = nullptr;
    for (const ServerDatabase& database : found) {
        if (database.name == kPristine || !set.choice.takes_database(database.name)) {
            continue;
        }
        if (database.is_invalid) {
            set.notes.push_back(
                fmt::format("passed over {}, which was half dropped: DROP "
                            "DATABASE does the rest",
                            database.name));
        } else if (database.is_being_restored) {
            set.notes.push_back(
                fmt::format("passed over {}, which db-backup is restoring", database.name));
        } else if (!database.allows_connections) {
            set.lost.push_back(fmt::format(
                "left out {}, which allows no connections; exclude it if it need not be backed up",
                database.name));
        } else if (!database.is_untouched) {
            add(set, database);
        } else if (spare == nullptr) {
            spare = &database;
        }
    }
    if (set.names.empty() && spare != nullptr) {
        add(set, *spare);  // A new server: its roles are worth having.
    }
}

}  // namespace

bool is_set(const SourceOptions& options) {
    return options.is_all_databases || options.databases.size() > 1;
}

DatabaseSet one_database(const SourceOptions& options) {
    DatabaseSet set;
    set.names = {options.database};
    set.choice = BackupChoice(NameSelection::parse(options.include, options.exclude), {});
    return set;
}

DatabaseSet choose_databases(const std::vector<ServerDatabase>& found,
                             const SourceOptions& options) {
    DatabaseSet set;
    set.is_all = options.is_all_databases;
    std::vector<std::string> names = options.databases;
    if (set.is_all) {
        std::ranges::transform(found, std::back_inserter(names), &ServerDatabase::name);
    } else {
        check_list(found, options);
    }
    std::ranges::sort(names);
    const NameSelection selection = NameSelection::parse(options.include, options.exclude);
    set.choice = BackupChoice(selection, names);
    if (set.is_all) {
        add_all(set, found);
    } else {
        for (const std::string& name : names) {
            if (set.choice.takes_database(name)) {
                add(set, *find(found, name));
            }
        }
    }
    if (set.names.empty() && !set.lost.empty()) {
        throw explained<SourceError>("no database of the server can be read: " + set.lost.front(),
                                     "Back up as a role that may connect to the databases.",
                                     "source_unreadable");
    }
    if (set.names.empty()) {
        throw explained<ConfigError>("the patterns leave no database of the server",
                                     "Exclude fewer of them.", "selection_empty");
    }
    return set;
}

std::unique_ptr<Connection> connect_to_server(const ConnectionInfo& info,
                                              const SourceOptions& options,
                                              const std::stop_token& stop) {
    std::vector<std::string> names = {info.value("dbname")};
    if (names.front().empty()) {
        names = {"postgres"};
        names.insert(names.end(), options.databases.begin(), options.databases.end());
        names.emplace_back("template1");
    }
    std::optional<ServerError> first;
    for (const std::string& name : names) {
        try {
            return std::make_unique<Connection>(info.with_database(name), Role::source, stop);
        } catch (const ServerError& error) {
            if (!first) {
                first = error;
            }
        }
    }
    throw ServerError(*first);
}

DatabaseSet find_databases(Connection& server, const ConnectionInfo& info,
                           const SourceOptions& options, const std::stop_token& stop) {
    const Rows rows = server.query(kDatabases, {kRestoringComment});
    std::vector<ServerDatabase> found;
    for (int row = 0; row < rows.count(); ++row) {
        ServerDatabase database;
        database.name = rows.text(row, 0);
        database.allows_connections = rows.flag(row, 1);
        database.is_invalid = rows.flag(row, 2);
        database.is_being_restored = rows.flag(row, 4);
        database.size_bytes = static_cast<std::uint64_t>(rows.integer(row, 3));
        const bool has_settings = rows.flag(row, 5);
        if (options.is_all_databases && database.allows_connections && !has_settings &&
            std::ranges::find(kOfEveryServer, database.name) != kOfEveryServer.end()) {
            try {
                Connection inside(info.with_database(database.name), Role::source, stop);
                database.is_untouched = is_empty(inside);
            } catch (const ServerError&) {  // NOLINT(bugprone-empty-catch)
                // Then reading it tells why.
            }
        }
        found.push_back(std::move(database));
    }
    return choose_databases(found, options);
}

ConnectionInfo info_of(const ConnectionInfo& info, const std::string& database) {
    return database.empty() ? info.clone() : info.with_database(database);
}

void clear_patterns(DatabaseSet& set, const ConnectionInfo& info, const std::stop_token& stop) {
    for (const std::string& name : set.names) {
        if (set.choice.is_clear()) {
            break;
        }
        try {
            Connection inside(info_of(info, name), Role::source, stop);
            set_text_form(inside);
            const std::string real_name = inside.text("SELECT pg_catalog.current_database()");
            const PartitionedAbove above = partitioned_above(inside);
            for (const Table& table : tables_of(inside)) {
                set.choice.see(real_name, names_of(table, above));
            }
        } catch (const ServerError&) {
            if (!set.is_all) {
                throw;
            }
        }
    }
    set.choice.refuse_idle();
    std::ranges::copy(set.choice.idle_warnings(), std::back_inserter(set.notes));
}

void identify(const DatabaseSet& set, const std::string& system, const SourceOptions& options,
              const std::string& host, Probe& probe) {
    probe.suggested_name = suggested_name(host);
    if (set.is_all) {
        probe.identity = fmt::format("postgres:{}/*", system);
        return;
    }
    std::vector<std::string> names = options.databases;
    std::ranges::sort(names);
    std::string all;
    for (const std::string& name : names) {
        all += name + '\0';
        probe.former_identities.push_back(fmt::format("postgres:{}/{}", system, name));
    }
    std::string shown = fmt::format("{}", fmt::join(names, ","));
    if (shown.size() > kIdentityNamesBytesMax) {
        shown = fmt::format("{} databases, {}", names.size(),
                            to_hex(BytesView(sha256(as_bytes(all))).first(8)));
    }
    const std::string listed = fmt::format("postgres:{}/{{{}}}", system, shown);
    probe.former_identities.push_back(listed);
    probe.identity =
        options.name.empty() ? listed : fmt::format("postgres:{}/[{}]", system, options.name);
}

std::string suggested_name(std::string_view what) {
    std::string name = "postgres-";
    for (const char character : what) {
        const auto letter = static_cast<unsigned char>(character);
        name += std::isalnum(letter) != 0 && letter < 0x80
                    ? static_cast<char>(std::tolower(letter))
                    : (character == '.' || character == '_' ? character : '-');
    }
    return name;
}

}  // namespace dbbackup::postgres
