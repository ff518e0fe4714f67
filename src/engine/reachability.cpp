#include "engine/reachability.hpp"

#include "base/error.hpp"
#include "repository/chunk_list.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dbbackup {
namespace {

template <class Name>
void sort_unique(std::vector<Name>& names) {
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
}

}  // namespace

/// A part while it is read.
struct Reachability::Gathered {
    std::vector<ChunkId> chunks;
    std::vector<PackName> packs;

    void add(const ChunkCopyPtr& copy) {
        chunks.push_back(copy->id);
        visit_closure(copy, [this](const ChunkCopy& part) { packs.push_back(part.pack->name); });
    }

    void add(const std::vector<StoredSegment>& segments) {
        for (const StoredSegment& segment : segments) {
            for (const ChunkCopyPtr& chunk : segment.chunks) {
                add(chunk);
            }
        }
    }
};

Reachability::Reachability(Repository& repository, ScratchSpace& scratch,
                           PackDirectories& directories)
    : repository_(repository),
      directories_(directories),
      reader_(repository, Elsewhere::any_pack),
      lists_(scratch),
      list_parts_(scratch),
      snapshot_parts_(scratch),
      parts_(scratch),
      chunks_(scratch),
      packs_(scratch) {}

SnapshotNeeds Reachability::of(const SnapshotSummary& snapshot, std::stop_token stop) {
    if (const auto known = snapshots_.find(snapshot.id); known != snapshots_.end()) {
        return known->second;
    }
    const std::unique_ptr<Manifest> manifest = repository_.manifest(snapshot.id, stop);
    std::vector<std::uint32_t> parts;
    SnapshotNeeds needs;
    Gathered own;
    for (const StreamContents& stream : manifest->streams) {
        for (const SegmentListRef& list : stream.lists) {
            if (!list.chunk) {
                own.add(list.segments);
                continue;
            }
            own.add(list.chunk);
            try {
                parts.push_back(part_of_list(*list.chunk, stop));
            } catch (const CorruptionError& error) {
                needs.problems.push_back(
                    fmt::format("snapshot {}: a segment list of stream '{}': {}", snapshot.id,
                                stream.stream.name, error.what()));
            }
        }
    }
    parts.push_back(add_part(std::move(own)));
    for (const IndexedPack& pack : manifest->inline_index) {
        directories_.add(pack);
    }
    needs.first_part = snapshot_parts_.size();
    needs.part_count = static_cast<std::uint32_t>(parts.size());
    snapshot_parts_.append(parts);
    if (needs.problems.empty()) {  // What cannot be read now may be readable later.
        snapshots_.emplace(snapshot.id, needs);
    }
    return needs;
}

std::uint32_t Reachability::part_of_list(const ChunkCopy& chunk, std::stop_token stop) {
    if (const auto known = lists_.find(chunk.id)) {
        return list_parts_[*known];
    }
    Gathered needs;
    needs.add(decode_chunk_list(reader_.read(chunk, std::move(stop))));
    const std::uint32_t part = add_part(std::move(needs));
    list_parts_.push_back(part);
    lists_.add(chunk.id);
    return part;
}

std::uint32_t Reachability::add_part(Gathered gathered) {
    sort_unique(gathered.chunks);
    sort_unique(gathered.packs);
    parts_.push_back({chunks_.size(), packs_.size(),
                      static_cast<std::uint32_t>(gathered.chunks.size()),
                      static_cast<std::uint32_t>(gathered.packs.size())});
    chunks_.append(gathered.chunks);
    packs_.append(gathered.packs);
    return static_cast<std::uint32_t>(parts_.size() - 1);
}

}  // namespace dbbackup
