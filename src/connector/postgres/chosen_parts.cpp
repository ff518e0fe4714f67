#include "connector/postgres/chosen_parts.hpp"

#include "base/error.hpp"
#include "config/problems.hpp"
#include "connector/postgres/catalogue.hpp"
#include "connector/postgres/stream_plans.hpp"
#include "connector/stream_names.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <set>

namespace dbbackup::postgres {
namespace {

constexpr std::size_t kNamesShown = 8;

}  // namespace

ChosenParts::ChosenParts(Toc toc, const SchemaDefinition& schema, const Selection& selection,
                         const std::vector<StoredStream>& streams)
    : toc_(std::move(toc)),
      database_(schema.database.name),
      parts_(selection.parts),
      is_everything_else_(selection.names.include.empty()),
      choice_(choose(toc_, database_, selection.names)) {
    choose_streams(selection, streams);
    refuse_idle_patterns(selection.names);
    if (choice_.selected.empty() && rows_.empty() && choice_.ids.empty()) {
        throw explained<ConfigError>("the selection leaves no table to restore", remedy(""),
                                     "selection_matches_nothing");
    }
    add_conditions(selection);
    add_renames(selection);
    find_left_out(schema);
}

void ChosenParts::choose_streams(const Selection& selection,
                                 const std::vector<StoredStream>& streams) {
    std::map<std::string, const TocEntry*> tables;
    for (const TocEntry& entry : toc_.entries()) {
        if (entry.kind == "TABLE") {
            tables.emplace(stream_name(database_, entry.schema, entry.name), &entry);
        }
    }
    for (const StoredStream& stream : streams) {
        if (!is_table(stream)) {
            continue;
        }
        const auto found = tables.find(stream.name);
        bool is_chosen = false;
        if (found != tables.end()) {
            const TocEntry& table = *found->second;
            stream_of_.emplace(table.id, stream.name);
            names_[stream.name] = {table.schema, table.name};
            is_chosen = choice_.selected.contains(table.id);
        } else {
            // Of an extension, which makes it, and comes when nothing is included by name.
            const TableDefinition table = TableDefinition::parse(stream.definition);
            names_[stream.name] = {table.schema, table.name};
            const std::array<NamePart, 3> parts = {
                {{.text = database_}, {.text = table.schema}, {.text = table.name}}};
            const bool is_taken = selection.names.takes(parts);
            is_chosen = is_taken && (is_everything_else_ || parts_ == Parts::data);
            of_extensions_.insert(stream.name);
            if (is_taken && !is_chosen && parts_ != Parts::schema) {
                remarks_.push_back(
                    fmt::format("left out: the rows of {}.{}, which belongs to an extension",
                                table.schema, table.name));
            }
        }
        if (is_chosen && parts_ != Parts::schema) {
            rows_.emplace(stream.name, stream);
        }
    }
}

/// Of what the backup left out there are no rows, and nothing that refers to them can be checked.
void ChosenParts::find_left_out(const SchemaDefinition& schema) {
    if (parts_ == Parts::schema) {
        return;
    }
    std::set<std::pair<std::string, std::string>> selected;
    for (const int id : choice_.selected) {
        selected.emplace(toc_.find(id)->schema, toc_.find(id)->name);
    }
    std::vector<TableName> rowless = schema.left_out;
    std::erase_if(rowless, [&selected](const TableName& table) {
        return !selected.contains({table.schema, table.name});
    });
    if (!rowless.empty()) {
        without_rows_ = fmt::format("{}, which were left out of the backup: {}",
                                    parts_ == Parts::data ? "these tables get no rows"
                                                          : "these tables are made without rows",
                                    names_text(rowless));
    }
    if (parts_ == Parts::all) {
        unchecked_keys_ = take_out(toc_, choice_.ids, schema.unchecked_keys);
    }
}

void ChosenParts::refuse_idle_patterns(const NameSelection& names) const {
    for (const NamePattern& pattern : names.include) {
        const auto matches = [&](std::string_view schema, std::string_view name) {
            const std::array<NamePart, 3> parts = {
                {{.text = database_}, {.text = schema}, {.text = name}}};
            return pattern.matches(parts);
        };
        const NameSelection alone{{pattern}, {}};
        const bool is_used =
            std::any_of(toc_.entries().begin(), toc_.entries().end(),
                        [&](const TocEntry& entry) {
                            return entry.role() == TocEntry::Role::relation
                                       ? matches(entry.schema, entry.name)
                                       : entry.kind == "SCHEMA" &&
                                             takes_schema(alone, database_, entry.name);
                        }) ||
            std::any_of(names_.begin(), names_.end(), [&](const auto& table) {
                return matches(table.second.first, table.second.second);
            });
        if (!is_used) {
            throw explained<ConfigError>(
                fmt::format("no table or view of the snapshot matches '{}'", shown(pattern.text())),
                remedy(pattern.text()), "selection_matches_nothing");
        }
    }
}

std::vector<std::string> ChosenParts::names_of(const TocEntry& entry) const {
    const std::string full = stream_name(database_, entry.schema, entry.name);
    const std::size_t own = stream_name(database_, entry.schema, "").size() - 2;
    const std::size_t behind_database = stream_name(database_, "", "").size() - 6;
    return {entry.name,
            entry.full_name(),
            fmt::format("{}.{}", database_, entry.full_name()),
            full,
            full.substr(behind_database + 1),
            full.substr(own)};
}

const TocEntry* ChosenParts::named(std::string_view name, bool is_selected) const {
    const TocEntry* found = nullptr;
    for (const TocEntry& entry : toc_.entries()) {
        if (!entry.has_columns() || (is_selected && !choice_.selected.contains(entry.id))) {
            continue;
        }
        const std::vector<std::string> names = names_of(entry);
        if (std::find(names.begin(), names.end(), name) == names.end()) {
            continue;
        }
        if (found != nullptr) {
            throw explained<ConfigError>(fmt::format("'{}' may be {} or {}", shown(name),
                                                     found->full_name(), entry.full_name()),
                                         "Write it with its schema.", "selection_conflict");
        }
        found = &entry;
    }
    return found;
}

std::string ChosenParts::remedy(std::string_view name) const {
    std::vector<std::string> names;
    for (const TocEntry& entry : toc_.entries()) {
        if (entry.has_columns()) {
            names.push_back(shown(entry.full_name()));
        }
    }
    std::string like = nearest(name, names);
    if (like.empty()) {
        std::vector<std::string> last_parts;
        for (const TocEntry& entry : toc_.entries()) {
            if (entry.has_columns()) {
                last_parts.push_back(shown(entry.name));
            }
        }
        like = nearest(name, last_parts);
    }
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

void ChosenParts::add_conditions(const Selection& selection) {
    for (const RowCondition& where : selection.where) {
        const TocEntry* const table = named(where.table, true);
        if (table == nullptr) {
            if (named(where.table, false) != nullptr) {
                throw explained<ConfigError>(
                    fmt::format("--where names the table '{}', which is not selected",
                                shown(where.table)),
                    "Add it with --include, or leave the option out.", "selection_conflict");
            }
            throw explained<ConfigError>(
                fmt::format("--where names '{}', but there is no such table", shown(where.table)),
                remedy(where.table), "selection_matches_nothing");
        }
        if (table->kind != "TABLE") {
            throw explained<ConfigError>(
                fmt::format("'{}' is no table, so its rows can not be chosen", shown(where.table)),
                "Leave out --where for it.", "selection_conflict");
        }
        if (parts_ == Parts::schema) {
            throw explained<ConfigError>("--where chooses rows, but --schema-only takes none",
                                         "Leave one of them out.", "selection_conflict");
        }
        // Rows of a partitioned table are in its partitions.
        std::vector<int> tables = {table->id};
        for (std::size_t next = 0; next < tables.size(); ++next) {
            const auto stream = stream_of_.find(tables[next]);
            if (stream != stream_of_.end() &&
                !conditions_.emplace(stream->second, TableCondition{table->name, where.condition})
                     .second) {
                throw explained<ConfigError>(
                    fmt::format("--where is given twice for '{}'", shown(where.table)),
                    "Join the conditions with AND or OR.", "bad_option_value");
            }
            for (const TocEntry& entry : toc_.entries()) {
                const TocEntry* const child =
                    entry.kind == "TABLE ATTACH" ? toc_.subject_of(entry) : nullptr;
                if (child != nullptr && child->id != tables[next] &&
                    std::find(entry.needs.begin(), entry.needs.end(), tables[next]) !=
                        entry.needs.end()) {
                    tables.push_back(child->id);
                }
            }
        }
    }
}

void ChosenParts::add_renames(const Selection& selection) {
    std::set<std::string> schemas = {"public"};
    for (const TocEntry& entry : toc_.entries()) {
        if (entry.kind == "SCHEMA") {
            schemas.insert(entry.name);
        }
    }
    for (const Rename& rename : selection.renames) {
        if (!schemas.contains(rename.from)) {
            if (named(rename.from, false) != nullptr) {
                throw explained<ConfigError>(
                    fmt::format("--rename names the table '{}', but only schemas of PostgreSQL get "
                                "another name",
                                shown(rename.from)),
                    "Give its schema another name: --rename public=restored.",
                    "selection_not_supported");
            }
            throw explained<ConfigError>(
                fmt::format("--rename names '{}', but there is no such schema", shown(rename.from)),
                fmt::format("There are {}.", fmt::join(schemas, ", ")),
                "selection_matches_nothing");
        }
        if (rename.to.starts_with("pg_") || rename.to.find('\0') != std::string::npos) {
            throw explained<ConfigError>(
                fmt::format("a schema can not be called '{}'", shown(rename.to)),
                "Choose a name that does not begin with pg_.", "bad_option_value");
        }
        if (!renames_.emplace(rename.from, rename.to).second) {
            throw explained<ConfigError>(
                fmt::format("--rename is given twice for '{}'", shown(rename.from)),
                "Leave one of them out.", "bad_option_value");
        }
    }
    std::set<std::string> made = {"public"};
    for (const int id : choice_.ids) {
        if (toc_.find(id)->kind == "SCHEMA") {
            made.insert(toc_.find(id)->name);
        }
    }
    std::set<std::string> targets;
    for (const auto& [from, to] : renames_) {
        made.erase(from);
        if (!targets.insert(to).second) {
            throw explained<ConfigError>(fmt::format("two schemas would be called '{}'", shown(to)),
                                         "Choose another name with --rename.",
                                         "selection_conflict");
        }
    }
    const auto taken = std::find_if(targets.begin(), targets.end(),
                                    [&](const std::string& name) { return made.contains(name); });
    if (taken != targets.end()) {
        throw explained<ConfigError>(fmt::format("two schemas would be called '{}'", shown(*taken)),
                                     "Choose another name with --rename.", "selection_conflict");
    }
}

const TableCondition* ChosenParts::condition_of(const std::string& stream) const {
    const auto found = conditions_.find(stream);
    return found == conditions_.end() ? nullptr : &found->second;
}

const std::string& ChosenParts::target_schema(const std::string& schema) const {
    const auto found = renames_.find(schema);
    return found == renames_.end() ? schema : found->second;
}

RestoredTable ChosenParts::told(const std::string& stream) const {
    const auto& [schema, name] = names_.at(stream);
    return {fmt::format("{}.{}", schema, name), fmt::format("{}.{}", target_schema(schema), name),
            std::nullopt};
}

std::vector<RestoredTable> ChosenParts::rowless() const {
    std::vector<RestoredTable> tables;
    if (parts_ == Parts::data) {
        return tables;
    }
    for (const TocEntry& entry : toc_.entries()) {
        const auto stream = stream_of_.find(entry.id);
        const bool has_rows = stream != stream_of_.end() && rows_.contains(stream->second);
        if (entry.has_columns() && choice_.selected.contains(entry.id) && !has_rows) {
            tables.push_back({entry.full_name(),
                              fmt::format("{}.{}", target_schema(entry.schema), entry.name),
                              std::nullopt});
        }
    }
    return tables;
}

std::vector<ChosenSequence> ChosenParts::sequences() const {
    std::set<int> wanted;
    for (const int id : choice_.ids) {
        const TocEntry& entry = *toc_.find(id);
        if (entry.is_sequence() && choice_.selected.contains(id)) {
            wanted.insert(id);
        }
        const TocEntry* const subject = toc_.subject_of(entry);
        const bool is_of_selected = choice_.selected.contains(id) ||
                                    (subject != nullptr && choice_.selected.contains(subject->id));
        if (!is_of_selected) {
            continue;
        }
        if (entry.is_sequence()) {
            wanted.insert(id);
        }
        std::copy_if(entry.needs.begin(), entry.needs.end(), std::inserter(wanted, wanted.end()),
                     [this](int need) {
                         const TocEntry* const each = toc_.find(need);
                         return each != nullptr && each->is_sequence();
                     });
    }
    std::vector<ChosenSequence> sequences;
    for (const int id : wanted) {
        sequences.push_back({toc_.find(id)->schema, toc_.find(id)->name, id});
    }
    return sequences;
}

std::vector<std::string> ChosenParts::views_among(const std::vector<int>& ids,
                                                  const std::vector<std::string>& views) const {
    std::vector<std::string> chosen;
    if (parts_ != Parts::all) {
        return chosen;
    }
    std::map<std::pair<std::string, std::string>, std::string> filled;
    for (const std::string& view : views) {
        const std::vector<std::string> parts = parts_of_stream(view);  // Quoted in the same way.
        filled.emplace(std::pair(parts.at(0), parts.at(1)), view);
    }
    for (const int id : ids) {
        const auto view = filled.find({toc_.find(id)->schema, toc_.find(id)->name});
        if (view != filled.end() && toc_.find(id)->has_columns()) {
            chosen.push_back(view->second);
        }
    }
    return chosen;
}

std::vector<std::string> ChosenParts::remarks(const std::set<int>& but) const {
    std::vector<std::string> remarks;
    if (!without_rows_.empty()) {
        remarks.push_back(without_rows_);
    }
    if (parts_ == Parts::data) {
        return remarks;
    }
    for (const LeftOut& each : choice_.left_out) {
        if (!but.contains(each.id)) {
            remarks.push_back(each.what);
        }
    }
    remarks.insert(remarks.end(), remarks_.begin(), remarks_.end());
    for (const int id : choice_.rowless) {
        remarks.push_back(fmt::format("{} comes without its rows: something selected needs it",
                                      toc_.find(id)->full_name()));
    }
    return remarks;
}

}  // namespace dbbackup::postgres
