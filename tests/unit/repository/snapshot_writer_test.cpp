#include "repository/snapshot_writer.hpp"

#include "base/guarded.hpp"
#include "repository/chunk_reader.hpp"
#include "repository/record.hpp"
#include "repository_place.hpp"
#include "support/faulty_storage.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <semaphore>
#include <thread>

namespace dbbackup {
namespace {

/// A repository whose calls are written down from the moment it is open.
class SnapshotWriterTest : public testing::Test {
protected:
    SnapshotWriterTest() : watched_(place_.disk, watching()) {
        repository_ = open_repository(watched_);
        calls_.with([](auto& calls) { calls.clear(); });
    }

    [[nodiscard]] std::unique_ptr<SnapshotWriter> writer() {
        return std::make_unique<SnapshotWriter>(*repository_, place_.clock, "backup", kSampleSource,
                                                std::stop_token());
    }
    ChunkCopyPtr add(SnapshotWriter& writer, std::string_view text,
                     std::vector<ChunkCopyPtr> bases = {}) {
        return RepositoryPlace::add(writer, *repository_, as_bytes(text), std::move(bases));
    }
    ChunkCopyPtr find(SnapshotWriter& writer, std::string_view text,
                      HeldAs held_as = HeldAs::whole_or_delta) {
        return writer.find(repository_->keys().chunk_id(as_bytes(text)), held_as);
    }
    [[nodiscard]] std::vector<std::string> calls() {
        return calls_.with([](const auto& calls) { return calls; });
    }
    /// Where the first call that starts like this stands; fails the test when there is none.
    [[nodiscard]] std::size_t place_of(const std::string& beginning) {
        const std::vector<std::string> all = calls();
        for (std::size_t index = 0; index < all.size(); ++index) {
            if (all[index].starts_with(beginning)) {
                return index;
            }
        }
        ADD_FAILURE() << "no call " << beginning;
        return 0;
    }

