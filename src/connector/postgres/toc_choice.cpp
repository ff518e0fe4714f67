#include "connector/postgres/toc_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

namespace dbbackup::postgres {
namespace {

using Role = TocEntry::Role;

/// A name that nobody gives to anything: only a pattern for all names takes it.
constexpr std::string_view kAnyName = "\x01 any \x01";

bool ends_with_rule_of_view(const TocEntry& entry) {
    return entry.kind == "RULE" && entry.name.ends_with(" _RETURN");
}

/// "foreign key", for people.
std::string_view word_of(const TocEntry& part) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kWords = {
        {{"INDEX", "index"},
         {"CONSTRAINT", "constraint"},
         {"FK CONSTRAINT", "foreign key"},
         {"CHECK CONSTRAINT", "check"},
         {"TRIGGER", "trigger"},
         {"POLICY", "policy"},
         {"RULE", "rule"},
         {"DEFAULT", "default of"},
         {"STATISTICS", "statistics object"},
         {"SEQUENCE OWNED BY", "sequence"},
         {"PUBLICATION TABLE", "place in the publication"},
         {"TABLE ATTACH", "place as a partition"}}};
    const auto* const found = std::find_if(
        kWords.begin(), kWords.end(), [&](const auto& word) { return word.first == part.kind; });
    return found == kWords.end() ? std::string_view() : found->second;
}

class Choosing {
public:
    Choosing(const Toc& toc, const std::string& database, const NameSelection& names)
        : toc_(toc), database_(database), names_(names) {}

    TocChoice take() {
        select_relations();
        select_objects();
        for (bool has_more = true; has_more;) {
            has_more = false;
            for (const TocEntry& entry : toc_.entries()) {
                has_more = join(entry) || has_more;
            }
        }
        TocChoice choice;
        choice.selected = selected_;
        for (const TocEntry& entry : toc_.entries()) {
            if (taken_.contains(entry.id)) {
                choice.ids.push_back(entry.id);
                if (entry.kind == "TABLE" && !selected_.contains(entry.id)) {
                    choice.rowless.push_back(entry.id);
                }
            } else {
                tell(entry, choice.left_out);
            }
        }
        return choice;
    }

private:
    [[nodiscard]] bool takes_name(const TocEntry& entry) const {
        const std::array<NamePart, 3> parts = {
            {{.text = database_}, {.text = entry.schema}, {.text = entry.name}}};
        return names_.takes(parts);
    }
    [[nodiscard]] bool is_excluded(const TocEntry& entry) const {
        const std::array<NamePart, 3> parts = {
            {{.text = database_}, {.text = entry.schema}, {.text = entry.name}}};
        return std::any_of(names_.exclude.begin(), names_.exclude.end(),
                           [&](const NamePattern& each) { return each.matches(parts); });
    }
    /// A sequence that a table owns, or that an identity column takes its values from.
    [[nodiscard]] bool is_of_table(const TocEntry& entry) const {
        return entry.is_sequence() && toc_.subject_of(entry) != nullptr;
    }

    void select_relations() {
        std::multimap<int, int> partitions;
        for (const TocEntry& entry : toc_.entries()) {
            if (entry.role() == Role::relation && !is_of_table(entry) && takes_name(entry)) {
                selected_.insert(entry.id);
            } else if (entry.kind == "TABLE ATTACH") {
                add_partition(entry, partitions);
            }
        }
        std::vector<int> parents(selected_.begin(), selected_.end());
        while (!parents.empty()) {
            const int parent = parents.back();
            parents.pop_back();
            const auto [begin, end] = partitions.equal_range(parent);
            for (auto each = begin; each != end; ++each) {
                if (!is_excluded(*toc_.find(each->second)) &&
                    selected_.insert(each->second).second) {
                    parents.push_back(each->second);
                }
            }
        }
        for (const int each : selected_) {
            take(each);
        }
    }

