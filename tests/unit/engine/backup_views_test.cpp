/// @file
/// A source of several views: they are held one after the other, each keeps its own notes, samples
/// are taken from all of them together, and one that cannot be had costs the snapshot only that.

#include "engine/backup_views.hpp"

#include "base/error.hpp"
#include "engine/backup.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_backup.hpp"
#include "support/sample_data.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace dbbackup {
namespace {

constexpr std::uint32_t kPage = 4096;
constexpr std::uint64_t kSegmentPages = 4;

/// Each stream of the sample database in a view of its own.
struct Views {
    std::set<std::string> lost_at_plan;    ///< Streams that cannot be planned.
    std::set<std::string> lost_at_finish;  ///< Streams whose view does not hold to its end.
    std::map<std::string, std::string> states_seen;  ///< What the parent said of each stream.
};

class ViewsSession final : public Session {
public:
    ViewsSession(std::unique_ptr<Session> inner, Views& views)
        : inner_(std::move(inner)), views_(views), plans_(inner_->plan()) {}

    std::vector<StreamPlan> plan() override {
        if (views_.lost_at_plan.contains(name())) {
            throw ViewGivenUp("left out " + name());
        }
        return {plans_[view_]};
    }
    [[nodiscard]] Capture capture() const override { return inner_->capture(); }
    [[nodiscard]] std::string reason() const override { return ""; }
    [[nodiscard]] unsigned readers_max() const override { return 1; }
    void read(const StreamPlan& stream, const SegmentPlan& segment, SegmentSink& sink,
              std::stop_token stop) override {
        EXPECT_EQ(stream.name, name()) << "only the view of the moment can be read";
        inner_->read(stream, segment, sink, std::move(stop));
    }
    SessionEnd finish(std::stop_token stop) override {
        if (views_.lost_at_finish.contains(name())) {
            throw ViewGivenUp("lost " + name());
        }
        SessionEnd end = inner_->finish(std::move(stop));
        end.state = "state of " + name();
        end.bytes_read = 1;
        return end;
    }
    [[nodiscard]] std::size_t view_count() const override { return plans_.size(); }
    void next_view() override { ++view_; }

private:
    [[nodiscard]] const std::string& name() const { return plans_[view_].name; }

    std::unique_ptr<Session> inner_;
    Views& views_;
    std::vector<StreamPlan> plans_;
    std::size_t view_ = 0;
};

class ViewsConnector final : public Connector {
public:
    ViewsConnector(Connector& inner, Views& views) : inner_(inner), views_(views) {}
    Probe probe(std::stop_token stop) override { return inner_.probe(std::move(stop)); }
    std::vector<Capability> capabilities(std::stop_token stop) override {
        return inner_.capabilities(std::move(stop));
    }
    Continuity check(const Parent& parent, std::stop_token stop) override {
        return inner_.check(parent, std::move(stop));
    }
    std::unique_ptr<Session> begin(const BackupRequest& request, std::stop_token stop) override {
        if (request.parent) {
            EXPECT_EQ(request.parent->snapshot.size(), 32U);
            for (const ParentStream& stream : request.parent->streams) {
                views_.states_seen[stream.name] = stream.state;
            }
        }
        return std::make_unique<ViewsSession>(inner_.begin(request, std::move(stop)), views_);
    }
    std::unique_ptr<RestoreSession> restore(const RestoreRequest&, const std::vector<StoredStream>&,
                                            std::stop_token) override {
        throw Error("not in this test");
    }

private:
    Connector& inner_;
    Views& views_;
};

class BackupViewsTest : public testing::Test {
protected:
    BackupViewsTest() {
        make_repository(disk_, Encryption::none);
        for (const char* const name : {"a.db", "b.db", "c.db"}) {
            source_.set_pages(name, noise(seed_++, 8 * kPage), kPage);
        }
    }

    SnapshotDetails back_up_views(SampleBehaviour behaviour = {},
                                  const BackupOptions& options = {}) {
        behaviour.segment_pages = kSegmentPages;
        const auto repository = open_repository(disk_);
        SampleConnector::Targets nowhere;
        SampleConnector inner(source_, nowhere, std::move(behaviour));
        ViewsConnector connector(inner, views_);
        SampleContext sample;
        return back_up(*repository, connector, options, sample.context(), {}).snapshot;
    }
    [[nodiscard]] Contents contents_without(const std::string& name) const {
        Contents contents = source_.contents();
        contents.erase(name);
        return contents;
    }

