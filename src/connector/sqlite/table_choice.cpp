#include "connector/sqlite/table_choice.hpp"

#include "base/error.hpp"
#include "config/problems.hpp"
#include "connector/sqlite/stored_sql.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

namespace dbbackup::sqlite {
namespace {

using Kind = TableDefinition::Kind;

constexpr std::size_t kNamesShown = 8;

std::array<NamePart, 2> parts_of(std::string_view stream, std::string_view table) {
    return {{{.text = stream}, {.text = table, .letter_case = NameCase::ignored}}};
}

std::vector<std::string> names_of(const StoredSchema& schema) {
    std::vector<std::string> names;
    for (const TableDefinition& table : schema.tables) {
        if (table.kind != Kind::shadow) {
            names.push_back(shown(table.name));
        }
    }
    return names;
}

/// "Did you mean 'orders'?", else what there is.
std::string remedy(std::string_view name, std::vector<std::string> names) {
    const std::string like = nearest(name, names);
    if (!like.empty()) {
        return fmt::format("Did you mean '{}'?", like);
    }
    if (names.empty()) {
        return "The stored database has no tables.";
    }
    const std::size_t count = names.size();
    names.resize(std::min(count, kNamesShown));
    return fmt::format("It has {}{}.", fmt::join(names, ", "),
                       count > kNamesShown ? fmt::format(" and {} more", count - kNamesShown) : "");
}

void refuse_idle_patterns(const StoredSchema& schema, const Selection& selection,
                          std::string_view stream) {
    for (const NamePattern& pattern : selection.names.include) {
        const bool is_used =
            std::any_of(schema.tables.begin(), schema.tables.end(), [&](const auto& table) {
                return table.kind != Kind::shadow && pattern.matches(parts_of(stream, table.name));
            });
        if (!is_used) {
            throw explained<ConfigError>(
                fmt::format("no table or view of the snapshot matches '{}'", shown(pattern.text())),
                remedy(pattern.text(), names_of(schema)), "selection_matches_nothing");
        }
    }
}

/// The selected table that an option names, as `orders` or with the database before it.
ChosenTable& named_table(std::vector<ChosenTable>& chosen, const StoredSchema& schema,
                         const std::string& name, std::string_view option,
                         std::string_view stream) {
    const auto find = [&](std::string_view wanted) {
        return std::find_if(chosen.begin(), chosen.end(), [wanted](const ChosenTable& each) {
            return is_same_name(each.definition.name, wanted);
        });
    };
    auto found = find(name);
    const std::string prefix = std::string(stream) + ".";
    if (found == chosen.end() && name.starts_with(prefix)) {
        found = find(std::string_view(name).substr(prefix.size()));
    }
    if (found != chosen.end()) {
        return *found;
    }
    if (schema.find(name) != nullptr) {
        throw explained<ConfigError>(
            fmt::format("{} names the table '{}', which is not selected", option, shown(name)),
            "Add it with --include, or leave the option out.", "selection_conflict");
    }
    throw explained<ConfigError>(
        fmt::format("{} names '{}', but there is no such table", option, shown(name)),
        remedy(name, names_of(schema)), "selection_matches_nothing");
}

void add_conditions(std::vector<ChosenTable>& chosen, const StoredSchema& schema,
                    const Selection& selection, std::string_view stream) {
    for (const RowCondition& where : selection.where) {
        ChosenTable& table = named_table(chosen, schema, where.table, "--where", stream);
        if (table.definition.kind != Kind::ordinary) {
            throw explained<ConfigError>(
                fmt::format("'{}' is a {}, whose rows can not be chosen", shown(where.table),
                            table.definition.kind == Kind::view ? "view" : "virtual table"),
                "Leave out --where for it.", "selection_conflict");
        }
        if (!table.condition.empty()) {
            throw explained<ConfigError>(
                fmt::format("--where is given twice for '{}'", shown(where.table)),
                "Join the conditions with AND or OR.", "bad_option_value");
        }
        if (selection.parts == Parts::schema) {
            throw explained<ConfigError>("--where chooses rows, but --schema-only takes none",
                                         "Leave one of them out.", "selection_conflict");
        }
        table.condition = where.condition;
    }
}

void add_renames(std::vector<ChosenTable>& chosen, const StoredSchema& schema,
                 const Selection& selection, std::string_view stream) {
    for (const Rename& rename : selection.renames) {
        ChosenTable& table = named_table(chosen, schema, rename.from, "--rename", stream);
        if (table.is_renamed()) {
            throw explained<ConfigError>(
                fmt::format("--rename is given twice for '{}'", shown(rename.from)),
                "Leave one of them out.", "bad_option_value");
        }
        if (rename.to.find('\0') != std::string::npos ||
            is_same_name(rename.to.substr(0, 7), "sqlite_")) {
            throw explained<ConfigError>(
                fmt::format("a table can not be called '{}'", shown(rename.to)),
                "Choose a name that does not begin with sqlite_.", "bad_option_value");
        }
        if (table.definition.kind == Kind::view && !table.definition.triggers.empty()) {
            throw explained<ConfigError>(
                fmt::format("the view '{}' has triggers, so it can not be renamed",
                            shown(rename.from)),
                "Leave out --rename for it.", "selection_conflict");
        }
        table.target = rename.to;
    }
}

void refuse_same_names(const std::vector<ChosenTable>& chosen) {
    std::vector<std::string> names;
    for (const ChosenTable& table : chosen) {
        names.push_back(table.target);
        for (const TableDefinition& shadow : table.shadows) {
            names.push_back(table.target_of(shadow));
        }
    }
    const auto is_less = [](const std::string& one, const std::string& other) {
        return std::lexicographical_compare(
            one.begin(), one.end(), other.begin(), other.end(),
            [](unsigned char a, unsigned char b) { return std::tolower(a) < std::tolower(b); });
    };
    std::sort(names.begin(), names.end(), is_less);
    const auto twice =
        std::adjacent_find(names.begin(), names.end(),
                           [](const auto& a, const auto& b) { return is_same_name(a, b); });
    if (twice != names.end()) {
        throw explained<ConfigError>(fmt::format("two tables would be called '{}'", shown(*twice)),
                                     "Choose another name with --rename.", "selection_conflict");
    }
}

}  // namespace

std::string ChosenTable::target_of(const TableDefinition& shadow) const {
    return is_renamed() ? target + shadow.name.substr(definition.name.size()) : shadow.name;
}

std::vector<ChosenTable> choose_tables(const StoredSchema& schema, const Selection& selection,
                                       std::string_view stream) {
    refuse_idle_patterns(schema, selection, stream);
    std::vector<ChosenTable> chosen;
    for (const bool is_view : {false, true}) {
        for (const TableDefinition& table : schema.tables) {
            if (table.kind == Kind::shadow || (table.kind == Kind::view) != is_view ||
                !selection.names.takes(parts_of(stream, table.name)) ||
                (is_view && selection.parts == Parts::data)) {
                continue;
            }
            ChosenTable one{table, table.name, {}, {}};
            for (const std::string& shadow : table.shadows) {
                one.shadows.push_back(*schema.find(shadow));
            }
            chosen.push_back(std::move(one));
        }
    }
    add_conditions(chosen, schema, selection, stream);
    add_renames(chosen, schema, selection, stream);
    refuse_same_names(chosen);
    if (chosen.empty()) {
        throw explained<ConfigError>("the selection leaves no table to restore",
                                     remedy("", names_of(schema)), "selection_matches_nothing");
    }
    return chosen;
}

}  // namespace dbbackup::sqlite
