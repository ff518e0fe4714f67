#include "pipeline/delta_base.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace dbbackup {
namespace {

ChunkCopyPtr whole() { return std::make_shared<ChunkCopy>(); }

/// What the sealer makes of a choice.
ChunkCopyPtr delta_on(const BaseChoice& choice) {
    auto copy = std::make_shared<ChunkCopy>();
    copy->bases = {choice.base};
    copy->depth = static_cast<std::uint8_t>(choice.base->depth + 1);
    copy->generation = choice.generation;
    return copy;
}

unsigned decode_steps(const ChunkCopy& copy) {
    unsigned steps = 0;
    for (const ChunkCopy* at = &copy; !at->bases.empty(); at = at->bases.front().get()) {
        ++steps;
    }
    return steps;
}

bool is_in_closure(const ChunkCopyPtr& base, const ChunkCopyPtr& parent) {
    for (ChunkCopyPtr at = parent; at; at = at->bases.empty() ? nullptr : at->bases.front()) {
        if (at == base) {
            return true;
        }
    }
    return false;
}

constexpr std::uint32_t kBase = 16;

/// The sum of the digits of a number in that base.
unsigned digit_sum(std::uint32_t number) {
    unsigned sum = 0;
    for (; number > 0; number /= kBase) {
        sum += number % kBase;
    }
    return sum;
}

TEST(DeltaBase, DecodingStaysShortForHundredsOfVersions) {
    ChunkCopyPtr parent = whole();
    for (std::uint32_t generation = 1; generation <= 1000; ++generation) {
        SCOPED_TRACE(testing::Message() << "generation " << generation);
        const BaseChoice choice = choose_base(parent);
        ASSERT_EQ(choice.generation, generation);
        ASSERT_TRUE(is_in_closure(choice.base, parent)) << "a base must come with the parent";
        const ChunkCopyPtr next = delta_on(choice);
        EXPECT_LE(next->depth, kDepthMax);
        EXPECT_EQ(decode_steps(*next), next->depth);
        EXPECT_EQ(decode_steps(*next), digit_sum(generation));
        parent = next;
    }
}

TEST(DeltaBase, NearlyAllVersionsAreDeltasOnTheOneBeforeThem) {
    ChunkCopyPtr parent = whole();
    for (std::uint32_t generation = 1; generation <= 100; ++generation) {
        const BaseChoice choice = choose_base(parent);
        EXPECT_EQ(choice.base == parent, generation % kBase != 0) << "generation " << generation;
        parent = delta_on(choice);
    }
}

TEST(DeltaBase, APowerOfTheBaseGoesBackToTheRoot) {
    const ChunkCopyPtr root = whole();
    ChunkCopyPtr parent = root;
    for (std::uint32_t generation = 1; generation <= kBase * kBase; ++generation) {
        const BaseChoice choice = choose_base(parent);
        const bool is_power = generation == 1 || generation == kBase || generation == kBase * kBase;
        EXPECT_EQ(choice.base == root, is_power) << generation;
        parent = delta_on(choice);
    }
}

TEST(DeltaBase, NumbersThatNoSealerWroteDoNoHarm) {
    const ChunkCopyPtr root = whole();
    ChunkCopyPtr parent = root;
    for (unsigned depth = 1; depth <= kDepthMax; ++depth) {
        parent = delta_on({parent, std::numeric_limits<std::uint32_t>::max()});
        const BaseChoice choice = choose_base(parent);
        EXPECT_LT(choice.base->depth, kDepthMax);
        EXPECT_TRUE(is_in_closure(choice.base, parent));
    }
}

}  // namespace
}  // namespace dbbackup
