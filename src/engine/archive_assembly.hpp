#pragma once

/// @file
/// Puts databases into an archive one after another, and notes what the manifest says of them.

#include "archive/archive_writer.hpp"
#include "archive/entry_names.hpp"
#include "engine/archive_output.hpp"

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

namespace dbbackup {

/// Used by one thread at a time.
class ArchiveAssembly {
public:
    /// @param manifest All but its databases. @param sink Borrowed.
    ArchiveAssembly(ArchiveManifest manifest, const ArchiveRequest& request, ByteSink& sink,
                    std::stop_token stop);

    /// @param stream The name of the database: "main" where there is only one.
    void begin(const std::string& stream);
    void write(BytesView content);
    void end();
    /// Ends the archive.
    [[nodiscard]] ArchiveContents finish();

private:
    ArchiveContents contents_;
    EntryNames names_;
    std::unique_ptr<ArchiveWriter> writer_;
    std::optional<Sha256> hash_;  ///< Of the database that is being written.
};

/// @throws ConfigError (code "database_ambiguous") when `count` databases do not fit.
void check_database_count(std::size_t count, const Compression& compression);

}  // namespace dbbackup
