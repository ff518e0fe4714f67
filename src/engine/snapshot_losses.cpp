#include "engine/snapshot_losses.hpp"

#include "base/error.hpp"
#include "engine/segment_lists.hpp"
#include "storage/access_denied.hpp"

#include <fmt/format.h>

namespace dbbackup {

SnapshotLosses::SnapshotLosses(Repository& repository, std::set<PackName> damaged,
                               std::stop_token stop)
    : repository_(repository),
      damaged_(std::move(damaged)),
      stop_(std::move(stop)),
      reader_(repository, Elsewhere::any_pack) {}

SnapshotLoss SnapshotLosses::of(const SnapshotId& snapshot) {
    SnapshotLoss loss;
    loss.snapshot = snapshot;
    try {
        const std::unique_ptr<Manifest> manifest = repository_.manifest(snapshot, stop_);
        loss.source_name = manifest->details.summary.source_name;
        LostRanges lost;
        for (const StreamContents& stream : manifest->streams) {
            add_stream(stream, loss, lost);
        }
        loss.lost = lost.ranges();
        loss.is_readable = true;
    } catch (const ConfigError&) {
        // Its manifest is not to be had.
    } catch (const RepositoryError&) {
        // Nor is it when it is damaged; the findings tell.
    } catch (const StorageError& error) {
        static_cast<void>(damage_of(error));  // Nor where it may not be read.
    }
    return loss;
}

void SnapshotLosses::add_stream(const StreamContents& stream, SnapshotLoss& loss,
                                LostRanges& lost) {
    const bool has_pages = stream.stream.kind == StreamKind::pages;
    const auto add = [&](std::uint64_t offset, std::uint64_t bytes, const std::string& problem) {
        loss.bytes_lost += bytes;
        if (has_pages) {
            lost.add(stream.stream, offset, bytes, true, problem);
        }
    };
    SegmentLists lists(stream, reader_);
    std::uint64_t begin = 0;
    for (std::size_t index = 0; index < lists.count(); ++index) {
        std::uint64_t offset = begin;
        begin += stream.lists[index].bytes;
        try {
            for (const StoredSegment& segment : lists.list(index, stop_)) {
                for (const ChunkCopyPtr& chunk : segment.chunks) {
                    if (const std::string& problem = problem_of(chunk); !problem.empty()) {
                        add(offset, chunk->plain_bytes, problem);
                    }
                    offset += chunk->plain_bytes;
                }
            }
        } catch (const CorruptionError& error) {
            // Of the list itself: a chunk's is an answer.
            add(offset, begin - offset, fmt::format("a segment list: {}", error.what()));
        }
    }
}

const std::string& SnapshotLosses::problem_of(const ChunkCopyPtr& chunk) {
    const auto [found, is_new] = known_.try_emplace({chunk->pack->name, chunk->ordinal});
    bool is_touched = false;
    if (is_new) {
        visit_closure(chunk, [&](const ChunkCopy& part) {
            is_touched = is_touched || damaged_.contains(part.pack->name);
        });
    }
    if (is_touched) {
        try {
            static_cast<void>(reader_.read(*chunk, stop_));
        } catch (const CorruptionError& error) {
            found->second = error.what();
        }
    }
    return found->second;
}

}  // namespace dbbackup
