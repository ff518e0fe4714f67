#include "repository/repository.hpp"

#include "base/error.hpp"
#include "repository/checked_json.hpp"
#include "repository/config_object.hpp"
#include "repository/features.hpp"
#include "repository_place.hpp"
#include "support/faulty_storage.hpp"
#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

/// Code and exit code of what opening throws; "" when it opens.
std::string open_problem(Storage& storage) {
    try {
        static_cast<void>(open_repository(storage));
        return "";
    } catch (const Error& error) {
        EXPECT_FALSE(error.hint().empty()) << error.what();
        return std::to_string(static_cast<int>(error.exit_code())) + " " + error.code();
    }
}

class OpenTest : public testing::TestWithParam<Encryption> {
protected:
    OpenTest() { make_repository(disk_, GetParam()); }

    void change_config(const std::function<void(nlohmann::json&)>& change) {
        disk_.damage(config_object_name(), [&](Bytes& content) {
            nlohmann::json object = decode_checked_json("config", content);
            change(object);
            content = encode_checked_json(object);
        });
    }

    MemoryStorage disk_;
};

INSTANTIATE_TEST_SUITE_P(Encryptions, OpenTest,
                         testing::Values(Encryption::none, Encryption::keyfile), encryption_name);

TEST_P(OpenTest, OpensWhatInitMade) {
    const auto repository = open_repository(disk_);
    EXPECT_EQ(repository->id().size(), 32U);
    EXPECT_EQ(repository->is_encrypted(), GetParam() != Encryption::none);
    EXPECT_TRUE(Repository::exists(disk_, {}));
    EXPECT_TRUE(repository->snapshots({}).empty());
}

TEST_P(OpenTest, FindsAChangeOfEveryByteOfTheConfig) {
    const std::size_t size = disk_.size_bytes(config_object_name(), {}).value();
    for (std::size_t at = 0; at < size; ++at) {
        disk_.damage(config_object_name(), [at](Bytes& content) { content[at] ^= 1U; });
        EXPECT_EQ(open_problem(disk_), "13 corruption") << "byte " << at;
        disk_.damage(config_object_name(), [at](Bytes& content) { content[at] ^= 1U; });
    }
}

TEST_P(OpenTest, FindsAForgedConfigWithTheRightHash) {
    change_config([](nlohmann::json& config) { config["created_at"] = "yesterday"; });
    EXPECT_EQ(open_problem(disk_), "13 corruption");
}

TEST_P(OpenTest, RefusesANewerFormat) {
    change_config([](nlohmann::json& config) { config["format"] = 2; });
    EXPECT_EQ(open_problem(disk_), "14 newer_format");
}

TEST_P(OpenTest, RefusesAFeatureThatItDoesNotKnow) {
    disk_.put(ObjectName("features/time-travel"),
              encode_checked_json({{"needed_for", {"collect", "read"}}}), {});
    try {
        static_cast<void>(open_repository(disk_));
        FAIL() << "the feature was ignored";
    } catch (const RepositoryError& error) {
        EXPECT_EQ(error.code(), "unknown_feature");
        EXPECT_NE(std::string_view(error.what()).find("'time-travel'"), std::string_view::npos);
    }
    disk_.damage(ObjectName("features/time-travel"), [](Bytes& content) { content[3] ^= 1U; });
    EXPECT_EQ(open_problem(disk_), "13 corruption");
}

TEST_P(OpenTest, AnnouncesACodecOnceAndKnowsIt) {
    const ObjectName name("features/zstd-columns");
    const auto repository = open_repository(disk_);
    repository->announce(Codec::zstd, {});
    repository->announce(Codec::zstd_delta, {});
    EXPECT_FALSE(disk_.size_bytes(name, {}).has_value()) << "format 1 has these";
    repository->announce(Codec::zstd_columns, {});
    // Every older program takes it for what it must know to do anything here.
    EXPECT_EQ(disk_.get(name, {}).value(),
              encode_checked_json({{"needed_for", {"collect", "read", "write"}}}));
    repository->announce(Codec::zstd_columns, {});

    const auto again = open_repository(disk_);
    again->check_writable();
    check_features_for_collecting(disk_, {});
    disk_.remove(name, {});
    again->announce(Codec::zstd_columns, {});
    EXPECT_FALSE(disk_.size_bytes(name, {}).has_value()) << "it was seen when opening";
}

