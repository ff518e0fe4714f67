#include "base/error.hpp"
#include "repository_place.hpp"
#include "support/crashing_storage.hpp"
#include "support/faulty_storage.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

TEST(SnapshotWriterFailure, ARunThatWasGivenUpCannotCommit) {
    RepositoryPlace place;
    {
        const auto run = place.writer();
        const ChunkCopyPtr chunk = place.add(*run, "uploaded");
        run->flush();
        const ObjectName outcome = manifest_object_name(kSampleSource, run->run_id());
        place.disk.put(outcome, encode_tombstone(place.repository->keys(), outcome, "x", "dead"),
                       {});
        Manifest manifest = RepositoryPlace::manifest(1, {chunk});
        EXPECT_THROW(run->commit(manifest), RunGivenUp);
    }
    EXPECT_TRUE(place.repository->snapshots({}).empty());
    const auto next = place.writer();
    EXPECT_TRUE(
        next->find(place.repository->keys().chunk_id(as_bytes("uploaded")), HeldAs::whole_or_delta))
        << "what was uploaded may be reused";
}

TEST(SnapshotWriterFailure, AStoppedRunLeavesAnIndexToo) {
    RepositoryPlace place;
    std::stop_source stop;
    {
        SnapshotWriter run(*place.repository, place.clock, "backup", kSampleSource,
                           stop.get_token());
        place.add(run, "uploaded");
        run.flush();
        stop.request_stop();
        place.add(run, "too late");
        EXPECT_THROW(run.flush(), Cancelled);
    }
    EXPECT_EQ(place.names("packs/").size(), 1U);
    EXPECT_EQ(place.names("indexes/").size(), 1U);
}

TEST(SnapshotWriterFailure, ARunThatStoredNothingLeavesNoIndex) {
    RepositoryPlace place;
    {
        const auto run = place.writer();
    }
    EXPECT_TRUE(place.names("indexes/").empty());
}

TEST(SnapshotWriterFailure, ACommittedRunLeavesNoSecondIndex) {
    RepositoryPlace place;
    place.commit(1, "a");
    EXPECT_TRUE(place.names("indexes/").empty());
}

TEST(SnapshotWriterFailure, NoManifestIsPutWhenAPackOrIndexWasRefused) {
    for (const char* refused : {"packs/", "indexes/"}) {
        RepositoryPlace place;
        Faults faults;
        faults.before = [refused](const StorageCall& call) {
            if (call.operation == StorageOperation::put && call.name.starts_with(refused)) {
                throw StorageError("the disk is full");
            }
        };
        FaultyStorage full(place.disk, faults);
        const auto repository = open_repository(full);
        {
            SnapshotWriter run(*repository, place.clock, "backup", kSampleSource, {});
            std::vector<ChunkCopyPtr> chunks;
            for (int chunk = 0; chunk < 300; ++chunk) {
                chunks.push_back(place.add(run, std::to_string(chunk)));
            }
            Manifest manifest = RepositoryPlace::manifest(1, chunks);
            EXPECT_THROW(run.commit(manifest), StorageError) << refused;
        }
        EXPECT_TRUE(place.names("manifests/").empty());
    }
}

TEST(SnapshotWriterFailure, AnIndexThatWasRefusedOnceIsPutAtTheEnd) {
    RepositoryPlace place;
    int refusals = 0;
    Faults faults;
    faults.before = [&refusals](const StorageCall& call) {
        if (call.operation == StorageOperation::put && call.name.starts_with("indexes/") &&
            refusals++ == 0) {
            throw StorageError("try later");
        }
    };
    FaultyStorage moody(place.disk, faults);
    const auto repository = open_repository(moody);
    {
        SnapshotWriter run(*repository, place.clock, "backup", kSampleSource, {});
        for (int chunk = 0; chunk < 300; ++chunk) {
            place.add(run, std::to_string(chunk));
        }
        Manifest manifest = RepositoryPlace::manifest(1);
        EXPECT_THROW(run.commit(manifest), StorageError);
    }
    EXPECT_EQ(place.names("indexes/").size(), 1U);
}

TEST(SnapshotWriterFailure, ADeadStoreEndsTheRunWithoutMore) {
    RepositoryPlace place;
    for (std::uint32_t survived = 1; survived < 6; ++survived) {
        CrashingStorage dying(
            place.disk, survived,
            {CrashingStorage::Counts::writes, CrashingStorage::FirstFailure::done});
        const auto repository = open_repository(dying);
        SnapshotWriter run(*repository, place.clock, "backup", kSampleSource, {});
        const ChunkCopyPtr chunk = place.add(run, "a" + std::to_string(survived));
        try {
            run.flush();
            Manifest manifest = RepositoryPlace::manifest(1, {chunk});
            run.commit(manifest);
        } catch (const StorageError&) {
            // The store died, as planned.
        }
    }
    EXPECT_FALSE(place.repository->snapshots({}).empty());
}

TEST(SnapshotWriterFailure, AChunkThatNoReaderWouldTakeIsRefused) {
    RepositoryPlace place;
    const auto run = place.writer();
    ChunkForm form;
    form.plain_bytes = kChunkPlainBytesMax + 1;
    EXPECT_THROW(run->add(form, as_bytes("x"), {}), Error);
}

}  // namespace
}  // namespace dbbackup
