#include "engine/page_changes.hpp"

#include "base/error.hpp"
#include "support/sample_data.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

constexpr std::uint32_t kPage = 64;

TEST(PageChanges, LayPagesOverABaseAndKeepItsFingerprintRight) {
    const Fingerprinter fingerprinter(Bytes(32, 1));
    Bytes content = noise(1, 10 * kPage);
    Fingerprint sum = fingerprinter.of_pages(content, kPage, 100);

    PageChanges changes(kPage);
    const Bytes two = noise(2, 2 * kPage);
    const Bytes one = noise(3, kPage);
    changes.pages(103, two);
    changes.pages(109, one);
    changes.pages(110, one);  // Beyond these ten.
    sum += changes.apply(100, content, fingerprinter);

    Bytes expected = noise(1, 10 * kPage);
    std::copy(two.begin(), two.end(), expected.begin() + 3 * kPage);
    std::copy(one.begin(), one.end(), expected.begin() + 9 * kPage);
    EXPECT_EQ(content, expected);
    EXPECT_EQ(sum, fingerprinter.of_pages(expected, kPage, 100));
}

TEST(PageChanges, TellWhichPagesTheyTouch) {
    PageChanges changes(kPage);
    EXPECT_FALSE(changes.touch(0, 1000));
    EXPECT_TRUE(changes.lie_within(5, 0));
    changes.pages(10, Bytes(2 * kPage));
    EXPECT_TRUE(changes.touch(10, 1));
    EXPECT_TRUE(changes.touch(0, 11));
    EXPECT_TRUE(changes.touch(11, 5));
    EXPECT_FALSE(changes.touch(0, 10));
    EXPECT_FALSE(changes.touch(12, 100));
    EXPECT_TRUE(changes.lie_within(10, 2));
    EXPECT_FALSE(changes.lie_within(10, 1));
    EXPECT_FALSE(changes.lie_within(11, 5));
}

TEST(PageChanges, TakeWholePagesOnly) {
    PageChanges changes(kPage);
    EXPECT_THROW(changes.pages(0, Bytes(kPage + 1)), Error);
    EXPECT_THROW(changes.rows({}, {}), Error);
    EXPECT_THROW(changes.opaque({}), Error);
}

}  // namespace
}  // namespace dbbackup
