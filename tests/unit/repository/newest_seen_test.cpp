#include "repository/newest_seen.hpp"

#include "repository/manifest.hpp"
#include "repository_place.hpp"
#include "support/faulty_storage.hpp"
#include "support/temporary_folder.hpp"
#include "sys/file.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

class NewestSeenTest : public testing::Test {
protected:
    [[nodiscard]] std::filesystem::path file() const { return folder_.path() / "deep/newest"; }

    /// Opens the repository as a new process of this machine, and tells what it warned of.
    std::string warnings_of_a_listing() {
        const std::filesystem::path log_file = folder_.path() / "log";
        std::filesystem::remove(log_file);
        {
            LogOptions to_file;
            to_file.stderr_level = LogLevel::off;
            to_file.file_level = LogLevel::warning;
            to_file.file = log_file;
            Log log(to_file);
            OpenOptions options;
            options.state_folder = folder_.path() / "state";
            const auto repository =
                Repository::open(std::make_unique<FaultyStorage>(place_.disk, Faults{}),
                                 sample_unlock(), options, log, {});
            static_cast<void>(repository->snapshots({}));
        }
        return std::string(as_text(read_file(log_file, 1'000'000).value_or(Bytes())));
    }

    TemporaryFolder folder_;
    RepositoryPlace place_;
};

TEST_F(NewestSeenTest, IsThereForTheNextProcess) {
    {
        NewestSeen seen(file());
        EXPECT_TRUE(seen.entries().empty());
        seen.remember("a", {7, "x"});
        seen.remember("b", {8, "y"});
        seen.remember("c", {9, "z"});
        seen.forget("b");
        seen.save();
    }
    const std::map<SourceId, NewestSeen::Entry> expected = {{"a", {7, "x"}}, {"c", {9, "z"}}};
    EXPECT_EQ(NewestSeen(file()).entries(), expected);
}

TEST_F(NewestSeenTest, WithoutAFileItRemembersNothing) {
    NewestSeen seen(std::nullopt);
    seen.remember("a", {7, "x"});
    seen.save();
    EXPECT_TRUE(NewestSeen(std::nullopt).entries().empty());
}

TEST_F(NewestSeenTest, AnyBytesAreNoError) {
    replace_file(folder_.path() / "rubbish", as_bytes("a b c\n\xff"), 0600);
    EXPECT_TRUE(NewestSeen(folder_.path() / "rubbish").entries().empty());
    EXPECT_TRUE(NewestSeen(folder_.path()).entries().empty());
    NewestSeen nowhere(folder_.path() / "rubbish/below");
    nowhere.remember("a", {1, "x"});
    nowhere.save();
}

TEST_F(NewestSeenTest, AStoreThatWasRolledBackIsNoticedUntilItHasANewerSnapshot) {
    place_.commit(1, "one");
    EXPECT_EQ(warnings_of_a_listing(), "");
    const SnapshotId lost = place_.commit(2, "two");
    EXPECT_EQ(warnings_of_a_listing(), "");
    place_.disk.remove(manifest_object_name(kSampleSource, lost), {});
    for (int repeated = 0; repeated < 2; ++repeated) {
        EXPECT_NE(warnings_of_a_listing().find(lost), std::string::npos);
    }
    place_.commit(2, "another two");
    EXPECT_NE(warnings_of_a_listing().find(lost), std::string::npos);
    place_.commit(3, "three");
    EXPECT_EQ(warnings_of_a_listing(), "");
}

TEST_F(NewestSeenTest, WhatItCommittedItselfIsSeen) {
    OpenOptions options;
    options.state_folder = folder_.path() / "state";
    const auto repository = Repository::open(std::make_unique<FaultyStorage>(place_.disk, Faults{}),
                                             sample_unlock(), options, place_.log, {});
    SnapshotWriter writer(*repository, place_.clock, "backup", kSampleSource, {});
    Manifest manifest = RepositoryPlace::manifest(1);
    writer.commit(manifest);
    place_.disk.remove(manifest_object_name(kSampleSource, writer.run_id()), {});
    EXPECT_NE(warnings_of_a_listing().find(writer.run_id()), std::string::npos);
}

TEST_F(NewestSeenTest, WhatACollectorRemovedIsNotMissed) {
    place_.commit(1, "one");
    const SnapshotId removed = place_.commit(2, "two");
    EXPECT_EQ(warnings_of_a_listing(), "");
    const ObjectName manifest = manifest_object_name(kSampleSource, removed);
    place_.remove({{}, {}, {manifest.text()}, {}});
    place_.disk.remove(manifest, {});
    EXPECT_EQ(warnings_of_a_listing(), "");
}

TEST_F(NewestSeenTest, WhatIsDamagedIsNotMissed) {
    place_.commit(1, "one");
    const SnapshotId damaged = place_.commit(2, "two");
    EXPECT_EQ(warnings_of_a_listing(), "");
    place_.disk.damage(manifest_object_name(kSampleSource, damaged),
                       [](Bytes& bytes) { bytes.back() ^= 1; });
    EXPECT_EQ(warnings_of_a_listing().find("older state"), std::string::npos);
}

}  // namespace
}  // namespace dbbackup
