/// @file
/// What a prune tells, and what others tell, when both are at work at once.

#include "unit/engine/prune_fixture.hpp"

#include <gmock/gmock.h>

#include <functional>
#include <memory>
#include <utility>

namespace dbbackup {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;

/// Does `action` right before an object whose name begins so is used for the first time.
Faults once(StorageOperation operation, const std::string& prefix, std::function<void()> action) {
    auto is_done = std::make_shared<bool>(false);
    Faults faults;
    faults.before = [=, action = std::move(action)](const StorageCall& call) {
        if (call.operation == operation && call.name.starts_with(prefix) &&
            !std::exchange(*is_done, true)) {
            action();
        }
    };
    return faults;
}

using BesidePrune = PruneTest;

TEST_F(BesidePrune, ThePruneTellsWhatWentIndeed) {
    const SnapshotId first = take();
    const SnapshotId second = take();
    SnapshotId third;
    // The second is the newest when the prune begins, and no longer when it decides.
    FaultyStorage beside(disk_, once(StorageOperation::put, "condemned/", [&] { third = take(); }));
    const PruneReport report = prune(beside, sample_prune(keep_newest(1)));
    std::set<SnapshotId> removed;
    std::set<SnapshotId> kept;
    for (const SnapshotVerdict& verdict : report.snapshots) {
        (verdict.is_kept ? kept : removed).insert(verdict.snapshot.id);
    }
    EXPECT_EQ(visible(), std::set<SnapshotId>{third});
    EXPECT_THAT(removed, UnorderedElementsAre(first, second));
    EXPECT_THAT(kept, UnorderedElementsAre(third));
    expect_whole();
}

TEST_F(BesidePrune, APruneThatOthersAlwaysGiveUpDoesNotClaimSuccess) {
    take();
    take();
    Faults faults;
    faults.before = [this](const StorageCall& call) {
        if (call.operation == StorageOperation::put && call.name.starts_with("collections/")) {
            put_tombstone(RunId(ObjectName(call.name).leaf()));
        }
    };
    FaultyStorage merciless(disk_, faults);
    try {
        prune(merciless, sample_prune(keep_newest(1)));
        FAIL() << "it removed nothing, and said nothing";
    } catch (const RepositoryError& error) {
        EXPECT_EQ(error.code(), "prune_given_up");
        EXPECT_THAT(error.hint(), HasSubstr("again"));
    }
    EXPECT_EQ(visible().size(), 2U);
    prune(disk_, sample_prune(keep_newest(1)));
    expect_clean();
}

TEST_F(BesidePrune, VerifyHasNothingToSayOfASnapshotThatGoesMeanwhile) {
    take();
    take();
    const auto remove_one = [this] { prune(disk_, sample_prune(keep_newest(1))); };
    FaultyStorage beside(disk_, once(StorageOperation::get, "manifests/", remove_one));
    EXPECT_EQ(findings_text(verify(beside, VerifyDepth::structure)), "");
    EXPECT_EQ(visible().size(), 1U);
}

TEST_F(BesidePrune, VerifyTellsOfAManifestThatGoesAndThatNoPruneRemoved) {
    const SnapshotId id = take();
    const auto lose = [&] {
        const std::vector<SnapshotSummary> all = snapshots(disk_);
        disk_.remove(manifest_object_name(all.at(0).source_id, id), {});
    };
    FaultyStorage beside(disk_, once(StorageOperation::get, "manifests/", lose));
    EXPECT_THAT(findings_text(verify(beside, VerifyDepth::structure)), HasSubstr(id));
}

TEST_F(BesidePrune, ABackupWhoseParentGoesBuildsOnWhatIsThere) {
    const SnapshotId first = take();
    const SnapshotId second = take();
    const auto remove_newest = [&] {
        PruneOptions options = sample_prune();
        options.snapshots = {second};
        prune(disk_, options);
    };
    FaultyStorage beside(disk_, once(StorageOperation::get, "manifests/", remove_newest));
    shop_.set_page("pages", 5, noise(500, kPage));
    const BackupReport report = back_up(shop_, beside, {}, {.segment_pages = 8});
    EXPECT_EQ(report.snapshot.summary.parent, first);
    contents_[report.snapshot.summary.id] = shop_.contents();
    expect_whole();
}

}  // namespace
}  // namespace dbbackup
