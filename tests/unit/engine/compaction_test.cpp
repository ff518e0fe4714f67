#include "engine/compaction.hpp"

#include "prune_fixture.hpp"

#include <algorithm>

namespace dbbackup {
namespace {

/// Snapshots of ten streams, of which a few change each time, so that packs die by and by.
class CompactionTest : public PruneTest {
protected:
    static constexpr std::size_t kStreamBytes = 3000;

    SnapshotId take_streams(const std::vector<int>& changed) {
        for (const int stream : changed) {
            streams_.set_opaque("s" + std::to_string(stream), noise(++seed_, kStreamBytes));
        }
        const BackupReport report = back_up(streams_, disk_);
        last_ = report.snapshot;
        contents_[last_.summary.id] = streams_.contents();
        return last_.summary.id;
    }
    void take_all_but(const std::vector<int>& unchanged) {
        std::vector<int> changed;
        for (int stream = 0; stream < 10; ++stream) {
            if (std::find(unchanged.begin(), unchanged.end(), stream) == unchanged.end()) {
                changed.push_back(stream);
            }
        }
        take_streams(changed);
    }
    [[nodiscard]] std::uint64_t pack_bytes() const {
        std::uint64_t bytes = 0;
        for (const std::string& name : names_below(disk_, "packs")) {
            bytes += disk_.contents().at(name).size();
        }
        return bytes;
    }
    /// Of a byte of a chunk of the last snapshot that lies in this pack.
    [[nodiscard]] std::uint64_t offset_in(const PackName& pack) {
        const auto manifest = open_repository(disk_)->manifest(last_.summary.id, {});
        for (const StreamContents& stream : manifest->streams) {
            for (const ChunkCopyPtr& chunk : stream.lists.at(0).segments.at(0).chunks) {
                if (chunk->pack->name == pack) {
                    return chunk->offset_bytes + 10;
                }
            }
        }
        throw Error("the last snapshot needs nothing of this pack");
    }
    void expect_nothing_left_to_do() {
        const auto before = disk_.contents();
        prune(disk_, compacting_prune());
        EXPECT_EQ(disk_.contents(), before);
    }

