#pragma once

/// @file
/// Every promise of connector/connector.hpp as a test, to be run against every connector: include
/// this in one test program and instantiate `ConnectorSuite` with a `ConnectorCase` for each.

#include "base/error.hpp"
#include "conformance/connector_memory.hpp"
#include "connector/connector.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace dbbackup {

/// A source with some content, and room for targets; removed with this object. Targets are named
/// as `--to` names them.
class ConnectorPlace {
public:
    ConnectorPlace() = default;
    ConnectorPlace(const ConnectorPlace&) = delete;
    ConnectorPlace& operator=(const ConnectorPlace&) = delete;
    virtual ~ConnectorPlace() = default;

    virtual std::unique_ptr<Connector> connect() = 0;
    /// To a source of the same kind that is not there.
    virtual std::unique_ptr<Connector> connect_missing() = 0;
    /// Commits a change to the source, as another client, without waiting for locks.
    /// Returns whether that was possible.
    virtual bool change_source() = 0;
    /// What clients see, in a form that is equal for equal content.
    virtual std::string source_content() = 0;
    virtual std::string target_content(const std::string& target) = 0;
    /// A target that does not exist; one that holds something else; one that cannot be made.
    virtual std::string new_target() = 0;
    virtual std::string filled_target() = 0;
    virtual std::string impossible_target() = 0;
    /// The names of everything around the targets: what a failed restore may not add to.
    virtual std::set<std::string> around_targets() = 0;
};

/// One connector to be tested.
struct ConnectorCase {
    std::string name;
    std::function<std::unique_ptr<ConnectorPlace>()> make_place;
};

inline void PrintTo(const ConnectorCase& tested, std::ostream* out) { *out << tested.name; }

/// For INSTANTIATE_TEST_SUITE_P.
inline std::string connector_case_name(const testing::TestParamInfo<ConnectorCase>& tested) {
    return tested.param.name;
}

class ConnectorSuite : public testing::TestWithParam<ConnectorCase> {
protected:
    [[nodiscard]] static std::vector<StoredStream> stored_streams(
        const std::vector<std::unique_ptr<MemoryStreamReader>>& readers) {
        std::vector<StoredStream> streams;
        for (const auto& reader : readers) {
            streams.push_back(reader->stream());
        }
        return streams;
    }
    [[nodiscard]] std::vector<std::unique_ptr<MemoryStreamReader>> readers_of(
        const MemorySnapshot& snapshot) const {
        std::vector<std::unique_ptr<MemoryStreamReader>> readers;
        for (const MemoryStream& stream : snapshot.streams) {
            readers.push_back(std::make_unique<MemoryStreamReader>(stream, fingerprinter_));
        }
        return readers;
    }
    [[nodiscard]] static RestoreRequest request_of(const MemorySnapshot& snapshot,
                                                   const std::string& target) {
        RestoreRequest request;
        request.target = target;
        request.verify = true;
        request.state = snapshot.end.state;
        request.source_identity = snapshot.end.position.source_id;
        return request;
    }
    RestoreReport restore(const MemorySnapshot& snapshot, const RestoreRequest& request) {
        const auto readers = readers_of(snapshot);
        const auto session = connector_->restore(request, stored_streams(readers), {});
        for (const auto& reader : readers) {
            session->apply(*reader, {});
        }
        return session->finish(fingerprinter_, {});
    }

    std::unique_ptr<ConnectorPlace> place_ = GetParam().make_place();
    std::unique_ptr<Connector> connector_ = place_->connect();
    Fingerprinter fingerprinter_{Bytes(32, 0x2a)};
};

TEST_P(ConnectorSuite, ProbeNamesTheSource) {
    const Probe probe = connector_->probe({});
    EXPECT_FALSE(probe.identity.empty());
    EXPECT_EQ(probe.identity, place_->connect()->probe({}).identity) << "an identity is stable";
    EXPECT_FALSE(probe.suggested_name.empty());
    EXPECT_EQ(probe.suggested_name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-"),
              std::string::npos)
        << probe.suggested_name;
}

TEST_P(ConnectorSuite, TellsWhatCanBeDone) {
    const std::vector<Capability> capabilities = connector_->capabilities({});
    EXPECT_FALSE(capabilities.empty());
    for (const Capability& capability : capabilities) {
        EXPECT_FALSE(capability.name.empty());
        EXPECT_TRUE(capability.support == Support::yes || !capability.reason.empty())
            << capability.name << " is not fully there, but it is not said why";
    }
}

TEST_P(ConnectorSuite, AMissingSourceIsASourceError) {
    const auto missing = place_->connect_missing();
    EXPECT_THROW(static_cast<void>(missing->probe({})), SourceError);
    EXPECT_THROW(static_cast<void>(missing->begin({}, {})), SourceError);
}

