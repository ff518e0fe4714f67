#pragma once

/// @file
/// A repository of a few kilobytes with every kind of object, for the tests of repairs.

#include "repository/collector_records.hpp"
#include "repository/damage_records.hpp"
#include "repository/run.hpp"
#include "repository/snapshot_writer.hpp"
#include "support/fake_clock.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_backup.hpp"
#include "support/sample_data.hpp"
#include "support/sample_prune.hpp"
#include "support/sample_repair.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace dbbackup {

/// Two snapshots that stay; what a dead writer left, what a prune left, the marker of a collection
/// that nobody ended, and a record of damage.
class RepositoryOfAllKinds {
public:
    static constexpr std::uint32_t kPageBytes = 512;

    explicit RepositoryOfAllKinds(Encryption encryption) {
        make_repository(disk, encryption);
        shop.set_pages("pages", noise(1, std::size_t{40} * kPageBytes), kPageBytes);
        for (std::uint64_t day = 0; day < 3; ++day) {
            shop.set_page("pages", day, noise(day + 10, kPageBytes));
            taken.push_back(back_up(disk));
            contents[taken.back()] = shop.contents();
        }
        PruneOptions first = sample_prune();
        first.snapshots = {taken.front()};
        prune(disk, first);
        contents.erase(taken.front());
        taken.erase(taken.begin());
        const auto repository = open_repository(disk);
        die_after_storing(*repository);
        const RunId collector(32, 'c');
        put(marker_object_name(collector),
            [&](const ObjectName& name) { return encode_marker(repository->keys(), name, {}); });
        put(new_damage_object_name(), [&](const ObjectName& name) {
            PackName pack;
            pack.bytes.fill(7);
            return encode_damage(repository->keys(), name, {pack});
        });
    }

    SnapshotId back_up(Storage& store) const {
        return dbbackup::back_up(shop, store, {}, {.segment_pages = 8}).snapshot.summary.id;
    }

    MemoryStorage disk;
    SampleDatabase shop;
    std::map<SnapshotId, Contents> contents;
    std::vector<SnapshotId> taken;

private:
    template <class Encode>
    void put(const ObjectName& name, const Encode& encode) {
        disk.put(name, encode(name), {});
    }
    static void die_after_storing(Repository& repository) {
        const FakeClock clock;
        SnapshotWriter dead(repository, clock, "backup", SourceId(16, 'd'), {});
        const Bytes chunk = noise(99, 2000);
        ChunkForm form;
        form.id = repository.keys().chunk_id(chunk);
        form.plain_bytes = static_cast<std::uint32_t>(chunk.size());
        dead.add(std::move(form), chunk, {});
        dead.flush();
    }
};

/// What restores, and rightly. @return How many of the snapshots.
inline std::size_t restored_rightly(const RepositoryOfAllKinds& all, MemoryStorage& disk,
                                    const std::string& what) {
    std::size_t count = 0;
    for (const auto& [id, expected] : all.contents) {
        try {
            EXPECT_EQ(restore(id, disk), expected) << what;
            ++count;
        } catch (const Error&) {
            // An error is what damage should give.
        }
    }
    return count;
}

}  // namespace dbbackup
