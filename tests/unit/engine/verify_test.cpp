/// @file
/// Every kind of damage, one at a time: it is found at the depth that can find it, under the name
/// of the object that has it, with the snapshots that lose by it and no others.

#include "engine/verify.hpp"

#include "repository/features.hpp"
#include "support/faulty_storage.hpp"
#include "verify_fixture.hpp"

namespace dbbackup {
namespace {

class VerifyTest : public VerifyFixture {};

INSTANTIATE_TEST_SUITE_P(Encryptions, VerifyTest,
                         testing::Values(Encryption::none, Encryption::keyfile), encryption_name);

TEST_P(VerifyTest, AWholeRepositoryHasNoFindings) {
    expect_found({});
    const VerifyReport report = verify(disk_, VerifyDepth::data);
    EXPECT_EQ(report.snapshots, 3U);
    EXPECT_EQ(report.packs, below("packs/").size());
    EXPECT_EQ(report.chunks, kVerifyPages + 2) << "each chunk once";
    EXPECT_GT(report.bytes_read, 0U);
    ASSERT_EQ(chunk(2, 500)->bases.size(), 1U) << "the other tests count on a delta";
    ASSERT_EQ(below("indexes/").size(), 1U);
    ASSERT_NE(pack_of(list_chunk(1)), pack_of(chunk(1, 0)));
}

TEST_P(VerifyTest, AMissingPackHitsWhoeverNeedsIt) {
    const ObjectName pack = pack_of(chunk(2, 500));
    ASSERT_NE(pack, pack_of(chunk(1, 500)));
    disk_.remove(pack, {});
    expect_found({{pack.text(), {id(2), id(3)}}});
    expect_lost({id(2), id(3)});
    const VerifyReport report = verify(disk_, VerifyDepth::structure);
    EXPECT_EQ(report.findings.at(0).problem, "missing");
}

TEST_P(VerifyTest, AMissingPackOfBasesHitsEverybody) {
    const ObjectName pack = pack_of(chunk(1, 0));
    disk_.remove(pack, {});
    expect_found({{pack.text(), {id(1), id(2), id(3)}}});
    expect_lost({id(1), id(2), id(3)});
}

TEST_P(VerifyTest, ATruncatedPackIsTooShort) {
    const ObjectName pack = pack_of(chunk(3, 600));
    disk_.damage(pack, [](Bytes& content) { content.resize(50); });
    expect_found({{pack.text(), {id(3)}}});
    expect_lost({id(3)});
}

/// The chunks are whole, so no snapshot loses by it; but the pack is not what it was.
TEST_P(VerifyTest, APackWithoutItsLastByteIsFoundByReadingIt) {
    const ObjectName pack = pack_of(chunk(2, 500));
    disk_.damage(pack, [](Bytes& content) { content.pop_back(); });
    expect_found_by_data_only({{pack.text(), {}}});
    expect_lost({});
}

TEST_P(VerifyTest, AFlippedBitInAChunkHitsTheSnapshotsThatUseTheChunk) {
    const ChunkCopyPtr changed = chunk(2, 500);
    flip(pack_of(changed), changed->offset_bytes + 3);
    expect_found_by_data_only({{pack_of(changed).text(), {id(2), id(3)}}});
    expect_lost({id(2), id(3)});
}

TEST_P(VerifyTest, AFlippedBitInABaseHitsTheDeltaToo) {
    const ChunkCopyPtr base = chunk(1, 600);
    ASSERT_EQ(chunk(3, 600)->bases.at(0)->ordinal, base->ordinal);
    flip(pack_of(base), base->offset_bytes + 3);
    expect_found_by_data_only({{pack_of(base).text(), {id(1), id(2), id(3)}}});
    expect_lost({id(1), id(2), id(3)});
}

TEST_P(VerifyTest, AFlippedBitOutsideOfChunksHitsNobody) {
    const ObjectName pack = pack_of(chunk(2, 500));
    flip(pack, disk_.contents().at(pack.text()).size() - 12);  // In the directory.
    expect_found_by_data_only({{pack.text(), {}}});
    expect_lost({});
}

/// Both packs are whole and of this repository, and both hold one chunk: only their names tell.
TEST_P(VerifyTest, SwappedPacksAreFoundWithTheSnapshotsTheyHit) {
    const ObjectName second = pack_of(chunk(2, 500));
    const ObjectName third = pack_of(chunk(3, 600));
    swap(second, third);
    const std::set<Found> expected = {{second.text(), {id(2), id(3)}}, {third.text(), {id(3)}}};
    EXPECT_EQ(found(VerifyDepth::data), expected);
    expect_lost({id(2), id(3)});
}

/// As above with chunks that are stored whole, which decode by themselves under either name.
TEST_P(VerifyTest, SwappedPacksOfWholeChunksAreFoundToo) {
    SampleDatabase source = sample_.source;
    std::vector<SnapshotId> ids;
    std::vector<ObjectName> packs;
    for (const std::uint64_t seed : {1U, 2U}) {
        source.set_page("main", 7, noise(seed, kVerifyPage));
        const BackupReport report = back_up(source, disk_, {}, {.segment_pages = 1});
        ASSERT_EQ(report.snapshot.summary.chunks_new, 1U);
        ids.push_back(report.snapshot.summary.id);
        packs.push_back(pack_of(chunk_of(ids.back(), 7)));
    }
    swap(packs[0], packs[1]);
    const std::set<Found> expected = {{packs[0].text(), {ids[0]}}, {packs[1].text(), {ids[1]}}};
    EXPECT_EQ(found(VerifyDepth::data), expected);
    for (const SnapshotId& each : ids) {
        EXPECT_THROW(static_cast<void>(restore(each, disk_)), CorruptionError);
    }
}

TEST_P(VerifyTest, AMissingSegmentListHitsItsSnapshots) {
    const ObjectName pack = pack_of(list_chunk(3));
    ASSERT_NE(pack, pack_of(chunk(3, 600)));
    disk_.remove(pack, {});
    expect_found({{pack.text(), {id(3)}}});
    expect_lost({id(3)});
}

/// A list is read at both depths: without it nothing is known of its chunks.
TEST_P(VerifyTest, ADamagedSegmentListIsFoundByBothDepths) {
    const ChunkCopyPtr list = list_chunk(3);
    flip(pack_of(list), list->offset_bytes + 3);
    expect_found({{pack_of(list).text(), {id(3)}}});
    expect_lost({id(3)});
}

/// Each chunk is authentic, yet a restore would refuse the pages: `verify` must say so before.
TEST_P(VerifyTest, PagesThatWereNotReadFromTheDatabaseHitWhoeverHasThem) {
    std::string predecessor_digest;
    for (std::size_t number = 1; number <= 3; ++number) {
        const auto repository = open_repository(disk_);
        ChunkReader reader(repository->storage(), repository->keys());
        const std::unique_ptr<Manifest> forged = manifest(number);
        forged->details.predecessor_digest = predecessor_digest;
        SegmentListRef& list = forged->streams.at(0).lists.at(0);
        list.segments = decode_chunk_list(reader.read(*list.chunk, {}));
        list.chunk = nullptr;
        ++list.segments.at(7).fingerprint.low;
        const Bytes object = encode_manifest(repository->keys(), manifest_name(number), *forged);
        predecessor_digest = to_hex(sha256(object));
        disk_.damage(manifest_name(number), [&](Bytes& content) { content = object; });
    }
    EXPECT_EQ(found(VerifyDepth::structure), std::set<Found>{});
    const std::set<Found> wrong = found(VerifyDepth::data);
    ASSERT_EQ(wrong.size(), 1U);
    EXPECT_TRUE(wrong.begin()->object.starts_with("manifests/"));
    EXPECT_EQ(wrong.begin()->snapshots, (std::set{id(1), id(2), id(3)}));
    expect_lost({id(1), id(2), id(3)});
}

TEST_P(VerifyTest, AFeatureBelongsToTheRepositoryAndMayBeDamaged) {
    AnnouncedFeatures({}).announce(Codec::zstd_columns, disk_, {});
    const ObjectName feature("features/zstd-columns");
    ASSERT_TRUE(disk_.contents().contains(feature.text()));
    expect_found({});
    flip(feature, 3);
    expect_found({{feature.text(), {}}});
    expect_lost({});
}

TEST_P(VerifyTest, OneSnapshotIsJudgedByWhatItNeedsItself) {
    const ChunkCopyPtr changed = chunk(2, 500);
    flip(pack_of(changed), changed->offset_bytes + 3);
    flip(below("indexes/").at(0), 100);
    const auto repository = open_repository(disk_);
    for (std::size_t number = 1; number <= 3; ++number) {
        SampleContext sample;
        const VerifyReport report =
            dbbackup::verify(*repository, VerifyDepth::data, {id(number)}, 2, sample.context(), {});
        EXPECT_EQ(report.snapshots, 1U);
        EXPECT_EQ(report.findings.empty(), number == 1) << findings_text(report);
        for (const Finding& finding : report.findings) {
            EXPECT_EQ(finding.object, pack_of(changed).text());
            EXPECT_EQ(finding.snapshots, std::vector{id(number)});
        }
    }
}

/// Method: for every call that `verify` makes, another host takes a snapshot right before it.
TEST_P(VerifyTest, BackupsThatRunMeanwhileAreNoDamage) {
    MemoryStorage start;
    make_repository(start, GetParam());
    SampleDatabase source;
    source.set_pages("main", page_like(1, 8 * kVerifyPage), kVerifyPage);
    back_up(source, start);
    for (const VerifyDepth depth : {VerifyDepth::structure, VerifyDepth::data}) {
        std::uint64_t calls = 0;
        for (std::uint64_t disturbed = 1; disturbed == 1 || disturbed <= calls; ++disturbed) {
            ASSERT_LT(disturbed, 100U);
            const auto disk = start.clone();
            Faults faults;
            faults.before = [&](const StorageCall& call) {
                if (call.ordinal == disturbed) {
                    SampleDatabase changed = source;
                    changed.set_opaque("added", noise(2, 1000));
                    back_up(changed, *disk);
                }
            };
            FaultyStorage shared(*disk, faults);
            EXPECT_EQ(found(depth, &shared), std::set<Found>{}) << "before call " << disturbed;
            calls = shared.calls();
        }
    }
}

TEST_P(VerifyTest, AStorageThatFailsIsNoDamage) {
    Faults faults;
    faults.before = [](const StorageCall& call) {
        if (call.name.starts_with("packs/")) {
            throw StorageError("the line is down");
        }
    };
    FaultyStorage failing(disk_, faults);
    EXPECT_THROW(static_cast<void>(verify(failing, VerifyDepth::data)), StorageError);
    EXPECT_THROW(static_cast<void>(verify(failing, VerifyDepth::structure)), StorageError);
}

}  // namespace
}  // namespace dbbackup
