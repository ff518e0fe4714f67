/// Goal: where each reading costs a request, no operation that reads many chunks waits for one
/// request after the other. Method: a store whose packs answer only when two parts of them were
/// asked for at once, and operations with one worker, which by itself asks for one at a time.

#include "engine/archive_output.hpp"
#include "engine/expected_items.hpp"
#include "repository/manifest.hpp"
#include "support/faulty_storage.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_copy.hpp"
#include "support/sample_data.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

namespace dbbackup {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kPageBytes = 4096;
/// As many as a `SampleConnector` puts into one segment, which is one chunk then.
constexpr std::uint64_t kSegmentPages = 64;
constexpr std::uint64_t kSegments = 40;

class NoSink final : public ByteSink {
public:
    void write(BytesView content) override { bytes += content.size(); }
    std::uint64_t bytes = 0;
};

class ReadingAhead : public testing::Test {
protected:
    ReadingAhead() {
        make_repository(disk_);
        // Noise, so that what is stored is larger than one part of what is fetched ahead.
        database_.set_pages("pages", noise(1, kSegments * kSegmentPages * kPageBytes));
        first_ = back_up(database_, disk_, one_job()).snapshot.summary.id;
    }

    static BackupOptions one_job() {
        BackupOptions options;
        options.jobs = 1;
        return options;
    }

    void change_every_segment() {
        for (std::uint64_t segment = 0; segment < kSegments; ++segment) {
            database_.set_page("pages", segment * kSegmentPages, page_like(segment, kPageBytes));
        }
    }

    /// Answers once two were asked for, or after ten seconds in vain.
    Faults answers_two_at_once() {
        Faults faults;
        faults.before = [this](const StorageCall& call) {
            if (call.operation != StorageOperation::get_range || !call.name.starts_with("packs/")) {
                return;
            }
            std::unique_lock lock(mutex_);
            ++asked_for_;
            arrived_.notify_all();
            has_waited_in_vain_ =
                !arrived_.wait_for(lock, 10s, [this] { return asked_for_ >= 2; }) ||
                has_waited_in_vain_;
        };
        return faults;
    }

    MemoryStorage disk_{{.capabilities = {.is_local = false, .listing_delay = {}}}};
    SampleDatabase database_;
    SnapshotId first_;
    std::mutex mutex_;
    std::condition_variable arrived_;
    unsigned asked_for_ = 0;
    bool has_waited_in_vain_ = false;
    FaultyStorage storage_{disk_, answers_two_at_once()};
};

TEST_F(ReadingAhead, ABackupFetchesTheBasesOfItsDeltas) {
    change_every_segment();
    const BackupReport report = back_up(database_, storage_, one_job());
    EXPECT_EQ(report.snapshot.summary.chunks_delta, kSegments);
    EXPECT_FALSE(has_waited_in_vain_);
    EXPECT_LE(asked_for_, kSegments / 4) << "neighbours come together";
    EXPECT_EQ(restore(report.snapshot.summary.id, disk_), database_.contents());
}

/// The same bytes twice are stored once, though both were named before either was stored.
TEST_F(ReadingAhead, ABackupStoresEqualChunksOnce) {
    const Bytes page = page_like(7, kPageBytes);
    Bytes content;
    for (std::uint64_t each = 0; each < kSegments * kSegmentPages; ++each) {
        content.insert(content.end(), page.begin(), page.end());
    }
    database_.set_pages("pages", content);
    const SnapshotSummary summary = back_up(database_, storage_, one_job()).snapshot.summary;
    EXPECT_EQ(summary.chunks_new + summary.chunks_delta, 1U);
    EXPECT_EQ(summary.chunks_reused, kSegments - 1);
    EXPECT_EQ(restore(summary.id, disk_), database_.contents());
}

/// The first error ends all stages, whichever is waiting.
TEST_F(ReadingAhead, ABackupWhoseDatabaseFailsEnds) {
    change_every_segment();
    std::uint64_t segments = 0;
    SampleBehaviour behaviour;
    behaviour.before_read = [&](const StreamPlan&, const SegmentPlan&) {
        if (++segments == kSegments) {
            throw SourceError("the connection was lost");
        }
    };
    EXPECT_THROW(back_up(database_, disk_, one_job(), behaviour), SourceError);
    EXPECT_EQ(snapshots(disk_).size(), 1U);
}

TEST_F(ReadingAhead, ABackupWhoseBasesAreDamagedStoresWhole) {
    change_every_segment();
    Faults faults;
    faults.read = [](const StorageCall& call, Bytes& content) {
        if (call.operation == StorageOperation::get_range && call.name.starts_with("packs/")) {
            content.back() ^= 1U;
            content.front() ^= 1U;
        }
    };
    FaultyStorage damaged(disk_, std::move(faults));
    const BackupReport report = back_up(database_, damaged, one_job());
    EXPECT_GT(report.snapshot.summary.chunks_new, 0U);
    EXPECT_EQ(restore(report.snapshot.summary.id, disk_), database_.contents());
}

TEST_F(ReadingAhead, AVerificationFetchesWhatItDecodes) {
    const auto repository = open_repository(storage_);
    SampleContext sample;
    const VerifyReport report =
        verify(*repository, VerifyDepth::data, {first_}, 1, sample.context(), {});
    EXPECT_TRUE(report.findings.empty()) << findings_text(report);
    EXPECT_FALSE(has_waited_in_vain_);
    EXPECT_LE(asked_for_, kSegments / 4);
}

TEST_F(ReadingAhead, ACopyFetchesWhatItReads) {
    MemoryStorage target;
    make_repository(target);
    CopyOptions options;
    options.jobs = 1;
    const CopyReport report = copy_between(storage_, target, options);
    EXPECT_FALSE(has_waited_in_vain_);
    EXPECT_LE(asked_for_, kSegments / 4);
    EXPECT_EQ(restore(report.snapshots.at(0).target.value().id, target), database_.contents());
}

TEST_F(ReadingAhead, AnExportFetchesWhatItWrites) {
    const auto repository = open_repository(storage_);
    SampleContext sample;
    ArchiveRequest request;
    request.jobs = 1;
    NoSink sink;
    SampleConnector::Targets targets;
    SampleConnector connector(database_, targets);
    const ArchiveContents contents =
        export_snapshot(*repository, first_, connector, {}, request, sink, sample.context(), {});
    EXPECT_EQ(contents.size_bytes, kSegments * kSegmentPages * kPageBytes);
    EXPECT_FALSE(has_waited_in_vain_);
    EXPECT_LE(asked_for_, kSegments / 4);
}

/// What nothing is fetched for waits only to keep its place.
TEST_F(ReadingAhead, ItemsKeepTheirOrder) {
    const auto repository = open_repository(disk_);
    ChunkReader reader(*repository, Elsewhere::any_pack);
    ASSERT_TRUE(reader.reads_ahead());
    const std::unique_ptr<Manifest> manifest = repository->manifest(first_, {});
    const std::vector<ChunkCopyPtr> chunk =
        manifest->streams.at(0).lists.at(0).segments.at(0).chunks;
    std::vector<int> passed_on;
    ExpectedItems<int> items(reader, [&](int item, std::uint64_t) { passed_on.push_back(item); });
    items.add(1, {}, 100);
    EXPECT_EQ(passed_on, std::vector{1});
    items.add(2, chunk);
    items.add(3, {}, 100);
    EXPECT_EQ(passed_on, std::vector{1}) << "the group is not full";
    items.flush();
    EXPECT_EQ(passed_on, (std::vector{1, 2, 3}));
}

}  // namespace
}  // namespace dbbackup
