#pragma once

/// @file
/// Which earlier version of a chunk a delta is made against: a pure function, so that the tree of
/// bases can be reasoned about and tested by itself.

#include "repository/chunk_copy.hpp"

#include <cstddef>

namespace dbbackup {

/// The base for the next version of the place that `parent` holds, and that version's number.
struct BaseChoice {
    ChunkCopyPtr base;
    std::uint32_t generation = 0;
};

/// Versions of a place are numbered from 0 (stored whole). Version g is a delta on the version
/// whose number is g less one in its lowest digit that is not 0, in digits of four bits: 15 of 16
/// versions are deltas on the one before, and decoding version g takes as many steps as its digits
/// add up to: at most 15 for each digit, so 45 for the first 4095 versions. (Measured in
/// docs/decisions/0005: a chain costs less space but one step a version, a star takes one step but
/// its deltas grow with the distance.)
/// The base's depth is always below kDepthMax, so that the delta's is not above it.
[[nodiscard]] BaseChoice choose_base(const ChunkCopyPtr& parent);

/// The largest delta on `base` that is worth it, packed. What the whole chunk would take is judged
/// by the version at the root of its tree.
/// @param content_bytes Of the plain chunk.
[[nodiscard]] std::size_t delta_bytes_max(const ChunkCopy& base, std::size_t content_bytes);

}  // namespace dbbackup
