#include "repository/manifest.hpp"

#include "base/error.hpp"
#include "repository/collector_records.hpp"
#include "repository/record.hpp"
#include "repository/record_conversion.hpp"
#include "repository/run.hpp"
#include "sample_keys.hpp"

#include <gtest/gtest.h>

#include <array>

namespace dbbackup {
namespace {

const SourceId kSource(16, 'a');
const RunId kRun(32, 'b');
const ObjectName kName = manifest_object_name(kSource, kRun);

SnapshotSummary sample_summary() {
    SnapshotSummary summary;
    summary.id = kRun;
    summary.source_id = kSource;
    summary.source_name = "shop";
    summary.type = DatabaseType::mariadb;
    summary.identity = "db1:3306/shop";
    summary.sequence = 41;
    summary.mode = BackupMode::differential;
    summary.requested_mode = BackupMode::incremental;
    summary.parent = RunId(32, 'c');
    summary.begun_at = Time(std::chrono::milliseconds(1'000'001));
    summary.ended_at = Time(std::chrono::milliseconds(2'000'002));
    summary.bytes_source = 1;
    summary.bytes_read = 2;
    summary.bytes_added = 3;
    summary.chunks_new = 4;
    summary.chunks_delta = 5;
    summary.chunks_reused = 6;
    summary.rows = 7;
    summary.capture = Capture::reread;
    summary.consistency = Consistency::fuzzy;
    summary.is_incomplete = true;
    summary.tags = {{"env", "prod"}, {"empty", ""}};
    summary.doubtful = {RunId(32, 'e'), RunId(32, 'f')};
    return summary;
}

ChunkCopyPtr sample_list_chunk() {
    auto pack = std::make_shared<PackIdentity>();
    pack->name = sample_name<PackName>(8);
    pack->is_stored = true;
    auto copy = std::make_shared<ChunkCopy>();
    copy->id = sample_name<ChunkId>(9);
    copy->pack = pack;
    copy->plain_bytes = 500;
    copy->sealed_bytes = 300;
    return copy;
}

Manifest sample_manifest() {
    Manifest manifest;
    SnapshotDetails& details = manifest.details;
    details.summary = sample_summary();
    details.method = "mariadb-auto";
    details.reason = "the binlog was purged";
    details.server_version = "11.4";
    details.program_version = "1.0";
    details.host = "host1";
    details.position = {"uuid", "domain", "0-1-77"};
    details.connector_state = std::string("bytes\0\xff", 7);
    details.warnings = {"one", "two"};
    details.predecessor = RunId(32, 'd');
    details.predecessor_digest = std::string(64, 'e');

    StreamContents stream;
    stream.stream = {"orders", StreamKind::rows, 0, 700, 70, "CREATE TABLE orders ()", {11, 12}};
    stream.consistency = Consistency::locked;
    stream.state = std::string("its\0state", 9);
    stream.counts =
        StoredCounts{.bytes = 1, .chunks_new = 2, .chunks_delta = 3, .chunks_reused = 4};
    StoredSegment segment;
    segment.range = {5, 6, "low", "high"};
    stream.lists.push_back({5, 0, nullptr, {segment}});
    stream.lists.push_back({600, 70, sample_list_chunk(), {}});
    manifest.streams.push_back(stream);
    manifest.streams.emplace_back().stream = {"pages", StreamKind::pages, 4096, 0, 0, "", {}};
    manifest.indexes = {"indexes/1", "indexes/2"};
    manifest.inline_index.push_back({sample_name<PackName>(3), {}, 99, {}});
    return manifest;
}

class ManifestTest : public testing::TestWithParam<Cipher> {
protected:
    const Keys keys_ = sample_keys(GetParam());
};

INSTANTIATE_TEST_SUITE_P(Ciphers, ManifestTest, testing::Values(Cipher::none, Cipher::aes_256_gcm),
                         [](const auto& kind) {
                             return kind.param == Cipher::none ? "Unencrypted" : "Encrypted";
                         });

/// Paths, and what a server says, may be any bytes.
TEST_P(ManifestTest, TextsThatAreNotUtf8ComeBack) {
    const std::string odd = "caf\xe9\xff";
    Manifest manifest = sample_manifest();
    manifest.details.summary.source_name = odd;
    manifest.details.summary.identity = odd;
    manifest.details.summary.tags = {{"key", odd}};
    manifest.details.reason = odd;
    manifest.details.server_version = odd;
    manifest.details.host = odd;
    manifest.details.position = {odd, odd, odd};
    manifest.details.warnings = {odd};
    manifest.streams.at(0).stream.name = odd;
    manifest.streams.at(0).stream.definition = odd;
    const std::optional<Manifest> read =
        decode_manifest(keys_, kName, encode_manifest(keys_, kName, manifest));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->details.summary.source_name, odd);
    EXPECT_EQ(read->details.summary.identity, odd);
    EXPECT_EQ(read->details.summary.tags.at("key"), odd);
    EXPECT_EQ(read->details.reason, odd);
    EXPECT_EQ(read->details.server_version, odd);
    EXPECT_EQ(read->details.host, odd);
    EXPECT_EQ(read->details.position.value, odd);
    EXPECT_EQ(read->details.warnings, std::vector<std::string>{odd});
    EXPECT_EQ(read->streams.at(0).stream.name, odd);
    EXPECT_EQ(read->streams.at(0).stream.definition, odd);
}

void expect_sample_summary(const SnapshotSummary& read) {
    const SnapshotSummary written = sample_summary();
    EXPECT_EQ(read.id, written.id);
    EXPECT_EQ(read.source_id, written.source_id);
    EXPECT_EQ(read.source_name, written.source_name);
    EXPECT_EQ(read.type, written.type);
    EXPECT_EQ(read.identity, written.identity);
    EXPECT_EQ(read.sequence, written.sequence);
    EXPECT_EQ(read.mode, written.mode);
    EXPECT_EQ(read.requested_mode, written.requested_mode);
    EXPECT_EQ(read.doubtful, written.doubtful);
    EXPECT_EQ(read.parent, written.parent);
    EXPECT_EQ(read.begun_at, written.begun_at);
    EXPECT_EQ(read.ended_at, written.ended_at);
    EXPECT_EQ(read.bytes_source, written.bytes_source);
    EXPECT_EQ(read.bytes_read, written.bytes_read);
    EXPECT_EQ(read.bytes_added, written.bytes_added);
    EXPECT_EQ(read.chunks_new, written.chunks_new);
    EXPECT_EQ(read.chunks_delta, written.chunks_delta);
    EXPECT_EQ(read.chunks_reused, written.chunks_reused);
    EXPECT_EQ(read.rows, written.rows);
    EXPECT_EQ(read.capture, written.capture);
    EXPECT_EQ(read.consistency, written.consistency);
    EXPECT_EQ(read.is_incomplete, written.is_incomplete);
    EXPECT_EQ(read.tags, written.tags);
}

TEST_P(ManifestTest, GivesBackItsSummaryAndDetails) {
    const Manifest written = sample_manifest();
    const Bytes object = encode_manifest(keys_, kName, written);
    const std::optional<Manifest> read = decode_manifest(keys_, kName, object);
    ASSERT_TRUE(read);
    expect_sample_summary(read->details.summary);
    EXPECT_EQ(read->details.method, written.details.method);
    EXPECT_EQ(read->details.reason, written.details.reason);
    EXPECT_EQ(read->details.server_version, written.details.server_version);
    EXPECT_EQ(read->details.program_version, written.details.program_version);
    EXPECT_EQ(read->details.host, written.details.host);
    EXPECT_EQ(read->details.position.source_id, "uuid");
    EXPECT_EQ(read->details.position.history, "domain");
    EXPECT_EQ(read->details.position.value, "0-1-77");
    EXPECT_EQ(read->details.connector_state, written.details.connector_state);
    EXPECT_EQ(read->details.warnings, written.details.warnings);
    EXPECT_EQ(read->details.predecessor, written.details.predecessor);
    EXPECT_EQ(read->details.predecessor_digest, written.details.predecessor_digest);
    EXPECT_EQ(read->indexes, written.indexes);
    ASSERT_EQ(read->inline_index.size(), 1U);
    EXPECT_EQ(read->inline_index[0].bytes, 99U);
    EXPECT_EQ(read->object_digest, sha256(object));
}

TEST_P(ManifestTest, GivesBackItsStreamsAndLists) {
    const std::optional<Manifest> read =
        decode_manifest(keys_, kName, encode_manifest(keys_, kName, sample_manifest()));
    ASSERT_TRUE(read);
    ASSERT_EQ(read->streams.size(), 2U);
    const StreamContents& orders = read->streams[0];
    EXPECT_EQ(orders.stream.name, "orders");
    EXPECT_EQ(orders.stream.kind, StreamKind::rows);
    EXPECT_EQ(orders.stream.size_bytes, 700U);
    EXPECT_EQ(orders.stream.row_count, 70U);
    EXPECT_EQ(orders.stream.definition, "CREATE TABLE orders ()");
    EXPECT_EQ(orders.stream.fingerprint, (Fingerprint{11, 12}));
    EXPECT_EQ(orders.consistency, Consistency::locked);
    EXPECT_EQ(orders.state, std::string("its\0state", 9));
    EXPECT_EQ(orders.counts,
              (StoredCounts{.bytes = 1, .chunks_new = 2, .chunks_delta = 3, .chunks_reused = 4}));
    EXPECT_EQ(read->streams[1].state, "");
    EXPECT_EQ(read->streams[1].counts, std::nullopt);
    EXPECT_EQ(read->details.stream_counts.at(0), orders.counts);
    ASSERT_EQ(orders.lists.size(), 2U);
    EXPECT_EQ(orders.lists[0].segments.at(0).range.lower, "low");
    EXPECT_EQ(orders.lists[0].first_page, 5U);
    EXPECT_EQ(orders.lists[1].first_page, 600U);
    EXPECT_EQ(orders.lists[1].bytes, 70U);
    EXPECT_EQ(orders.lists[1].chunk->id, sample_name<ChunkId>(9));
    EXPECT_EQ(read->streams[1].stream.page_bytes, 4096U);
    ASSERT_EQ(read->details.streams.size(), 2U);
    EXPECT_EQ(read->details.stream_consistency[0], Consistency::locked);
}

TEST_P(ManifestTest, WhatIsOptionalMayBeMissing) {
    Manifest manifest;
    manifest.details.summary.id = kRun;
    manifest.details.summary.source_id = kSource;
    const auto read = decode_manifest(keys_, kName, encode_manifest(keys_, kName, manifest));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->details.summary.parent, std::nullopt);
    EXPECT_EQ(read->details.summary.rows, std::nullopt);
    EXPECT_EQ(read->details.predecessor, std::nullopt);
    EXPECT_EQ(read->details.predecessor_digest, "");
}