    void add_partition(const TocEntry& attach, std::multimap<int, int>& partitions) const {
        const TocEntry* const child = toc_.subject_of(attach);
        for (const int id : attach.needs) {
            const TocEntry* const parent = toc_.find(id);
            if (child != nullptr && parent != nullptr && parent->has_columns() &&
                parent->id != child->id) {
                partitions.emplace(parent->id, child->id);
            }
        }
    }

    void select_objects() {
        for (const TocEntry& entry : toc_.entries()) {
            if (entry.role() != Role::object) {
                continue;
            }
            const std::string& schema = entry.kind == "SCHEMA" ? entry.name : entry.schema;
            if (schema.empty() ? names_.include.empty() : takes_schema(names_, database_, schema)) {
                take(entry.id);
            }
        }
    }

    /// With all that it needs.
    void take(int id) {
        std::vector<int> left = {id};
        while (!left.empty()) {
            const TocEntry* const entry = toc_.find(left.back());
            left.pop_back();
            if (entry != nullptr && entry->role() != Role::setting &&
                taken_.insert(entry->id).second) {
                left.insert(left.end(), entry->needs.begin(), entry->needs.end());
            }
        }
    }

    /// Takes a part of something that is taken. Returns false when nothing was to be done.
    bool join(const TocEntry& entry) {
        if (taken_.contains(entry.id) || (entry.role() != Role::part && !is_of_table(entry))) {
            return false;
        }
        const TocEntry* const subject = toc_.subject_of(entry);
        // Without these the table would not be the same table, nor the view a view.
        const bool is_essential =
            subject != nullptr && taken_.contains(subject->id) &&
            (is_of_table(entry) || entry.kind == "DEFAULT" || entry.kind == "SEQUENCE OWNED BY" ||
             ends_with_rule_of_view(entry));
        std::set<int> seen;
        if (!is_essential && (entry.role() != Role::part || !can_join(entry, seen))) {
            return false;
        }
        take(entry.id);
        take_hidden_needs(entry);
        return taken_.contains(entry.id);  // Else it would join in every round.
    }

    /// The operator classes that such constraints use are in no dependency of pg_dump's, and those
    /// of scalar types are of one extension.
    void take_hidden_needs(const TocEntry& entry) {
        const std::string& sql = entry.definition;
        if (entry.kind != "CONSTRAINT" || (sql.find(" EXCLUDE USING ") == std::string::npos &&
                                           sql.find(" WITHOUT OVERLAPS") == std::string::npos)) {
            return;
        }
        for (const TocEntry& each : toc_.entries()) {
            if (each.kind == "EXTENSION" && each.name == "btree_gist") {
                take(each.id);
            }
        }
    }

    [[nodiscard]] bool can_join(const TocEntry& part, std::set<int>& seen) const {
        bool has_relation = false;
        bool has_any = false;
        bool is_complete = true;
        for (const int id : part.needs) {
            const TocEntry* const need = toc_.find(id);
            if (need == nullptr) {
                continue;
            }
            has_any = true;
            has_relation = has_relation || need->role() != Role::object;
            is_complete = is_complete && (taken_.contains(id) || need->role() != Role::relation);
        }
        if (!has_any) {
            return belongs_to_what_is_there(part);
        }
        return is_complete && std::all_of(part.needs.begin(), part.needs.end(), [&](int id) {
                   const TocEntry* const need = toc_.find(id);
                   return need == nullptr || taken_.contains(id) ||
                          (has_relation && can_pull(*need, seen));
               });
    }

    /// Whether it can come along: with no table that was not asked for, and nothing global.
    [[nodiscard]] bool can_pull(const TocEntry& entry, std::set<int>& seen) const {
        if (taken_.contains(entry.id) || !seen.insert(entry.id).second) {
            return true;
        }
        if (entry.role() == Role::part) {
            return can_join(entry, seen);
        }
        return entry.role() == Role::object && entry.kind != "PUBLICATION" &&
               std::all_of(entry.needs.begin(), entry.needs.end(), [&](int id) {
                   const TocEntry* const need = toc_.find(id);
                   return need == nullptr || can_pull(*need, seen);
               });
    }

