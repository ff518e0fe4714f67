#pragma once

/// @file
/// A repository with a past to prune, and other collectors to get in its way.

#include "base/error.hpp"
#include "repository/chunk_list.hpp"
#include "repository/collector_records.hpp"
#include "repository/index_objects.hpp"
#include "repository/manifest.hpp"
#include "repository/run.hpp"
#include "repository/runs.hpp"
#include "repository/snapshot_writer.hpp"
#include "support/faulty_storage.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_backup.hpp"
#include "support/sample_data.hpp"
#include "support/sample_prune.hpp"
#include "unit/repository/repository_place.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace dbbackup {

class PruneTest : public testing::Test {
protected:
    static constexpr std::uint32_t kPage = 512;

    PruneTest() { make_repository(disk_); }

    /// Backs up a shop whose pages change a little each time.
    SnapshotId take() {
        const std::uint64_t number = contents_.size();
        if (shop_.streams().empty()) {
            shop_.set_pages("pages", noise(1, std::size_t{kPages} * kPage), kPage);
        } else {
            shop_.set_page("pages", number, noise(100 + number, kPage));
        }
        const SnapshotId id = back_up(shop_, disk_, {}, {.segment_pages = 8}).snapshot.summary.id;
        contents_[id] = shop_.contents();
        taken_.push_back(id);
        return id;
    }
    /// Snapshots that share nothing, so that each has packs of its own.
    SnapshotId take_alone(std::uint64_t seed) {
        SampleDatabase shop;
        shop.set_opaque("script", noise(seed, 3000));
        SampleBehaviour behaviour;
        behaviour.identity = "host:/" + std::to_string(seed);
        BackupOptions options;
        options.source_name = "source" + std::to_string(seed);
        const SnapshotId id = back_up(shop, disk_, options, behaviour).snapshot.summary.id;
        contents_[id] = shop.contents();
        taken_.push_back(id);
        return id;
    }
    [[nodiscard]] std::set<SnapshotId> visible() {
        std::set<SnapshotId> ids;
        for (const SnapshotSummary& snapshot : snapshots(disk_)) {
            ids.insert(snapshot.id);
        }
        return ids;
    }
    /// All visible snapshots give back what they hold, and `verify` finds nothing to say.
    void expect_whole() {
        for (const SnapshotId& id : visible()) {
            EXPECT_EQ(restore(id, disk_), contents_.at(id)) << id;
        }
        EXPECT_EQ(findings_text(verify(disk_, VerifyDepth::data)), "");
    }
    void expect_clean() {
        expect_whole();
        EXPECT_EQ(garbage(disk_), "");
    }

    [[nodiscard]] PackName only_pack_of(const SnapshotId& id) {
        const auto repository = open_repository(disk_);
        const auto manifest = repository->manifest(id, {});
        EXPECT_EQ(manifest->inline_index.size(), 1U);
        return manifest->inline_index.at(0).name;
    }
    [[nodiscard]] bool has(const PackName& pack) const {
        return disk_.contents().contains(pack_object_name(pack).text());
    }
    [[nodiscard]] static std::string text(const ObjectName& name) { return name.text(); }

    /// Another collection: what it has put so far.
    RunId other_marker(const std::vector<PackName>& packs) {
        const auto repository = open_repository(disk_);
        LivingRun run(disk_, repository->keys(), clock_, kCollectionKind, collection_object_name,
                      {});
        const ObjectName marker = marker_object_name(run.id());
        disk_.put(marker, encode_marker(repository->keys(), marker, packs), {});
        return run.id();
    }
    void put_outcome(const RunId& run, const CollectionOutcome& outcome) {
        const auto repository = open_repository(disk_);
        const ObjectName name = collection_object_name(run);
        disk_.put(name, encode_collection(repository->keys(), name, outcome), {});
    }
    void put_tombstone(const RunId& run) {
        const auto repository = open_repository(disk_);
        const ObjectName name = collection_object_name(run);
        disk_.put(name, encode_tombstone(repository->keys(), name, "x", "dead"), {});
    }
    [[nodiscard]] CollectorRecords records() {
        const auto repository = open_repository(disk_);
        return read_collector_records(disk_, repository->keys(), {});
    }
    static constexpr std::uint64_t kPages = 64;
    FakeClock clock_;
    MemoryStorage disk_;
    SampleDatabase shop_;
    std::map<SnapshotId, Contents> contents_;
    std::vector<SnapshotId> taken_;
};

}  // namespace dbbackup
