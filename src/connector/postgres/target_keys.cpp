#include "connector/postgres/target_keys.hpp"

#include "connector/postgres/target_objects.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dbbackup::postgres {

std::set<int> keys_to_others(Connection& connection, const ChosenParts& parts) {
    std::set<int> keys;
    if (!parts.renames().empty()) {
        return keys;  // Their names would mean other tables.
    }
    const std::vector<int>& ids = parts.choice().ids;
    const std::set<int> made(ids.begin(), ids.end());
    for (const LeftOut& each : parts.choice().left_out) {
        const TocEntry& key = *parts.toc().find(each.id);
        const bool is_there = key.kind == "FK CONSTRAINT" &&
                              std::all_of(key.needs.begin(), key.needs.end(), [&](int id) {
                                  const TocEntry* const table = parts.toc().find(id);
                                  return table == nullptr || !table->has_columns() ||
                                         made.contains(id) ||
                                         !drop_of(connection, table->schema, table->name).empty();
                              });
        if (is_there) {
            keys.insert(each.id);
        }
    }
    return keys;
}

std::vector<std::string> add_foreign_keys(Connection& connection, const ChosenParts& parts,
                                          const std::set<int>& keys) {
    std::vector<std::string> left_out;
    for (const int id : keys) {
        const TocEntry& key = *parts.toc().find(id);
        connection.execute("SAVEPOINT db_backup_key");
        try {
            connection.execute(key.definition);
            connection.execute("RELEASE SAVEPOINT db_backup_key");
        } catch (const ServerError& error) {
            if (error.sqlstate().empty()) {
                throw;
            }
            connection.execute("ROLLBACK TO SAVEPOINT db_backup_key");
            left_out.push_back(fmt::format("left out: the foreign key {}.{}: {}", key.schema,
                                           key.name, error.what()));
        }
    }
    return left_out;
}

}  // namespace dbbackup::postgres
