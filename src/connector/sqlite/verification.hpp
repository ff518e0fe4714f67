#pragma once

/// @file
/// Proving that a restored database is the one of the snapshot, and that SQLite finds it sound.

#include "connector/connector.hpp"
#include "connector/sqlite/database.hpp"
#include "sys/file.hpp"

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup::sqlite {

/// @throws CorruptionError unless the file's pages have the fingerprint of `stream`.
void compare_pages(const File& file, const StoredStream& stream, const Fingerprinter& fingerprinter,
                   std::stop_token stop);

/// Runs `PRAGMA integrity_check` on a file that nobody else has open. What cannot be checked here
/// (an index whose collation only the application knows) becomes a warning.
/// @throws SourceError (source_corrupt) with what the check found.
void check_integrity(const std::filesystem::path& path, std::vector<std::string>& warnings,
                     std::stop_token stop);

/// The same through an open connection.
void check_integrity(Database& database, const std::filesystem::path& path,
                     std::vector<std::string>& warnings, std::stop_token stop);

/// Whether two first pages are equal but for the header fields that writing through
/// `sqlite3_backup` sets anew: write and read version (18, 19; as the target's journal mode),
/// change counter (24), page count (28, where it was not kept), schema cookie (40),
/// version-valid-for (92) and library version (96).
/// Source: sqlite3_backup_step in backup.c of SQLite 3.40.
[[nodiscard]] bool is_same_first_page(BytesView stored, BytesView restored);

}  // namespace dbbackup::sqlite
