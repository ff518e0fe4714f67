/// @file
/// Makes large repositories with the project's own writer, faster than the program could: the
/// content does not matter, the number of chunks or sources does.
///
///     make_large_repository FOLDER chunks COUNT     one snapshot with so many chunks of 64 bytes
///     make_large_repository FOLDER halves COUNT     the same, and a later one with every other
///     chunk make_large_repository FOLDER sources COUNT    so many sources of one small snapshot
///     each
///
/// FOLDER holds an unencrypted repository. Prints the seconds that it took. What goes wrong ends it
/// with the exit code that the program would have: 2 for a wrong call, 10 without a repository.

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "repository/keys.hpp"
#include "repository/record.hpp"
#include "repository/snapshot_writer.hpp"
#include "storage/local/local_storage.hpp"
#include "storage/registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

constexpr std::size_t kChunkBytes = 64;
/// Chunks of one pack, and so of what is handed over at once.
constexpr std::size_t kBatchChunks = 32 * kListChunksMax;

ChunkCopyPtr add(SnapshotWriter& writer, const Repository& repository, BytesView content) {
    ChunkForm form;
    form.id = repository.keys().chunk_id(content);
    form.plain_bytes = static_cast<std::uint32_t>(content.size());
    return writer.add(std::move(form), content, {});
}

Manifest manifest_of(const std::string& source) {
    Manifest manifest;
    SnapshotSummary& summary = manifest.details.summary;
    summary.source_name = source;
    summary.identity = "/data/" + source;
    summary.sequence = 1;
    StreamContents stream;
    stream.stream.name = "main";
    stream.stream.kind = StreamKind::opaque;
    manifest.streams.push_back(std::move(stream));
    return manifest;
}

std::unique_ptr<SnapshotWriter> writer_for(Repository& repository, const Clock& clock,
                                           const Manifest& manifest) {
    return std::make_unique<SnapshotWriter>(
        repository, clock, "backup",
        repository.source_id(DatabaseType::sqlite, manifest.details.summary.identity),
        std::stop_token());
}

/// One snapshot while its lists are stored.
class Snapshot {
public:
    Snapshot(Repository& repository, const Clock& clock, std::uint64_t sequence)
        : repository_(repository),
          manifest_(manifest_of("large")),
          writer_(writer_for(repository, clock, manifest_)) {
        manifest_.details.summary.sequence = sequence;
    }

    SnapshotWriter& writer() { return *writer_; }

    void take(const ChunkCopyPtr& chunk) {
        if (segments_.empty() || segments_.back().chunks.size() == kListChunksMax) {
            segments_.emplace_back();
        }
        segments_.back().chunks.push_back(chunk);
        segments_.back().bytes += chunk->plain_bytes;
    }

    /// @pre what was taken is durable: lists name packs.
    void store_lists() {
        StreamContents& stream = manifest_.streams.front();
        for (StoredSegment& segment : segments_) {
            const std::uint64_t bytes = segment.bytes;
            const std::string list = encode_chunk_list({std::move(segment)});
            stream.lists.push_back({0, bytes, add(*writer_, repository_, as_bytes(list)), {}});
            stream.stream.size_bytes += bytes;
        }
        segments_.clear();
    }

    void commit() { writer_->commit(manifest_); }

private:
    Repository& repository_;
    Manifest manifest_;
    std::unique_ptr<SnapshotWriter> writer_;
    std::vector<StoredSegment> segments_;
};

/// @param has_half Whether there is a second snapshot with every other chunk.
void write_chunks(Repository& repository, std::uint64_t count, bool has_half) {
    const SystemClock clock;
    Snapshot all(repository, clock, 1);
    std::optional<Snapshot> half;
    if (has_half) {
        half.emplace(repository, clock, 2);
    }
    for (std::uint64_t begun = 0; begun < count; begun += kBatchChunks) {
        for (std::uint64_t number = begun; number < std::min(begun + kBatchChunks, count);
             ++number) {
            Bytes content(kChunkBytes);
            std::memcpy(content.data(), &number, sizeof number);
            if (all.writer().find(repository.keys().chunk_id(content), HeldAs::whole_or_delta)) {
                throw Error("a new chunk is known already");
            }
            const ChunkCopyPtr chunk = add(all.writer(), repository, content);
            all.take(chunk);
            if (half && number % 2 == 0) {
                half->take(chunk);
            }
        }
        all.writer().flush();
        all.store_lists();
        if (half) {
            half->store_lists();
        }
    }
    all.commit();
    if (half) {
        half->commit();
    }
}

void write_sources(Repository& repository, std::uint64_t count) {
    const SystemClock clock;
    for (std::uint64_t number = 0; number < count; ++number) {
        Manifest manifest = manifest_of(fmt::format("source-{:05}", number));
        const std::unique_ptr<SnapshotWriter> writer = writer_for(repository, clock, manifest);
        StoredSegment segment;
        segment.chunks = {add(*writer, repository, as_bytes(manifest.details.summary.identity))};
        segment.bytes = segment.chunks.front()->plain_bytes;
        writer->flush();
        StreamContents& stream = manifest.streams.front();
        stream.stream.size_bytes = segment.bytes;
        stream.lists.push_back({0, segment.bytes, nullptr, {std::move(segment)}});
        writer->commit(manifest);
    }
}

void make(const std::string& folder, std::string_view kind, std::uint64_t count) {
    Log log;
    std::unique_ptr<Storage> storage =
        make_local_storage(StorageUrl::parse(folder), CreatePlace::no);
    if (!storage) {
        throw RepositoryMissingError(fmt::format("there is no repository at {}", folder));
    }
    const std::unique_ptr<Repository> repository =
        Repository::open(std::move(storage), {}, {}, log, {});
    if (kind == "sources") {
        write_sources(*repository, count);
    } else {
        write_chunks(*repository, count, kind == "halves");
    }
}

}  // namespace
}  // namespace dbbackup

int main(int count, char** words) {
    const std::span<char*> given(words, static_cast<std::size_t>(count));
    const std::string_view kind = given.size() == 4 ? given[2] : "";
    if (kind != "chunks" && kind != "halves" && kind != "sources") {
        fmt::print(stderr, "usage: make_large_repository FOLDER chunks|halves|sources COUNT\n");
        return 2;
    }
    try {
        const auto begun = std::chrono::steady_clock::now();
        dbbackup::make(given[1], kind, std::strtoull(given[3], nullptr, 10));
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
        fmt::print("{:.1f}\n", took.count());
    } catch (const dbbackup::Error& error) {
        fmt::print(stderr, "make_large_repository: {}\n", error.what());
        return static_cast<int>(error.exit_code());
    } catch (const std::exception& error) {
        fmt::print(stderr, "make_large_repository: {}\n", error.what());
        return 1;
    }
    return 0;
}