    RepositoryPlace place_;
    Guarded<std::vector<std::string>> calls_;
    std::counting_semaphore<> packs_put_{0};
    FaultyStorage watched_;
    std::unique_ptr<Repository> repository_;

private:
    Faults watching() {
        Faults faults;
        faults.before = [this](const StorageCall& call) {
            const std::string text =
                fmt::format("{} {}", operation_name(call.operation), call.name);
            calls_.with([&](auto& calls) { calls.push_back(text); });
            if (text.starts_with("put packs/")) {
                packs_put_.release();
            }
        };
        return faults;
    }
};

TEST_F(SnapshotWriterTest, AnnouncesItselfAndReadsRemovalsBeforeAnythingElse) {
    const auto run = writer();
    EXPECT_EQ(calls(),
              (std::vector<std::string>{"put runs/" + run->run_id() + "/0", "list condemned",
                                        "list collections", "list damaged"}));
}

TEST_F(SnapshotWriterTest, ASmallRunIsThreeObjects) {
    const auto before = place_.disk.contents();
    const auto run = writer();
    Manifest manifest = RepositoryPlace::manifest(1, {add(*run, "one"), add(*run, "two")});
    run->commit(manifest);
    std::vector<std::string> made;
    std::uint64_t bytes = 0;
    for (const auto& [name, content] : place_.disk.contents()) {
        if (!before.contains(name)) {
            made.push_back(name.substr(0, name.find('/')));
            bytes += made.back() == "runs" ? 0 : content.size();
        }
    }
    EXPECT_EQ(made, (std::vector<std::string>{"manifests", "packs", "runs"}));
    EXPECT_NEAR(static_cast<double>(manifest.details.summary.bytes_added),
                static_cast<double>(bytes), 16);
    EXPECT_EQ(manifest.inline_index.at(0).entries.size(), 2U);
}

TEST_F(SnapshotWriterTest, AnEmptyRunIsTwoObjects) {
    const std::size_t before = place_.disk.contents().size();
    const auto run = writer();
    Manifest manifest = RepositoryPlace::manifest(1);
    run->commit(manifest);
    EXPECT_EQ(place_.disk.contents().size(), before + 2);
}

TEST_F(SnapshotWriterTest, StoresPacksThenIndexThenManifest) {
    const auto run = writer();
    std::vector<ChunkCopyPtr> chunks;
    for (int chunk = 0; chunk < 300; ++chunk) {
        chunks.push_back(add(*run, fmt::format("chunk {}", chunk)));
    }
    run->flush();
    Manifest manifest = RepositoryPlace::manifest(1, chunks);
    run->commit(manifest);
    EXPECT_LT(place_of("put runs/"), place_of("put packs/"));
    EXPECT_LT(place_of("put packs/"), place_of("put indexes/"));
    EXPECT_LT(place_of("put indexes/"), place_of("put manifests/"));
    EXPECT_EQ(calls().back(), "put manifests/" + kSampleSource + "/" + run->run_id());
    EXPECT_EQ(manifest.indexes, place_.names("indexes/"));
    EXPECT_TRUE(manifest.inline_index.empty());
}

TEST_F(SnapshotWriterTest, FillsInWhatOnlyItKnows) {
    const auto run = writer();
    Manifest manifest = RepositoryPlace::manifest(1);
    place_.clock.advance(std::chrono::minutes(5));
    run->commit(manifest);
    const SnapshotDetails details = repository_->details(run->run_id(), {});
    EXPECT_EQ(details.summary.id, run->run_id());
    EXPECT_EQ(details.summary.source_id, kSampleSource);
    EXPECT_EQ(details.summary.ended_at, place_.clock.now());
    EXPECT_FALSE(details.program_version.empty());
    EXPECT_EQ(details.host, host_name());
    EXPECT_EQ(
        manifest.object_digest,
        sha256(place_.disk.get(manifest_object_name(kSampleSource, run->run_id()), {}).value()));
}

TEST_F(SnapshotWriterTest, CopiesHaveTheirPacksNameOnceFlushed) {
    const auto run = writer();
    const ChunkCopyPtr copy = add(*run, "one");
    EXPECT_FALSE(copy->pack->is_stored);
    run->flush();
    ASSERT_TRUE(copy->pack->is_stored);
    EXPECT_TRUE(place_.disk.size_bytes(pack_object_name(copy->pack->name), {}));
    ChunkReader reader(repository_->storage(), repository_->keys());
    EXPECT_EQ(as_text(reader.read(*copy, {})), "one");
}

TEST_F(SnapshotWriterTest, WhatIsHandedOverIsStoredWhileNobodyWaits) {
    const auto run = writer();
    const ChunkCopyPtr copy = add(*run, "one");
    run->hand_over();
    EXPECT_TRUE(packs_put_.try_acquire_for(std::chrono::minutes(1)));
    run->hand_over();  // Nothing is left.
    run->flush();
    EXPECT_TRUE(copy->pack->is_stored);
    EXPECT_FALSE(packs_put_.try_acquire()) << "one pack became two";
}

TEST_F(SnapshotWriterTest, OneChunkAddedByManyThreadsIsStoredOnce) {
    const auto run = writer();
    {
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < 4; ++thread) {
            threads.emplace_back([&] {
                for (int chunk = 0; chunk < 200; ++chunk) {
                    add(*run, fmt::format("chunk {}", chunk));
                }
            });
        }
    }
    run->flush();
    ASSERT_EQ(place_.names("packs/").size(), 1U);
    const ObjectName name(place_.names("packs/").at(0));
    EXPECT_EQ(read_pack_directory(repository_->keys(), pack_name_of(name).value(),
                                  place_.disk.get(name, {}).value())
                  .size(),
              200U);
}

TEST_F(SnapshotWriterTest, AWholeCopyReplacesADeltaOfThisRun) {
    const auto run = writer();
    const ChunkCopyPtr base = add(*run, "base");
    const ChunkCopyPtr delta = add(*run, "chunk", {base});
    EXPECT_EQ(delta->depth, 1);
    EXPECT_EQ(find(*run, "chunk"), delta);
    EXPECT_EQ(find(*run, "chunk", HeldAs::whole_only), nullptr);
    const ChunkCopyPtr whole = add(*run, "chunk");
    EXPECT_EQ(find(*run, "chunk", HeldAs::whole_only), whole);
    EXPECT_EQ(add(*run, "chunk", {base}), whole) << "a deeper copy is of no use";
}

TEST_F(SnapshotWriterTest, FindsWhatEarlierSnapshotsAndDeadRunsStored) {
    place_.commit(1, "in a snapshot");
    {
        const auto dead = writer();
        add(*dead, "of a dead run");
        dead->flush();
    }
    EXPECT_EQ(place_.names("indexes/").size(), 1U) << "a dead run leaves an index";
    const auto run = writer();
    EXPECT_TRUE(find(*run, "in a snapshot"));
    EXPECT_TRUE(find(*run, "of a dead run"));
    EXPECT_FALSE(find(*run, "nowhere"));
}

/// Else a list of chunks could name its pack before it has a name.
TEST_F(SnapshotWriterTest, TakesNoDeltaOnWhatIsNotStoredUnlessItLiesBesideIt) {
    const auto run = writer();
    const ChunkCopyPtr base = add(*run, "base");
    const auto other = writer();
    EXPECT_THROW(add(*other, "delta", {base}), Error);
    EXPECT_EQ(add(*run, "delta", {base})->pack, base->pack);
    run->flush();
    EXPECT_EQ(add(*other, "delta", {base})->bases, std::vector<ChunkCopyPtr>{base});
}

/// A run of many chunks keeps only those in memory whose packs are not stored.
TEST_F(SnapshotWriterTest, FindsItsOwnStoredChunksOnDisk) {
    SnapshotWriter run(*repository_, place_.clock, "backup", kSampleSource, {}, 0);
    EXPECT_FALSE(find(run, "base"));
    const ChunkCopyPtr base = add(run, "base");
    const ChunkCopyPtr delta = add(run, "chunk", {base});
    EXPECT_EQ(find(run, "chunk"), delta) << "not stored yet";
    run.flush();
    const ChunkCopyPtr found = find(run, "chunk");
    ASSERT_TRUE(found);
    EXPECT_NE(found, delta) << "still in memory";
    EXPECT_EQ(found->pack->name, delta->pack->name);
    EXPECT_EQ(found->bases.at(0)->offset_bytes, base->offset_bytes);
    EXPECT_TRUE(run.provides(found));
    EXPECT_FALSE(find(run, "chunk", HeldAs::whole_only));
    EXPECT_EQ(find(run, "base", HeldAs::whole_only)->pack->name, base->pack->name);
    const ChunkCopyPtr whole = add(run, "chunk");
    EXPECT_EQ(find(run, "chunk", HeldAs::whole_only), whole);
    run.flush();
    EXPECT_EQ(find(run, "chunk")->depth, 0);
    run.look_for_referred_packs();
    EXPECT_TRUE(run.distrusted().empty());
    Manifest manifest = RepositoryPlace::manifest(1, {found, whole});
    run.commit(manifest);
    EXPECT_TRUE(find(*writer(), "chunk"));
}

TEST_F(SnapshotWriterTest, AnUnchangedSourceNeedsNoIndex) {
    const auto run = writer();
    Manifest manifest = RepositoryPlace::manifest(1);
    run->commit(manifest);
    for (const std::string& call : calls()) {
        EXPECT_NE(call, "list indexes");
    }
}

TEST_F(SnapshotWriterTest, NothingIsReusedFromCondemnedOrRemovedPacks) {
    place_.commit(1, "condemned");
    place_.commit(2, "removed");
    place_.commit(3, "kept");
    const auto before = writer();
    const ChunkCopyPtr condemned = find(*before, "condemned");
    const ChunkCopyPtr removed = find(*before, "removed");
    ASSERT_TRUE(condemned && removed);
    place_.condemn({condemned->pack->name});
    place_.remove({{removed->pack->name}, {}, {}, {}});

    const auto run = writer();
    EXPECT_FALSE(find(*run, "condemned"));
    EXPECT_FALSE(find(*run, "removed"));
    EXPECT_TRUE(find(*run, "kept"));
    EXPECT_FALSE(run->provides(condemned));
    EXPECT_FALSE(run->provides(removed));
    EXPECT_TRUE(run->provides(find(*run, "kept")));
    EXPECT_TRUE(before->provides(condemned)) << "who began before the marker is waited for";
}

TEST_F(SnapshotWriterTest, ADeltaIsNotReusedWhenABaseOfItsClosureIsGoing) {
    place_.commit(1, "root");
    const auto first = writer();
    const ChunkCopyPtr root = find(*first, "root");
    const ChunkCopyPtr middle = add(*first, "middle", {root});
    first->flush();
    const ChunkCopyPtr top = add(*first, "top", {middle});
    first->flush();
    EXPECT_NE(top->pack->name, root->pack->name);
    Manifest manifest = RepositoryPlace::manifest(2, {top});
    first->commit(manifest);
    place_.condemn({root->pack->name});

    const auto run = writer();
    EXPECT_FALSE(run->provides(top));
    EXPECT_FALSE(find(*run, "top"));
    EXPECT_FALSE(find(*run, "middle"));
}

TEST_F(SnapshotWriterTest, WhatIsDistrustedIsStoredAgain) {
    const auto first = writer();
    const ChunkCopyPtr base = add(*first, "base");
    const ChunkCopyPtr top = add(*first, "top", {base});
    Manifest manifest = RepositoryPlace::manifest(1, {base, top});
    first->commit(manifest);
    const auto run = writer();
    ASSERT_TRUE(find(*run, "base"));
    ASSERT_TRUE(find(*run, "top"));
    run->distrust(*base, "it is damaged");
    EXPECT_FALSE(run->provides(base));
    EXPECT_FALSE(run->provides(top)) << "it needs the damaged one";
    EXPECT_FALSE(find(*run, "base"));
    EXPECT_FALSE(find(*run, "top"));
    const ChunkCopyPtr again = add(*run, "base");
    EXPECT_NE(again->pack, base->pack);
    EXPECT_EQ(find(*run, "base"), again);
}

/// Method: eight threads fill packs while the storage is slow, so that many wait for room at once.
/// Every chunk must then lie where its copy says.
TEST_F(SnapshotWriterTest, ManyThreadsLoseNoChunk) {
    constexpr unsigned kThreads = 8;
    constexpr unsigned kChunksEach = 8;
    constexpr std::size_t kChunkBytes = 2_MiB;
    const auto run = writer();
    Guarded<std::vector<ChunkCopyPtr>> added;
    {
        std::vector<std::jthread> threads;
        for (unsigned thread = 0; thread < kThreads; ++thread) {
            threads.emplace_back([&, thread] {
                Bytes content(kChunkBytes, static_cast<std::uint8_t>(thread));
                for (unsigned chunk = 0; chunk < kChunksEach; ++chunk) {
                    content[0] = static_cast<std::uint8_t>(chunk);
                    const ChunkCopyPtr copy = RepositoryPlace::add(*run, *repository_, content);
                    added.with([&](auto& all) { all.push_back(copy); });
                }
            });
        }
    }
    const std::vector<ChunkCopyPtr> chunks = added.with([](const auto& all) { return all; });
    ASSERT_EQ(chunks.size(), kThreads * kChunksEach);
    run->flush();
    Manifest manifest = RepositoryPlace::manifest(1, chunks);
    run->commit(manifest);
    ChunkReader reader(repository_->storage(), repository_->keys());
    for (const ChunkCopyPtr& chunk : chunks) {
        EXPECT_NO_THROW(static_cast<void>(reader.read(*chunk, {})));
    }
}

TEST_F(SnapshotWriterTest, AnIndexIsPutNowAndThen) {
    constexpr std::size_t kChunkBytes = kChunkPlainBytesMax;
    const auto run = writer();
    Bytes content(kChunkBytes, 0);
    for (std::uint8_t chunk = 0; chunk < 9 * 4; ++chunk) {
        content[0] = chunk;
        RepositoryPlace::add(*run, *repository_, content);
    }
    run->flush();
    EXPECT_EQ(place_.names("indexes/").size(), 1U);
    EXPECT_GE(place_.names("packs/").size(), 9U);
    for (const std::string& pack : place_.names("packs/")) {
        EXPECT_LE(place_.disk.size_bytes(ObjectName(pack), {}), kPackBytesMax);
    }
}

}  // namespace
}  // namespace dbbackup
