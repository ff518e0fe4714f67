#pragma once

/// @file
/// The streams of a PostgreSQL snapshot: what they are called, and how a table's rows are cut.
/// Pure.

#include "connector/postgres/catalogue.hpp"
#include "connector/stream.hpp"

#include <string>

namespace dbbackup::postgres {

/// The names of what is not rows of a table (`special_stream_name`).
inline constexpr const char* kRolesStream = "roles";
inline constexpr const char* kSchemaStream = "schema";
inline constexpr const char* kSequencesStream = "sequences";

/// Ranges of block numbers are found without reading the blocks before them since then.
/// Source: PostgreSQL 14 release notes, E.24.3.1.4 "TID range scans".
inline constexpr int kTidRangeScans = 140000;

[[nodiscard]] StreamPlan opaque_stream(std::string name, Consistency consistency);
/// Rows that are read at once.
[[nodiscard]] StreamPlan rows_stream(std::string name);
/// The rows of a table, in segments of `kSegmentBlocks` where they can be addressed by block.
[[nodiscard]] StreamPlan table_stream(std::string name, const Table& table, bool has_ranges);

/// Whether it holds the rows of a table: others have no columns to tell.
[[nodiscard]] bool is_table(const StoredStream& stream) noexcept;

/// COPY … TO STDOUT of the rows of one segment.
[[nodiscard]] std::string copy_of(const Table& table, const SegmentRange& range);

}  // namespace dbbackup::postgres
