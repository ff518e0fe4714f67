#include "cli/source_access.hpp"

#include "base/units.hpp"
#include "cli/display_text.hpp"
#include "cli/source_arguments.hpp"
#include "config/problems.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>
#include <vector>

namespace dbbackup {
namespace {

constexpr std::size_t kSourceNameLengthMax = 100;
/// Unless said otherwise; SQLite in rollback mode then keeps writers waiting no longer than it
/// takes to read a database of this size.
constexpr std::uint64_t kSpoolBytesDefault = 1_GiB;

std::optional<DatabaseType> type_of_scheme(std::string_view scheme) {
    if (scheme == "sqlite" || scheme == "sqlite3" || scheme == "file") {
        return DatabaseType::sqlite;
    }
    if (scheme == "postgres" || scheme == "postgresql") {
        return DatabaseType::postgres;
    }
    if (scheme == "mongodb" || scheme == "mongodb+srv") {
        return DatabaseType::mongodb;
    }
    return value_of<DatabaseType>(scheme);  // mysql, mariadb
}

SourceChoice from_uri(const std::string& uri, const std::optional<DatabaseType>& asked) {
    if (is_keyword_list(uri) && asked.value_or(DatabaseType::postgres) == DatabaseType::postgres) {
        SourceChoice choice;
        choice.type = DatabaseType::postgres;
        choice.uri = uri;
        return choice;
    }
    const std::size_t colon = uri.find(':');
    const std::optional<DatabaseType> type =
        colon == std::string::npos ? std::nullopt : type_of_scheme(uri.substr(0, colon));
    if (!type) {
        // Not shown: it may hold a password.
        throw explained<ConfigError>("the source URI has no known scheme",
                                     "Write for example sqlite:///path/test.db or "
                                     "postgresql://user@host/database.",
                                     "bad_source_uri");
    }
    const bool is_related = asked == DatabaseType::mariadb && *type == DatabaseType::mysql;
    if (asked && *asked != *type && !is_related) {
        throw explained<ConfigError>(
            fmt::format("--type {} does not go with a {} URI", word_of(*asked), word_of(*type)),
            "Leave --type out.", "bad_source_uri");
    }
    SourceChoice choice;
    choice.type = asked.value_or(*type);
    if (choice.type != DatabaseType::sqlite) {
        choice.uri = uri;
        return choice;
    }
    std::string_view path = std::string_view(uri).substr(colon + 1);
    if (path.starts_with("///")) {
        path.remove_prefix(2);
    } else if (path.starts_with("//")) {
        throw explained<ConfigError>("the SQLite URI names a host",
                                     "Write sqlite:///path/test.db with three slashes, or "
                                     "sqlite:test.db.",
                                     "bad_source_uri");
    }
    choice.database = path;
    if (choice.database.empty()) {
        throw explained<ConfigError>("the SQLite URI names no file",
                                     "Write for example sqlite:///path/test.db.", "bad_source_uri");
    }
    return choice;
}

void set_databases(const std::vector<std::string>& databases, SourceChoice& choice) {
    if (databases.size() == 1) {
        choice.database = databases.front();
    } else {
        choice.databases = databases;
    }
}

SourceChoice from_config(const std::string& name, const Config& config) {
    const auto found = config.sources.find(name);
    if (found == config.sources.end()) {
        std::vector<std::string> names;
        for (const auto& [known, source] : config.sources) {
            names.push_back(known);
        }
        const std::string meant = nearest(name, names);
        throw explained<ConfigError>(
            fmt::format("the configuration has no source '{}'", name),
            !meant.empty()  ? fmt::format("Did you mean {}?", meant)
            : names.empty() ? std::string("Add it under `sources:`, or give --type and --database.")
                            : fmt::format("It has: {}.", fmt::join(names, ", ")),
            "source_unknown");
    }
    const SourceConfig& source = found->second;
    SourceChoice choice;
    if (!source.uri.empty() && source.databases.empty()) {
        choice = from_uri(source.uri, source.type);
        choice.is_all_databases = source.is_all_databases;
    } else {
        choice.type = source.type;
        set_databases(source.databases, choice);
        choice.folder = source.folder;
        choice.is_all_databases = source.is_all_databases;
        choice.uri = source.uri;
    }
    choice.name = name;
    choice.config = &source;
    return choice;
}

void check_built_in(DatabaseType type, const Plugins& plugins) {
    if (plugins.connectors.contains(type)) {
        return;
    }
    std::vector<std::string_view> built_in;
    for (const auto& [known, factory] : plugins.connectors) {
        built_in.push_back(word_of(known));
    }
    throw explained<ConfigError>(fmt::format("{} is not built in yet", word_of(type)),
                                 fmt::format("This build backs up: {}.", fmt::join(built_in, ", ")),
                                 "not_built_in");
}

}  // namespace

SourceChoice choose_source(const SourceArguments& arguments, const Config& config) {
    if (arguments.configured_name) {
        return from_config(*arguments.configured_name, config);
    }
    if (arguments.uri) {
        SourceChoice choice = from_uri(*arguments.uri, arguments.type);
        if (!arguments.databases.empty()) {
            set_databases(arguments.databases, choice);
        }
        choice.is_all_databases = arguments.is_all_databases;
        return choice;
    }
    SourceChoice choice;
    choice.type = arguments.type.value_or(DatabaseType::sqlite);
    set_databases(arguments.databases, choice);
    choice.folder = arguments.all.value_or("");
    choice.is_all_databases = arguments.is_all_databases;
    return choice;
}

SourceOptions source_options(const SourceChoice& choice, const BackupArguments& arguments,
                             const CommandContext& context) {
    check_built_in(choice.type, context.plugins);  // Before any secret is fetched.
    SourceOptions options;
    options.type = choice.type;
    options.database = choice.database;
    options.databases = choice.databases;
    options.folder = choice.folder;
    options.is_all_databases = choice.is_all_databases;
    options.name = arguments.source_name.value_or(choice.name.value_or(""));
    options.uri = choice.uri;
    options.spool_bytes = kSpoolBytesDefault;
    if (choice.config != nullptr) {
        options.include = choice.config->include;
        options.exclude = choice.config->exclude;
        options.spool_bytes = choice.config->spool_bytes.value_or(kSpoolBytesDefault);
        options.lock_timeout = choice.config->lock_timeout.value_or(options.lock_timeout);
        if (choice.config->password.is_set()) {
            options.password = choice.config->password.fetch(
                fmt::format("password of source {}", *choice.name), context.stop);
        }
    }
    if (!arguments.include.empty() || !arguments.exclude.empty()) {
        options.include = arguments.include;
        options.exclude = arguments.exclude;
    }
    options.spool_bytes = arguments.spool_bytes.value_or(options.spool_bytes);
    options.lock_timeout = arguments.lock_timeout.value_or(options.lock_timeout);
    options.allow_corrupt = arguments.is_corrupt_allowed;
    return options;
}

std::unique_ptr<Connector> make_connector(SourceOptions options, const Plugins& plugins) {
    check_built_in(options.type, plugins);
    const ConnectorFactory& make = plugins.connectors.at(options.type);
    return make(std::move(options));
}

void check_source_name(std::string_view name) {
    if (name.empty() || name.size() > kSourceNameLengthMax || printable(name) != name) {
        throw explained<ConfigError>(
            "the source name is empty, too long or has control characters in it",
            fmt::format("Give --source-name a short word, at most {} bytes.", kSourceNameLengthMax),
            "bad_option_value");
    }
}

}  // namespace dbbackup
