/// @file
/// Goal: whatever several readers do at once, and in whatever order their segments end, a snapshot
/// is what one reader would have made of the view; and the first thing that goes wrong is what the
/// caller learns. Method: a database in memory whose readers wait for each other where a test says.
/// (long because all tests share that database)

#include "base/error.hpp"
#include "engine/backup.hpp"
#include "engine/read_window.hpp"
#include "support/faulty_storage.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_backup.hpp"
#include "support/sample_data.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>

namespace dbbackup {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kPage = 1024;
constexpr std::uint64_t kSegmentPages = 4;
constexpr unsigned kReaders = 4;

/// Called on a reader's thread, before it reads the segment.
using OnRead = std::function<void(const StreamPlan&, const SegmentPlan&, const std::stop_token&)>;

/// The streams of the sample database in one view, or each in its own.
class ParallelSession final : public Session {
public:
    ParallelSession(std::unique_ptr<Session> inner, const OnRead& on_read, bool has_views)
        : inner_(std::move(inner)),
          on_read_(on_read),
          has_views_(has_views),
          plans_(inner_->plan()) {}

    std::vector<StreamPlan> plan() override {
        return has_views_ ? std::vector{plans_[view_]} : plans_;
    }
    [[nodiscard]] Capture capture() const override { return inner_->capture(); }
    [[nodiscard]] std::string reason() const override { return ""; }
    [[nodiscard]] unsigned readers_max() const override { return inner_->readers_max(); }
    void read(const StreamPlan& stream, const SegmentPlan& segment, SegmentSink& sink,
              std::stop_token stop) override {
        if (on_read_) {
            on_read_(stream, segment, stop);
        }
        inner_->read(stream, segment, sink, std::move(stop));
    }
    SessionEnd finish(std::stop_token stop) override { return inner_->finish(std::move(stop)); }
    [[nodiscard]] std::size_t view_count() const override { return has_views_ ? plans_.size() : 1; }
    void next_view() override { ++view_; }

private:
    std::unique_ptr<Session> inner_;
    const OnRead& on_read_;
    bool has_views_;
    std::vector<StreamPlan> plans_;
    std::size_t view_ = 0;
};

class ParallelConnector final : public Connector {
public:
    ParallelConnector(Connector& inner, const OnRead& on_read, bool has_views)
        : inner_(inner), on_read_(on_read), has_views_(has_views) {}
    Probe probe(std::stop_token stop) override { return inner_.probe(std::move(stop)); }
    std::vector<Capability> capabilities(std::stop_token stop) override {
        return inner_.capabilities(std::move(stop));
    }
    Continuity check(const Parent& parent, std::stop_token stop) override {
        return inner_.check(parent, std::move(stop));
    }
    std::unique_ptr<Session> begin(const BackupRequest& request, std::stop_token stop) override {
        return std::make_unique<ParallelSession>(inner_.begin(request, std::move(stop)), on_read_,
                                                 has_views_);
    }
    std::unique_ptr<RestoreSession> restore(const RestoreRequest&, const std::vector<StoredStream>&,
                                            std::stop_token) override {
        throw Error("not in this test");
    }

private:
    Connector& inner_;
    const OnRead& on_read_;
    bool has_views_;
};

/// Where threads wait for each other. A wait in vain ends after some seconds, and is told.
class Meeting {
public:
    /// One more is here. @return How many are.
    unsigned arrive() {
        const std::lock_guard lock(mutex_);
        changed_.notify_all();
        return ++here_;
    }
    void wait_for(unsigned number) {
        std::unique_lock lock(mutex_);
        EXPECT_TRUE(changed_.wait_for(lock, 20s, [&] { return here_ >= number; }))
            << here_ << " of " << number << " came";
    }
    /// A moment, so that what another thread is about to do comes first.
    void pause() {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, 1ms, [] { return false; });
    }
    /// Waits for others who never come, until the reader is told to stop.
    void wait_for_stop(const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, stop, 20s, [] { return false; });
        EXPECT_TRUE(stop.stop_requested());
    }

private:
    std::mutex mutex_;
    std::condition_variable_any changed_;
    unsigned here_ = 0;
};

class ParallelReading : public testing::Test {
protected:
    ParallelReading() { make_repository(disk_, Encryption::none); }

