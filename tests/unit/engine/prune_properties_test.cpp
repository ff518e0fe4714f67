/// @file
/// Removing any set of snapshots in any order leaves the others restorable (issue 4, line 3).
///
/// Method: random histories of several sources that share chunks, taken as fulls, incrementals and
/// differentials, so that deltas of every depth and branches come about; between the backups random
/// prunes, with and without compaction and rebase. The model is a map from snapshot to what it
/// held: whoever is in it restores, whoever was removed does not show. In the end one quiet prune
/// leaves no garbage, and removing the rest one by one leaves nothing at all.

#include "prune_fixture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace dbbackup {
namespace {

constexpr std::uint64_t kSourceCount = 3;
constexpr std::uint64_t kPageCount = 40;
constexpr std::uint32_t kPageBytes = 512;

std::uint64_t histories() { return std::getenv("DB_BACKUP_LONG") != nullptr ? 300 : 4; }

/// One source: a database that forgets nothing of what others had, so that chunks are shared.
struct Source {
    SampleDatabase database;
    BackupOptions options;
    SampleBehaviour behaviour;
};

class History {
public:
    explicit History(std::uint64_t seed) : random_(seed) {
        make_repository(disk_);
        for (std::uint64_t number = 0; number < kSourceCount; ++number) {
            Source source;
            source.database.set_pages("pages", page_like(1, kPageCount * kPageBytes), kPageBytes);
            source.database.set_opaque("script", page_like(2, 2000));
            source.options.source_name = fmt::format("source{}", number);
            source.behaviour.identity = fmt::format("host:/{}", number);
            source.behaviour.segment_pages = 8;
            source.behaviour.uses_patches = number == 1;
            sources_.push_back(std::move(source));
        }
    }

    void take() {
        Source& source = sources_[random_.below(kSourceCount)];
        for (std::uint64_t left = random_.below(5); left > 0; --left) {
            change(source.database);
        }
        constexpr std::array kModes = {BackupMode::incremental, BackupMode::incremental,
                                       BackupMode::incremental, BackupMode::differential,
                                       BackupMode::full};
        source.options.mode = kModes.at(random_.below(kModes.size()));
        const SnapshotId id =
            back_up(source.database, disk_, source.options, source.behaviour).snapshot.summary.id;
        model_[id] = source.database.contents();
    }

    /// Removes each snapshot with a chance of one in `one_in`.
    void prune_some(std::uint64_t one_in) {
        PruneOptions options = compacting_prune();
        for (const auto& [id, contents] : model_) {
            if (random_.below(one_in) == 0) {
                options.snapshots.push_back(id);
            }
        }
        constexpr std::array kParts = {0.0, 0.05, 0.5, 1.0};
        options.compaction.unused_part_max = kParts.at(random_.below(kParts.size()));
        options.compaction.rebases = random_.below(3) == 0;
        if (random_.below(4) == 0) {
            options.compaction.bytes_max = random_.below(20'000);
        }
        prune(disk_, options);
        for (const SnapshotId& id : options.snapshots) {
            model_.erase(id);
        }
    }

    void expect_as_modelled() {
        std::set<SnapshotId> expected;
        for (const auto& [id, contents] : model_) {
            expected.insert(id);
            EXPECT_EQ(restore(id, disk_), contents) << id;
        }
        std::set<SnapshotId> visible;
        for (const SnapshotSummary& snapshot : snapshots(disk_)) {
            visible.insert(snapshot.id);
        }
        EXPECT_EQ(visible, expected);
    }

    void expect_quiet() {
        for (int round = 0; round < 2; ++round) {  // The list of the one before goes with the next.
            prune(disk_, sample_prune());
        }
        EXPECT_EQ(garbage(disk_), "");
        EXPECT_EQ(findings_text(verify(disk_, VerifyDepth::data)), "");
    }

    /// In random order, one by one.
    void remove_all() {
        while (!model_.empty()) {
            auto next = model_.begin();
            std::advance(next, static_cast<std::ptrdiff_t>(random_.below(model_.size())));
            PruneOptions options = compacting_prune();
            options.snapshots = {next->first};
            options.compaction.rebases = random_.below(2) == 0;
            prune(disk_, options);
            model_.erase(next);
            expect_as_modelled();
        }
        prune(disk_, sample_prune());
        EXPECT_TRUE(names_below(disk_, "packs").empty());
        EXPECT_TRUE(names_below(disk_, "manifests").empty());
    }

    Random& random() { return random_; }

private:
    void change(SampleDatabase& database) {
        const std::uint64_t page = random_.below(kPageCount);
        switch (random_.below(6)) {
            case 0: database.set_opaque("script", page_like(random_.below(5), 2000)); break;
            case 1:  // What another source, or an earlier snapshot, may have had.
                database.set_page("pages", page, page_like(random_.below(20), kPageBytes));
                break;
            default: {  // A row in place, as databases do.
                const Bytes& content = database.streams().at("pages").content;
                const auto begin = content.begin() + static_cast<std::ptrdiff_t>(page * kPageBytes);
                Bytes changed(begin, begin + kPageBytes);
                const Bytes row = noise(random_.next(), 16);
                std::ranges::copy(row, changed.begin() + static_cast<std::ptrdiff_t>(
                                                             random_.below(kPageBytes - 16)));
                database.set_page("pages", page, changed);
            }
        }
    }

    Random random_;
    MemoryStorage disk_;
    std::vector<Source> sources_;
    std::map<SnapshotId, Contents> model_;
};

TEST(PruneProperties, WhateverGoesInWhateverOrderTheRestRestores) {
    for (std::uint64_t seed = 1; seed <= histories(); ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        History history(seed);
        for (int step = 0; step < 30; ++step) {
            history.take();
            if (history.random().below(5) == 0) {
                history.prune_some(1 + history.random().below(4));
                history.expect_as_modelled();
            }
        }
        history.expect_quiet();
        history.expect_as_modelled();
        history.remove_all();
        if (testing::Test::HasFailure()) {
            return;
        }
    }
}

}  // namespace
}  // namespace dbbackup
