#pragma once

/// @file
/// Which earlier version of a chunk a delta is made against: a pure function, so that the tree of
/// bases can be reasoned about and tested by itself.

#include "repository/chunk_copy.hpp"

namespace dbbackup {

/// The base for the next version of the place that `parent` holds, and that version's number.
struct BaseChoice {
    ChunkCopyPtr base;
    std::uint32_t generation = 0;
};

/// Versions of a place are numbered from 0 (stored whole). Version g is a delta on the version
/// whose number is g without its lowest one bit, so decoding version g needs as many steps as g has
/// one bits, and most deltas are against a near version: the shape of a Fenwick tree.
/// (Measured in docs/decisions/: a chain costs less space but one decode per round, a star decodes
/// in one step but its deltas grow with the distance.)
/// The base's depth is always below kDepthMax, so that the delta's is not above it.
/// Source: Fenwick, "A new data structure for cumulative frequency tables", 1994.
[[nodiscard]] BaseChoice choose_base(const ChunkCopyPtr& parent);

}  // namespace dbbackup
