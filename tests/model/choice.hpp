#pragma once

/// @file
/// What a collection keeps: the heart of steps 2 and 6, as a pure function of what was read.

#include "model/scenario.hpp"

namespace dbbackup::model {

/// What a collection knows when it chooses.
struct View {
    PackSet packs = 0;     ///< Seen.
    PackSet listed = 0;    ///< On `removed` lists.
    PackSet others = 0;    ///< In other markers that count.
    PackSet own = 0;       ///< In the own marker.
    ManifestSet keep = 0;  ///< Visible and not to be removed by retention.
};

/// In which order candidates are tried.
struct Preference {
    int first = -1;  ///< This pack before all, or -1.
    bool descending = false;
    bool by_chunk = false;
};

/// Step 2: what goes into the marker.
[[nodiscard]] PackSet candidates(const World& world, const View& view, Preference preference);

/// Step 6: which of the packs stay. What is on a list is in it never.
[[nodiscard]] PackSet stays(const World& world, const View& view, Preference preference);

}  // namespace dbbackup::model