    /// A privilege or comment of something that every database has: of a schema that is used, or
    /// of the server's own.
    [[nodiscard]] bool belongs_to_what_is_there(const TocEntry& part) const {
        constexpr std::string_view kOfSchema = "SCHEMA ";
        if (names_.include.empty()) {
            return true;
        }
        return part.name.starts_with(kOfSchema) &&
               std::any_of(taken_.begin(), taken_.end(), [&](int id) {
                   return toc_.find(id)->schema ==
                          std::string_view(part.name).substr(kOfSchema.size());
               });
    }

    void tell(const TocEntry& entry, std::vector<LeftOut>& left_out) const {
        const std::string_view word = word_of(entry);
        const TocEntry* const subject = toc_.subject_of(entry);
        if (word.empty() || subject == nullptr || !selected_.contains(subject->id)) {
            return;
        }
        std::string_view name = entry.name;
        if (name.starts_with(subject->name + " ")) {
            name.remove_prefix(subject->name.size() + 1);
        }
        std::string what = fmt::format("the {} {}", word, name);
        if (entry.kind == "PUBLICATION TABLE") {
            name = name.substr(0, name.size() - std::min(name.size(), subject->name.size() + 1));
            what = fmt::format("the {} {}", word, name);
        } else if (entry.kind == "TABLE ATTACH") {
            what = fmt::format("the {}", word);
        }
        left_out.push_back({entry.id, fmt::format("left out: {} of {}{}", what,
                                                  subject->full_name(), reason_of(entry))});
    }

    /// The first table, in what it needs and what that needs, that is not taken.
    [[nodiscard]] std::string reason_of(const TocEntry& part) const {
        std::vector<int> left(part.needs.rbegin(), part.needs.rend());
        std::set<int> seen;
        while (!left.empty()) {
            const TocEntry* const need = toc_.find(left.back());
            left.pop_back();
            if (need == nullptr || taken_.contains(need->id) || !seen.insert(need->id).second) {
                continue;
            }
            if (need->role() == Role::relation) {
                return fmt::format(", because {} is not restored", need->full_name());
            }
            left.insert(left.end(), need->needs.begin(), need->needs.end());
        }
        return "";
    }

    const Toc& toc_;
    const std::string& database_;
    const NameSelection& names_;
    std::set<int> selected_;
    std::set<int> taken_;
};

}  // namespace

bool takes_schema(const NameSelection& names, const std::string& database,
                  const std::string& schema) {
    const std::array<NamePart, 3> parts = {
        {{.text = database}, {.text = schema}, {.text = kAnyName}}};
    return names.takes(parts);
}

TocChoice choose(const Toc& toc, const std::string& database, const NameSelection& names) {
    return Choosing(toc, database, names).take();
}

std::vector<int> without(const Toc& toc, const std::vector<int>& ids, const std::set<int>& there) {
    std::set<int> skipped = there;
    std::vector<int> left;
    // What belongs to something comes after it.
    for (const int id : ids) {
        const TocEntry& entry = *toc.find(id);
        const bool is_part =
            entry.role() == Role::part || (entry.is_sequence() && toc.subject_of(entry) != nullptr);
        if (is_part && !skipped.contains(id)) {
            const TocEntry* const subject = toc.subject_of(entry);
            bool is_left = subject == nullptr ? true : !skipped.contains(subject->id);
            bool has_any = false;
            for (const int need_id : entry.needs) {
                const TocEntry* const need = toc.find(need_id);
                has_any = has_any || need != nullptr;
                if (need == nullptr || !skipped.contains(need_id)) {
                    continue;
                }
                // A partition gets indexes and triggers of the table that it is attached to from
                // the server, which makes them with ATTACH.
                const bool is_made_by_server =
                    need->role() == Role::part && entry.kind != "FK CONSTRAINT";
                const bool is_of_it = subject == nullptr;
                is_left = is_left && !is_made_by_server && !is_of_it;
            }
            if (!is_left || !has_any) {
                skipped.insert(id);
            }
        }
        if (!skipped.contains(id)) {
            left.push_back(id);
        }
    }
    return left;
}

}  // namespace dbbackup::postgres