TEST_P(ConnectorSuite, PlansStreamsWithSegmentsThatFollowEachOther) {
    const auto session = connector_->begin({}, {});
    const std::vector<StreamPlan> streams = session->plan();
    EXPECT_EQ(session->capture(), Capture::full) << "there is no parent";
    EXPECT_GE(session->readers_max(), 1U);
    ASSERT_FALSE(streams.empty());
    std::set<std::string> names;
    for (const StreamPlan& stream : streams) {
        EXPECT_TRUE(names.insert(stream.name).second) << stream.name << " is there twice";
        EXPECT_EQ(stream.kind == StreamKind::pages, stream.page_bytes > 0);
        std::uint64_t next = 0;
        for (const SegmentPlan& segment : stream.segments) {
            EXPECT_EQ(segment.action, SegmentAction::read) << "there is no parent";
            if (stream.kind == StreamKind::pages) {
                EXPECT_EQ(segment.range.first_page, next);
                next += segment.range.page_count;
            }
        }
    }
}

TEST_P(ConnectorSuite, ASnapshotRestoresToTheSameContent) {
    const MemorySnapshot snapshot = take_snapshot(*connector_);
    EXPECT_LE(snapshot.end.state.size(), 64U * 1024U);
    EXPECT_FALSE(snapshot.end.position.source_id.empty());
    const std::string target = place_->new_target();
    const RestoreReport report = restore(snapshot, request_of(snapshot, target));
    EXPECT_TRUE(report.is_verified);
    EXPECT_GT(report.bytes_written, 0U);
    EXPECT_EQ(place_->target_content(target), place_->source_content());
}

TEST_P(ConnectorSuite, SeveralReadersReadWhatOneDoes) {
    const MemorySnapshot one = take_snapshot(*connector_);
    const MemorySnapshot several = take_snapshot_together(*connector_, 4);
    ASSERT_EQ(several.streams.size(), one.streams.size());
    for (std::size_t stream = 0; stream < one.streams.size(); ++stream) {
        EXPECT_EQ(several.streams[stream].plan.name, one.streams[stream].plan.name);
        EXPECT_EQ(several.streams[stream].content(), one.streams[stream].content())
            << one.streams[stream].plan.name;
    }
}

TEST_P(ConnectorSuite, AChangeWhileTheViewIsOpenDoesNotShow) {
    const std::string before = place_->source_content();
    BackupRequest request;
    auto session = connector_->begin(request, {});
    MemorySnapshot snapshot;
    snapshot.streams.push_back({});
    const std::vector<StreamPlan> plans = session->plan();
    place_->change_source();  // may be kept out by the view's locks
    snapshot.streams.clear();
    for (const StreamPlan& plan : plans) {
        MemoryStream stream{plan, {}};
        for (const SegmentPlan& segment : plan.segments) {
            stream.segments.push_back(take_segment(*session, plan, segment, nullptr));
        }
        snapshot.streams.push_back(std::move(stream));
    }
    snapshot.end = session->finish({});
    session.reset();
    const std::string target = place_->new_target();
    restore(snapshot, request_of(snapshot, target));
    EXPECT_EQ(place_->target_content(target), before);
}

TEST_P(ConnectorSuite, AChildOfAParentIsComplete) {
    const MemorySnapshot first = take_snapshot(*connector_);
    for (int round = 0; round < 3; ++round) {
        ASSERT_TRUE(place_->change_source());
        const Parent parent = first.as_parent();
        static_cast<void>(connector_->check(parent, {}));
        const MemorySnapshot child = take_snapshot(*connector_, &first);
        EXPECT_NE(child.capture, Capture::full);
        EXPECT_NE(child.capture, Capture::unchanged) << "a change was overlooked";
        const std::string target = place_->new_target();
        restore(child, request_of(child, target));
        EXPECT_EQ(place_->target_content(target), place_->source_content());
    }
}

TEST_P(ConnectorSuite, AChildOfAnEqualParentIsEqual) {
    const MemorySnapshot first = take_snapshot(*connector_);
    const MemorySnapshot again = take_snapshot(*connector_, &first);
    ASSERT_EQ(again.streams.size(), first.streams.size());
    for (std::size_t index = 0; index < first.streams.size(); ++index) {
        EXPECT_TRUE(again.streams[index].content() == first.streams[index].content());
    }
}

/// When the engine trusts no change record and no signs, nothing is skipped.
TEST_P(ConnectorSuite, WhatMustBeReadIsPlannedToBeRead) {
    const MemorySnapshot first = take_snapshot(*connector_);
    BackupRequest request;
    request.parent = first.as_parent();
    request.must_read = true;
    const auto session = connector_->begin(request, {});
    for (const StreamPlan& plan : session->plan()) {
        for (const SegmentPlan& segment : plan.segments) {
            EXPECT_EQ(segment.action, SegmentAction::read);
        }
    }
    EXPECT_NE(session->capture(), Capture::unchanged);
}

TEST_P(ConnectorSuite, AParentsStateFromElsewhereIsNotTrusted) {
    MemorySnapshot first = take_snapshot(*connector_);
    ASSERT_TRUE(place_->change_source());
    first.end.state = "not what this connector wrote";
    const MemorySnapshot child = take_snapshot(*connector_, &first);
    EXPECT_NE(child.capture, Capture::unchanged);
}