TEST_P(OpenTest, AFeatureStopsOnlyWhatItConcerns) {
    const auto may_write = [this](const nlohmann::json& feature) {
        disk_.remove(ObjectName("features/time-travel"), {});
        disk_.put(ObjectName("features/time-travel"), encode_checked_json(feature), {});
        const auto repository = open_repository(disk_);
        static_cast<void>(repository->snapshots({}));
        try {
            repository->check_writable();
            return true;
        } catch (const RepositoryError& error) {
            EXPECT_EQ(error.code(), "unknown_feature");
            return false;
        }
    };
    EXPECT_TRUE(may_write({{"needed_for", {"collect"}}}));
    EXPECT_FALSE(may_write({{"needed_for", {"write"}}}));
    const std::size_t objects = disk_.contents().size();
    EXPECT_THROW(
        SnapshotWriter(*open_repository(disk_), FakeClock(), "backup", SourceId(16, 'a'), {}),
        RepositoryError);
    EXPECT_EQ(disk_.contents().size(), objects) << "not even a run was announced";
    // What says nothing that format 1 understands is needed for everything.
    for (const nlohmann::json& feature :
         {nlohmann::json::object(), nlohmann::json{{"needed_for", {"dream"}}},
          nlohmann::json{{"needed_for", "collect"}},
          nlohmann::json{{"needed_for", nlohmann::json::array()}}}) {
        EXPECT_THROW(static_cast<void>(may_write(feature)), RepositoryError) << feature;
    }
}

TEST_P(OpenTest, SaysThatItsConfigIsLost) {
    disk_.remove(config_object_name(), {});
    disk_.put(ObjectName("packs/ab/cd"), as_bytes("x"), {});
    EXPECT_EQ(open_problem(disk_),
              GetParam() == Encryption::none ? "10 not_a_repository" : "14 config_missing");
    EXPECT_FALSE(Repository::exists(disk_, {}));
}

TEST(Open, SaysThatThereIsNoRepository) {
    MemoryStorage disk;
    EXPECT_EQ(open_problem(disk), "10 repository_missing");
    disk.put(ObjectName("holiday/photo.jpg"), as_bytes("x"), {});
    EXPECT_EQ(open_problem(disk), "10 not_a_repository");
}

TEST(Open, SaysThatARepositoryIsHalfMade) {
    for (const char* left : {"keys/abcd", "runs/0123/probe"}) {
        MemoryStorage disk;
        disk.put(ObjectName(left), as_bytes("x"), {});
        EXPECT_EQ(open_problem(disk), "14 half_made") << left;
    }
}

class SnapshotsTest : public testing::Test {
protected:
    [[nodiscard]] std::vector<SnapshotId> visible() {
        std::vector<SnapshotId> ids;
        for (const SnapshotSummary& snapshot : open_repository(place_.disk)->snapshots({})) {
            ids.push_back(snapshot.id);
        }
        return ids;
    }
    [[nodiscard]] static ObjectName name_of(const SnapshotId& id) {
        return manifest_object_name(kSampleSource, id);
    }
    /// "" when the manifest can be read, else the code of the error.
    std::string problem_of(const SnapshotId& id) {
        try {
            static_cast<void>(open_repository(place_.disk)->manifest(id, {}));
            return "";
        } catch (const Error& error) {
            return error.code();
        }
    }
    RepositoryPlace place_;
};

TEST_F(SnapshotsTest, ComeInOrderOfTheirSequence) {
    const SnapshotId third = place_.commit(3, "c");
    const SnapshotId first = place_.commit(1, "a");
    const SnapshotId second = place_.commit(2, "b");
    EXPECT_EQ(visible(), (std::vector<SnapshotId>{first, second, third}));
    EXPECT_EQ(place_.repository->details(second, {}).summary.sequence, 2U);
}

TEST_F(SnapshotsTest, AreThoseOfOneSourceWhenAsked) {
    place_.commit(1, "a");
    EXPECT_EQ(place_.repository->snapshots_of(kSampleSource, {}).size(), 1U);
    EXPECT_TRUE(place_.repository->snapshots_of(SourceId(16, 'b'), {}).empty());
}

TEST_F(SnapshotsTest, ATombstoneIsNone) {
    place_.commit(1, "a");
    const ObjectName name = name_of(RunId(32, 'e'));
    place_.disk.put(name, encode_tombstone(place_.repository->keys(), name, "x", "dead"), {});
    EXPECT_EQ(visible().size(), 1U);
    EXPECT_EQ(problem_of(RunId(32, 'e')), "snapshot_unknown");
}

