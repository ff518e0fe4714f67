#pragma once

/// @file
/// Puts databases into an archive one after another, and notes what the manifest says of them.

#include "archive/archive_writer.hpp"
#include "archive/entry_names.hpp"
#include "connector/archive_files.hpp"
#include "engine/archive_output.hpp"

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

namespace dbbackup {

/// Used by one thread at a time.
class ArchiveAssembly final : public ArchiveFiles {
public:
    /// @param manifest All but its databases. @param sink Borrowed.
    ArchiveAssembly(ArchiveManifest manifest, const ArchiveRequest& request, ByteSink& sink,
                    std::stop_token stop);

    /// @param stream The name of the database, or as `ArchiveFiles` has it.
    void begin(const std::string& stream) override;
    void write(BytesView content) override;
    void end() override;
    /// Ends the archive.
    [[nodiscard]] ArchiveContents finish();

private:
    [[nodiscard]] std::string file_of(const std::string& stream) const;

    ArchiveContents contents_;
    EntryNames names_;
    std::unique_ptr<ArchiveWriter> writer_;
    std::optional<Sha256> hash_;  ///< Of the database that is being written.
};

/// How the files of an archive of this compression are made.
[[nodiscard]] ArchiveForm form_of(const Compression& compression);

/// @throws ConfigError (code "database_ambiguous") when `count` databases do not fit.
void check_database_count(std::size_t count, const Compression& compression);

}  // namespace dbbackup
