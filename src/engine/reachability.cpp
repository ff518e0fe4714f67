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
    names.shrink_to_fit();
}

void add_copy(const ChunkCopyPtr& copy, Needs& needs) {
    needs.chunks.push_back(copy->id);
    visit_closure(copy,
                  [&needs](const ChunkCopy& part) { needs.packs.push_back(part.pack->name); });
}

void add_segments(const std::vector<StoredSegment>& segments, Needs& needs) {
    for (const StoredSegment& segment : segments) {
        for (const ChunkCopyPtr& chunk : segment.chunks) {
            add_copy(chunk, needs);
        }
    }
}

std::shared_ptr<const Needs> finished(Needs needs) {
    sort_unique(needs.chunks);
    sort_unique(needs.packs);
    return std::make_shared<const Needs>(std::move(needs));
}

}  // namespace

Reachability::Reachability(Repository& repository)
    : repository_(repository), reader_(repository, Elsewhere::any_pack) {}

std::shared_ptr<const SnapshotNeeds> Reachability::of(const SnapshotSummary& snapshot,
                                                      std::stop_token stop) {
    if (const auto known = snapshots_.find(snapshot.id); known != snapshots_.end()) {
        return known->second;
    }
    const std::unique_ptr<Manifest> manifest = repository_.manifest(snapshot.id, stop);
    SnapshotNeeds all;
    Needs own;
    for (const StreamContents& stream : manifest->streams) {
        for (const SegmentListRef& list : stream.lists) {
            if (!list.chunk) {
                add_segments(list.segments, own);
                continue;
            }
            add_copy(list.chunk, own);
            try {
                all.parts.push_back(of_list(*list.chunk, stop));
            } catch (const CorruptionError& error) {
                all.problems.push_back(fmt::format("snapshot {}: a segment list of stream '{}': {}",
                                                   snapshot.id, stream.stream.name, error.what()));
            }
        }
    }
    all.parts.push_back(finished(std::move(own)));
    all.inline_index = manifest->inline_index;
    const bool is_whole = all.problems.empty();
    auto needs = std::make_shared<const SnapshotNeeds>(std::move(all));
    if (is_whole) {  // What cannot be read now may be readable later.
        snapshots_.emplace(snapshot.id, needs);
    }
    return needs;
}

std::shared_ptr<const Needs> Reachability::of_list(const ChunkCopy& chunk, std::stop_token stop) {
    std::shared_ptr<const Needs>& known = lists_[chunk.id];
    if (!known) {
        Needs needs;
        add_segments(decode_chunk_list(reader_.read(chunk, std::move(stop))), needs);
        known = finished(std::move(needs));
    }
    return known;
}

}  // namespace dbbackup
