#include "engine/restore.hpp"

#include "base/error.hpp"
#include "engine/stored_stream.hpp"
#include "repository/manifest.hpp"
#include "support/faulty_storage.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_backup.hpp"
#include "support/sample_data.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace dbbackup {
namespace {

constexpr std::uint32_t kPage = 4096;

/// Two snapshots of one stream of each kind; the second one has deltas.
class RestoreTest : public testing::Test {
protected:
    RestoreTest() : watched_(disk_, watching()) {
        make_repository(disk_);
        shop_.set_pages("pages", page_like(1, 256 * kPage));
        shop_.set_opaque("script", page_like(2, 300'000));
        shop_.set_opaque("empty", {});
        for (std::uint64_t key = 0; key < 200; ++key) {
            shop_.set_row("orders", key, fmt::format("{}\torder number {}\n", key, key * 7));
        }
        back_up(shop_, disk_);
        shop_.set_page("pages", 70, page_like(9, kPage));
        shop_.set_row("orders", 60, "changed\n");
        snapshot_ = back_up(shop_, disk_).snapshot.summary;
    }

    /// Into `targets_`, through the watched storage.
    RestoreOutcome restore_shop(const RestoreOptions& options, SampleBehaviour behaviour = {},
                                std::stop_token stop = {}) {
        const auto repository = open_repository(watched_);
        const SampleDatabase none;
        SampleConnector connector(none, targets_, std::move(behaviour));
        SampleContext sample;
        RestoreOutcome outcome = restore(*repository, snapshot_.id, connector, options,
                                         sample.context(), std::move(stop));
        bytes_done_ = sample.progress.bytes_done;
        return outcome;
    }
    static RestoreOptions to(std::string target) {
        RestoreOptions options;
        options.target = std::move(target);
        return options;
    }
    /// The pack in which the first chunk of this stream's first segment lies.
    [[nodiscard]] ChunkCopyPtr first_chunk(std::string_view stream) {
        const auto manifest = open_repository(disk_)->manifest(snapshot_.id, {});
        for (const StreamContents& each : manifest->streams) {
            if (each.stream.name == stream) {
                return each.lists.at(0).segments.at(0).chunks.at(0);
            }
        }
        throw Error("no such stream");
    }
    void expect_damage(const std::string& object, std::string_view problem) {
        for (const unsigned piece : {0U, 5000U}) {
            RestoreOptions options = to("target");
            options.jobs = piece == 0 ? 3 : 1;
            try {
                restore_shop(options, {.restore_piece_bytes = piece});
                ADD_FAILURE() << "restored " << object;
            } catch (const CorruptionError& error) {
                EXPECT_NE(std::string_view(error.what()).find(object), std::string_view::npos)
                    << error.what();
                EXPECT_NE(std::string_view(error.what()).find(problem), std::string_view::npos)
                    << error.what();
                EXPECT_FALSE(error.hint().empty());
            }
            EXPECT_TRUE(targets_.empty()) << "nothing may look restored";
        }
    }

    MemoryStorage disk_;
    std::function<void(const StorageCall&)> before_;
    FaultyStorage watched_;
    SampleDatabase shop_;
    SnapshotSummary snapshot_;
    SampleConnector::Targets targets_;
    std::uint64_t bytes_done_ = 0;

private:
    Faults watching() {
        Faults faults;
        faults.before = [this](const StorageCall& call) {
            if (before_) {
                before_(call);
            }
        };
        return faults;
    }
};

TEST_F(RestoreTest, GivesBackEveryStreamAndSaysWhat) {
    RestoreOptions options = to("target");
    options.verify = true;
    const RestoreOutcome outcome = restore_shop(options);
    EXPECT_EQ(targets_.at("target"), shop_.contents());
    EXPECT_EQ(outcome.snapshot.id, snapshot_.id);
    EXPECT_EQ(outcome.snapshot.sequence, 2U);
    EXPECT_EQ(outcome.report.bytes_written, snapshot_.bytes_source);
    EXPECT_TRUE(outcome.report.is_verified);
    EXPECT_EQ(bytes_done_, snapshot_.bytes_source);
}

TEST_F(RestoreTest, PiecesOfAnySizeAreTheSameBytes) {
    unsigned number = 0;
    for (const unsigned piece : {7'777U, 4096U, 100'000U, 3'000'000U}) {
        for (const unsigned jobs : {1U, 4U}) {
            RestoreOptions options = to(fmt::format("target {}", ++number));
            options.jobs = jobs;
            restore_shop(options, {.restore_piece_bytes = piece});
            EXPECT_EQ(targets_.at(options.target), shop_.contents()) << piece;
        }
    }
}

/// Random access, as a b-tree walk does it: any range, in any order, and nothing beyond the end.
TEST_F(RestoreTest, AnyRangeOfAStreamCanBeRead) {
    const auto repository = open_repository(watched_);
    const auto manifest = repository->manifest(snapshot_.id, {});
    ChunkReader chunks(repository->storage(), repository->keys());
    Progress progress;
    Random random(3);
    const Contents contents = shop_.contents();
    for (const StreamContents& stream : manifest->streams) {
        StoredStreamReader reader(stream, chunks, repository->keys().fingerprinter(), 2, progress);
        const Bytes& expected = contents.at(stream.stream.name);
        for (unsigned attempt = 0; attempt < 50; ++attempt) {
            const std::uint64_t offset = random.below(expected.size() + 1);
            Bytes part(random.below(std::min<std::uint64_t>(expected.size() - offset, 30'000) + 1));
            reader.read_at(offset, part, {});
            EXPECT_TRUE(std::equal(part.begin(), part.end(),
                                   expected.begin() + static_cast<std::ptrdiff_t>(offset)))
                << stream.stream.name << " at " << offset << ", " << part.size() << " bytes";
        }
        Bytes one(1);
        EXPECT_THROW(reader.read_at(expected.size(), one, {}), Error);
        EXPECT_THROW(reader.read_at(~std::uint64_t{0}, one, {}), Error);
        EXPECT_NO_THROW(reader.read_at(expected.size(), {}, {}));
    }
}

/// A page is read without the rest, and what was read lately is not fetched again.
TEST_F(RestoreTest, APageCostsItsOwnChunkOnce) {
    const auto repository = open_repository(watched_);
    const auto manifest = repository->manifest(snapshot_.id, {});
    ChunkReader chunks(repository->storage(), repository->keys());
    Progress progress;
    std::atomic<unsigned> fetches = 0;
    before_ = [&](const StorageCall&) { ++fetches; };
    const StreamContents& pages = manifest->streams.at(2);
    ASSERT_EQ(pages.stream.name, "pages");
    StoredStreamReader reader(pages, chunks, repository->keys().fingerprinter(), 2, progress);
    Bytes page(kPage);
    for (unsigned time = 0; time < 3; ++time) {
        reader.read_at(200 * kPage, page, {});
        EXPECT_EQ(fetches, 1U);
    }
    reader.read_at(70 * kPage, page, {});
    EXPECT_EQ(fetches, 3U) << "a delta and its base";
    EXPECT_EQ(page, page_like(9, kPage));
}

TEST_F(RestoreTest, ADryRunPlansAndReadsNoData) {
    std::atomic<unsigned> pack_calls = 0;
    before_ = [&](const StorageCall& call) {
        pack_calls += call.name.starts_with("packs") ? 1 : 0;
    };
    RestoreOptions options = to("target");
    options.is_dry_run = true;
    const RestoreOutcome outcome = restore_shop(options);
    EXPECT_EQ(outcome.plan.steps, std::vector<std::string>{"write the sample"});
    EXPECT_EQ(outcome.snapshot.id, snapshot_.id);
    EXPECT_EQ(outcome.report.bytes_written, 0U);
    EXPECT_FALSE(outcome.report.is_verified);
    EXPECT_TRUE(targets_.empty());
    EXPECT_EQ(pack_calls, 0U);
}

TEST_F(RestoreTest, ATargetThatExistsIsOnlyReplacedWhenAsked) {
    targets_["target"]["precious"] = Bytes{1};
    const SampleConnector::Targets before = targets_;
    RestoreOptions options = to("target");
    for (const bool is_dry_run : {true, false}) {
        options.is_dry_run = is_dry_run;
        try {
            restore_shop(options);
            FAIL();
        } catch (const ConfigError& error) {
            EXPECT_EQ(error.code(), "target_not_empty");
        }
        EXPECT_EQ(targets_, before);
    }
    options.overwrite = Overwrite::yes;
    restore_shop(options);
    EXPECT_EQ(targets_.at("target"), shop_.contents());
}

TEST_F(RestoreTest, AnUnknownSnapshotIsSaidSo) {
    snapshot_.id = std::string(32, '0');
    try {
        restore_shop(to("target"));
        FAIL();
    } catch (const ConfigError& error) {
        EXPECT_EQ(error.code(), "snapshot_unknown");
    }
}

TEST_F(RestoreTest, VerifyFindsATargetThatDiffersFromTheSnapshot) {
    const ObjectName name = manifest_object_name(snapshot_.source_id, snapshot_.id);
    // As if the manifest spoke of other pages than the chunks hold.
    const auto repository = open_repository(disk_);
    const auto manifest = repository->manifest(snapshot_.id, {});
    ++manifest->streams.at(2).stream.fingerprint.low;
    const Bytes forged = encode_manifest(repository->keys(), name, *manifest);
    disk_.damage(name, [&](Bytes& content) { content = forged; });
    RestoreOptions options = to("target");
    options.verify = true;
    EXPECT_THROW(restore_shop(options), SourceError);
    EXPECT_TRUE(targets_.empty());
    options.verify = false;
    EXPECT_FALSE(restore_shop(options).report.is_verified);
    EXPECT_EQ(targets_.at("target"), shop_.contents());
}

/// Each chunk is authentic here, but together they are not what was read from the database: a
/// mistake of the program that wrote them, or a fault of its machine's memory.
TEST_F(RestoreTest, PagesThatWereNotReadFromTheDatabaseAreRefused) {
    const ObjectName name = manifest_object_name(snapshot_.source_id, snapshot_.id);
    const auto repository = open_repository(disk_);
    const auto manifest = repository->manifest(snapshot_.id, {});
    StoredSegment& segment = manifest->streams.at(2).lists.at(0).segments.at(1);
    ++segment.fingerprint.low;
    const Bytes forged = encode_manifest(repository->keys(), name, *manifest);
    disk_.damage(name, [&](Bytes& content) { content = forged; });
    for (const unsigned jobs : {1U, 3U}) {
        RestoreOptions options = to("target");
        options.jobs = jobs;
        try {
            restore_shop(options);
            FAIL();
        } catch (const CorruptionError& error) {
            const std::string expected =
                fmt::format("pages {} to {} of stream 'pages' are not", segment.range.first_page,
                            segment.range.first_page + segment.range.page_count - 1);
            EXPECT_TRUE(std::string_view(error.what()).starts_with(expected)) << error.what();
        }
        EXPECT_TRUE(targets_.empty());
    }
}

TEST_F(RestoreTest, ADamagedChunkStopsItAndIsNamed) {
    const ChunkCopyPtr chunk = first_chunk("pages");
    const ObjectName pack = pack_object_name(chunk->pack->name);
    disk_.damage(pack, [&](Bytes& content) { content.at(chunk->offset_bytes + 9) ^= 1U; });
    expect_damage(pack.text(),
                  fmt::format("chunk {} is not what was sealed there", chunk->ordinal));
}

TEST_F(RestoreTest, AMissingPackStopsItAndIsNamed) {
    const ObjectName pack = pack_object_name(first_chunk("script")->pack->name);
    disk_.remove(pack, {});
    expect_damage(pack.text(), "is missing");
}

TEST_F(RestoreTest, ATruncatedPackStopsItAndIsNamed) {
    const ChunkCopyPtr chunk = first_chunk("script");
    const ObjectName pack = pack_object_name(chunk->pack->name);
    disk_.damage(pack, [&](Bytes& content) { content.resize(chunk->offset_bytes + 3); });
    expect_damage(pack.text(), "too short");
}

/// The second snapshot's delta needs a chunk of the first one's pack.
TEST_F(RestoreTest, ADamagedBaseIsNamedWhereItLies) {
    const auto manifest = open_repository(disk_)->manifest(snapshot_.id, {});
    const ChunkCopyPtr delta = manifest->streams.at(2).lists.at(0).segments.at(1).chunks.at(0);
    ASSERT_EQ(delta->bases.size(), 1U);
    const ChunkCopyPtr base = delta->bases.front();
    ASSERT_NE(base->pack->name, delta->pack->name);
    const ObjectName pack = pack_object_name(base->pack->name);
    disk_.damage(pack, [&](Bytes& content) { content.at(base->offset_bytes) ^= 1U; });
    expect_damage(pack.text(), fmt::format("chunk {} is not", base->ordinal));
}

TEST_F(RestoreTest, AStorageThatFailsStopsIt) {
    before_ = [](const StorageCall& call) {
        if (call.name.starts_with("packs/")) {
            throw StorageError("cannot read: the line is down");
        }
    };
    EXPECT_THROW(restore_shop(to("target")), StorageError);
    EXPECT_TRUE(targets_.empty());
}

/// Method: the stop comes with the first, second ... access to a pack, until there are no more.
TEST_F(RestoreTest, AStopAtAnyMomentLeavesNoTarget) {
    for (const unsigned piece : {0U, 50'000U}) {
        unsigned stops_at = 1;
        for (bool is_through = false; !is_through; ++stops_at) {
            ASSERT_LT(stops_at, 50U);
            std::stop_source stopper;
            std::atomic<unsigned> calls = 0;
            before_ = [&](const StorageCall& call) {
                if (call.name.starts_with("packs/") && ++calls == stops_at) {
                    stopper.request_stop();
                }
            };
            try {
                restore_shop(to("target"), {.restore_piece_bytes = piece}, stopper.get_token());
                is_through = true;
                EXPECT_LT(calls, stops_at);
                EXPECT_EQ(targets_.at("target"), shop_.contents());
            } catch (const Cancelled&) {
                EXPECT_TRUE(targets_.empty());
            }
        }
        EXPECT_GT(stops_at, 5U);
        targets_.clear();
    }
}

}  // namespace
}  // namespace dbbackup
