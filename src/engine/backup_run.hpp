#pragma once

/// @file
/// What all parts of one backup run work with.

#include "base/guarded.hpp"
#include "engine/backup.hpp"
#include "pipeline/sealer.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace dbbackup {

/// What a run has to tell of what did not go as planned.
struct RunNotes {
    /// What the snapshot shall say of it; one sentence each.
    std::vector<std::string> warnings;
    /// Why something was read that the connector had planned to skip; empty if nothing was.
    std::string fallback_reason;
};

/// What one backup run shares between its streams and readers. Borrowed. Thread-safe as its parts
/// are.
struct BackupRun {
    Repository& repository;
    SnapshotWriter& writer;
    ChunkReader& reader;
    SealOptions seal_options;
    SealCounts& counts;
    unsigned jobs = 1;
    std::uint64_t sequence = 1;
    const Context& context;
    Fallback fallback = Fallback::allowed;
    Guarded<RunNotes> notes = {};
    /// How many chunks one stored segment of opaque bytes has; tests make it small.
    std::size_t opaque_chunks_max = kListChunksMax;
};

}  // namespace dbbackup
