#pragma once

/// @file
/// Part of a backup: everything that is known before the first byte is read, and what is done where
/// the parent snapshot or the change record cannot be built upon.

#include "engine/backup.hpp"
#include "engine/sample.hpp"
#include "engine/strategy.hpp"
#include "repository/manifest.hpp"

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

struct Preparation {
    Probe probe;
    std::string source_name;
    SourceId source_id;
    Strategy strategy;
    std::unique_ptr<Manifest> parent;  ///< Null for a full.
    std::string predecessor_digest;
    BackupRequest request;
    std::string fallback_reason;        ///< Why the change record cannot be used; empty if it can.
    std::vector<SnapshotSummary> own;   ///< This source's snapshots, by sequence.
    std::vector<std::string> warnings;  ///< For the manifest.
    std::vector<SnapshotId> doubtful;
};

/// Probes the source and chooses what is built upon. Reads only.
/// @throws ConfigError (code "source_name_taken"), SourceError (code "fallback_refused" where
/// `--no-fallback` forbids to read more than was planned), StorageError, Cancelled.
[[nodiscard]] Preparation prepare(Repository& repository, Connector& connector,
                                  const BackupOptions& options, const Context& context,
                                  std::stop_token stop);

/// Makes `ready` read everything, because a part that would have been skipped differs from the
/// parent, and says so. @throws SourceError (code "fallback_refused").
void distrust_signs(const Mismatch& mismatch, const BackupOptions& options, Preparation& ready,
                    const Context& context);

}  // namespace dbbackup
