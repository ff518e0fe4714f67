#include "base/secret.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <type_traits>

namespace dbbackup {
namespace {

TEST(Secret, HoldsItsBytes) {
    EXPECT_EQ(as_text(Secret("hunter2").bytes()), "hunter2");
    EXPECT_FALSE(Secret("x").empty());
    EXPECT_TRUE(Secret().empty());
    EXPECT_TRUE(Secret("").empty());
}

TEST(Secret, MovesAndDoesNotCopy) {
    static_assert(!std::is_copy_constructible_v<Secret>);
    static_assert(!std::is_copy_assignable_v<Secret>);
    static_assert(!std::is_convertible_v<Secret, std::string>);
    Secret first("one");
    Secret second(std::move(first));
    EXPECT_EQ(as_text(second.bytes()), "one");
    Secret third("three");
    third = std::move(second);
    EXPECT_EQ(as_text(third.bytes()), "one");
    Secret& itself = third;
    third = std::move(itself);
    EXPECT_EQ(as_text(third.bytes()), "one");
}

TEST(Secret, MovingLeavesNothingBehind) {
    Secret first("one");
    const Secret second(std::move(first));
    EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): that is the claim
}

TEST(Secret, CloneIsACopyOfItsOwn) {
    const Secret first("one");
    const Secret second = first.clone();
    EXPECT_EQ(as_text(second.bytes()), "one");
    EXPECT_NE(first.bytes().data(), second.bytes().data());
}

TEST(Secret, WorksBeyondTheLimitOfLockedMemory) {
    const Secret large(Bytes(32U << 20U, 7));
    EXPECT_EQ(large.bytes().size(), 32U << 20U);
}

TEST(Secret, WipeOverwrites) {
    Bytes bytes = {1, 2, 3};
    wipe(bytes);
    EXPECT_EQ(bytes, Bytes(3));
    wipe({});
}

}  // namespace
}  // namespace dbbackup
