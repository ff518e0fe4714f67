#pragma once

/// @file
/// Part of `repair`: what of a snapshot is lost, by page.

#include "engine/repair.hpp"
#include "repository/chunk_reader.hpp"
#include "repository/manifest.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <stop_token>
#include <string>
#include <utility>

namespace dbbackup {

/// Decodes only what touches damaged packs. Not thread-safe.
class SnapshotLosses {
public:
    /// @param damaged What does not touch these counts as whole.
    SnapshotLosses(Repository& repository, std::set<PackName> damaged, std::stop_token stop);

    /// Of a snapshot of which something is lost. Only what stands in the manifest and in packs is
    /// filled in.
    [[nodiscard]] SnapshotLoss of(const SnapshotId& snapshot);

private:
    void add_stream(const StreamContents& stream, SnapshotLoss& loss, LostRanges& lost);
    /// Why it cannot be had; "" when it can.
    const std::string& problem_of(const ChunkCopyPtr& chunk);

    Repository& repository_;
    std::set<PackName> damaged_;
    std::stop_token stop_;
    ChunkReader reader_;
    std::map<std::pair<PackName, std::uint32_t>, std::string> known_;
};

}  // namespace dbbackup
