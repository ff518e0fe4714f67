#pragma once

/// @file
/// Proving that a repository is whole: its structure, or every stored byte.

#include "engine/backup.hpp"
#include "repository/repository.hpp"

#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

enum class VerifyDepth : std::uint8_t {
    structure,  ///< Every record decodes and everything that it names is there, with its size.
    data,       ///< Also every byte of every pack, that every chunk decodes to its id, and that
                ///< pages are those that were read from the database.
};

/// One thing that is wrong.
struct Finding {
    std::string object;                 ///< "packs/ab/…", "manifests/…", "config"
    std::string problem;                ///< "sealed bytes of chunk 12 do not match", "missing", …
    std::vector<SnapshotId> snapshots;  ///< Those that can not be restored whole because of it.
    bool is_harmless = false;           ///< An oddity worth telling that endangers no snapshot.
};

struct VerifyReport {
    std::uint64_t snapshots = 0;
    std::uint64_t packs = 0;
    std::uint64_t chunks = 0;
    std::uint64_t key_slots = 0;
    std::uint64_t bytes_read = 0;
    std::vector<Finding> findings;
    double duration_s = 0;
};

/// Never throws for damage: that is what the findings are for.
/// @param only Empty: the whole repository; else just these snapshots and what they need.
[[nodiscard]] VerifyReport verify(Repository& repository, VerifyDepth depth,
                                  const std::vector<SnapshotId>& only, unsigned jobs,
                                  const Context& context, std::stop_token stop);

}  // namespace dbbackup
