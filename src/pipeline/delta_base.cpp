#include "pipeline/delta_base.hpp"

#include <algorithm>
#include <bit>

namespace dbbackup {
namespace {

constexpr int kDigitBits = 4;

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

}  // namespace dbbackup
