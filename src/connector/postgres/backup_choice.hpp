#pragma once

/// @file
/// What `--include` and `--exclude` of a backup mean: which databases, and which tables' rows.
/// Pure.

#include "config/name_pattern.hpp"
#include "connector/postgres/catalogue.hpp"

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup::postgres {

/// Where a source is several databases, a pattern that is the name of one, as a whole, means that
/// database; any other one means tables. Where it is one, every pattern means tables.
///
/// One thread at a time.
class BackupChoice {
public:
    BackupChoice() = default;
    /// @param databases Of a source that is several; else empty.
    BackupChoice(const NameSelection& selection, const std::vector<std::string>& databases);

    /// Whether a database is read at all: rows of it may be wanted.
    [[nodiscard]] bool takes_database(std::string_view database) const;
    /// Whether the rows of a table are wanted.
    /// @param names Its own, and those of the tables that it is a partition of.
    [[nodiscard]] bool takes_rows(std::string_view database,
                                  std::span<const TableName> names) const;
    /// Every table of what is read has its rows.
    [[nodiscard]] bool takes_all_rows() const { return include_.empty() && exclude_.empty(); }

    /// Notes that a table is there: which patterns mean it.
    void see(std::string_view database, std::span<const TableName> names);
    /// Whether each pattern means a database, or a table that was seen.
    [[nodiscard]] bool is_clear() const { return unseen_.empty(); }
    /// Nothing that was to be in the snapshot may be missing for a slip of the pen.
    /// @throws ConfigError (code "selection_matches_nothing") for a pattern to include that means
    /// nothing.
    void refuse_idle() const;
    /// One sentence for each pattern to exclude that means nothing: more is in the snapshot then.
    [[nodiscard]] std::vector<std::string> idle_warnings() const;

private:
    [[nodiscard]] static bool means(const NamePattern& pattern, std::string_view database,
                                    std::span<const TableName> names);
    /// Whether a pattern of tables may mean some of this database.
    [[nodiscard]] bool may_be_in(const NamePattern& pattern, std::string_view database) const;

    std::vector<std::string> databases_;
    std::vector<NamePattern> include_databases_;
    std::vector<NamePattern> exclude_databases_;
    std::vector<NamePattern> include_;  ///< Of tables.
    std::vector<NamePattern> exclude_;
    std::set<std::string> unseen_;  ///< Texts of patterns of tables.
};

}  // namespace dbbackup::postgres
