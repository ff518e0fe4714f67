#include "connector/postgres/table_loads.hpp"

#include "base/units.hpp"
#include "connector/postgres/sql_text.hpp"
#include "connector/postgres/table_loader.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace dbbackup::postgres {
namespace {

/// A table on one connection may take so much longer than all would with fair shares: that is
/// cheaper than rows out of their order.
constexpr std::uint64_t kUnfairQuarters = 5;
/// From here on it pays to make the files of a table a second time.
constexpr std::uint64_t kFrozenBytesMin = 1_MiB;

/// Whether the table has nothing that emptying it would lose: an extension puts rows of its own
/// into its tables.
bool may_be_emptied(Connection& connection, const std::string& table) {
    return connection
        .query("SELECT NOT EXISTS (SELECT FROM ONLY " + table +
                   ") AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend WHERE classid = "
                   "'pg_catalog.pg_class'::pg_catalog.regclass AND deptype = 'e' AND objid = "
                   "$1::pg_catalog.regclass)",
               {table})
        .flag(0, 0);
}

std::uint64_t copy_from(Connection& connection, const std::string& copy, StreamSlices& slices) {
    StreamSlices::Reader reader(slices);
    return connection.copy_in(copy, [&reader] { return reader.next(); });
}

/// Rows that are there before anybody could see the table are stored as visible to all, so that
/// neither the building of indexes nor the first VACUUM writes every page again (PostgreSQL
/// manual, COPY, FREEZE).
std::uint64_t copy_frozen(Connection& connection, const std::string& table, const std::string& copy,
                          StreamSlices& slices) {
    connection.execute("BEGIN; TRUNCATE ONLY " + table);
    const std::uint64_t rows = copy_from(connection, copy, slices);
    connection.execute("COMMIT");
    return rows;
}

}  // namespace

TableLoads::TableLoads(StreamGroup& group, const std::vector<std::size_t>& wanted,
                       std::uint64_t fair_bytes, EarlyIndexes* indexes, std::stop_token stop)
    : group_(group),
      wanted_(wanted),
      order_(wanted.size()),
      shared_from_bytes_(fair_bytes / 4 * kUnfairQuarters),
      indexes_(indexes),
      stop_(std::move(stop)),
      rows_(wanted.size()) {
    std::iota(order_.begin(), order_.end(), 0);
    std::ranges::stable_sort(order_, std::ranges::greater(), [this](std::size_t place) {
        return group_.streams()[wanted_[place]].size_bytes;
    });
}

TableLoads::Load* TableLoads::take() {
    const std::lock_guard lock(mutex_);
    if (is_abandoned_) {
        return nullptr;
    }
    if (next_ < order_.size()) {
        Load& load = loads_.emplace_back();
        load.place = order_[next_++];
        const StoredStream& stream = group_.streams()[wanted_[load.place]];
        load.table = TableDefinition::parse(stream.definition);
        load.is_shared = stream.size_bytes > shared_from_bytes_;
        load.slices.emplace(group_.open(wanted_[load.place], stop_), stop_);
        load.users = 1;
        return &load;
    }
    for (Load& load : loads_) {
        if (load.is_shared && load.slices && load.slices->has_more()) {
            ++load.users;
            return &load;
        }
    }
    return nullptr;
}

void TableLoads::load(Connection& connection, Load& load) {
    const StoredStream& stream = group_.streams()[wanted_[load.place]];
    const TableDefinition& definition = load.table;
    const std::string table = quoted_name(definition.schema, definition.name);
    const std::string encoding = connection.parameter("server_encoding");
    // The server freezes no rows that a partitioned table hands on to its partitions.
    const bool is_frozen = !load.is_shared && stream.size_bytes >= kFrozenBytesMin &&
                           !definition.is_of_root && may_be_emptied(connection, table);
    const std::uint64_t rows =
        is_frozen ? copy_frozen(connection, table,
                                copy_into(definition, table, encoding, Freeze::yes), *load.slices)
                  : copy_from(connection, copy_into(definition, table, encoding), *load.slices);
    const std::lock_guard lock(mutex_);
    rows_[load.place] += rows;
}

void TableLoads::end(Load& load) {
    const std::lock_guard lock(mutex_);
    if (--load.users == 0) {
        if (indexes_ != nullptr && !load.table.is_of_root) {
            indexes_->add_table(load.table.schema, load.table.name, rows_[load.place]);
        }
        group_.close(wanted_[load.place]);
        loads_.remove_if([&load](const Load& each) { return &each == &load; });
    }
}

void TableLoads::work(Connection& connection) {
    while (Load* const next = take()) {
        load(connection, *next);
        end(*next);
    }
    while (indexes_ != nullptr && are_others_busy() && indexes_->make_one(connection)) {
    }
}

bool TableLoads::are_others_busy() const {
    const std::lock_guard lock(mutex_);
    return !is_abandoned_ && (!loads_.empty() || indexes_->is_making());
}

void TableLoads::abandon() {
    const std::lock_guard lock(mutex_);
    is_abandoned_ = true;
    for (Load& load : loads_) {
        if (load.slices) {
            load.slices->abandon();
        }
    }
}

std::vector<std::uint64_t> TableLoads::rows() const {
    const std::lock_guard lock(mutex_);
    return rows_;
}

}  // namespace dbbackup::postgres
