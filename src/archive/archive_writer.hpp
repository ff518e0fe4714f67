#pragma once

/// @file
/// Writes an archive: one ordinary file that standard tools open.
///
/// Data path: connector -> [archive writer: compress on all cores] -> byte sink.

#include "archive/archive_manifest.hpp"
#include "archive/byte_sink.hpp"

#include <memory>
#include <stop_token>
#include <string>

namespace dbbackup {

struct ArchiveOptions {
    Compression compression;
    unsigned jobs = 2;  ///< Threads that compress.
    /// The time that entries of a zip archive get.
    std::chrono::sys_time<std::chrono::milliseconds> time;
};

/// Whether archives of this kind hold several databases, and a manifest beside them.
[[nodiscard]] bool holds_several(CompressionKind kind) noexcept;

/// Entries come one after another. Not thread-safe. What was not finished is no archive: the sink
/// drops it.
class ArchiveWriter {
public:
    ArchiveWriter(const ArchiveWriter&) = delete;
    ArchiveWriter& operator=(const ArchiveWriter&) = delete;
    virtual ~ArchiveWriter() = default;

    /// @param name Safe (`EntryNames`) and of this entry only; what holds one database keeps no
    /// name. @pre At most one entry unless `holds_several`.
    virtual void begin_entry(const std::string& name) = 0;
    /// @throws what the sink throws; Cancelled.
    virtual void write(BytesView content) = 0;
    virtual void end_entry() = 0;
    /// Ends the archive. @param manifest Kept by what `holds_several`.
    virtual void finish(const ArchiveManifest& manifest) = 0;

protected:
    ArchiveWriter() = default;
};

/// @param sink Borrowed.
[[nodiscard]] std::unique_ptr<ArchiveWriter> make_archive_writer(const ArchiveOptions& options,
                                                                 ByteSink& sink,
                                                                 std::stop_token stop);

}  // namespace dbbackup
