#include "engine/prune.hpp"

#include "prune_fixture.hpp"

#include <algorithm>

namespace dbbackup {
namespace {

using namespace std::chrono_literals;

TEST_F(PruneTest, LeavesARepositoryAloneWhereNothingIsToBeDone) {
    take();
    prune(disk_, sample_prune());  // Ends the backup's run.
    const auto before = disk_.contents();
    const PruneReport report = prune(disk_, sample_prune(keep_newest(5)));
    EXPECT_EQ(disk_.contents(), before);
    EXPECT_EQ(report.packs_removed, 0U);
    ASSERT_EQ(report.snapshots.size(), 1U);
    EXPECT_TRUE(report.snapshots[0].is_kept);
    EXPECT_EQ(report.snapshots[0].reason, "newest");
    expect_clean();
}

TEST_F(PruneTest, RemovesWhatRetentionSaysAndTheSpaceOfIt) {
    take_alone(1);
    for (int i = 0; i < 5; ++i) {
        take();
    }
    const PackName first = only_pack_of(take_alone(2));
    const std::size_t packs = names_below(disk_, "packs").size();
    PruneOptions options = sample_prune(keep_newest(2));
    options.snapshots = {taken_.back()};
    const PruneReport report = prune(disk_, options);
    EXPECT_EQ(visible(), (std::set<SnapshotId>{taken_[0], taken_[4], taken_[5]}));
    EXPECT_FALSE(has(first));
    EXPECT_GT(report.packs_removed, 0U);
    EXPECT_EQ(names_below(disk_, "packs").size(), packs - report.packs_removed);
    EXPECT_GT(report.bytes_freed, 3000U);
    EXPECT_TRUE(report.waiting_for.empty());
    expect_clean();
    take();
    expect_whole();
}

TEST_F(PruneTest, EndsUploadsThatNobodyWillEnd) {
    take_alone(1);
    int asked = 0;
    Faults faults;
    faults.before = [&](const StorageCall& call) {
        if (call.operation == StorageOperation::end_abandoned_uploads) {
            ++asked;
            throw StorageError("not allowed");
        }
    };
    FaultyStorage watched(disk_, faults);
    EXPECT_NO_THROW(prune(watched, sample_prune())) << "what stays harms nobody";
    EXPECT_EQ(asked, 1);
}

TEST_F(PruneTest, ADryRunWritesNothingAndSaysWhatWouldGo) {
    for (int i = 0; i < 4; ++i) {
        take_alone(static_cast<std::uint64_t>(i));
    }
    PruneOptions options = sample_prune();
    options.snapshots = {taken_[1]};
    options.is_dry_run = true;
    Faults faults;
    faults.before = [](const StorageCall& call) { EXPECT_FALSE(is_write(call.operation)); };
    FaultyStorage watched(disk_, faults);
    const auto before = disk_.contents();
    const PruneReport said = prune(watched, options);
    EXPECT_EQ(disk_.contents(), before);
    options.is_dry_run = false;
    const PruneReport done = prune(disk_, options);
    EXPECT_EQ(said.packs_removed, done.packs_removed);
    EXPECT_EQ(said.packs_removed, 1U);
    EXPECT_EQ(said.snapshots.size(), 4U);
}

TEST_F(PruneTest, RefusesASnapshotThatIsNotThere) {
    take();
    PruneOptions options = sample_prune();
    options.snapshots = {SnapshotId(32, 'a')};
    const auto before = disk_.contents();
    EXPECT_THROW(prune(disk_, options), ConfigError);
    EXPECT_EQ(disk_.contents(), before);
}

TEST_F(PruneTest, DeletesNothingWhereItDoesNotUnderstandSomething) {
    take_alone(1);
    take_alone(2);
    PruneOptions options = sample_prune();
    options.snapshots = {taken_[0]};
    const auto refuses = [&](const std::string& name, std::string_view content) {
        disk_.put(ObjectName(name), as_bytes(content), {});
        const auto before = disk_.contents();
        EXPECT_THROW(prune(disk_, options), RepositoryError) << name;
        EXPECT_EQ(disk_.contents(), before) << name;
        disk_.remove(ObjectName(name), {});
    };
    refuses("leases/1", "a folder of the future");
    refuses("packs/ab/notapack", "not a pack");
    refuses("condemned/" + RunId(32, 'a'), "no marker");
    refuses("collections/" + RunId(32, 'a'), "no outcome");
    refuses("runs/" + RunId(32, 'a') + "/0", "no run");
    prune(disk_, options);
    expect_clean();
}

TEST_F(PruneTest, LeavesAllAsItWasWhileAWriterIsOpen) {
    take_alone(1);
    take_alone(2);
    const auto repository = open_repository(disk_);
    auto writer = std::make_unique<SnapshotWriter>(*repository, clock_, "backup", SourceId(16, 'd'),
                                                   std::stop_token());
    const ChunkCopyPtr chunk = RepositoryPlace::add(*writer, *repository, noise(9, 2000));
    writer->flush();
    const RunId run = writer->run_id();
    PruneOptions options = sample_prune({}, {run});
    options.snapshots = {taken_[0]};
    const PruneReport waiting = prune(disk_, options);
    ASSERT_EQ(waiting.waiting_for.size(), 1U);
    EXPECT_EQ(waiting.waiting_for[0].id, run);
    EXPECT_GT(waiting.bytes_waiting, 4000U);
    EXPECT_EQ(waiting.packs_removed, 0U);
    EXPECT_TRUE(visible().contains(taken_[0])) << "nothing is removed before the outcome";
    EXPECT_TRUE(names_below(disk_, "condemned").empty()) << "backups may reuse it again";
    Manifest manifest = RepositoryPlace::manifest(1, {chunk});
    writer->commit(manifest);
    writer.reset();
    contents_[run] = {{"main", noise(9, 2000)}};
    const PruneReport done = prune(disk_, options);
    EXPECT_TRUE(done.given_up.empty());
    EXPECT_FALSE(visible().contains(taken_[0]));
    EXPECT_TRUE(visible().contains(run));
    EXPECT_GT(done.packs_removed, 0U);
    expect_whole();
}

TEST_F(PruneTest, GivesUpADeadWriterAndTakesWhatItStored) {
    take_alone(1);
    RunId run;
    {
        const auto repository = open_repository(disk_);
        SnapshotWriter writer(*repository, clock_, "backup", SourceId(16, 'd'), {});
        RepositoryPlace::add(writer, *repository, noise(9, 2000));
        run = writer.run_id();
        writer.flush();
    }
    const PruneReport report = prune(disk_, sample_prune());
    EXPECT_EQ(report.given_up, std::vector<RunId>{run});
    EXPECT_EQ(report.packs_removed, 1U);
    EXPECT_EQ(names_below(disk_, "manifests/" + SourceId(16, 'd')).size(), 1U) << "a tombstone";
    expect_clean();
}

TEST_F(PruneTest, AWriterThatWasGivenUpStartsOver) {
    take();
    bool is_pruned = false;
    SampleBehaviour behaviour;
    behaviour.segment_pages = 8;
    behaviour.before_finish = [&] {
        if (!std::exchange(is_pruned, true)) {
            prune(disk_, sample_prune());
        }
    };
    shop_.set_page("pages", 1, noise(500, kPage));
    const SnapshotId id = back_up(shop_, disk_, {}, behaviour).snapshot.summary.id;
    contents_[id] = shop_.contents();
    EXPECT_EQ(visible().size(), 2U);
    expect_whole();
}

TEST_F(PruneTest, GivesUpWhoShowsNoLifeForLongOnlyAfterWatching) {
    MemoryStorage::Options with_clock;
    with_clock.clock = &clock_;
    MemoryStorage disk(with_clock);
    make_repository(disk);
    const auto repository = open_repository(disk);
    SnapshotWriter writer(*repository, clock_, "backup", SourceId(16, 'd'), {});
    const RunId run = writer.run_id();
    RepositoryPlace::add(writer, *repository, noise(9, 2000));
    writer.flush();
    PruneOptions options = sample_prune({}, {run});
    options.watch = 10min;
    std::chrono::milliseconds paused{0};
    options.pause = [&](std::chrono::milliseconds time, const std::stop_token&) { paused += time; };
    clock_.advance(1h);
    EXPECT_EQ(prune(disk, options).waiting_for.size(), 1U);
    EXPECT_EQ(paused, 0ms) << "it is not old enough, and nobody said to wait";
    clock_.advance(2h);
    EXPECT_EQ(prune(disk, options).waiting_for.size(), 1U);
    EXPECT_GE(paused, 10min) << "watched, but a test's pause is no time";
    options.watch = 0ms;
    EXPECT_EQ(prune(disk, options).given_up, std::vector<RunId>{run});
}

TEST_F(PruneTest, AnOldListGoesOnceAnotherHasRepeatedItAndNobodyIsBehind) {
    for (std::uint64_t i = 0; i < 6; ++i) {
        take_alone(i);
    }
    const auto remove_one = [&](std::size_t which, const std::set<RunId>& living) {
        PruneOptions options = sample_prune({}, living);
        options.snapshots = {taken_[which]};
        prune(disk_, options);
        return names_below(disk_, "collections");
    };
    const auto first = remove_one(0, {});
    ASSERT_EQ(first.size(), 1U);
    const auto second = remove_one(1, {});
    ASSERT_EQ(second.size(), 2U) << "the second one repeats the first one, which stays";
    // An open collection may have read the old list alone.
    const RunId other = other_marker({});
    const auto third = remove_one(2, {other});
    EXPECT_EQ(third.size(), 3U);
    put_outcome(other, {});
    const auto fourth = remove_one(3, {});
    EXPECT_FALSE(std::count(fourth.begin(), fourth.end(), first[0]));
    const auto removed = records().removed_manifests();
    EXPECT_EQ(removed.size(), 4U) << "what the old lists named is still named";
    prune(disk_, sample_prune());
    expect_whole();
}

TEST_F(PruneTest, ARemovedManifestStaysRemovedWhenALateRetryPutsItBack) {
    take_alone(1);
    take_alone(2);
    const std::string name = [&] {
        const auto names = names_below(disk_, "manifests");
        return *std::find_if(names.begin(), names.end(),
                             [&](const auto& each) { return each.ends_with(taken_[0]); });
    }();
    const Bytes manifest = disk_.contents().at(name);
    PruneOptions options = sample_prune();
    options.snapshots = {taken_[0]};
    prune(disk_, options);
    disk_.put(ObjectName(name), manifest, {});
    EXPECT_EQ(visible(), std::set<SnapshotId>{taken_[1]});
    prune(disk_, sample_prune());
    EXPECT_FALSE(disk_.contents().contains(name));
    expect_clean();
}

// --- the merged index
// ------------------------------------------------------------------------------

TEST_F(PruneTest, TheMergedIndexNamesWhatOthersCondemnAndNotWhatGoes) {
    const PackName gone = only_pack_of(take_alone(1));
    const PackName stays = only_pack_of(take_alone(2));
    const PackName condemned = only_pack_of(take_alone(3));
    const RunId other = other_marker({condemned});
    PruneOptions options = sample_prune({}, {other});
    options.snapshots = {taken_[0]};
    std::vector<std::string> listed;
    Faults faults;
    faults.before = [&](const StorageCall& call) {
        if (call.operation == StorageOperation::list) {
            listed.push_back(call.name);
        }
    };
    FaultyStorage watched(disk_, faults);
    prune(watched, options);
    const auto indexes = names_below(disk_, "indexes");
    ASSERT_EQ(indexes.size(), 1U);
    const auto repository = open_repository(disk_);
    std::set<PackName> named;
    const auto index = read_index_object(*repository, ObjectName(indexes[0]), {});
    for (const IndexedPack& pack : index->packs) {
        named.insert(pack.name);
    }
    EXPECT_EQ(named, (std::set<PackName>{stays, condemned}));
    EXPECT_FALSE(has(gone));
    const auto packs = std::find(listed.begin(), listed.end(), "packs");
    EXPECT_NE(std::find(listed.begin(), packs, "indexes"), packs) << "indexes before packs";
    const auto outcomes = std::find(listed.begin(), listed.end(), "collections");
    EXPECT_NE(std::find(listed.begin(), outcomes, "condemned"), outcomes);
}

TEST_F(PruneTest, ManySmallIndexesBecomeOne) {
    for (std::uint64_t i = 0; i < 3; ++i) {
        take_alone(i);
        const auto repository = open_repository(disk_);
        SnapshotWriter writer(*repository, clock_, "backup", SourceId(16, 'd'), {});
        RepositoryPlace::add(writer, *repository, noise(50 + i, 2000));
        writer.flush();
    }
    EXPECT_EQ(names_below(disk_, "indexes").size(), 3U);
    prune(disk_, sample_prune());
    EXPECT_EQ(names_below(disk_, "indexes").size(), 1U);
    expect_clean();
}

TEST_F(PruneTest, WaitsOutListingCaches) {
    MemoryStorage::Options slow;
    slow.capabilities.listing_delay = 60s;
    MemoryStorage disk(slow);
    make_repository(disk);
    SampleDatabase shop;
    shop.set_opaque("script", noise(1, 2000));
    PruneOptions options = sample_prune();
    options.snapshots = {back_up(shop, disk).snapshot.summary.id};
    prune(disk, sample_prune());
    std::vector<std::string> order;
    options.pause = [&](std::chrono::milliseconds time, const std::stop_token&) {
        order.push_back(std::to_string(time.count() / 1000));
    };
    Faults faults;
    faults.before = [&](const StorageCall& call) {
        const std::string folder = call.name.substr(0, call.name.find('/'));
        if (call.operation == StorageOperation::put && folder != "runs") {
            order.push_back("put " + folder);
        }
        if (call.operation == StorageOperation::remove && folder == "condemned") {
            order.push_back("remove condemned");
        }
    };
    FaultyStorage watched(disk, faults);
    prune(watched, options);
    std::erase(order, "put indexes");
    EXPECT_EQ(order, (std::vector<std::string>{"put condemned", "120", "60", "put collections",
                                               "60", "remove condemned"}));
}

// --- a full disk
// -----------------------------------------------------------------------------------

TEST_F(PruneTest, FreesAFullDisk) {
    take_alone(1);
    take_alone(2);
    PruneOptions options = sample_prune();
    options.snapshots = {taken_[0]};
    Faults faults;
    faults.before = [&](const StorageCall& call) {
        if (call.operation == StorageOperation::put && call.name.starts_with("indexes/")) {
            throw StorageError("no space left on device");
        }
    };
    FaultyStorage full(disk_, faults);
    EXPECT_EQ(prune(full, options).packs_removed, 1U);
    expect_whole();
    faults.before = [&](const StorageCall& call) {
        if (call.operation == StorageOperation::put) {
            throw StorageError("no space left on device");
        }
    };
    FaultyStorage fuller(disk_, faults);
    options.snapshots = {taken_[1]};
    try {
        prune(fuller, options);
        FAIL() << "it wrote on a full disk";
    } catch (const StorageError& error) {
        EXPECT_NE(error.hint().find("make room"), std::string::npos);
    }
}

}  // namespace
}  // namespace dbbackup