    BackupReport back_up_to(Storage& storage, unsigned readers = kReaders,
                            SampleBehaviour behaviour = {}, std::stop_token stop = {}) {
        behaviour.segment_pages = kSegmentPages;
        behaviour.readers_max = readers;
        const auto repository = open_repository(storage);
        SampleConnector::Targets nowhere;
        SampleConnector inner(source_, nowhere, std::move(behaviour));
        ParallelConnector connector(inner, on_read_, has_views_);
        BackupOptions options;
        options.jobs = kReaders;
        SampleContext sample;
        return back_up(*repository, connector, options, sample.context(), std::move(stop));
    }
    SnapshotSummary back_up_all(SampleBehaviour behaviour = {}) {
        return back_up_to(disk_, kReaders, std::move(behaviour)).snapshot.summary;
    }
    std::string problem(std::stop_token stop = {}) {
        try {
            back_up_to(disk_, kReaders, {}, std::move(stop));
            return "";
        } catch (const Error& error) {
            return error.what();
        } catch (const Cancelled&) {
            return "cancelled";
        }
    }
    void expect_nothing_was_made() {
        EXPECT_TRUE(snapshots(disk_).empty());
        on_read_ = nullptr;
        EXPECT_EQ(restore(back_up_all().id, disk_), source_.contents());
    }

    MemoryStorage disk_;
    SampleDatabase source_;
    OnRead on_read_;
    bool has_views_ = false;
    Meeting meeting_;
};

TEST_F(ParallelReading, SeveralSegmentsOfAStreamAreReadAtOnce) {
    source_.set_pages("main", noise(1, kReaders * kSegmentPages * kPage), kPage);
    on_read_ = [this](auto&...) {
        meeting_.arrive();
        meeting_.wait_for(kReaders);
    };
    EXPECT_EQ(restore(back_up_all().id, disk_), source_.contents());
}

TEST_F(ParallelReading, SmallStreamsAreReadAtOnce) {
    for (unsigned stream = 0; stream < kReaders; ++stream) {
        source_.set_pages(fmt::format("table {}", stream), noise(stream, kPage), kPage);
    }
    on_read_ = [this](auto&...) {
        meeting_.arrive();
        meeting_.wait_for(kReaders);
    };
    EXPECT_EQ(restore(back_up_all().id, disk_), source_.contents());
}

TEST_F(ParallelReading, OneReaderIsTheCallersThread) {
    source_.set_pages("main", noise(1, 10 * kPage), kPage);
    on_read_ = [caller = std::this_thread::get_id()](auto&...) {
        EXPECT_EQ(std::this_thread::get_id(), caller);
    };
    const std::string id = back_up_to(disk_, 1).snapshot.summary.id;
    EXPECT_EQ(restore(id, disk_), source_.contents());
}

/// They come first, and end only after all others were read.
TEST_F(ParallelReading, OpaqueStreamsTakeNoReader) {
    constexpr std::uint64_t kSegments = 5;
    source_.set_opaque("a dump", noise(1, kPage));
    source_.set_opaque("a dump of roles", noise(2, kPage));
    source_.set_pages("b", noise(3, kSegments * kSegmentPages * kPage), kPage);
    on_read_ = [this](const StreamPlan& stream, auto&...) {
        if (stream.name == "b") {
            meeting_.arrive();
        } else {
            meeting_.wait_for(kSegments);
        }
    };
    const std::string id = back_up_to(disk_, 2).snapshot.summary.id;
    EXPECT_EQ(restore(id, disk_), source_.contents());
}

TEST_F(ParallelReading, ManyOpaqueStreamsTakeReadersToo) {
    constexpr unsigned kStreams = 20;
    std::set<std::thread::id> threads;
    std::mutex mutex;
    for (unsigned stream = 0; stream < kStreams; ++stream) {
        source_.set_opaque(fmt::format("script {}", stream), noise(stream, kPage));
    }
    on_read_ = [&](auto&...) {
        const std::lock_guard lock(mutex);
        threads.insert(std::this_thread::get_id());
    };
    const std::string id = back_up_to(disk_, 2).snapshot.summary.id;
    EXPECT_LE(threads.size(), 4);
    EXPECT_EQ(restore(id, disk_), source_.contents());
}

TEST_F(ParallelReading, AFailureBesideTheOthersStopsThem) {
    source_.set_opaque("a dump", noise(1, kPage));
    source_.set_pages("b", noise(2, kPage), kPage);
    on_read_ = [this](const StreamPlan& stream, auto&, const std::stop_token& stop) {
        if (stream.name == "b") {
            meeting_.arrive();
            meeting_.wait_for_stop(stop);
        } else {
            meeting_.wait_for(1);
            throw SourceError("pg_dump failed");
        }
    };
    EXPECT_EQ(problem(), "pg_dump failed");
    expect_nothing_was_made();
}

TEST_F(ParallelReading, AFailureStopsWhatIsReadBeside) {
    source_.set_opaque("a dump", noise(1, kPage));
    source_.set_pages("b", noise(2, kPage), kPage);
    on_read_ = [this](const StreamPlan& stream, auto&, const std::stop_token& stop) {
        if (stream.name == "b") {
            meeting_.wait_for(1);
            throw SourceError("no rows");
        }
        meeting_.arrive();
        meeting_.wait_for_stop(stop);
    };
    EXPECT_EQ(problem(), "no rows");
    expect_nothing_was_made();
}

