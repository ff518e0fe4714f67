#include "connector/postgres/post_data.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace dbbackup::postgres {
namespace {

using Section = TocEntry::Section;
using Ids = std::vector<int>;

TocEntry entry(int id, const char* kind, const char* name, Section section, Ids needs) {
    TocEntry made;
    made.id = id;
    made.kind = kind;
    made.schema = "public";
    made.name = name;
    made.section = section;
    made.needs = std::move(needs);
    return made;
}

/// Two tables and one in partitions, one of which is partitioned, too; as pg_dump tells of them.
Toc archive() {
    constexpr Section kBefore = Section::pre_data;
    constexpr Section kAfter = Section::post_data;
    return Toc({
        entry(1, "TABLE", "alone", kBefore, {}),
        entry(2, "COMMENT", "TABLE alone", Section::none, {1}),
        entry(3, "TABLE", "other", kBefore, {}),
        entry(4, "TABLE", "parted", kBefore, {}),
        entry(5, "TABLE", "parted_1", kBefore, {4}),
        entry(6, "TABLE", "parted_2", kBefore, {4}),
        entry(7, "TABLE", "parted_2_1", kBefore, {6}),
        entry(8, "TABLE ATTACH", "parted_1", kBefore, {5, 4}),
        entry(9, "TABLE ATTACH", "parted_2", kBefore, {6, 4}),
        entry(10, "TABLE ATTACH", "parted_2_1", kBefore, {7, 6}),
        entry(20, "CONSTRAINT", "alone alone_pkey", kAfter, {1}),
        entry(21, "COMMENT", "CONSTRAINT alone_pkey ON alone", Section::none, {20, 1}),
        entry(22, "CONSTRAINT", "parted parted_pkey", kAfter, {4}),
        entry(23, "CONSTRAINT", "parted_1 parted_1_pkey", kAfter, {5, 22}),
        entry(24, "CONSTRAINT", "parted_2 parted_2_pkey", kAfter, {6, 22}),
        entry(25, "CONSTRAINT", "parted_2_1 parted_2_1_pkey", kAfter, {7, 24}),
        entry(30, "INDEX", "parted_1_own", kAfter, {5}),
        entry(31, "FUNCTION", "of_keys()", kAfter, {20}),
        entry(32, "INDEX", "other_by_function", kAfter, {3, 31}),
        entry(33, "MATERIALIZED VIEW", "seen", kAfter, {1, 20}),
        entry(34, "INDEX", "seen_by_id", kAfter, {33}),
        entry(40, "INDEX ATTACH", "parted_1_pkey", kAfter, {23, 22}),
        entry(41, "INDEX ATTACH", "parted_2_pkey", kAfter, {24, 22}),
        entry(42, "INDEX ATTACH", "parted_2_1_pkey", kAfter, {25, 24}),
        entry(50, "EVENT TRIGGER", "watch", kAfter, {}),
        entry(51, "TRIGGER", "other touched", kAfter, {3}),
        entry(60, "FK CONSTRAINT", "other other_alone_fkey", kAfter, {3, 1, 20}),
        entry(61, "FK CONSTRAINT", "other other_parted_fkey", kAfter, {3, 4, 22, 40, 41, 42}),
        entry(62, "FK CONSTRAINT", "parted_1 parted_1_alone_fkey", kAfter, {5, 1, 20}),
        entry(63, "COMMENT", "CONSTRAINT other_alone_fkey ON other", Section::none, {60}),
    });
}

Ids all_of(const Toc& toc) {
    Ids ids;
    std::ranges::transform(toc.entries(), std::back_inserter(ids), &TocEntry::id);
    return ids;
}

TEST(PostgresPostData, IndexesOfPartitionsAndOfOtherTablesAreMadeAtOnce) {
    const Toc toc = archive();
    const PostDataOrder order = post_data_order(toc, all_of(toc));
    EXPECT_EQ(order.at_once, (Ids{20, 23, 25, 30, 60}));
}

TEST(PostgresPostData, EverythingElseAfterTheRowsComesInTheOrderOfTheArchive) {
    const Toc toc = archive();
    const PostDataOrder order = post_data_order(toc, all_of(toc));
    EXPECT_EQ(order.one_by_one, (Ids{21, 22, 24, 31, 32, 33, 34, 40, 41, 42, 50, 51, 61, 62, 63}));
}

TEST(PostgresPostData, OnlyWhatIsAskedForIsMade) {
    const Toc toc = archive();
    const PostDataOrder order = post_data_order(toc, Ids{1, 2, 4, 20, 22, 23, 40});
    EXPECT_EQ(order.at_once, (Ids{20, 23}));
    EXPECT_EQ(order.one_by_one, (Ids{22, 40}));
}

/// What is needed and not made was not asked for: pg_restore does not wait for it either, but
/// nobody knows what it is.
TEST(PostgresPostData, WhatNeedsWhatIsNotMadeComesLater) {
    const Toc toc = archive();
    const PostDataOrder order = post_data_order(toc, Ids{60, 63});
    EXPECT_TRUE(order.at_once.empty());
    EXPECT_EQ(order.one_by_one, (Ids{60, 63}));
}

TEST(PostgresPostData, AllAtOnceHasNothingThatComesBeforeTheRows) {
    const Toc toc = archive();
    const Ids ids = {1, 2, 3, 20, 21, 31, 32, 60};
    const PostDataOrder all = all_at_once(post_data_order(toc, ids), ids);
    EXPECT_EQ(all.at_once, (Ids{20, 21, 31, 32, 60}));
    EXPECT_TRUE(all.one_by_one.empty());
}

}  // namespace
}  // namespace dbbackup::postgres