    std::uint64_t seed_ = 1;
    MemoryStorage disk_;
    SampleDatabase source_;
    Views views_;
};

TEST_F(BackupViewsTest, EachStreamKeepsTheNotesOnItsView) {
    const SnapshotDetails first = back_up_views();
    EXPECT_EQ(first.connector_state, "");
    EXPECT_EQ(first.summary.bytes_read, 3U) << "the sum of all views";
    EXPECT_FALSE(first.summary.is_incomplete);
    EXPECT_EQ(restore(first.summary.id, disk_), source_.contents());
    source_.set_page("b.db", 1, noise(77, kPage));
    const SnapshotDetails second = back_up_views();
    for (const char* const name : {"a.db", "b.db", "c.db"}) {
        EXPECT_EQ(views_.states_seen[name], std::string("state of ") + name);
    }
    EXPECT_EQ(restore(second.summary.id, disk_), source_.contents());
    EXPECT_EQ(findings_text(verify(disk_, VerifyDepth::data)), "");
}

TEST_F(BackupViewsTest, WhatWasStoredIsCountedByStream) {
    back_up_views();
    source_.set_page("b.db", 1, noise(77, kPage));
    const std::string id = back_up_views().summary.id;
    const SnapshotDetails second = open_repository(disk_)->details(id, {});
    ASSERT_EQ(second.stream_counts.size(), 3U);
    const StoredCounts unchanged{.bytes = 0, .chunks_reused = 2};
    EXPECT_EQ(second.stream_counts[0], unchanged);
    EXPECT_EQ(second.stream_counts[2], unchanged);
    ASSERT_TRUE(second.stream_counts[1].has_value());
    EXPECT_EQ(second.stream_counts[1]->chunks_new + second.stream_counts[1]->chunks_delta, 1U);
    EXPECT_EQ(second.stream_counts[1]->chunks_reused, 1U);
    EXPECT_GE(second.stream_counts[1]->bytes, kPage);
}

TEST_F(BackupViewsTest, AViewThatIsGivenUpIsLeftOutAndTheSnapshotIsIncomplete) {
    for (std::set<std::string>* const lost : {&views_.lost_at_plan, &views_.lost_at_finish}) {
        for (const char* const name : {"a.db", "b.db", "c.db"}) {
            lost->insert(name);
            const SnapshotDetails taken = back_up_views();
            lost->clear();
            EXPECT_TRUE(taken.summary.is_incomplete);
            ASSERT_EQ(taken.warnings.size(), 1U);
            EXPECT_NE(taken.warnings[0].find(name), std::string::npos);
            EXPECT_EQ(restore(taken.summary.id, disk_), contents_without(name));
        }
    }
    EXPECT_EQ(findings_text(verify(disk_, VerifyDepth::data)), "");
    EXPECT_EQ(restore(back_up_views().summary.id, disk_), source_.contents());
}

TEST_F(BackupViewsTest, NothingAtAllIsNoSnapshot) {
    views_.lost_at_plan = {"a.db", "b.db", "c.db"};
    EXPECT_THROW(back_up_views(), SourceError);
    EXPECT_TRUE(snapshots(disk_).empty());
}

/// The change of c.db leaves no sign. Whichever view its sample comes in, all is read at once.
TEST_F(BackupViewsTest, ASampleThatDiffersHasAllViewsRead) {
    const SampleBehaviour lying{.reuses_everything = true};
    back_up_views(lying);
    source_.set_pages("c.db", noise(99, 8 * kPage), kPage);
    Capture capture = Capture::full;
    std::string id;
    int runs = 0;
    for (; runs < 50 && capture != Capture::reread; ++runs) {
        const SnapshotDetails taken = back_up_views(lying);
        capture = taken.summary.capture;
        id = taken.summary.id;
    }
    EXPECT_EQ(capture, Capture::reread) << "not found in 50 runs";
    EXPECT_EQ(restore(id, disk_), source_.contents());
}

TEST_F(BackupViewsTest, ADryRunPlansEachView) {
    back_up_views();
    source_.set_page("b.db", 1, noise(77, kPage));
    BackupOptions options;
    options.is_dry_run = true;
    views_.lost_at_plan = {"a.db"};
    const SnapshotDetails plan = back_up_views({}, options);
    EXPECT_TRUE(plan.summary.is_incomplete);
    EXPECT_EQ(plan.warnings.size(), 1U);
    EXPECT_EQ(snapshots(disk_).size(), 1U);
}

}  // namespace
}  // namespace dbbackup
