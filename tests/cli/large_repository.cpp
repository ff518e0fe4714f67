/// @file
/// Makes large repositories with the project's own writer, faster than the program could: the
/// content does not matter, the number of chunks or sources does.
///
///     make_large_repository FOLDER chunks COUNT     one snapshot with so many chunks of 64 bytes
///     make_large_repository FOLDER sources COUNT    so many sources of one small snapshot each
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

void write_chunks(Repository& repository, std::uint64_t count) {
    const SystemClock clock;
    Manifest manifest = manifest_of("large");
    StreamContents& stream = manifest.streams.front();
    const std::unique_ptr<SnapshotWriter> writer = writer_for(repository, clock, manifest);
    for (std::uint64_t begun = 0; begun < count; begun += kBatchChunks) {
        std::vector<StoredSegment> segments;
        for (std::uint64_t number = begun; number < std::min(begun + kBatchChunks, count);
             ++number) {
            if (segments.empty() || segments.back().chunks.size() == kListChunksMax) {
                segments.emplace_back();
            }
            Bytes content(kChunkBytes);
            std::memcpy(content.data(), &number, sizeof number);
            if (writer->find(repository.keys().chunk_id(content), HeldAs::whole_or_delta)) {
                throw Error("a new chunk is known already");
            }
            segments.back().chunks.push_back(add(*writer, repository, content));
            segments.back().bytes += content.size();
        }
        writer->flush();  // Lists name packs.
        for (StoredSegment& segment : segments) {
            const std::uint64_t bytes = segment.bytes;
            const std::string list = encode_chunk_list({std::move(segment)});
            stream.lists.push_back({0, bytes, add(*writer, repository, as_bytes(list)), {}});
            stream.stream.size_bytes += bytes;
        }
    }
    writer->commit(manifest);
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
    (kind == "chunks" ? write_chunks : write_sources)(*repository, count);
}

}  // namespace
}  // namespace dbbackup

int main(int count, char** words) {
    const std::span<char*> given(words, static_cast<std::size_t>(count));
    const std::string_view kind = given.size() == 4 ? given[2] : "";
    if (kind != "chunks" && kind != "sources") {
        fmt::print(stderr, "usage: make_large_repository FOLDER chunks|sources COUNT\n");
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
