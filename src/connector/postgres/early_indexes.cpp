#include "connector/postgres/early_indexes.hpp"

#include "base/error.hpp"
#include "connector/postgres/restore_steps.hpp"
#include "connector/postgres/sql_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace dbbackup::postgres {
namespace {

/// Whether the SQL has a list of columns, and no expression, predicate or parameter beside it.
bool is_of_columns_alone(const TocEntry& entry) {
    return std::ranges::count(entry.definition, '(') == 1;
}

}  // namespace

std::vector<int> early_among(const Toc& toc, std::span<const int> ids) {
    std::vector<int> early;
    std::ranges::copy_if(ids, std::back_inserter(early), [&toc](int id) {
        const TocEntry* const entry = toc.find(id);
        if (entry == nullptr || (entry->kind != "INDEX" && entry->kind != "CONSTRAINT") ||
            !entry->tablespace.empty() || !is_of_columns_alone(*entry)) {
            return false;
        }
        const TocEntry* const table = toc.subject_of(*entry);
        return table != nullptr && table->kind == "TABLE";
    });
    return early;
}

EarlyIndexes::EarlyIndexes(const Toc& toc, std::span<const int> ids) : settings_(toc.settings()) {
    // As pg_restore does for what has no tablespace of its own.
    settings_.emplace_back("SET default_tablespace = ''");
    for (const int id : early_among(toc, ids)) {
        const TocEntry& entry = *toc.find(id);
        const TocEntry& table = *toc.subject_of(entry);
        waiting_.push_back(
            {id, entry.full_name(), quoted_name(table.schema, table.name), entry.definition});
    }
}

void EarlyIndexes::add_table(const std::string& schema, const std::string& name,
                             std::uint64_t rows) {
    const std::string table = quoted_name(schema, name);
    const std::lock_guard lock(mutex_);
    const auto others =
        std::stable_partition(waiting_.begin(), waiting_.end(),
                              [&table](const Index& each) { return each.table != table; });
    std::for_each(others, waiting_.end(), [rows](Index& each) { each.rows = rows; });
    std::move(others, waiting_.end(), std::back_inserter(due_));
    waiting_.erase(others, waiting_.end());
}

bool EarlyIndexes::make_one(Connection& connection) {
    std::optional<Index> next;
    {
        const std::lock_guard lock(mutex_);
        if (due_.empty()) {
            return false;
        }
        std::ranges::iter_swap(std::ranges::max_element(due_, {}, &Index::rows),
                               std::prev(due_.end()));
        next = std::move(due_.back());
        due_.pop_back();
        ++making_;
    }
    try {
        take_archive_sql(connection, settings_, connection.parameter("server_encoding"),
                         [&] { connection.execute(next->sql); });
    } catch (Error& error) {
        error.add_context(fmt::format("making {}", next->name));
        throw;
    }
    const std::lock_guard lock(mutex_);
    --making_;
    made_.insert(next->id);
    return true;
}

bool EarlyIndexes::is_making() const {
    const std::lock_guard lock(mutex_);
    return making_ > 0;
}

std::set<int> EarlyIndexes::made() const {
    const std::lock_guard lock(mutex_);
    return made_;
}

}  // namespace dbbackup::postgres
