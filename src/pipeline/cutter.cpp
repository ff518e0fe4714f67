#include "pipeline/cutter.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace dbbackup {
namespace {

/// The gear table: fixed pseudo-random numbers, part of what makes equal streams give equal chunks.
/// Source: splitmix64 (Steele, Lea, Flood, OOPSLA 2014), seed 0.
constexpr std::array<std::uint64_t, 256> make_gear() {
    std::array<std::uint64_t, 256> gear{};
    std::uint64_t state = 0;
    for (std::uint64_t& value : gear) {
        state += 0x9e3779b97f4a7c15U;
        std::uint64_t mixed = state;
        mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
        mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
        value = mixed ^ (mixed >> 31U);
    }
    return gear;
}

constexpr std::array<std::uint64_t, 256> kGear = make_gear();
/// Normalised chunking: two bits harder before the target, two bits easier after it.
constexpr unsigned kNormalisation = 2;

/// A mask of `bits` one bits at the top, where the gear hash mixes best.
constexpr std::uint64_t top_mask(unsigned bits) { return ~std::uint64_t{0} << (64U - bits); }

}  // namespace

Cutter::Cutter(ChunkLimits limits, ChunkVisitor visit) : limits_(limits), visit_(std::move(visit)) {
    if (limits.bytes_min == 0 || limits.bytes_min > limits.bytes_target ||
        limits.bytes_target > limits.bytes_max || !std::has_single_bit(limits.bytes_target) ||
        limits.bytes_target < 64) {
        throw ConfigError(
            "chunk limits must satisfy 0 < min <= target <= max, target a power of 2");
    }
}

void Cutter::append(BytesView bytes) {
    // No more than it takes, where all that there is comes at once: many small segments may wait.
    if (pending_.capacity() > 0 && pending_.capacity() < pending_.size() + bytes.size()) {
        pending_.reserve(
            std::max<std::size_t>(limits_.bytes_target, pending_.size() + bytes.size()));
    }
    pending_.insert(pending_.end(), bytes.begin(), bytes.end());
}

void Cutter::cut() {
    visit_(std::exchange(pending_, {}));
    rolling_ = 0;
}

void Cutter::add_pages(BytesView bytes) {
    while (!bytes.empty()) {
        const std::size_t room = limits_.bytes_target - pending_.size();
        const std::size_t taken = std::min(room, bytes.size());
        append(bytes.first(taken));
        bytes = bytes.subspan(taken);
        if (pending_.size() == limits_.bytes_target) {
            cut();
        }
    }
}

void Cutter::add_rows(BytesView bytes, std::span<const std::uint32_t> row_ends) {
    std::size_t start = 0;  // Of what is not appended yet: as many rows as possible at once.
    std::size_t row_start = 0;
    for (const std::uint32_t row_end : row_ends) {
        if (pending_.size() + (row_end - start) > limits_.bytes_max) {
            append(bytes.subspan(start, row_start - start));
            start = row_start;
            if (!pending_.empty()) {
                cut();
            }
            for (; row_end - start > limits_.bytes_max; start += limits_.bytes_max) {
                append(bytes.subspan(start, limits_.bytes_max));
                cut();
            }
        }
        if (pending_.size() + (row_end - start) >= limits_.bytes_target) {
            append(bytes.subspan(start, row_end - start));
            start = row_end;
            cut();
        }
        row_start = row_end;
    }
    append(bytes.subspan(start));
}

std::size_t Cutter::add_opaque(BytesView bytes) {
    const auto target_bits = static_cast<unsigned>(std::countr_zero(limits_.bytes_target));
    const std::uint64_t hard = top_mask(target_bits + kNormalisation);
    const std::uint64_t easy = top_mask(target_bits - kNormalisation);
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        rolling_ = (rolling_ << 1U) + kGear[bytes[at]];
        const std::size_t length = pending_.size() + at + 1;
        if (length < limits_.bytes_min) {
            continue;
        }
        const std::uint64_t mask = length < limits_.bytes_target ? hard : easy;
        if ((rolling_ & mask) == 0 || length >= limits_.bytes_max) {
            append(bytes.first(at + 1));
            cut();
            return at + 1;
        }
    }
    append(bytes);
    return bytes.size();
}

void Cutter::finish() {
    if (!pending_.empty()) {
        cut();
    }
}

}  // namespace dbbackup
