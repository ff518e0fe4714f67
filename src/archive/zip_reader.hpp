#pragma once

/// @file
/// The directory of a zip archive: ours, or one that another tool packed again. Every byte is from
/// outside.
/// Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3 to 4.5.

#include "archive/decoder.hpp"
#include "sys/file.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace dbbackup {

/// A file in a zip archive, as the directory has it.
struct ZipEntry {
    Packing packing = Packing::stored;
    std::uint32_t crc = 0;
    std::uint64_t packed_bytes = 0;
    std::uint64_t plain_bytes = 0;
    std::uint64_t header_offset = 0;
};

/// Reads the directory. What is encrypted or packed otherwise is left out.
/// @throws CorruptionError when there is none that can be read; FileError.
[[nodiscard]] std::map<std::string, ZipEntry> zip_directory(const File& file);

/// Where the content of an entry is. @throws CorruptionError; FileError.
[[nodiscard]] PackedRange zip_content(const File& file, const ZipEntry& entry);

}  // namespace dbbackup
