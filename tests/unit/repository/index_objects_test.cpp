#include "repository/index_objects.hpp"

#include "base/error.hpp"
#include "repository_place.hpp"
#include "storage/listing.hpp"
#include "support/faulty_storage.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace dbbackup {
namespace {

IndexedPack pack_of(std::uint8_t number, std::size_t entries) {
    IndexedPack pack;
    pack.name.bytes.fill(number);
    pack.entries.resize(entries);
    return pack;
}

/// How many packs each index object of the repository names, sorted.
std::vector<std::size_t> packs_named(Repository& repository) {
    std::vector<std::size_t> counts;
    for (const ObjectName& name : names_below(repository.storage(), "indexes", {})) {
        counts.push_back(read_index_object(repository, name, {})->packs.size());
    }
    std::sort(counts.begin(), counts.end());
    return counts;
}

TEST(IndexObjectWriter, MakesEachIndexAsFullAsItMayBe) {
    const RepositoryPlace place;
    IndexObjectWriter writer(*place.repository, {});
    for (std::uint8_t number = 1; number <= 5; ++number) {
        writer.add(pack_of(number, kIndexEntriesMax / 4));
    }
    EXPECT_EQ(packs_named(*place.repository), std::vector<std::size_t>{4});
    writer.finish();
    writer.finish();
    EXPECT_EQ(packs_named(*place.repository), (std::vector<std::size_t>{1, 4}));
}

TEST(IndexObjectWriter, ForgetsNoPackWhenAnIndexCannotBeStored) {
    RepositoryPlace place;
    bool is_full = true;
    Faults faults;
    faults.before = [&](const StorageCall& call) {
        if (is_full && call.operation == StorageOperation::put) {
            throw StorageError("the disk is full");
        }
    };
    FaultyStorage disk(place.disk, faults);
    const auto repository = open_repository(disk);
    IndexObjectWriter writer(*repository, {});
    const IndexedPack large = pack_of(1, kIndexEntriesMax);
    const IndexedPack next = pack_of(2, 1);
    writer.add(large);
    EXPECT_THROW(writer.add(next), StorageError);
    EXPECT_THROW(writer.finish(), StorageError);
    is_full = false;
    writer.add(next);
    writer.finish();
    EXPECT_EQ(packs_named(*repository), (std::vector<std::size_t>{1, 1}));
}

}  // namespace
}  // namespace dbbackup