/// Of each stream the first segment is the last one to be read.
TEST_F(ParallelReading, SegmentsThatEndOutOfOrderKeepTheirPlaces) {
    constexpr std::uint64_t kSegments = 20;
    source_.set_pages("a", noise(1, kSegments * kSegmentPages * kPage), kPage);
    for (std::uint64_t key = 0; key < kSegments * 50; ++key) {
        source_.set_row("b", key, fmt::format("{}\tvalue {}\n", key, key * key));
    }
    std::map<std::string, Meeting> others;
    for (const char* const name : {"a", "b"}) {
        others[name];
    }
    on_read_ = [&](const StreamPlan& stream, const SegmentPlan& segment, auto&) {
        if (segment.range == stream.segments.front().range) {
            others.at(stream.name).wait_for(kSegments - 1);
        } else {
            others.at(stream.name).arrive();
        }
    };
    const SnapshotSummary taken = back_up_all();
    EXPECT_EQ(taken.rows, kSegments * 50);
    EXPECT_EQ(restore(taken.id, disk_), source_.contents());
    EXPECT_EQ(findings_text(verify(disk_, VerifyDepth::data)), "");
}

/// Streams of one page and of hundreds; some segments reused, some patched, some read.
TEST_F(ParallelReading, ManyRoundsRestoreAsOneReaderWould) {
    Random random(4711);
    for (unsigned stream = 0; stream < 12; ++stream) {
        const std::uint64_t pages = stream % 4 == 0 ? 300 : 1 + random.below(30);
        source_.set_pages(fmt::format("table {}", stream), page_like(stream, pages * kPage), kPage);
    }
    for (std::uint64_t key = 0; key < 2000; ++key) {
        source_.set_row("orders", key, fmt::format("{}\tvalue {}\n", key, key * key));
    }
    source_.set_opaque("script", page_like(99, 1'500'000));
    for (unsigned round = 0; round < 5; ++round) {
        SampleBehaviour behaviour;
        behaviour.uses_patches = round % 2 == 1;
        const SnapshotSummary taken = back_up_all(std::move(behaviour));
        EXPECT_EQ(restore(taken.id, disk_), source_.contents()) << "round " << round;
        for (unsigned change = 0; change < 20; ++change) {
            const std::string name = fmt::format("table {}", random.below(12));
            const std::uint64_t pages = source_.streams().at(name).content.size() / kPage;
            source_.set_page(name, random.below(pages + 2), noise(random.next(), kPage));
            source_.set_row("orders", random.below(2100), fmt::format("{}\n", random.next()));
        }
    }
    EXPECT_EQ(findings_text(verify(disk_, VerifyDepth::data)), "");
}

TEST_F(ParallelReading, WhatWasStoredIsCountedByStreamAsWithOneReader) {
    for (unsigned stream = 0; stream < 20; ++stream) {
        source_.set_pages(fmt::format("table {}", stream), noise(stream, (1 + stream * 7) * kPage),
                          kPage);
    }
    MemoryStorage other;
    make_repository(other, Encryption::none);
    for (unsigned round = 0; round < 2; ++round) {
        std::vector<std::vector<std::optional<StoredCounts>>> counts;
        for (const auto& [storage, readers] :
             {std::pair<Storage*, unsigned>{&disk_, kReaders}, {&other, 1U}}) {
            const std::string id = back_up_to(*storage, readers).snapshot.summary.id;
            counts.push_back(open_repository(*storage)->details(id, {}).stream_counts);
        }
        EXPECT_EQ(counts[0], counts[1]) << "round " << round;
        source_.set_page("table 3", 1, noise(77, kPage));
        source_.set_page("table 19", 100, noise(78, kPage));
    }
}

TEST_F(ParallelReading, TheFirstErrorOfAReaderStopsTheOthersAndIsTheOneThatIsTold) {
    source_.set_pages("main", noise(1, 100 * kSegmentPages * kPage), kPage);
    on_read_ = [this](auto&, auto&, const std::stop_token& stop) {
        const unsigned number = meeting_.arrive();
        meeting_.wait_for(kReaders);
        if (number == 3) {
            throw SourceError("the third connection was lost");
        }
        meeting_.wait_for_stop(stop);
        throw SourceError("the query was ended");
    };
    EXPECT_EQ(problem(), "the third connection was lost");
    EXPECT_EQ(meeting_.arrive(), kReaders + 1) << "nothing more was read";
    expect_nothing_was_made();
}

TEST_F(ParallelReading, AStopEndsAllReaders) {
    source_.set_pages("main", noise(1, 100 * kSegmentPages * kPage), kPage);
    std::stop_source stop;
    on_read_ = [&](auto&, auto&, const std::stop_token& reader) {
        if (meeting_.arrive() == kReaders) {
            stop.request_stop();
        }
        meeting_.wait_for_stop(reader);
    };
    EXPECT_EQ(problem(stop.get_token()), "cancelled");
    expect_nothing_was_made();
}

