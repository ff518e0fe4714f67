#pragma once

/// @file
/// What a zip archive says about itself: `manifest.json`, its last entry.

#include "base/clock.hpp"
#include "config/enums.hpp"
#include "crypto/hash.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

/// The name of the entry.
inline constexpr std::string_view kManifestEntry = "manifest.json";

/// One database in an archive.
struct ArchivedDatabase {
    std::string name;  ///< Of the stream: "main", or its path below the folder of several.
    std::string file;  ///< The entry that holds it; safe to unpack.
    std::uint64_t size_bytes = 0;
    Digest sha256{};  ///< Of the unpacked file.
};

/// Names and tags that are no UTF-8 are written with replacement characters.
struct ArchiveManifest {
    std::string source_name;
    DatabaseType type = DatabaseType::sqlite;
    std::string server_version;
    std::chrono::sys_time<std::chrono::milliseconds> taken_at;  ///< When the databases were read.
    std::string snapshot_id;  ///< Empty: it was made of the databases themselves.
    std::string tool;         ///< "db-backup 1.2.3"
    std::map<std::string, std::string> tags;
    std::vector<ArchivedDatabase> databases;
};

/// JSON, for people and for `parse_manifest`.
[[nodiscard]] std::string manifest_text(const ArchiveManifest& manifest);

/// @throws CorruptionError unless it is a manifest of this version whose entry names are safe.
[[nodiscard]] ArchiveManifest parse_manifest(std::string_view text);

}  // namespace dbbackup