    SampleDatabase streams_;
    SnapshotDetails last_;
    std::uint64_t seed_ = 0;
};

TEST_F(CompactionTest, SealsAnewWhatIsNeededOfAMostlyDeadPack) {
    take_all_but({});
    const PackName first = only_pack_of(last_.summary.id);
    take_all_but({4, 7});
    const PruneReport report = prune(disk_, compacting_prune(keep_newest(1)));
    EXPECT_FALSE(has(first));
    EXPECT_LT(pack_bytes(), 10 * kStreamBytes * 11 / 10);
    EXPECT_GT(report.bytes_compacted, 2 * kStreamBytes);
    EXPECT_LT(report.bytes_compacted, 3 * kStreamBytes);
    EXPECT_GT(report.bytes_freed, 7 * kStreamBytes);
    EXPECT_EQ(report.bytes_unused, 0U);
    expect_clean();
    expect_nothing_left_to_do();
}

TEST_F(CompactionTest, LeavesWhatIsMostlyNeeded) {
    take_all_but({});
    const PackName first = only_pack_of(last_.summary.id);
    take_streams({1});
    PruneOptions options = compacting_prune(keep_newest(1));
    options.compaction.unused_part_max = 0.11;
    const PruneReport report = prune(disk_, options);
    EXPECT_TRUE(has(first));
    EXPECT_EQ(report.bytes_compacted, 0U);
    EXPECT_GT(report.bytes_unused, kStreamBytes);
    options.compaction.unused_part_max = 0.05;
    EXPECT_GT(prune(disk_, options).bytes_compacted, 8 * kStreamBytes);
    EXPECT_FALSE(has(first));
    expect_clean();
}

TEST_F(CompactionTest, ADryRunSaysWhatWouldBeStoredAnew) {
    take_all_but({});
    take_all_but({4, 7});
    PruneOptions options = compacting_prune(keep_newest(1));
    options.is_dry_run = true;
    const auto before = disk_.contents();
    const PruneReport said = prune(disk_, options);
    EXPECT_EQ(disk_.contents(), before);
    options.is_dry_run = false;
    const PruneReport done = prune(disk_, options);
    EXPECT_EQ(said.packs_removed, done.packs_removed);
    EXPECT_NEAR(static_cast<double>(said.bytes_compacted),
                static_cast<double>(done.bytes_compacted), 400);
    EXPECT_NEAR(static_cast<double>(said.bytes_freed), static_cast<double>(done.bytes_freed), 3000);
}

/// Two sources that stored the same, each by itself: whichever pack has the smaller name, one goes.
TEST_F(CompactionTest, ADryRunCountsOneOfTwoCopies) {
    for (int pair = 0; pair < 4; ++pair) {
        MemoryStorage disk;
        make_repository(disk);
        SampleDatabase shop;
        shop.set_opaque("script", noise(1, kStreamBytes));
        PruneOptions options = compacting_prune();
        for (const char* const name : {"one", "two"}) {
            BackupOptions named;
            named.source_name = name;
            SampleBehaviour behaviour;
            behaviour.identity = std::string("host:/") + name;
            options.snapshots = {back_up(shop, disk, named, behaviour).snapshot.summary.id};
        }
        ASSERT_EQ(names_below(disk, "packs").size(), 2U);
        options.is_dry_run = true;
        EXPECT_EQ(prune(disk, options).packs_removed, 1U);
        options.is_dry_run = false;
        const PruneReport done = prune(disk, options);
        EXPECT_EQ(done.packs_removed, 1U);
        EXPECT_EQ(done.bytes_compacted, 0U);
        EXPECT_EQ(garbage(disk), "");
        EXPECT_EQ(findings_text(verify(disk, VerifyDepth::data)), "");
    }
}

TEST_F(CompactionTest, StaysWithinItsBudget) {
    take_all_but({});
    take_all_but({0, 1, 2});
    PruneOptions options = compacting_prune(keep_newest(1));
    options.compaction.bytes_max = 2 * kStreamBytes;
    EXPECT_EQ(prune(disk_, options).bytes_compacted, 0U) << "one pack takes more than that";
    options.compaction.bytes_max = 4 * kStreamBytes;
    EXPECT_GT(prune(disk_, options).bytes_compacted, 0U);
    expect_clean();
}

/// What moved is found again: nothing is read, nothing stored, and a change becomes a delta.
TEST_F(CompactionTest, TheNextBackupBuildsUponWhatMoved) {
    for (int day = 0; day < 12; ++day) {
        take();
    }
    PruneOptions options = compacting_prune(keep_newest(1));
    options.compaction.unused_part_max = 0;
    options.compaction.rebases = true;
    ASSERT_GT(prune(disk_, options).bytes_compacted, 0U);
    BackupOptions refusing;
    refusing.fallback = Fallback::refused;
    for (const bool is_changed : {false, true}) {
        if (is_changed) {
            shop_.set_page("pages", 3, noise(999, kPage));
        }
        for (const bool uses_patches : {false, true}) {
            SampleBehaviour behaviour;
            behaviour.segment_pages = 8;
            behaviour.uses_patches = uses_patches;
            const SnapshotDetails taken = back_up(shop_, disk_, refusing, behaviour).snapshot;
            contents_[taken.summary.id] = shop_.contents();
            EXPECT_EQ(taken.reason, "");
            EXPECT_EQ(taken.summary.chunks_new, 0U);
            EXPECT_EQ(taken.summary.chunks_delta, is_changed && !uses_patches ? 1U : 0U);
            EXPECT_LE(taken.summary.bytes_read, std::uint64_t{16} * kPage) << "and a sample";
        }
    }
    expect_whole();
    prune(disk_, options);
    expect_clean();
}

TEST_F(CompactionTest, DoesNothingWhileSomebodyWritesWhomNobodyWaitsFor) {
    take_all_but({});
    take_all_but({4, 7});
    const auto repository = open_repository(disk_);
    const SnapshotWriter writer(*repository, clock_, "backup", SourceId(16, 'd'), {});
    const PruneReport report = prune(disk_, compacting_prune(keep_newest(1), {writer.run_id()}));
    EXPECT_EQ(report.waiting_for.size(), 1U);
    EXPECT_EQ(report.bytes_compacted, 0U);
    EXPECT_EQ(names_below(disk_, "packs").size(), 2U);
}

/// A prune that died after it had stored packs: the next one uses them.
TEST_F(CompactionTest, WhatADeadOneStoredIsUsed) {
    take_all_but({});
    take_all_but({4, 7});
    Faults faults;
    faults.before = [](const StorageCall& call) {
        if (call.operation == StorageOperation::put && call.name.starts_with("condemned/")) {
            throw StorageError("gone");
        }
    };
    FaultyStorage dying(disk_, faults);
    EXPECT_THROW(prune(dying, compacting_prune(keep_newest(1))), StorageError);
    EXPECT_EQ(names_below(disk_, "packs").size(), 3U);
    const PruneReport report = prune(disk_, compacting_prune(keep_newest(1)));
    EXPECT_EQ(report.bytes_compacted, 0U);
    EXPECT_EQ(names_below(disk_, "packs").size(), 2U);
    expect_clean();
}

/// A chunk in a pack that will be emptied, and in one that nobody refers to any more: it is not
/// left in the latter, whose rubbish only another prune would find.
TEST_F(CompactionTest, NothingIsLeftInAPackThatGoesAnyway) {
    const Bytes shared = noise(1, 1500);
    const auto repository = open_repository(disk_);
    SnapshotWriter one(*repository, clock_, "backup", SourceId(16, 'd'), {});
    SnapshotWriter two(*repository, clock_, "backup", SourceId(16, 'd'), {});
    const ChunkCopyPtr kept = RepositoryPlace::add(one, *repository, shared);
    const ChunkCopyPtr little = RepositoryPlace::add(one, *repository, noise(2, 1500));
    const ChunkCopyPtr again = RepositoryPlace::add(two, *repository, shared);
    const ChunkCopyPtr much = RepositoryPlace::add(two, *repository, noise(3, 3000));
    Manifest of_one = RepositoryPlace::manifest(1, {kept, little});
    Manifest of_two = RepositoryPlace::manifest(2, {again, much});
    one.flush();
    two.flush();
    one.commit(of_one);
    two.commit(of_two);
    SnapshotWriter last(*repository, clock_, "backup", SourceId(16, 'd'), {});
    Manifest of_last = RepositoryPlace::manifest(3, {kept});
    last.commit(of_last);
    contents_[last.run_id()] = {{"main", shared}};
    prune(disk_, compacting_prune(keep_newest(1)));
    EXPECT_EQ(names_below(disk_, "packs").size(), 1U);
    expect_clean();
    expect_nothing_left_to_do();
}

TEST_F(CompactionTest, WhatCannotBeReadStaysAndTheRestGoes) {
    take_all_but({});
    const PackName first = only_pack_of(last_.summary.id);
    take_all_but({4, 7});
    const std::uint64_t offset = offset_in(first);
    disk_.damage(pack_object_name(first), [offset](Bytes& pack) { pack[offset] ^= 1U; });
    for (int round = 0; round < 3; ++round) {
        prune(disk_, compacting_prune(keep_newest(1)));
        EXPECT_TRUE(has(first));
        EXPECT_LE(names_below(disk_, "packs").size(), 3U);
    }
    for (const Finding& finding : verify(disk_, VerifyDepth::data).findings) {
        EXPECT_EQ(finding.object, pack_object_name(first).text()) << finding.problem;
    }
}

/// Three packs go, one of them after it was emptied; the disk refuses a pack first.
TEST_F(CompactionTest, OnAFullDiskFreesWhatItCanAndThenGoesOn) {
    take_alone(77);
    const PackName alone = only_pack_of(taken_.back());
    take_all_but({});
    const PackName first = only_pack_of(last_.summary.id);
    take_all_but({4, 7});
    PruneOptions options = compacting_prune(keep_newest(1));
    options.snapshots = {taken_.back()};
    Faults faults;
    faults.before = [&](const StorageCall& call) {
        if (call.operation == StorageOperation::put && call.name.starts_with("packs/") &&
            has(alone)) {
            throw StorageError("no space left on device");
        }
    };
    FaultyStorage full(disk_, faults);
    const PruneReport report = prune(full, options);
    EXPECT_FALSE(has(alone));
    EXPECT_FALSE(has(first)) << "the room that was freed was enough";
    EXPECT_FALSE(report.is_compaction_cut_short);
    expect_whole();
    prune(disk_, compacting_prune());
    expect_clean();
}

TEST_F(CompactionTest, StoresNothingAnewWhereThereIsLittleRoom) {
    MemoryStorage::Options small;
    small.url = "/proc";  // A file system without any room.
    MemoryStorage disk(small);
    for (const auto& [name, content] : disk_.contents()) {
        disk.put(ObjectName(name), content, {});
    }
    SampleDatabase shop;
    shop.set_opaque("a", noise(1, kStreamBytes));
    shop.set_opaque("b", noise(2, kStreamBytes));
    back_up(shop, disk);
    shop.set_opaque("b", noise(3, kStreamBytes));
    back_up(shop, disk);
    const PruneReport report = prune(disk, compacting_prune(keep_newest(1)));
    EXPECT_TRUE(report.is_compaction_cut_short);
    EXPECT_EQ(report.bytes_compacted, 0U);
    EXPECT_EQ(names_below(disk, "packs").size(), 2U);
    EXPECT_EQ(findings_text(verify(disk, VerifyDepth::data)), "");
}

// --- rebase
// ----------------------------------------------------------------------------------------

/// Thirty rounds of 1 %: what the last snapshot takes is what a full takes (issue 4, line 7).
TEST_F(CompactionTest, RebaseLeavesWhatAFreshFullTakes) {
    constexpr std::uint64_t kManyPages = 3000;
    SampleDatabase shop;
    shop.set_pages("pages", page_like(1, kManyPages * kPage), kPage);
    Random random(7);
    for (int round = 0; round < 31; ++round) {
        const SnapshotId id = back_up(shop, disk_, {}, {.segment_pages = 256}).snapshot.summary.id;
        contents_[id] = shop.contents();
        for (std::uint64_t change = 0; round < 30 && change < kManyPages / 100; ++change) {
            shop.set_page("pages", random.below(kManyPages), page_like(random.next(), kPage));
        }
    }
    MemoryStorage fresh;
    make_repository(fresh);
    back_up(shop, fresh, {}, {.segment_pages = 256});
    const auto bytes_of = [](const MemoryStorage& disk) {
        std::uint64_t bytes = 0;
        for (const auto& [name, content] : disk.contents()) {
            bytes += content.size();
        }
        return static_cast<double>(bytes);
    };
    const PruneReport kept = prune(disk_, compacting_prune(keep_newest(1)));
    EXPECT_GT(kept.bytes_only_bases, 0U);
    EXPECT_GT(bytes_of(disk_), 1.15 * bytes_of(fresh)) << "or there is nothing to show";
    PruneOptions options = compacting_prune();
    options.compaction.rebases = true;
    const PruneReport report = prune(disk_, options);
    EXPECT_EQ(report.bytes_only_bases, 0U);
    prune(disk_, sample_prune());
    EXPECT_LE(bytes_of(disk_), 1.15 * bytes_of(fresh));
    expect_clean();
    expect_nothing_left_to_do();
}

/// Several versions of the same places stay deltas on one another.
TEST_F(CompactionTest, RebaseKeepsDeltasBetweenWhatStays) {
    for (int day = 0; day < 24; ++day) {
        take();
    }
    PruneOptions options = compacting_prune();
    for (std::size_t day = 0; day < taken_.size(); ++day) {
        if (day % 8 != 7) {
            options.snapshots.push_back(taken_[day]);
        }
    }
    options.compaction.rebases = true;
    options.compaction.unused_part_max = 0;
    const PruneReport report = prune(disk_, options);
    EXPECT_GT(report.bytes_compacted, 0U);
    EXPECT_EQ(visible().size(), 3U);
    EXPECT_LT(pack_bytes(), std::uint64_t{2} * kPages * kPage) << "one whole, and two of deltas";
    expect_clean();
    options.snapshots = {taken_[7]};
    prune(disk_, options);
    expect_clean();
    options.snapshots = {taken_[15]};
    prune(disk_, options);
    expect_clean();
    EXPECT_LT(pack_bytes(), std::uint64_t{kPages} * kPage * 12 / 10);
}

}  // namespace
}  // namespace dbbackup
