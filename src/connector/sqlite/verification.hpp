#pragma once

/// @file
/// Comparing a database that was written over through SQLite with the snapshot.

#include "connector/connector.hpp"
#include "connector/sqlite/view.hpp"

#include <stop_token>

namespace dbbackup::sqlite {

/// Whether the view shows the pages of `stream`, but for what writing through SQLite sets anew in
/// the first one.
/// @param first_page As stored; empty when the stream is.
/// @throws SourceError when the view cannot be read; Cancelled.
[[nodiscard]] bool has_pages_of(View& view, const StoredStream& stream, BytesView first_page,
                                const Fingerprinter& fingerprinter, std::stop_token stop);

/// Whether two first pages are equal but for the header fields that writing through
/// `sqlite3_backup` sets anew: write and read version (18, 19; as the target's journal mode),
/// change counter (24), page count (28, where it was not kept), schema cookie (40),
/// version-valid-for (92) and library version (96).
/// Source: sqlite3_backup_step in backup.c of SQLite 3.40.
[[nodiscard]] bool is_same_first_page(BytesView stored, BytesView restored);

}  // namespace dbbackup::sqlite
