#include "pipeline/delta_base.hpp"

#include <algorithm>
#include <bit>

namespace dbbackup {
namespace {

constexpr int kDigitBits = 4;
/// A delta larger than this part of the whole is not worth its base (docs/architecture.md).
constexpr double kDeltaPartMax = 0.7;
/// All deltas that decoding one chunk takes, as part of the whole: a restore never fetches more
/// than twice what a full backup would have it fetch.
constexpr double kDeltasPartMax = 1.0;

}  // namespace

BaseChoice choose_base(const ChunkCopyPtr& parent) {
    // Not even a hostile number wraps: then the versions of this place share one.
    const std::uint32_t generation = std::max(parent->generation, parent->generation + 1);
    const int lowest_digit = std::countr_zero(generation) / kDigitBits;
    const std::uint32_t wanted = generation - (std::uint32_t{1} << (kDigitBits * lowest_digit));
    ChunkCopyPtr base = parent;
    // Ancestors have smaller and smaller numbers and depths; the last one is whole, number 0.
    while (!base->bases.empty() && (base->generation > wanted || base->depth >= kDepthMax)) {
        base = base->bases.front();
    }
    return {base, generation};
}

std::size_t delta_bytes_max(const ChunkCopy& base, std::size_t content_bytes) {
    const ChunkCopy* root = &base;
    double deltas = 0;
    for (; !root->bases.empty(); root = root->bases.front().get()) {
        deltas += root->sealed_bytes;
    }
    const double whole = static_cast<double>(root->sealed_bytes) /
                         static_cast<double>(std::max(root->plain_bytes, 1U)) *
                         static_cast<double>(content_bytes);
    const double bytes_max = std::min(kDeltaPartMax * whole, kDeltasPartMax * whole - deltas);
    return static_cast<std::size_t>(std::max(bytes_max, 0.0));
}

}  // namespace dbbackup
