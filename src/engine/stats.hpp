#pragma once

/// @file
/// What a repository holds and what it costs.

#include "engine/backup.hpp"
#include "repository/repository.hpp"

#include <map>
#include <optional>
#include <stop_token>
#include <string>

namespace dbbackup {

struct SourceStats {
    std::uint64_t snapshots = 0;
    std::uint64_t bytes_source_newest = 0;  ///< Size of what the newest snapshot describes.
    std::uint64_t bytes_source_all = 0;     ///< The sum over all snapshots.
    std::uint64_t bytes_added = 0;
};

struct RepositoryStats {
    std::uint64_t snapshots = 0;
    std::uint64_t packs = 0;
    std::uint64_t pack_bytes = 0;
    std::uint64_t other_objects = 0;
    std::uint64_t other_bytes = 0;
    std::uint64_t bytes_source_all = 0;
    /// What no snapshot needs; nothing when damage hides it.
    std::optional<std::uint64_t> bytes_unused;
    /// What is kept only because something else is a delta on it; nothing when damage hides it.
    std::optional<std::uint64_t> bytes_only_bases;
    std::map<std::string, SourceStats> sources;  ///< By source name.
};

[[nodiscard]] RepositoryStats stats(Repository& repository, const Context& context,
                                    std::stop_token stop);

}  // namespace dbbackup
