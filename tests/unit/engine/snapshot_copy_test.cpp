#include "engine/snapshot_copy.hpp"

#include "base/error.hpp"
#include "repository/pack.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_copy.hpp"
#include "support/sample_data.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

namespace dbbackup {
namespace {

constexpr std::uint32_t kPageBytes = 4096;

SampleDatabase day(std::uint64_t number) {
    SampleDatabase shop = sample_shop(1024, 20'000, 200);
    for (std::uint64_t each = 1; each <= number; ++each) {
        shop.set_page("pages", 17 * each, page_like(1000 + each, kPageBytes));
        shop.set_row("orders", each, "changed\n");
    }
    return shop;
}

class SnapshotCopyTest : public testing::Test {
protected:
    SnapshotCopyTest() {
        make_repository(source_, Encryption::keyfile);
        make_repository(target_, Encryption::none);
    }

    SnapshotSummary take(std::uint64_t number, const BackupOptions& options = {}) {
        return back_up(day(number), source_, options).snapshot.summary;
    }

    static void expect_whole(Storage& storage) {
        const VerifyReport report = verify(storage, VerifyDepth::data);
        EXPECT_TRUE(report.findings.empty()) << findings_text(report);
    }

    static std::vector<std::uint64_t> sequences(Storage& storage) {
        std::vector<std::uint64_t> all;
        for (const SnapshotSummary& each : snapshots(storage)) {
            all.push_back(each.sequence);
        }
        return all;
    }

    std::string code_of_copy(Storage& from, Storage& to) {
        try {
            copy_between(from, to);
            return "";
        } catch (const Error& error) {
            return error.code();
        }
    }

    MemoryStorage source_;
    MemoryStorage target_;
};

TEST_F(SnapshotCopyTest, CopiesEachSnapshotOnce) {
    const SnapshotSummary first = take(0);
    const SnapshotSummary second = take(1);
    const CopyReport report = copy_between(source_, target_);
    ASSERT_EQ(report.snapshots.size(), 2U);
    const std::vector<SnapshotSummary> copies = snapshots(target_);
    ASSERT_EQ(copies.size(), 2U);
    EXPECT_EQ(restore(copies[0].id, target_), day(0).contents());
    EXPECT_EQ(restore(copies[1].id, target_), day(1).contents());
    EXPECT_EQ(copies[1].parent, copies[0].id);
    EXPECT_EQ(copies[1].begun_at, second.begun_at);
    EXPECT_EQ(copies[1].ended_at, second.ended_at);
    EXPECT_EQ(copies[1].bytes_read, second.bytes_read);
    ASSERT_TRUE(copies[0].origin);
    EXPECT_EQ(copies[0].origin->snapshot, first.id);
    expect_whole(target_);

    const auto before = target_.contents();
    for (const CopiedSnapshot& each : copy_between(source_, target_).snapshots) {
        EXPECT_TRUE(each.was_there);
        EXPECT_TRUE(each.target);
    }
    EXPECT_EQ(target_.contents(), before);
}

TEST_F(SnapshotCopyTest, KeepsDeltasWhoseBasesAreThere) {
    take(0);
    const SnapshotSummary second = take(1);
    const SnapshotSummary third = take(2);
    ASSERT_GT(second.chunks_delta, 0U);
    copy_between(source_, target_);
    const std::vector<SnapshotSummary> copies = snapshots(target_);
    EXPECT_EQ(copies[1].chunks_delta, second.chunks_delta);
    EXPECT_EQ(copies[2].chunks_delta, third.chunks_delta);
    EXPECT_EQ(restore(copies[2].id, target_), day(2).contents());
}

TEST_F(SnapshotCopyTest, StoresNoBaseOnlyForADelta) {
    take(0);
    const SnapshotSummary second = take(1);
    copy_between(source_, target_, {}, {second.id});
    const std::vector<SnapshotSummary> copies = snapshots(target_);
    ASSERT_EQ(copies.size(), 1U);
    EXPECT_EQ(copies[0].chunks_delta, 0U);
    EXPECT_FALSE(copies[0].parent);
    EXPECT_EQ(restore(copies[0].id, target_), day(1).contents());
    expect_whole(target_);
}

TEST_F(SnapshotCopyTest, ReadsOnlyWhatTheTargetMayLack) {
    take(0);
    const CopyReport full = copy_between(source_, target_);
    take(1);
    const CopyReport next = copy_between(source_, target_);
    EXPECT_LT(next.snapshots.back().target->bytes_added, full.snapshots[0].target->bytes_added / 5);
    EXPECT_LE(next.snapshots.back().target->chunks_new, 2U);
    expect_whole(target_);
}

TEST_F(SnapshotCopyTest, AFullStandsByItself) {
    take(0);
    take(1);
    BackupOptions options;
    options.mode = BackupMode::full;
    take(1, options);
    copy_between(source_, target_);
    const std::vector<SnapshotSummary> copies = snapshots(target_);
    EXPECT_EQ(copies.back().mode, BackupMode::full);
    EXPECT_EQ(copies.back().chunks_delta, 0U);
    EXPECT_GT(copies.back().chunks_new, 0U) << "what is held as a delta is stored whole";
    expect_whole(target_);
}

TEST_F(SnapshotCopyTest, FillsAGapInItsPlace) {
    const SnapshotSummary first = take(0);
    const SnapshotSummary second = take(1);
    const SnapshotSummary third = take(2);
    copy_between(source_, target_, {}, {third.id});
    copy_between(source_, target_, {}, {first.id});
    EXPECT_EQ(sequences(target_), (std::vector<std::uint64_t>{1, 3}));
    copy_between(source_, target_, {}, {second.id});
    EXPECT_EQ(sequences(target_), (std::vector<std::uint64_t>{1, 2, 3}));
    EXPECT_EQ(restore(snapshots(target_).back().id, target_), day(2).contents());
}

TEST_F(SnapshotCopyTest, BackupsGoOnAtTheTargetAndComeBack) {
    take(0);
    copy_between(source_, target_);
    // The source's store is away: the next backup goes to the copy.
    const SnapshotSummary taken_there = back_up(day(1), target_).snapshot.summary;
    EXPECT_EQ(taken_there.mode, BackupMode::incremental);
    EXPECT_GT(taken_there.chunks_reused, taken_there.chunks_new);
    const CopyReport back = copy_between(target_, source_);
    EXPECT_TRUE(back.snapshots.front().was_there) << "it came from there";
    take(2);
    copy_between(source_, target_);
    EXPECT_EQ(sequences(source_), (std::vector<std::uint64_t>{1, 2, 3}));
    EXPECT_EQ(sequences(target_), (std::vector<std::uint64_t>{1, 2, 3}));
    EXPECT_EQ(restore(snapshots(target_).back().id, target_), day(2).contents());
    expect_whole(source_);
    expect_whole(target_);
}

TEST_F(SnapshotCopyTest, WhatIsTakenLaterStandsLater) {
    take(0);
    copy_between(source_, target_);
    back_up(day(1), target_);  // Number 2 here,
    take(2);                   // and another number 2 there.
    copy_between(source_, target_);
    EXPECT_EQ(sequences(target_), (std::vector<std::uint64_t>{1, 2, 3}));
    EXPECT_EQ(restore(snapshots(target_).back().id, target_), day(2).contents());
}

TEST_F(SnapshotCopyTest, CompressesAnewOnRequest) {
    take(0);
    CopyOptions options;
    options.compression = Compression{CompressionKind::none, 0};
    const CopyReport plain = copy_between(source_, target_, options);
    MemoryStorage other;
    make_repository(other);
    const CopyReport kept = copy_between(source_, other);
    EXPECT_GT(plain.snapshots[0].target->bytes_added, kept.snapshots[0].target->bytes_added);
    EXPECT_EQ(restore(snapshots(target_)[0].id, target_), day(0).contents());
    expect_whole(target_);
}

TEST_F(SnapshotCopyTest, LeavesOutWhatIsDamaged) {
    take(0);
    std::vector<std::string> first_packs;
    for (const auto& [name, content] : source_.contents()) {
        if (name.starts_with("packs/")) {
            first_packs.push_back(name);
        }
    }
    const SnapshotSummary second = take(1);
    for (const auto& [name, content] : source_.contents()) {
        if (name.starts_with("packs/") &&
            std::ranges::find(first_packs, name) == first_packs.end()) {
            source_.damage(ObjectName(name), [](Bytes& bytes) { bytes[bytes.size() / 3] ^= 1U; });
        }
    }
    const CopyReport report = copy_between(source_, target_);
    ASSERT_EQ(report.snapshots.size(), 2U);
    EXPECT_EQ(report.snapshots[0].failure, "");
    EXPECT_EQ(report.snapshots[1].source.id, second.id);
    EXPECT_THAT(report.snapshots[1].failure, testing::HasSubstr("damaged"));
    EXPECT_FALSE(report.snapshots[1].target);
    EXPECT_EQ(snapshots(target_).size(), 1U);
    expect_whole(target_);
}

TEST_F(SnapshotCopyTest, StoresAnewWhatTheTargetLost) {
    take(0);
    copy_between(source_, target_);
    std::vector<ObjectName> packs;
    for (const auto& [name, content] : target_.contents()) {
        if (name.starts_with("packs/")) {
            packs.emplace_back(name);
        }
    }
    for (const ObjectName& pack : packs) {
        target_.remove(pack, {});
    }
    take(1);
    copy_between(source_, target_);
    EXPECT_EQ(restore(snapshots(target_).back().id, target_), day(1).contents());
}

TEST_F(SnapshotCopyTest, ADryRunWritesNothing) {
    take(0);
    const auto before = target_.contents();
    CopyOptions options;
    options.is_dry_run = true;
    const CopyReport report = copy_between(source_, target_, options);
    ASSERT_EQ(report.snapshots.size(), 1U);
    EXPECT_FALSE(report.snapshots[0].was_there);
    EXPECT_FALSE(report.snapshots[0].target);
    EXPECT_EQ(target_.contents(), before);
}

TEST_F(SnapshotCopyTest, RefusesTheSameRepository) {
    take(0);
    const std::unique_ptr<MemoryStorage> moved = source_.clone();
    EXPECT_EQ(code_of_copy(source_, *moved), "same_repository");
}

TEST_F(SnapshotCopyTest, RefusesANameThatIsAnothers) {
    BackupOptions options;
    options.source_name = "shop";
    SampleBehaviour elsewhere;
    elsewhere.identity = "host:/data/other.db";
    back_up(day(0), source_, options);
    back_up(day(0), target_, options, elsewhere);
    EXPECT_EQ(code_of_copy(source_, target_), "source_name_taken");
}

}  // namespace
}  // namespace dbbackup