/// Three readers wait for the database when the store fails, which the fourth one learns.
TEST_F(ParallelReading, AFailingStoreStopsReadersThatWaitForTheDatabase) {
    source_.set_pages("a", noise(1, (kReaders - 1) * kSegmentPages * kPage), kPage);
    source_.set_pages("b", noise(2, 2000 * kSegmentPages * kPage), kPage);
    std::atomic<bool> is_reading = false;
    on_read_ = [&](const StreamPlan& stream, const SegmentPlan& segment,
                   const std::stop_token& stop) {
        is_reading = true;
        if (stream.name == "a") {
            meeting_.wait_for_stop(stop);
        } else if (segment.range.first_page > 0) {
            meeting_.wait_for(1);
            meeting_.pause();  // The stage learns of the failure a little later.
        }
    };
    Faults faults;  // Sealing the first chunk asks the store what it has.
    faults.before = [&](const StorageCall&) {
        if (is_reading) {
            meeting_.arrive();
            throw StorageError("the store is gone");
        }
    };
    FaultyStorage failing(disk_, std::move(faults));
    try {
        back_up_to(failing);
        FAIL() << "backed up into nothing";
    } catch (const StorageError& error) {
        EXPECT_NE(std::string_view(error.what()).find("the store is gone"), std::string_view::npos);
    }
    EXPECT_TRUE(snapshots(disk_).empty());
}

TEST_F(ParallelReading, AViewThatOneReaderGivesUpIsLeftOut) {
    has_views_ = true;
    for (const char* const name : {"a", "b", "c"}) {
        source_.set_pages(
            name, noise(static_cast<std::uint64_t>(*name), 200 * kSegmentPages * kPage), kPage);
    }
    on_read_ = [this](const StreamPlan& stream, auto&, const std::stop_token& stop) {
        if (stream.name != "b") {
            return;
        }
        const unsigned number = meeting_.arrive();
        if (number >= 100) {  // In the middle of it.
            if (number == 102) {
                throw ViewGivenUp("b was dropped");
            }
            meeting_.wait_for_stop(stop);
        }
    };
    const BackupReport report = back_up_to(disk_);
    EXPECT_TRUE(report.snapshot.summary.is_incomplete);
    EXPECT_EQ(report.snapshot.warnings, std::vector<std::string>{"b was dropped"});
    Contents expected = source_.contents();
    expected.erase("b");
    EXPECT_EQ(restore(report.snapshot.summary.id, disk_), expected);
    EXPECT_EQ(findings_text(verify(disk_, VerifyDepth::data)), "");
}

/// What ended waits in memory for the first segment, so the others do not run ahead for ever.
TEST_F(ParallelReading, ReadersDoNotRunFarAheadOfASlowSegment) {
    constexpr std::uint64_t kSegments = ReadWindow::kChunksMax;
    source_.set_pages("main", Bytes(kSegments * kSegmentPages * kPage), kPage);
    std::mutex mutex;
    bool is_first_open = true;
    std::uint64_t begun_ahead = 0;
    on_read_ = [&](auto&, const SegmentPlan& segment, auto&) {
        if (segment.range.first_page == 0) {
            meeting_.wait_for(kSegments / 2);
            const std::lock_guard lock(mutex);
            is_first_open = false;
            return;
        }
        {
            const std::lock_guard lock(mutex);
            begun_ahead += is_first_open ? 1 : 0;
        }
        meeting_.arrive();
    };
    EXPECT_EQ(restore(back_up_all().id, disk_), source_.contents());
    EXPECT_GE(begun_ahead, kSegments / 2) << "some may be ahead";
    EXPECT_LE(begun_ahead, kSegments / 2 + kReaders) << "a segment weighs two: itself and a chunk";
}

TEST(ReadWindow, HasRoomForWhatIsNotAheadOfAnything) {
    ReadWindow window;
    for (std::size_t segment = 0; segment < 3 * ReadWindow::kChunksMax; ++segment) {
        ASSERT_TRUE(window.has_room());
        window.begin(segment);
        window.end(segment, ReadWindow::kChunksMax);
    }
}

TEST(ReadWindow, IsFullOfWhatWaitsUntilTheFirstOneEnds) {
    ReadWindow window;
    window.begin(0);
    window.begin(1);
    window.begin(2);
    window.end(2, ReadWindow::kChunksMax);
    EXPECT_FALSE(window.has_room());
    window.end(0, 1);
    EXPECT_FALSE(window.has_room()) << "it still waits for segment 1";
    window.end(1, 1);
    EXPECT_TRUE(window.has_room());
}

}  // namespace
}  // namespace dbbackup