TEST_F(SnapshotsTest, ARemovedOneDoesNotExistEvenWhenItIsPutBack) {
    const SnapshotId kept = place_.commit(1, "a");
    const SnapshotId removed = place_.commit(2, "b");
    const Bytes object = place_.disk.get(name_of(removed), {}).value();
    place_.remove({{}, {}, {name_of(removed).text()}, {}});
    EXPECT_EQ(visible(), std::vector<SnapshotId>{kept});
    EXPECT_EQ(problem_of(removed), "snapshot_unknown");
    place_.disk.remove(name_of(removed), {});
    place_.disk.put(name_of(removed), object, {});  // A late retry of the writer.
    EXPECT_EQ(visible(), std::vector<SnapshotId>{kept});
    EXPECT_EQ(problem_of(removed), "snapshot_unknown");
}

TEST_F(SnapshotsTest, DamagedOnesAreToldAndHideNoOther) {
    const SnapshotId good = place_.commit(1, "a");
    const SnapshotId bad = place_.commit(2, "b");
    place_.disk.damage(name_of(bad), [](Bytes& object) { object[60] ^= 1U; });
    EXPECT_THROW(static_cast<void>(visible()), CorruptionError);
    std::vector<std::string> damaged;
    EXPECT_EQ(open_repository(place_.disk)->snapshots({}, &damaged).size(), 1U);
    EXPECT_EQ(damaged, std::vector<std::string>{name_of(bad).text()});
    EXPECT_EQ(open_repository(place_.disk)->snapshots_of(kSampleSource, {}).at(0).id, good);
    EXPECT_EQ(problem_of(good), "");
}

TEST_F(SnapshotsTest, ADamagedMarkerHidesNone) {
    const SnapshotId id = place_.commit(1, "a");
    place_.condemn({});
    const std::string marker = place_.names("condemned/").at(0);
    place_.disk.damage(ObjectName(marker), [](Bytes& object) { object.back() ^= 1U; });
    std::vector<std::string> damaged;
    EXPECT_EQ(open_repository(place_.disk)->snapshots({}, &damaged).size(), 1U);
    EXPECT_EQ(damaged, std::vector<std::string>{marker});
    EXPECT_EQ(problem_of(id), "") << "a restore must go on";
}

TEST_F(SnapshotsTest, AManifestCutShortIsDamaged) {
    const SnapshotId id = place_.commit(1, "a");
    const std::size_t size = place_.disk.size_bytes(name_of(id), {}).value();
    for (std::size_t cut = size; cut-- > 0;) {
        place_.disk.damage(name_of(id), [cut](Bytes& object) { object.resize(cut); });
        EXPECT_THROW(static_cast<void>(
                         open_repository(place_.disk)
                             ->manifest(open_repository(place_.disk)->snapshots({}).at(0).id, {})),
                     CorruptionError)
            << "cut to " << cut;
    }
}

TEST_F(SnapshotsTest, HeadsAreReadOnceAndThenFromTheCache) {
    const TemporaryFolder folder;
    const SnapshotId id = place_.commit(1, std::string(10'000, 'x'));
    std::vector<std::string> reads;
    Faults faults;
    faults.before = [&](const StorageCall& call) {
        if (call.name.starts_with("manifests/")) {
            reads.push_back(call.name);
        }
    };
    FaultyStorage watched(place_.disk, faults);
    const auto list = [&] {
        return Repository::open(std::make_unique<FaultyStorage>(watched, Faults{}), {},
                                {folder.path()}, place_.log, {})
            ->snapshots({});
    };
    EXPECT_EQ(list().at(0).id, id);
    EXPECT_EQ(reads.size(), 1U);
    EXPECT_EQ(list().at(0).id, id);
    EXPECT_EQ(reads.size(), 1U) << "the head was read again";

    const auto file = folder.path() / place_.repository->id() / "manifest-heads";
    ASSERT_TRUE(std::filesystem::exists(file));
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);
    EXPECT_EQ(list().at(0).id, id) << "a damaged cache";
    EXPECT_EQ(reads.size(), 2U);
    EXPECT_EQ(list().size(), 1U);
    EXPECT_EQ(reads.size(), 2U) << "the cache was not repaired";
}

TEST_F(SnapshotsTest, ALargeHeadIsReadWhole) {
    const auto run = place_.writer();
    Manifest manifest = RepositoryPlace::manifest(1);
    for (int tag = 0; tag < 500; ++tag) {
        manifest.details.summary.tags["tag" + std::to_string(tag)] =
            to_hex(noise(static_cast<std::uint64_t>(tag), 16));
    }
    run->commit(manifest);
    ASSERT_GT(place_.disk.size_bytes(name_of(run->run_id()), {}), kManifestHeadBytes);
    EXPECT_EQ(open_repository(place_.disk)->snapshots({}).at(0).tags.size(), 500U);
}

}  // namespace
}  // namespace dbbackup
