#pragma once

/// @file
/// What one database holds that a dump of its schema does not carry: tables with rows, sequences'
/// values, large objects.

#include "connector/postgres/connection.hpp"

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace dbbackup::postgres {

/// Of a segment: a MiB of the table, which gives about one chunk of rows. So the segment's
/// fingerprint proves its chunk, and a changed block costs the reading of one MiB.
inline constexpr std::uint64_t kSegmentBlocks = 128;

/// A table with rows of its own: ordinary, a partition, a materialized view is none.
struct Table {
    std::uint32_t oid = 0;
    std::string schema;
    std::string name;
    std::vector<std::string> columns;  ///< To be copied; generated ones are not.
    std::uint64_t blocks = 0;          ///< Of 8 KiB, main fork, when it was looked at.
    bool is_heap = true;               ///< Its rows can be addressed by block.
    bool is_unlogged = false;
    std::string condition;  ///< Only these rows: of a configuration table of an extension.
    /// Where its rows are to be loaded if not into itself: the number that a value of an enum
    /// hashes to is not the same everywhere, so a row may belong to another partition of the
    /// target.
    std::uint32_t root = 0;
    std::string root_schema;
    std::string root_name;
    std::uint32_t file_node = 0;  ///< Changes when the table is rewritten.
    std::uint32_t tablespace = 0;
    /// Of everything beside its blocks that decides the text of its rows (table_shape.hpp); ""
    /// where equal blocks may give other text.
    std::string shape;

    /// What restoring needs, and what tells whether segments may be taken over, as JSON.
    [[nodiscard]] std::string definition() const;
};

struct TableName {
    std::string schema;
    std::string name;
};

/// "public.orders, public.customers and 4 more", for people.
[[nodiscard]] std::string names_text(const std::vector<TableName>& tables);

/// Of partitions, by oid: the tables above.
using PartitionedAbove = std::unordered_map<std::uint32_t, std::vector<TableName>>;

/// What `Table::definition` wrote.
struct TableDefinition {
    std::string schema;
    std::string name;
    std::vector<std::string> columns;
    std::string shape;
    std::string condition;    ///< Only these rows are in the snapshot; SQL with WHERE, or "".
    bool is_of_root = false;  ///< Of a partition; schema and name are those of the root.

    /// @throws CorruptionError unless it is one.
    [[nodiscard]] static TableDefinition parse(const std::string& json);
};

/// Properties of a database that CREATE DATABASE and ALTER DATABASE take.
struct DatabaseProperties {
    std::string name;
    std::string owner;
    std::string encoding;
    std::string collate;
    std::string ctype;
    std::string provider;  ///< "c" libc, "i" ICU, "b" builtin; "" before 15.
    std::string locale;    ///< Of ICU or builtin.
    std::string icu_rules;
    std::string comment;
    std::string acl;         ///< As an array of aclitem; "" for the default.
    std::string tablespace;  ///< "pg_default" and others.
    std::int64_t connection_limit = -1;
    bool is_template = false;
    bool allows_connections = true;
    std::vector<std::string> settings;  ///< ALTER … SET, whole statements but for the name.

    [[nodiscard]] std::string json() const;
    [[nodiscard]] static DatabaseProperties parse(const std::string& json);
};

/// Everything below reads under the connection's transaction.
/// Largest first, then by name.
[[nodiscard]] std::vector<Table> tables_of(Connection& connection);
[[nodiscard]] PartitionedAbove partitioned_above(Connection& connection);
/// Of a table and of those that it is a partition of.
[[nodiscard]] std::vector<TableName> names_of(const Table& table, const PartitionedAbove& above);
/// "schema.name", quoted, of each materialized view with rows.
[[nodiscard]] std::vector<std::string> filled_views_of(Connection& connection);
/// Whether the database has nothing but what every new one has.
[[nodiscard]] bool is_empty(Connection& connection);
[[nodiscard]] DatabaseProperties properties_of(Connection& connection);
/// "schema TAB name TAB last_value TAB is_called LF" of each sequence, names as COPY writes them.
/// Not under the view: values of sequences are not versioned.
[[nodiscard]] std::vector<std::string> sequence_rows(Connection& connection);

}  // namespace dbbackup::postgres
