/// @file
/// Damage of what is no pack, and objects that do not belong: see verify_test.cpp.

#include "engine/object_check.hpp"

#include "repository/collector_records.hpp"
#include "repository/run.hpp"
#include "verify_fixture.hpp"

namespace dbbackup {
namespace {

class ObjectCheckTest : public VerifyFixture {};

INSTANTIATE_TEST_SUITE_P(Encryptions, ObjectCheckTest,
                         testing::Values(Encryption::none, Encryption::keyfile), encryption_name);

TEST_P(ObjectCheckTest, SwappedManifestsAreFound) {
    swap(manifest_name(1), manifest_name(3));
    expect_found({{manifest_name(1).text(), {id(1)}}, {manifest_name(3).text(), {id(3)}}});
}

/// The snapshot after it remembers it. (Nothing in the repository remembers the newest one.)
TEST_P(ObjectCheckTest, AMissingManifestIsMissedByTheSnapshotAfterIt) {
    disk_.remove(manifest_name(2), {});
    expect_found({{manifest_name(2).text(), {id(2)}}});
    expect_lost({id(2)});
}

TEST_P(ObjectCheckTest, ASnapshotThatWasRemovedOnPurposeIsNotMissed) {
    CollectionOutcome outcome;
    outcome.removed_manifests = {manifest_name(1).text()};
    const ObjectName name("collections/" + new_run_id());
    disk_.put(name, encode_collection(open_repository(disk_)->keys(), name, outcome), {});
    expect_found({});
    disk_.remove(manifest_name(1), {});
    expect_found({});
}

/// Somebody who has the key put another one in its place; that one may well restore.
TEST_P(ObjectCheckTest, AManifestThatWasReplacedIsFound) {
    const auto repository = open_repository(disk_);
    const auto replaced = manifest(2);
    replaced->details.summary.tags["env"] = "test";
    const Bytes content = encode_manifest(repository->keys(), manifest_name(2), *replaced);
    disk_.damage(manifest_name(2), [&](Bytes& stored) { stored = content; });
    expect_found({{manifest_name(2).text(), {}}});
    expect_lost({});
}

TEST_P(ObjectCheckTest, ADamagedManifestIsFoundWhereverTheDamageIs) {
    const std::size_t bytes = disk_.contents().at(manifest_name(2).text()).size();
    for (const std::size_t at : {std::size_t{0}, std::size_t{20}, std::size_t{60}, bytes - 1}) {
        flip(manifest_name(2), at);
        expect_found({{manifest_name(2).text(), {id(2)}}});
        flip(manifest_name(2), at);
    }
    disk_.damage(manifest_name(2), [](Bytes& content) { content.resize(content.size() / 2); });
    expect_found({{manifest_name(2).text(), {id(2)}}});
    disk_.damage(manifest_name(2), [](Bytes& content) { content.clear(); });
    expect_found({{manifest_name(2).text(), {id(2)}}});
}

/// Without an index chunks may be stored again, and that is all.
TEST_P(ObjectCheckTest, AMissingIndexIsHarmless) {
    const ObjectName index = below("indexes/").at(0);
    disk_.remove(index, {});
    expect_found({{index.text(), {}, true}});
    expect_lost({});
}

TEST_P(ObjectCheckTest, ADamagedIndexIsFoundAndHitsNoSnapshot) {
    const ObjectName index = below("indexes/").at(0);
    flip(index, 100);
    expect_found({{index.text(), {}}});
    expect_lost({});
}

TEST_P(ObjectCheckTest, AnIndexThatWasCollectedIsNotMissed) {
    const ObjectName index = below("indexes/").at(0);
    CollectionOutcome outcome;
    outcome.removed_indexes = {index.text()};
    const ObjectName name("collections/" + new_run_id());
    disk_.put(name, encode_collection(open_repository(disk_)->keys(), name, outcome), {});
    disk_.remove(index, {});
    expect_found({});
}

TEST_P(ObjectCheckTest, RecordsUnderAnotherNameAreFound) {
    const ObjectName run = below("runs/").at(0);
    const ObjectName index = below("indexes/").at(0);
    const Bytes content = disk_.contents().at(run.text());
    const ObjectName copied("runs/" + new_run_id() + "/0");
    disk_.put(copied, content, {});
    const ObjectName stray("collections/" + new_run_id());
    disk_.put(stray, content, {});
    flip(run, 70);
    expect_found({{run.text(), {}}, {copied.text(), {}}, {stray.text(), {}}});
}

TEST_P(ObjectCheckTest, ObjectsOfAnotherRepositoryAreFound) {
    MemoryStorage other;
    make_repository(other, GetParam());
    const SnapshotSummary foreign = back_up(sample_.source, other).snapshot.summary;
    std::set<Found> expected;
    std::set<Found> expected_of_data;
    for (const auto& [name, content] : other.contents()) {
        if (name == "config") {
            continue;
        }
        disk_.put(ObjectName(name), content, {});
        Found one{name, {}, name.starts_with("keys/")};
        if (name.starts_with("manifests/")) {
            one.snapshots.insert(foreign.id);
        }
        expected_of_data.insert(one);
        if (!name.starts_with("packs/")) {
            expected.insert(one);
        }
    }
    EXPECT_EQ(found(VerifyDepth::structure), expected);
    EXPECT_EQ(found(VerifyDepth::data), expected_of_data);
    expect_lost({});
}

TEST_P(ObjectCheckTest, UnknownObjectsAreOdditiesThatHarmNobody) {
    std::set<Found> expected;
    for (const char* name : {"notes.txt", "packs/ab/notes.txt", "lost-and-found/1",
                             "features.old/columns", "configs"}) {
        disk_.put(ObjectName(name), as_bytes("hello"), {});
        expected.insert({name, {}, true});
    }
    expect_found(expected);
}

/// The repository is open already: another process did it.
TEST_P(ObjectCheckTest, ADamagedConfigAndKeyAreFound) {
    const auto repository = open_repository(disk_);
    SampleContext sample;
    std::set<std::string> expected = {"config"};
    flip(ObjectName("config"), 30);
    for (const ObjectName& key : below("keys/")) {
        flip(key, 30);
        expected.insert(key.text());
    }
    for (const VerifyDepth depth : {VerifyDepth::structure, VerifyDepth::data}) {
        std::set<std::string> objects;
        for (const Finding& finding :
             dbbackup::verify(*repository, depth, {}, 2, sample.context(), {}).findings) {
            EXPECT_FALSE(finding.is_harmless);
            objects.insert(finding.object);
        }
        EXPECT_EQ(objects, expected);
    }
}

TEST_P(ObjectCheckTest, WithoutConfigOrKeyItSaysWhichIsMissing) {
    const auto problem = [](Storage& disk) -> std::string {
        try {
            static_cast<void>(verify(disk, VerifyDepth::structure));
            return "";
        } catch (const RepositoryError& error) {
            return error.what();
        }
    };
    for (const ObjectName& key : below("keys/")) {
        const auto copy = disk_.clone();
        copy->remove(key, {});
        EXPECT_EQ(problem(*copy), "the repository has no key slot, so nothing can open it");
    }
    disk_.remove(ObjectName("config"), {});
    EXPECT_EQ(problem(disk_), GetParam() == Encryption::none
                                  ? "memory://test holds other files and no repository"
                                  : "the repository at memory://test has lost its config");
}

}  // namespace
}  // namespace dbbackup
