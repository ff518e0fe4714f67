#pragma once

/// @file
/// A database in memory with a change record, and its connector: everything that the engine asks
/// of a connector, without a server.

#include "connector/connector.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace dbbackup {

/// One stream. Rows are kept by key, pages and opaque bytes as they are.
struct SampleStream {
    StreamKind kind = StreamKind::pages;
    std::uint32_t page_bytes = 4096;
    Bytes content;
    std::map<std::uint64_t, std::string> rows;

    [[nodiscard]] Bytes bytes() const;
};

/// Changes are written to a record, which tells what changed since an earlier version. Not
/// thread-safe; sessions copy it, which is their consistent view.
class SampleDatabase {
public:
    /// Replaces the whole stream.
    void set_pages(const std::string& name, Bytes content, std::uint32_t page_bytes = 4096);
    void set_opaque(const std::string& name, Bytes content);
    /// Changes, adds or (with pages beyond the end) grows by single pages.
    void set_page(const std::string& name, std::uint64_t page, BytesView content);
    void truncate_pages(const std::string& name, std::uint64_t pages);
    void set_row(const std::string& name, std::uint64_t key, std::string row);
    void drop(const std::string& name) { streams_.erase(name); }

    [[nodiscard]] std::uint64_t version() const { return changes_.size(); }
    [[nodiscard]] const std::map<std::string, SampleStream>& streams() const { return streams_; }
    /// Whether one of the units [first, first + count) of a stream changed after `version`.
    [[nodiscard]] bool changed(const std::string& name, std::uint64_t first, std::uint64_t count,
                               std::uint64_t version) const;
    /// What a snapshot of it holds.
    [[nodiscard]] std::map<std::string, Bytes> contents() const;

private:
    struct Change {
        std::string stream;
        std::uint64_t first;
        std::uint64_t count;
    };

    std::map<std::string, SampleStream> streams_;
    std::vector<Change> changes_;
};

/// One stream of each kind: "pages" of 4 KiB, an opaque "script", and rows "orders".
[[nodiscard]] SampleDatabase sample_shop(std::size_t pages, std::size_t script_bytes,
                                         std::uint64_t rows);

/// How a `SampleConnector` behaves.
struct SampleBehaviour {
    std::string identity = "host:/data/sample.db";
    std::uint64_t segment_pages = 64;
    std::uint64_t segment_rows = 50;
    bool uses_patches = false;
    /// Versions before this one are no longer in the change record.
    std::uint64_t record_begins_at = 0;
    /// Plans to reuse whatever the parent has, changed or not (a lying change record).
    bool reuses_everything = false;
    bool is_incomplete = false;
    unsigned restore_piece_bytes = 0;  ///< Not 0: restores by `read_at` in pieces of this size.
    unsigned readers_max = 1;          ///< More: what is called below is called by several threads.
    /// Called before each segment is read; may throw.
    std::function<void(const StreamPlan&, const SegmentPlan&)> before_read = {};
    /// Called instead of giving a segment, for connectors that break their promises.
    std::function<void(const SegmentPlan&, SegmentSink&)> instead_of_read = {};
    std::function<void()> before_finish = {};
};

/// Borrows the database and the places it restores to. Counts what it was asked to read.
class SampleConnector final : public Connector {
public:
    using Targets = std::map<std::string, std::map<std::string, Bytes>>;

    SampleConnector(const SampleDatabase& database, Targets& targets,
                    SampleBehaviour behaviour = {})
        : database_(database), targets_(targets), behaviour_(std::move(behaviour)) {}

    Probe probe(std::stop_token stop) override;
    std::vector<Capability> capabilities(std::stop_token) override {
        return {{"full backup", Support::yes, "", ""}};
    }
    Continuity check(const Parent& parent, std::stop_token stop) override;
    std::unique_ptr<Session> begin(const BackupRequest& request, std::stop_token stop) override;
    std::unique_ptr<RestoreSession> restore(const RestoreRequest& request,
                                            const std::vector<StoredStream>& streams,
                                            std::stop_token stop) override;

    [[nodiscard]] std::uint64_t segments_read() const { return segments_read_; }
    SampleBehaviour& behaviour() { return behaviour_; }

private:
    class ReadingSession;
    class WritingSession;

    const SampleDatabase& database_;
    Targets& targets_;
    SampleBehaviour behaviour_;
    std::atomic<std::uint64_t> segments_read_ = 0;
};

}  // namespace dbbackup
