#pragma once

/// @file
/// Part of `repair`: collectors' markers that cannot be read. Each of them stops every collector
/// and keeps every writer from reusing anything, because it may name any pack.

#include "engine/prune.hpp"
#include "repository/repository.hpp"

#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

/// Gives up the collections of damaged markers, if they are not decided, and then removes the
/// markers, which mean nothing any more (docs/protocol.md). Where the outcome is damaged too,
/// nothing can be known, and the marker stays.
/// @return The names of those that were removed, or would be.
std::vector<std::string> remove_damaged_markers(Repository& repository, bool is_dry_run,
                                                const Pause& how, std::stop_token stop);

}  // namespace dbbackup
