#pragma once

/// @file
/// A PostgreSQL snapshot as SQL that psql loads: definitions, rows, sequences, large objects, and
/// then what is made when the rows are there.
///
/// Data path: storage -> unpacker -> [script export] -> archive writer.

#include "connector/archive_files.hpp"
#include "connector/postgres/schema_definition.hpp"

#include <stop_token>
#include <string>

namespace dbbackup::postgres {

/// The first line of a script: what a restore has to know before it makes a database.
[[nodiscard]] std::string script_begin(const SchemaDefinition& schema);

/// @param server_major Of the source.
void export_script(const ExportRequest& request, int server_major, ArchiveFiles& files,
                   const std::stop_token& stop);

}  // namespace dbbackup::postgres
