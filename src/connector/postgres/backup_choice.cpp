#include "connector/postgres/backup_choice.hpp"

#include "base/error.hpp"
#include "config/problems.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace dbbackup::postgres {
namespace {

bool is_name_of(const NamePattern& pattern, const std::vector<std::string>& databases) {
    return std::ranges::any_of(databases,
                               [&](const std::string& name) { return pattern.matches(name); });
}

/// `shop.public.orders` or `shop.public.*` is of the database shop alone.
bool names_database(const NamePattern& pattern, std::string_view database) {
    const std::string_view text = pattern.text();
    return text.size() > database.size() + 1 && text.starts_with(database) &&
           text[database.size()] == '.' &&
           text.substr(database.size() + 1).find('.') != std::string_view::npos;
}

}  // namespace

BackupChoice::BackupChoice(const NameSelection& selection,
                           const std::vector<std::string>& databases)
    : databases_(databases) {
    const auto sort = [&](const std::vector<NamePattern>& patterns,
                          std::vector<NamePattern>& of_databases,
                          std::vector<NamePattern>& of_tables) {
        for (const NamePattern& pattern : patterns) {
            if (is_name_of(pattern, databases)) {
                of_databases.push_back(pattern);
            } else {
                of_tables.push_back(pattern);
                unseen_.insert(pattern.text());
            }
        }
    };
    sort(selection.include, include_databases_, include_);
    sort(selection.exclude, exclude_databases_, exclude_);
}

bool BackupChoice::may_be_in(const NamePattern& pattern, std::string_view database) const {
    return names_database(pattern, database) ||
           std::ranges::none_of(databases_, [&](const std::string& other) {
               return names_database(pattern, other);
           });
}

bool BackupChoice::takes_database(std::string_view database) const {
    const auto is_it = [&](const NamePattern& pattern) { return pattern.matches(database); };
    if (std::ranges::any_of(exclude_databases_, is_it)) {
        return false;
    }
    return (include_databases_.empty() && include_.empty()) ||
           std::ranges::any_of(include_databases_, is_it) ||
           std::ranges::any_of(
               include_, [&](const NamePattern& pattern) { return may_be_in(pattern, database); });
}

bool BackupChoice::means(const NamePattern& pattern, std::string_view database,
                         std::span<const TableName> names) {
    return std::ranges::any_of(names, [&](const TableName& name) {
        const std::array<NamePart, 3> parts = {
            {{.text = database}, {.text = name.schema}, {.text = name.name}}};
        return pattern.matches(parts);
    });
}

bool BackupChoice::takes_rows(std::string_view database, std::span<const TableName> names) const {
    const auto is_it = [&](const NamePattern& pattern) { return means(pattern, database, names); };
    if (std::ranges::any_of(exclude_, is_it)) {
        return false;
    }
    return (include_databases_.empty() && include_.empty()) ||
           std::ranges::any_of(
               include_databases_,
               [&](const NamePattern& pattern) { return pattern.matches(database); }) ||
           std::ranges::any_of(include_, is_it);
}

void BackupChoice::see(std::string_view database, std::span<const TableName> names) {
    for (const std::vector<NamePattern>* const patterns : {&include_, &exclude_}) {
        for (const NamePattern& pattern : *patterns) {
            if (unseen_.contains(pattern.text()) && means(pattern, database, names)) {
                unseen_.erase(pattern.text());
            }
        }
    }
}

void BackupChoice::refuse_idle() const {
    for (const NamePattern& pattern : include_) {
        if (unseen_.contains(pattern.text())) {
            throw explained<ConfigError>(
                fmt::format("no {}table of the source matches '{}'",
                            databases_.empty() ? "" : "database and no ", shown(pattern.text())),
                "Write [[database.]schema.]table, with * for any characters; definitions are "
                "always in the snapshot.",
                "selection_matches_nothing");
        }
    }
}

std::vector<std::string> BackupChoice::idle_warnings() const {
    std::vector<std::string> warnings;
    for (const NamePattern& pattern : exclude_) {
        if (unseen_.contains(pattern.text())) {
            warnings.push_back(fmt::format("the pattern {} of --exclude matches no {}table",
                                           shown(pattern.text()),
                                           databases_.empty() ? "" : "database and no "));
        }
    }
    return warnings;
}

}  // namespace dbbackup::postgres
