#pragma once

/// @file
/// A restore from an archive, by the connector that restores snapshots too.
///
/// Data path: archive -> decoder -> a temporary file -> connector.

#include "archive/archive_reader.hpp"
#include "engine/restore.hpp"

#include <filesystem>
#include <stop_token>
#include <vector>

namespace dbbackup {

/// Everything is borrowed.
struct OpenArchive {
    const File& file;
    const ArchiveReader& reader;
};

/// Restores what is selected of an archive. All of that is decoded and checked before anything is
/// written. A database that does not stand in the archive as it is, is unpacked into a file without
/// a name, one at a time: connectors read at any place.
/// @param folders Where such files may be; the one with the most room is taken.
/// @throws as `restore`; ConfigError (code "archive_unknown"), CorruptionError (code
/// "archive_damaged"), SourceError (code "unpack_failed") when there is no room to unpack.
[[nodiscard]] RestoreOutcome restore_archive(const OpenArchive& archive, Connector& connector,
                                             const RestoreOptions& options,
                                             const std::vector<std::filesystem::path>& folders,
                                             const Context& context, std::stop_token stop);

/// Of these folders the one whose file system has the most room. @throws SourceError (code
/// "unpack_failed") when none can be used.
[[nodiscard]] std::filesystem::path roomiest(const std::vector<std::filesystem::path>& folders);

}  // namespace dbbackup
