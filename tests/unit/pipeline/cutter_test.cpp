#include "pipeline/cutter.hpp"

#include "base/error.hpp"
#include "support/sample_data.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

namespace dbbackup {
namespace {

constexpr ChunkLimits kLimits{256, 1024, 4096};

enum class As : std::uint8_t { pages, rows, opaque };

/// Cuts `content`, given in portions that end at `ends`.
std::vector<Bytes> cut(As as, BytesView content, const std::vector<std::size_t>& ends,
                       const ChunkLimits& limits = kLimits) {
    std::vector<Bytes> chunks;
    Cutter cutter(limits, [&](Bytes chunk) { chunks.push_back(std::move(chunk)); });
    std::size_t start = 0;
    for (const std::size_t end : ends) {
        BytesView portion = content.subspan(start, end - start);
        if (as == As::pages) {
            cutter.add_pages(portion);
        }
        while (as == As::opaque && !portion.empty()) {
            const std::size_t cuts = chunks.size();
            const std::size_t taken = cutter.add_opaque(portion);
            EXPECT_EQ(chunks.size() - cuts, taken < portion.size() ? 1U : chunks.size() - cuts);
            EXPECT_LE(chunks.size() - cuts, 1U) << "it stops where it cuts";
            portion = portion.subspan(taken);
        }
        start = end;
    }
    cutter.finish();
    return chunks;
}

std::vector<Bytes> cut(As as, BytesView content) { return cut(as, content, {content.size()}); }

Bytes joined(const std::vector<Bytes>& chunks) {
    Bytes all;
    for (const Bytes& chunk : chunks) {
        all.insert(all.end(), chunk.begin(), chunk.end());
    }
    return all;
}

std::vector<std::size_t> random_ends(Random& random, std::size_t size, std::size_t unit) {
    std::vector<std::size_t> ends;
    for (std::size_t at = 0; at < size;) {
        at = std::min(size, at + unit * random.below(3000 / unit + 1));
        ends.push_back(at);
    }
    return ends;
}

TEST(Cutter, CutsOpaqueBytesAlikeHoweverTheyArrive) {
    const Bytes content = noise(1, 100'000);
    const std::vector<Bytes> whole = cut(As::opaque, content);
    EXPECT_GT(whole.size(), 20U);
    EXPECT_EQ(joined(whole), content);
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        Random random(seed);
        EXPECT_EQ(cut(As::opaque, content, random_ends(random, content.size(), 1)), whole);
    }
    std::vector<std::size_t> single_bytes(10'000);
    std::iota(single_bytes.begin(), single_bytes.end(), 1);
    const BytesView beginning = BytesView(content).first(10'000);
    EXPECT_EQ(cut(As::opaque, beginning, single_bytes), cut(As::opaque, beginning));
}

TEST(Cutter, KeepsOpaqueChunksWithinTheLimits) {
    for (const Bytes& content :
         {noise(2, 200'000), page_like(3, 200'000), Bytes(200'000, 0), Bytes(200'000, 0xff)}) {
        const std::vector<Bytes> chunks = cut(As::opaque, content);
        EXPECT_EQ(joined(chunks), content);
        for (std::size_t index = 0; index < chunks.size(); ++index) {
            EXPECT_LE(chunks[index].size(), kLimits.bytes_max);
            EXPECT_TRUE(chunks[index].size() >= kLimits.bytes_min || index + 1 == chunks.size());
        }
    }
}

TEST(Cutter, MakesOpaqueChunksNearTheTarget) {
    const std::vector<Bytes> chunks = cut(As::opaque, noise(4, 2'000'000));
    const double mean = 2'000'000.0 / static_cast<double>(chunks.size());
    EXPECT_GT(mean, 0.7 * kLimits.bytes_target);
    EXPECT_LT(mean, 1.5 * kLimits.bytes_target);
}

TEST(Cutter, AnInsertionChangesFewChunksNotAll) {
    constexpr int kTrials = 200;
    const Bytes content = noise(5, 100'000);
    const std::vector<Bytes> chunks = cut(As::opaque, content);
    const std::set<Bytes> before(chunks.begin(), chunks.end());
    std::size_t changed_in_all = 0;
    for (std::uint64_t seed = 0; seed < kTrials; ++seed) {
        Random random(seed);
        Bytes longer = content;
        longer.insert(longer.begin() + static_cast<std::ptrdiff_t>(random.below(content.size())),
                      static_cast<std::uint8_t>(random.next()));
        for (const Bytes& chunk : cut(As::opaque, longer)) {
            changed_in_all += before.contains(chunk) ? 0U : 1U;
        }
    }
    EXPECT_LT(changed_in_all, 3U * kTrials) << "of " << chunks.size() << " chunks each";
}

TEST(Cutter, CutsPagesAtFixedPlaces) {
    const Bytes content = noise(6, 10 * kLimits.bytes_target + 512);
    const std::vector<Bytes> whole = cut(As::pages, content);
    ASSERT_EQ(whole.size(), 11U);
    for (std::size_t index = 0; index < 10; ++index) {
        EXPECT_EQ(whole[index].size(), kLimits.bytes_target);
    }
    EXPECT_EQ(whole.back().size(), 512U);
    EXPECT_EQ(joined(whole), content);
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        Random random(seed);
        EXPECT_EQ(cut(As::pages, content, random_ends(random, content.size(), 256)), whole);
    }
}

struct Rows {
    Bytes bytes;
    std::vector<std::uint32_t> ends;
};

Rows random_rows(std::uint64_t seed, std::size_t count, std::size_t bytes_max) {
    Random random(seed);
    Rows rows;
    for (std::size_t row = 0; row < count; ++row) {
        const Bytes content = noise(random.next(), random.below(bytes_max) + 1);
        rows.bytes.insert(rows.bytes.end(), content.begin(), content.end());
        rows.ends.push_back(static_cast<std::uint32_t>(rows.bytes.size()));
    }
    return rows;
}

/// Gives the rows in portions of `portion` rows.
std::vector<Bytes> cut_rows(const Rows& rows, std::size_t portion) {
    std::vector<Bytes> chunks;
    Cutter cutter(kLimits, [&](Bytes chunk) { chunks.push_back(std::move(chunk)); });
    std::uint32_t start = 0;
    for (std::size_t first = 0; first < rows.ends.size(); first += portion) {
        std::vector<std::uint32_t> ends;
        for (std::size_t row = first; row < std::min(first + portion, rows.ends.size()); ++row) {
            ends.push_back(rows.ends[row] - start);
        }
        cutter.add_rows(BytesView(rows.bytes).subspan(start, ends.back()), ends);
        start += ends.back();
    }
    cutter.finish();
    return chunks;
}

TEST(Cutter, CutsRowsAtTheFirstEndFromTheTargetOn) {
    const Rows rows = random_rows(7, 500, 300);
    const std::set<std::uint32_t> ends(rows.ends.begin(), rows.ends.end());
    const std::vector<Bytes> chunks = cut_rows(rows, 500);
    EXPECT_EQ(joined(chunks), rows.bytes);
    std::uint32_t at = 0;
    for (std::size_t index = 0; index + 1 < chunks.size(); ++index) {
        const auto size = static_cast<std::uint32_t>(chunks[index].size());
        EXPECT_TRUE(ends.contains(at + size)) << "a row was split";
        EXPECT_EQ(*ends.lower_bound(at + kLimits.bytes_target), at + size);
        at += size;
    }
}

TEST(Cutter, CutsRowsAlikeHoweverTheyArrive) {
    const Rows rows = random_rows(8, 400, 2000);
    const std::vector<Bytes> whole = cut_rows(rows, 400);
    for (const std::size_t portion : {1U, 2U, 7U, 100U}) {
        EXPECT_EQ(cut_rows(rows, portion), whole) << portion << " rows at a time";
    }
}

TEST(Cutter, SplitsARowOnlyWhenNoChunkCanHoldIt) {
    Rows rows;
    for (const std::uint32_t size : {10U, 4096U, 10U, 4097U, 20'000U, 10U, 1000U, 4090U}) {
        rows.bytes.resize(rows.bytes.size() + size, static_cast<std::uint8_t>(size));
        rows.ends.push_back(static_cast<std::uint32_t>(rows.bytes.size()));
    }
    std::vector<std::size_t> sizes;
    const std::vector<Bytes> chunks = cut_rows(rows, 3);
    for (const Bytes& chunk : chunks) {
        sizes.push_back(chunk.size());
    }
    EXPECT_EQ(joined(chunks), rows.bytes);
    EXPECT_EQ(sizes, (std::vector<std::size_t>{10, 4096, 10, 4096, 1, 4096, 4096, 4096, 4096, 3616,
                                               1010, 4090}));
}

TEST(Cutter, GivesNothingForNothing) {
    EXPECT_TRUE(cut(As::opaque, {}).empty());
    EXPECT_TRUE(cut(As::pages, {}).empty());
    EXPECT_TRUE(cut_rows({}, 1).empty());
}

TEST(Cutter, RefusesLimitsThatMakeNoSense) {
    for (const ChunkLimits& limits :
         {ChunkLimits{0, 1024, 4096}, ChunkLimits{2048, 1024, 4096}, ChunkLimits{256, 8192, 4096},
          ChunkLimits{256, 1000, 4096}, ChunkLimits{1, 32, 64}}) {
        EXPECT_THROW(Cutter(limits, [](const Bytes&) {}), ConfigError);
    }
}

}  // namespace
}  // namespace dbbackup
