#include "connector/sqlite/table_sizes.hpp"

#include "connector/sqlite/page_census.hpp"
#include "connector/sqlite/stored_database.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>

namespace dbbackup::sqlite {
namespace {

constexpr const char* kSchemaTable = "sqlite_schema";

char folded(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// As `is_same_name`.
struct NameLess {
    bool operator()(const std::string& one, const std::string& other) const {
        return std::lexicographical_compare(one.begin(), one.end(), other.begin(), other.end(),
                                            [](char a, char b) { return folded(a) < folded(b); });
    }
};

/// A table, and where the trees of it and its indexes begin; 0 where it has none.
struct Rooted {
    StoredTable table;
    std::uint32_t root = 0;
    std::vector<std::uint32_t> index_roots;
};

std::uint32_t page_number(std::int64_t number) {
    // One that is none is a page that is not there.
    return number < 0 || number > std::numeric_limits<std::uint32_t>::max()
               ? std::numeric_limits<std::uint32_t>::max()
               : static_cast<std::uint32_t>(number);
}

TableKind kind_of(TableDefinition::Kind kind) {
    switch (kind) {
        case TableDefinition::Kind::ordinary: return TableKind::table;
        case TableDefinition::Kind::virtual_table: return TableKind::virtual_table;
        case TableDefinition::Kind::shadow: return TableKind::shadow;
        case TableDefinition::Kind::view: return TableKind::view;
    }
    return TableKind::table;
}

/// All that there is, in the order in which it was made.
class Contents {
public:
    explicit Contents(StoredDatabase& stored) {
        for (const TableDefinition& table : stored.schema().tables) {
            kinds_.emplace(table.name, kind_of(table.kind));
            for (const std::string& shadow : table.shadows) {
                owners_.emplace(shadow, table.name);
            }
        }
        add_table(kSchemaTable, 1);
        const char* const all =
            "SELECT type, name, tbl_name, rootpage FROM sqlite_schema "
            "ORDER BY type IN ('index', 'trigger'), rowid";
        stored.read([&](Database& database) {
            database.query(all, [this](const Row& row) {
                const std::string type = row.text(0);
                if (type == "table" || type == "view") {
                    add_table(row.text(1), page_number(row.integer(3)));
                } else {
                    attach(type, row);
                }
            });
        });
    }

    [[nodiscard]] std::vector<Rooted> chosen(const NameSelection& names,
                                             std::string_view stream) && {
        const NameSelection not_excluded{{}, names.exclude};
        const auto takes = [stream](const NameSelection& by, const std::string& name) {
            const std::array<NamePart, 2> parts = {
                {{.text = stream}, {.text = name, .letter_case = NameCase::ignored}}};
            return by.takes(parts);
        };
        std::vector<Rooted> some;
        for (Rooted& each : tables_) {
            const StoredTable& table = each.table;
            const bool is_with_owner = !table.shadow_of.empty() && takes(names, table.shadow_of) &&
                                       takes(not_excluded, table.name);
            if (takes(names, table.name) || is_with_owner) {
                some.push_back(std::move(each));
            }
        }
        return some;
    }

private:
    void add_table(const std::string& name, std::uint32_t root) {
        Rooted one;
        one.table.name = name;
        one.root = root;
        const auto kind = kinds_.find(name);
        one.table.kind = kind == kinds_.end() ? TableKind::system : kind->second;
        if (const auto owner = owners_.find(name); owner != owners_.end()) {
            one.table.shadow_of = owner->second;
        }
        places_.emplace(name, tables_.size());
        tables_.push_back(std::move(one));
    }

    void attach(const std::string& type, const Row& row) {
        const auto place = places_.find(row.text(2));
        if (place == places_.end()) {
            return;
        }
        Rooted& owner = tables_[place->second];
        if (type == "index") {
            owner.table.indexes.push_back({row.text(1), std::nullopt});
            owner.index_roots.push_back(page_number(row.integer(3)));
        } else {
            owner.table.triggers.push_back(row.text(1));
        }
    }

    std::map<std::string, TableKind, NameLess> kinds_;
    std::map<std::string, std::string, NameLess> owners_;
    std::map<std::string, std::size_t, NameLess> places_;
    std::vector<Rooted> tables_;
};

bool keeps_rows(TableKind kind) {
    return kind != TableKind::view && kind != TableKind::virtual_table;
}

}  // namespace

std::vector<StoredTable> table_sizes(StreamReader& stream, const NameSelection& names,
                                     std::stop_token stop) {
    std::vector<Rooted> chosen;
    if (stream.stream().size_bytes > 0) {  // SQLite makes no page of a database without tables.
        StoredDatabase stored(stream, stop);
        chosen = Contents(stored).chosen(names, stream.stream().name);
    }
    std::vector<std::uint32_t> roots;
    for (const Rooted& each : chosen) {
        if (keeps_rows(each.table.kind)) {
            roots.push_back(each.root);
        }
        roots.insert(roots.end(), each.index_roots.begin(), each.index_roots.end());
    }
    const std::vector<TreeCount> counts =
        roots.empty() ? std::vector<TreeCount>() : count_pages(stream, roots, std::move(stop));
    const std::uint64_t page_bytes = stream.stream().page_bytes;
    auto count = counts.begin();
    std::vector<StoredTable> tables;
    for (Rooted& each : chosen) {
        StoredTable& table = each.table;
        const auto take = [&](std::optional<std::uint64_t>& bytes) {
            if (count->untold) {
                table.untold = count->untold;
            } else {
                bytes = count->pages * page_bytes;
            }
        };
        if (keeps_rows(table.kind)) {
            take(table.bytes);
            if (table.bytes) {
                table.rows = count->rows;
            }
            ++count;
        } else {
            table.bytes = 0;
        }
        for (IndexSize& index : table.indexes) {
            take(index.bytes);
            ++count;
        }
        tables.push_back(std::move(table));
    }
    return tables;
}

}  // namespace dbbackup::sqlite
