#pragma once

/// @file
/// A repository in memory with all its parts within reach, for tests of what writes to it.

#include "repository/collector_records.hpp"
#include "repository/snapshot_writer.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_backup.hpp"
#include "support/sample_data.hpp"

#include <set>
#include <string>
#include <vector>

namespace dbbackup {

inline const SourceId kSampleSource(16, 'a');

/// What a writer of a run needs, and one-line writers. Not thread-safe.
class RepositoryPlace {
public:
    explicit RepositoryPlace(Encryption encryption = Encryption::none,
                             MemoryStorage::Options options = {})
        : disk(std::move(options)) {
        make_repository(disk, encryption);
        repository = open_repository(disk);
    }

    /// One chunk of these bytes; `bases` only have to be there, nothing is made of them.
    static ChunkCopyPtr add(SnapshotWriter& writer, const Repository& repository, BytesView content,
                            std::vector<ChunkCopyPtr> bases = {}) {
        ChunkForm form;
        form.id = repository.keys().chunk_id(content);
        form.plain_bytes = static_cast<std::uint32_t>(content.size());
        return writer.add(std::move(form), content, std::move(bases));
    }
    ChunkCopyPtr add(SnapshotWriter& writer, std::string_view text,
                     std::vector<ChunkCopyPtr> bases = {}) const {
        return add(writer, *repository, as_bytes(text), std::move(bases));
    }

    [[nodiscard]] std::unique_ptr<SnapshotWriter> writer() const {
        return std::make_unique<SnapshotWriter>(*repository, clock, "backup", kSampleSource,
                                                std::stop_token());
    }

    /// A manifest of one stream with these chunks.
    [[nodiscard]] static Manifest manifest(std::uint64_t sequence,
                                           const std::vector<ChunkCopyPtr>& chunks = {}) {
        Manifest manifest;
        manifest.details.summary.source_name = "sample";
        manifest.details.summary.sequence = sequence;
        StoredSegment segment;
        for (const ChunkCopyPtr& chunk : chunks) {
            segment.bytes += chunk->plain_bytes;
        }
        segment.chunks = chunks;
        StreamContents stream;
        stream.stream.name = "main";
        stream.stream.kind = StreamKind::opaque;
        stream.stream.size_bytes = segment.bytes;
        stream.lists.push_back({0, segment.bytes, nullptr, {segment}});
        manifest.streams.push_back(stream);
        return manifest;
    }

    /// Commits a snapshot of one chunk.
    SnapshotId commit(std::uint64_t sequence, std::string_view text) const {
        const auto run = writer();
        const ChunkCopyPtr chunk = add(*run, text);
        run->flush();
        Manifest committed = manifest(sequence, {chunk});
        run->commit(committed);
        return run->run_id();
    }

    void condemn(const std::vector<PackName>& packs) {
        const ObjectName name("condemned/" + new_run_id());
        disk.put(name, encode_marker(repository->keys(), name, packs), {});
    }
    ObjectName remove(const CollectionOutcome& outcome) {
        ObjectName name("collections/" + new_run_id());
        disk.put(name, encode_collection(repository->keys(), name, outcome), {});
        return name;
    }

    /// Names of all objects below a folder.
    [[nodiscard]] std::vector<std::string> names(const std::string& folder) const {
        std::vector<std::string> found;
        for (const auto& [name, content] : disk.contents()) {
            if (name.starts_with(folder)) {
                found.push_back(name);
            }
        }
        return found;
    }

    MemoryStorage disk;
    FakeClock clock;
    Log log;
    std::unique_ptr<Repository> repository;
};

}  // namespace dbbackup
