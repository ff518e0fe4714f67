#include "cli/source_arguments.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace dbbackup {
namespace {

ConfigError usage_error(std::string message, std::string hint) {
    return explained<ConfigError>(std::move(message), std::move(hint), "usage");
}

}  // namespace

bool is_keyword_list(std::string_view uri) {
    const std::size_t begin = uri.find_first_not_of(' ');
    if (begin == uri.npos) {
        return false;
    }
    const std::size_t end = uri.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", begin);
    const std::size_t sign = uri.find_first_not_of(' ', std::min(end, uri.size()));
    return end != begin && sign != uri.npos && uri[sign] == '=';
}

bool is_named(const SourceArguments& source) {
    return source.type || !source.databases.empty() || source.all || source.is_all_databases ||
           source.uri || source.configured_name;
}

void check_source(const SourceArguments& source) {
    // A server's URI and the name of a database on it go together.
    const bool is_of_server =
        source.uri && !source.uri->starts_with("sqlite") && !source.uri->starts_with("file");
    const bool has_database = !source.databases.empty() || source.is_all_databases;
    const int given = (has_database && !is_of_server ? 1 : 0) + (source.all ? 1 : 0) +
                      (source.uri ? 1 : 0) + (source.configured_name ? 1 : 0);
    constexpr const char* kHint =
        "Name it by --type sqlite --database FILE or --all FOLDER, by --uri URI, or by --source "
        "NAME from the configuration.";
    if (given == 0) {
        throw usage_error("backup needs a database", kHint);
    }
    if (given > 1) {
        throw usage_error("--database, --all, --uri and --source exclude each other", kHint);
    }
    if (!source.databases.empty() && !source.type && !is_of_server) {
        throw usage_error("--database needs --type",
                          "Write for example --type sqlite --database test.db.");
    }
    const bool is_sqlite = source.type ? source.type == DatabaseType::sqlite : !is_of_server;
    const bool is_postgres = source.type ? source.type == DatabaseType::postgres
                                         : source.uri && (source.uri->starts_with("postgres") ||
                                                          is_keyword_list(*source.uri));
    if (source.is_all_databases && !source.databases.empty()) {
        throw usage_error("--all-databases and --database exclude each other",
                          "Leave some out of all with --exclude.");
    }
    if (source.is_all_databases && !is_postgres) {
        throw usage_error("--all-databases is only for PostgreSQL",
                          "For SQLite, --all FOLDER takes every database in a folder.");
    }
    if (!is_sqlite && source.all) {
        throw usage_error("--all is only for --type sqlite",
                          "For PostgreSQL, --all-databases takes every database of a server.");
    }
    if (!is_sqlite && !is_postgres && source.databases.size() > 1) {
        throw usage_error("more than one --database is only for --type sqlite and postgres",
                          "Take a snapshot of each database.");
    }
    if (source.configured_name && source.type) {
        throw usage_error("--type and --source exclude each other",
                          "The configuration says of which type the source is.");
    }
}

}  // namespace dbbackup
