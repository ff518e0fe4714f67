/// @file
/// Fingerprints: they add up in any order, and tell content, place and key apart.

#include "crypto/fingerprint.hpp"

#include "base/error.hpp"
#include "crypto/hash.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <set>
#include <vector>

namespace dbbackup {
namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

TEST(Fingerprint, AddsAndSubtractsModulo2To128) {
    Fingerprint sum{.high = 1, .low = kMax};
    sum += Fingerprint{.high = 2, .low = 1};
    EXPECT_EQ(sum, (Fingerprint{.high = 4, .low = 0}));
    sum -= Fingerprint{.high = 2, .low = 1};
    EXPECT_EQ(sum, (Fingerprint{.high = 1, .low = kMax}));
    sum += Fingerprint{.high = kMax - 1, .low = 1};
    EXPECT_EQ(sum, Fingerprint{});
    sum -= Fingerprint{.high = 0, .low = 1};
    EXPECT_EQ(sum, (Fingerprint{.high = kMax, .low = kMax}));
}

TEST(Fingerprint, IsThirtyTwoDigits) {
    EXPECT_EQ((Fingerprint{.high = 0xab, .low = 1}.text()), "00000000000000ab0000000000000001");
}

TEST(Fingerprinter, DoesNotDependOnTheOrder) {
    const Fingerprinter fingerprinter(Bytes(32, 1));
    std::vector<Bytes> rows;
    for (std::size_t row = 0; row < 200; ++row) {
        rows.push_back(random_bytes(row));
    }
    const auto sum_of = [&](const std::vector<Bytes>& items) {
        Fingerprint sum;
        for (const Bytes& item : items) {
            sum += fingerprinter.of(item, 0);
        }
        return sum;
    };
    const Fingerprint forward = sum_of(rows);
    std::ranges::shuffle(rows, std::mt19937_64(0x5eed));
    EXPECT_EQ(sum_of(rows), forward);
    rows.pop_back();
    EXPECT_NE(sum_of(rows), forward);
}

TEST(Fingerprinter, TellsContentPlaceAndKeyApart) {
    std::set<Fingerprint> seen;
    std::size_t made = 0;
    for (const std::uint8_t key : {std::uint8_t{1}, std::uint8_t{2}}) {
        const Fingerprinter fingerprinter(Bytes(32, key));
        for (const std::uint64_t place : {std::uint64_t{0}, std::uint64_t{1}, kMax}) {
            for (const std::size_t size : {0U, 1U, 16U, 17U, 128U, 129U, 240U, 241U, 4096U}) {
                Bytes item(size, 0);
                seen.insert(fingerprinter.of(item, place));
                ++made;
                if (size > 0) {
                    item.back() = 1;
                    seen.insert(fingerprinter.of(item, place));
                    ++made;
                }
            }
        }
    }
    EXPECT_EQ(seen.size(), made);
}

TEST(Fingerprinter, SeesTwoPagesTradePlaces) {
    const Fingerprinter fingerprinter(Bytes(32, 3));
    Bytes pages(2 * 512, 'a');
    std::fill(pages.begin() + 512, pages.end(), std::uint8_t{'b'});
    const Fingerprint before = fingerprinter.of_pages(pages, 512, 0);
    std::rotate(pages.begin(), pages.begin() + 512, pages.end());
    EXPECT_NE(fingerprinter.of_pages(pages, 512, 0), before);
}

TEST(Fingerprinter, SumsPagesWhereverTheRunIsCut) {
    const Fingerprinter fingerprinter(Bytes(32, 4));
    const Bytes pages = random_bytes(10 * 512 + 100);  // The last page is a short one.
    const Fingerprint whole = fingerprinter.of_pages(pages, 512, 7);
    Fingerprint parts = fingerprinter.of_pages(BytesView(pages).first(3 * 512), 512, 7);
    parts += fingerprinter.of_pages(BytesView(pages).subspan(3 * 512), 512, 10);
    EXPECT_EQ(parts, whole);
    EXPECT_NE(fingerprinter.of_pages(pages, 512, 8), whole);
    EXPECT_EQ(fingerprinter.of_pages({}, 512, 7), Fingerprint{});
}

// Manifests keep fingerprints for years: these values may never change.
TEST(Fingerprinter, IsPinned) {
    const Fingerprinter fingerprinter(Bytes(32, 9));
    EXPECT_EQ(fingerprinter.of(as_bytes("1\tAda\n"), 0).text(), "1d54b89670aff42902591f38f084d86a");
    EXPECT_EQ(fingerprinter.of(Bytes(4096, 5), 12345).text(), "ee2f0b65a3a5601ab4aab82c4c040207");
}

TEST(Fingerprinter, RefusesWrongSizes) {
    EXPECT_THROW(Fingerprinter{Bytes(31)}, Error);
    const Fingerprinter fingerprinter(Bytes(32, 1));
    EXPECT_THROW(static_cast<void>(fingerprinter.of_pages(Bytes(10), 0, 0)), Error);
}

}  // namespace
}  // namespace dbbackup
