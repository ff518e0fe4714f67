#pragma once

/// @file
/// What a selection means in one snapshot: the entries of its archive, the streams of rows, their
/// conditions, and the names of schemas in the target. Pure.

#include "connector/connector.hpp"
#include "connector/postgres/schema_definition.hpp"
#include "connector/postgres/toc.hpp"
#include "connector/postgres/toc_choice.hpp"
#include "connector/postgres/unchecked_keys.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dbbackup::postgres {

/// A condition of `--where`.
struct TableCondition {
    std::string table;  ///< The name by which it calls the table.
    std::string sql;
};

/// One sequence whose value is restored.
struct ChosenSequence {
    std::string schema;
    std::string name;
    int id = 0;
};

class ChosenParts {
public:
    /// @param schema Of the database in the snapshot.
    /// @param streams Of that database.
    /// @throws ConfigError (selection_matches_nothing, selection_conflict, selection_not_supported,
    /// bad_option_value).
    ChosenParts(Toc toc, const SchemaDefinition& schema, const Selection& selection,
                const std::vector<StoredStream>& streams);

    [[nodiscard]] const Toc& toc() const { return toc_; }
    [[nodiscard]] const TocChoice& choice() const { return choice_; }
    [[nodiscard]] Parts parts() const { return parts_; }
    /// Whether nothing was included by name, so that what belongs to no schema is meant too.
    [[nodiscard]] bool is_everything_else() const { return is_everything_else_; }

    /// Whether the rows of a stream are wanted.
    [[nodiscard]] bool wants(const std::string& stream) const { return rows_.contains(stream); }
    /// Whether an extension makes the table of a stream.
    [[nodiscard]] bool is_of_extension(const std::string& stream) const {
        return of_extensions_.contains(stream);
    }
    /// Null: all rows.
    [[nodiscard]] const TableCondition* condition_of(const std::string& stream) const;
    /// The schema and the name of a stream's own table or partition, in the snapshot.
    [[nodiscard]] const std::pair<std::string, std::string>& table_of(
        const std::string& stream) const {
        return names_.at(stream);
    }
    /// "public.orders" and its name in the target, for people.
    [[nodiscard]] RestoredTable told(const std::string& stream) const;
    /// Selected tables and views that keep no rows of their own, for the report.
    [[nodiscard]] std::vector<RestoredTable> rowless() const;
    /// Streams with rows that are wanted, with what they hold.
    [[nodiscard]] const std::map<std::string, StoredStream>& streams() const { return rows_; }

    [[nodiscard]] std::vector<ChosenSequence> sequences() const;
    /// Old and new names of schemas.
    [[nodiscard]] const std::map<std::string, std::string>& renames() const { return renames_; }
    /// The name of a schema in the target.
    [[nodiscard]] const std::string& target_schema(const std::string& schema) const;
    /// What of `views` ("schema.name", quoted as SQL) is among entries that are made, in their
    /// order: views upon views behind those. Nothing where rows are not wanted.
    [[nodiscard]] std::vector<std::string> views_among(const std::vector<int>& ids,
                                                       const std::vector<std::string>& views) const;
    /// Keys to tables whose rows the backup left out, which are not among the chosen entries: they
    /// are made behind those.
    [[nodiscard]] const std::vector<ForeignKey>& unchecked_keys() const { return unchecked_keys_; }
    /// What is left out, and which tables come without rows.
    /// @param but Entries that are not told.
    [[nodiscard]] std::vector<std::string> remarks(const std::set<int>& but = {}) const;

private:
    void refuse_idle_patterns(const NameSelection& names) const;
    void choose_streams(const Selection& selection, const std::vector<StoredStream>& streams);
    void add_conditions(const Selection& selection);
    void add_renames(const Selection& selection);
    void find_left_out(const SchemaDefinition& schema);
    [[nodiscard]] const TocEntry* named(std::string_view name, bool is_selected) const;
    [[nodiscard]] std::vector<std::string> names_of(const TocEntry& entry) const;
    [[nodiscard]] std::string remedy(std::string_view name) const;

    Toc toc_;
    std::string database_;
    Parts parts_;
    bool is_everything_else_;
    TocChoice choice_;
    std::map<std::string, StoredStream> rows_;
    std::map<int, std::string> stream_of_;  ///< Of tables.
    std::map<std::string, std::pair<std::string, std::string>>
        names_;                                         ///< Schema, table by stream.
    std::map<std::string, TableCondition> conditions_;  ///< By stream.
    std::map<std::string, std::string> renames_;
    std::set<std::string> of_extensions_;  ///< Streams.
    std::vector<std::string> remarks_;
    std::string without_rows_;  ///< Which tables, as a sentence; empty for none.
    std::vector<ForeignKey> unchecked_keys_;
};

}  // namespace dbbackup::postgres