TEST_P(ManifestTest, TheSummaryIsReadFromTheHeadAlone) {
    Manifest manifest = sample_manifest();
    manifest.details.connector_state = std::string(100'000, 's');
    const Bytes object = encode_manifest(keys_, kName, manifest);
    const std::size_t head_bytes = record_head_bytes(object);
    EXPECT_LT(head_bytes, kManifestHeadBytes);
    const auto head = decode_manifest_head(keys_, kName, BytesView(object).first(head_bytes));
    ASSERT_TRUE(head);
    EXPECT_FALSE(head->is_tombstone);
    expect_sample_summary(head->summary);
    EXPECT_FALSE(decode_manifest_head(keys_, kName, BytesView(object).first(head_bytes - 1)));
    EXPECT_FALSE(decode_manifest_head(keys_, kName, {}));
}

TEST_P(ManifestTest, ATombstoneInItsPlaceIsNoSnapshot) {
    const Bytes object = encode_tombstone(keys_, kName, RunId(32, 'f'), "showed no life");
    EXPECT_FALSE(decode_manifest(keys_, kName, object));
    const auto head = decode_manifest_head(keys_, kName, object);
    ASSERT_TRUE(head);
    EXPECT_TRUE(head->is_tombstone);
}

TEST_P(ManifestTest, AnotherRunsManifestIsRefused) {
    const ObjectName other = manifest_object_name(kSource, RunId(32, '0'));
    const Bytes object = encode_manifest(keys_, other, sample_manifest());
    EXPECT_THROW(static_cast<void>(decode_manifest(keys_, other, object)), CorruptionError);
    EXPECT_THROW(static_cast<void>(decode_manifest_head(keys_, other, object)), CorruptionError);
}

TEST_P(ManifestTest, ARecordOfAnotherKindIsRefused) {
    const Bytes marker = encode_marker(keys_, kName, {});
    EXPECT_THROW(static_cast<void>(decode_manifest(keys_, kName, marker)), CorruptionError);
    EXPECT_THROW(static_cast<void>(decode_manifest_head(keys_, kName, marker)), CorruptionError);
}

/// A manifest whose protobuf messages were changed before they were sealed.
class ForgedManifest {
public:
    explicit ForgedManifest(const Keys& keys) : keys_(keys) {
        const Record record =
            decode_record(keys, kName, encode_manifest(keys, kName, sample_manifest()));
        summary = parse_record<records::ManifestSummary>(record.sections.at(0));
        body = parse_record<records::ManifestBody>(record.sections.at(1));
    }
    [[nodiscard]] bool is_refused() const {
        const std::array<std::string, 2> sections = {serialize(summary), serialize(body)};
        const Bytes object = encode_record(keys_, kName, RecordKind::manifest, sections);
        try {
            static_cast<void>(decode_manifest(keys_, kName, object));
            return false;
        } catch (const CorruptionError&) {
            return true;
        }
    }

    records::ManifestSummary summary;
    records::ManifestBody body;

private:
    const Keys& keys_;
};

TEST_P(ManifestTest, RefusesWordsAndNumbersThatFormat1DoesNotHave) {
    const ForgedManifest good(keys_);
    EXPECT_FALSE(good.is_refused());
    const auto refuses = [&good](const auto& change) {
        ForgedManifest forged = good;
        change(forged);
        EXPECT_TRUE(forged.is_refused());
    };
    refuses([](ForgedManifest& forged) { forged.summary.set_type("oracle"); });
    refuses([](ForgedManifest& forged) { forged.summary.set_mode("total"); });
    refuses([](ForgedManifest& forged) { forged.summary.set_requested_mode(""); });
    refuses([](ForgedManifest& forged) { forged.summary.set_capture(0); });
    refuses([](ForgedManifest& forged) { forged.summary.set_capture(7); });
    refuses([](ForgedManifest& forged) { forged.summary.set_consistency(5); });
    refuses([](ForgedManifest& forged) { forged.body.mutable_streams(0)->set_kind(4); });
    refuses([](ForgedManifest& forged) { forged.body.mutable_streams(0)->set_consistency(0); });
    refuses([](ForgedManifest& forged) {
        forged.body.mutable_streams(0)->mutable_list_chunks()->set_lists(0, 5);
    });
    refuses([](ForgedManifest& forged) {
        forged.body.mutable_streams(0)->mutable_list_chunks()->add_bytes(5);
    });
    refuses([](ForgedManifest& forged) {
        forged.body.mutable_streams(0)->mutable_list_chunks()->clear_first_page();
    });
}

}  // namespace
}  // namespace dbbackup
