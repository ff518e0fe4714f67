#pragma once

/// @file
/// Part of `prune`: carries out a plan of compaction, as any writer would, before the marker.

#include "engine/compaction_plan.hpp"
#include "engine/pack_choice.hpp"

#include <stop_token>

namespace dbbackup {

/// Stores what `plan` says in new packs, and an index that names them.
///
/// What cannot be read stays where it is; that is logged, and the choice of packs sees it. So does
/// what there is no room for: `report` says so, and what was stored until then is of use.
/// @param report Counts what was stored.
/// @throws Cancelled.
[[nodiscard]] Compacted compact(Repository& repository, const CompactionPlan& plan,
                                const Context& context, PruneReport& report, std::stop_token stop);

}  // namespace dbbackup
