#include "engine/database_choice.hpp"

#include "base/error.hpp"
#include "config/name_pattern.hpp"
#include "config/problems.hpp"
#include "connector/stream_names.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

namespace dbbackup {
namespace {

constexpr const char* kOnlyDatabase = "main";
constexpr std::size_t kNamesShownMax = 10;

[[noreturn]] void refuse_unknown(const NamePattern& pattern,
                                 const std::vector<std::string>& names) {
    const std::string meant = nearest(pattern.text(), names);
    const std::size_t shown = std::min(names.size(), kNamesShownMax);
    throw explained<ConfigError>(
        fmt::format("the pattern {} names no database of the snapshot", pattern.text()),
        meant.empty()
            ? fmt::format("It has: {}{}.",
                          fmt::join(names.begin(),
                                    names.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
                          shown < names.size() ? " …" : "")
            : fmt::format("Did you mean {}?", meant),
        "selection_unknown");
}

bool names_any(const NamePattern& pattern, const std::vector<std::string>& names) {
    return std::any_of(names.begin(), names.end(),
                       [&](const std::string& name) { return pattern.matches(name); });
}

/// The database that all patterns of tables begin with.
std::string database_of_tables(DatabaseType type, const Selection& selection,
                               const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        const auto is_of_it = [&name](const NamePattern& pattern) {
            return pattern.text().starts_with(name + ".");
        };
        const auto& include = selection.names.include;
        if (!include.empty() && std::all_of(include.begin(), include.end(), is_of_it)) {
            return name;
        }
    }
    for (const NamePattern& pattern : selection.names.include) {
        const bool is_of_any =
            std::any_of(names.begin(), names.end(), [&pattern](const std::string& name) {
                return pattern.matches(name) || pattern.text().starts_with(name + ".");
            });
        if (!is_of_any) {
            refuse_unknown(pattern, names);
        }
    }
    throw explained<ConfigError>(
        "the snapshot is of several databases, and tables are restored from one at a time",
        type == DatabaseType::sqlite
            ? fmt::format("Write --include DATABASE.TABLE, for example --include '{}.*'.",
                          names.front())
            : fmt::format("Write --include DATABASE.SCHEMA.TABLE, for example --include '{}.*.*'.",
                          names.front()),
        "selection_not_supported");
}

}  // namespace

std::string database_of(DatabaseType type, const std::string& stream) {
    return type == DatabaseType::sqlite ? stream : database_of_stream(stream);
}

std::vector<std::string> databases_of(DatabaseType type, const std::vector<StoredStream>& streams) {
    std::vector<std::string> names;
    for (const StoredStream& stream : streams) {
        std::string name = database_of(type, stream.name);
        // Streams of one database follow one another.
        if (!name.empty() && (names.empty() || names.back() != name)) {
            names.push_back(std::move(name));
        }
    }
    return names;
}

bool are_several_databases(DatabaseType type, const std::vector<StoredStream>& streams) {
    const std::vector<std::string> names = databases_of(type, streams);
    return type == DatabaseType::sqlite ? names.size() != 1 || names.front() != kOnlyDatabase
                                        : names.size() > 1;
}

StreamChoice choose_streams(DatabaseType type, const std::vector<StoredStream>& streams,
                            const Selection& selection) {
    StreamChoice choice;
    const auto take_streams = [&](const std::set<std::string>& databases) {
        for (const StoredStream& stream : streams) {
            const std::string of_it = database_of(type, stream.name);
            if (of_it.empty() || databases.contains(of_it)) {
                choice.names.insert(stream.name);  // What is the server's goes with any of them.
            }
        }
    };
    const std::vector<std::string> names = databases_of(type, streams);
    if (!are_several_databases(type, streams) || selection.is_everything()) {
        take_streams({names.begin(), names.end()});
        choice.within = selection;
        return choice;
    }
    choice.is_a_part = true;
    const NameSelection& wanted = selection.names;
    const bool is_of_tables =
        !selection.where.empty() || !selection.renames.empty() || selection.parts != Parts::all ||
        std::any_of(wanted.include.begin(), wanted.include.end(),
                    [&names](const NamePattern& each) { return !names_any(each, names); });
    if (is_of_tables) {
        take_streams({database_of_tables(type, selection, names)});
        choice.within = selection;
        return choice;
    }
    for (const NamePattern& pattern : wanted.exclude) {
        if (!names_any(pattern, names)) {
            refuse_unknown(pattern, names);
        }
    }
    std::set<std::string> chosen;
    std::copy_if(names.begin(), names.end(), std::inserter(chosen, chosen.end()),
                 [&wanted](const std::string& name) { return wanted.takes(name); });
    take_streams(chosen);
    if (chosen.empty()) {
        throw explained<ConfigError>("the patterns leave no database of the snapshot",
                                     "Exclude fewer of them.", "selection_empty");
    }
    return choice;
}

}  // namespace dbbackup