TEST_P(ConnectorSuite, GivingUpASessionLetsGoOfEverything) {
    {
        const auto session = connector_->begin({}, {});
    }
    EXPECT_TRUE(place_->change_source()) << "after begin";
    {
        const auto session = connector_->begin({}, {});
        static_cast<void>(session->plan());
    }
    EXPECT_TRUE(place_->change_source()) << "after plan";
    {
        const auto session = connector_->begin({}, {});
        const std::vector<StreamPlan> streams = session->plan();
        take_segment(*session, streams.at(0), streams.at(0).segments.at(0), nullptr);
    }
    EXPECT_TRUE(place_->change_source()) << "after a read";
    static_cast<void>(take_snapshot(*connector_));
    EXPECT_TRUE(place_->change_source()) << "after finish";
}

TEST_P(ConnectorSuite, AStopEndsReading) {
    std::stop_source stop;
    stop.request_stop();
    const auto session = connector_->begin({}, {});
    const std::vector<StreamPlan> streams = session->plan();
    MemorySegment segment;
    CheckingSink sink(streams.at(0), streams.at(0).segments.at(0), segment);
    EXPECT_THROW(session->read(streams.at(0), streams.at(0).segments.at(0), sink, stop.get_token()),
                 Cancelled);
}

TEST_P(ConnectorSuite, PlanningARestoreWritesNothing) {
    const MemorySnapshot snapshot = take_snapshot(*connector_);
    const std::string target = place_->new_target();
    const auto before = place_->around_targets();
    const auto readers = readers_of(snapshot);
    const auto session =
        connector_->restore(request_of(snapshot, target), stored_streams(readers), {});
    EXPECT_FALSE(session->plan().steps.empty());
    EXPECT_FALSE(session->plan().overwrites);
    EXPECT_EQ(place_->around_targets(), before);
}

TEST_P(ConnectorSuite, ATargetThatHoldsSomethingIsRefusedUnlessAsked) {
    const MemorySnapshot snapshot = take_snapshot(*connector_);
    const std::string target = place_->filled_target();
    const std::string before = place_->target_content(target);
    RestoreRequest request = request_of(snapshot, target);
    try {
        static_cast<void>(connector_->restore(request, stored_streams(readers_of(snapshot)), {}));
        FAIL() << "accepted";
    } catch (const ConfigError& error) {
        EXPECT_EQ(error.code(), "target_not_empty");
        EXPECT_NE(error.hint().find("--clean"), std::string::npos) << error.hint();
    }
    EXPECT_EQ(place_->target_content(target), before);
    request.overwrite = Overwrite::yes;
    restore(snapshot, request);
    EXPECT_EQ(place_->target_content(target), place_->source_content());
}

TEST_P(ConnectorSuite, ASelectionOfNothingIsRefusedAndNeverTakenForEverything) {
    const MemorySnapshot snapshot = take_snapshot(*connector_);
    const auto before = place_->around_targets();
    RestoreRequest request = request_of(snapshot, place_->new_target());
    request.selection.names = NameSelection::parse({"no_such_table"}, {});
    const auto readers = readers_of(snapshot);
    try {
        const auto session = connector_->restore(request, stored_streams(readers), {});
        for (const auto& reader : readers) {
            session->inspect(*reader, {});
        }
        FAIL() << "accepted";
    } catch (const ConfigError& error) {
        EXPECT_TRUE(error.code() == "selection_not_supported" ||
                    error.code() == "selection_matches_nothing")
            << error.code();
        EXPECT_FALSE(error.hint().empty());
    }
    EXPECT_EQ(place_->around_targets(), before);
}

TEST_P(ConnectorSuite, AnImpossibleTargetIsRefusedBeforeAnythingIsRead) {
    const MemorySnapshot snapshot = take_snapshot(*connector_);
    const RestoreRequest request = request_of(snapshot, place_->impossible_target());
    EXPECT_THROW(
        static_cast<void>(connector_->restore(request, stored_streams(readers_of(snapshot)), {})),
        ConfigError);
}

TEST_P(ConnectorSuite, ARestoreThatFailsOrIsGivenUpLeavesNothing) {
    const MemorySnapshot snapshot = take_snapshot(*connector_);
    const std::string target = place_->new_target();
    const auto before = place_->around_targets();
    const auto readers = readers_of(snapshot);
    {
        const auto session =
            connector_->restore(request_of(snapshot, target), stored_streams(readers), {});
        session->apply(*readers.at(0), {});
    }
    EXPECT_EQ(place_->around_targets(), before) << "given up before finish";
    {
        std::stop_source stop;
        stop.request_stop();
        const auto session =
            connector_->restore(request_of(snapshot, target), stored_streams(readers), {});
        EXPECT_THROW(session->apply(*readers.at(0), stop.get_token()), Cancelled);
    }
    EXPECT_EQ(place_->around_targets(), before) << "stopped";
    readers.at(0)->fail_from(readers.at(0)->stream().size_bytes / 2);
    {
        const auto session =
            connector_->restore(request_of(snapshot, target), stored_streams(readers), {});
        EXPECT_THROW(session->apply(*readers.at(0), {}), CorruptionError);
    }
    EXPECT_EQ(place_->around_targets(), before) << "the stream was damaged";
}

}  // namespace dbbackup
