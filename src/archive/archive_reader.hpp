#pragma once

/// @file
/// An archive that is read back. What it is, its content tells, whatever its name.

#include "archive/archive_manifest.hpp"
#include "archive/decoder.hpp"
#include "archive/zip_reader.hpp"
#include "sys/file.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

enum class ArchiveKind : std::uint8_t { sqlite, sql, gzip, zstd, zip };

/// "SQLite file", "gzip" ...
[[nodiscard]] std::string_view archive_kind_name(ArchiveKind kind) noexcept;

/// Not thread-safe.
class ArchiveReader {
public:
    /// Looks at what is there; of a zip archive reads directory and manifest. What is compressed is
    /// unpacked as far as needed to see whether it is SQL.
    /// @param file Borrowed.
    /// @throws ConfigError (code "archive_unknown") when it is nothing of the kind; CorruptionError
    /// (code "archive_damaged"); FileError.
    explicit ArchiveReader(const File& file);

    [[nodiscard]] ArchiveKind kind() const noexcept { return kind_; }
    /// Of a zip archive; else it names one database, "main", of unknown size and hash.
    [[nodiscard]] const ArchiveManifest& manifest() const noexcept { return manifest_; }
    /// Whether the database with this number stands in the file as it is.
    [[nodiscard]] bool is_plain() const noexcept {
        return kind_ == ArchiveKind::sqlite || kind_ == ArchiveKind::sql;
    }

    /// Decodes one database of the manifest, and proves that it is what was archived as far as the
    /// archive tells. Nothing may be made of it before this returns.
    /// @throws CorruptionError; FileError; Cancelled; what `visit` throws.
    void decode(std::size_t index, const Decoder::Visit& visit, std::stop_token stop) const;

private:
    [[nodiscard]] Packing packing() const noexcept;
    void find_type();
    void read_zip_manifest();
    [[nodiscard]] const ZipEntry& entry_of(const std::string& name) const;
    void decode_entry(const ZipEntry& entry, const Decoder::Visit& visit,
                      std::stop_token stop) const;

    const File& file_;
    ArchiveKind kind_ = ArchiveKind::sqlite;
    ArchiveManifest manifest_;
    std::map<std::string, ZipEntry> entries_;
};

}  // namespace dbbackup
