#include "engine/database_choice.hpp"

#include "base/error.hpp"
#include "config/name_pattern.hpp"
#include "config/problems.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>

namespace dbbackup {
namespace {

constexpr const char* kOnlyDatabase = "main";
constexpr std::size_t kNamesShownMax = 10;

void refuse_unknown(const NamePattern& pattern, const std::vector<std::string>& names) {
    if (std::any_of(names.begin(), names.end(),
                    [&](const std::string& name) { return pattern.matches(name); })) {
        return;
    }
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

}  // namespace

bool are_several_databases(DatabaseType type, const std::vector<StoredStream>& streams) {
    return type == DatabaseType::sqlite &&
           (streams.size() != 1 || streams.front().name != kOnlyDatabase);
}

std::set<std::string> choose_databases(DatabaseType type, const std::vector<StoredStream>& streams,
                                       const std::vector<std::string>& include,
                                       const std::vector<std::string>& exclude) {
    if (!are_several_databases(type, streams)) {
        throw explained<ConfigError>("the snapshot is of one database, which is restored whole",
                                     "Leave out --include and --exclude.",
                                     "selection_not_supported");
    }
    const NameSelection selection = NameSelection::parse(include, exclude);
    std::vector<std::string> names;
    std::set<std::string> chosen;
    for (const StoredStream& stream : streams) {
        names.push_back(stream.name);
        if (selection.takes(stream.name)) {
            chosen.insert(stream.name);
        }
    }
    for (const std::vector<NamePattern>* const patterns :
         {&selection.include, &selection.exclude}) {
        for (const NamePattern& pattern : *patterns) {
            refuse_unknown(pattern, names);
        }
    }
    if (chosen.empty()) {
        throw explained<ConfigError>("the patterns leave no database of the snapshot",
                                     "Exclude fewer of them.", "selection_empty");
    }
    return chosen;
}

}  // namespace dbbackup
