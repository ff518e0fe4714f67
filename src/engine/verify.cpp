#include "engine/verify.hpp"

#include "base/error.hpp"
#include "base/guarded.hpp"
#include "engine/object_check.hpp"
#include "engine/pack_check.hpp"
#include "engine/segment_lists.hpp"
#include "pipeline/ordered_workers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_set>

namespace dbbackup {
namespace {

constexpr std::uint64_t kInsideBytesPerJob = 8_MiB;

/// Walks manifests, lists and chunks, and says for each problem which snapshots it endangers.
class Walk {
public:
    Walk(Repository& repository, VerifyDepth depth, unsigned jobs, const Context& context,
         const PackCheck& packs, Findings& findings, std::stop_token stop)
        : repository_(repository),
          depth_(depth),
          jobs_(jobs),
          context_(context),
          packs_(packs),
          findings_(findings),
          stop_(std::move(stop)),
          reader_(repository.storage(), repository.keys()) {}

    void snapshot(const SnapshotSummary& summary) {
        const std::string name = manifest_object_name(summary.source_id, summary.id).text();
        try {
            const std::unique_ptr<Manifest> manifest = repository_.manifest(summary.id, stop_);
            for (const StreamContents& stream : manifest->streams) {
                walk_stream(stream, summary.id);
            }
        } catch (const CorruptionError& error) {
            findings_.add(name, error.what(), summary.id);
        }
    }

    [[nodiscard]] std::uint64_t chunks() const { return seen_.size(); }

private:
    void walk_stream(const StreamContents& stream, const SnapshotId& id) {
        struct Nothing {};
        OrderedWorkers<ChunkCopyPtr, Nothing> workers(
            jobs_, kInsideBytesPerJob * jobs_,
            [&](const ChunkCopyPtr& copy, unsigned) {
                decode(*copy, id);
                return Nothing{};
            },
            [](Nothing) {}, stop_);
        SegmentLists lists(stream, reader_);
        for (std::size_t index = 0; index < lists.count(); ++index) {
            if (const ChunkCopyPtr chunk = lists.list_chunk(index); chunk && !locate(chunk, id)) {
                continue;  // Without the list nothing can be said of its chunks.
            }
            try {
                for (const StoredSegment& segment : lists.list(index, stop_)) {
                    for (const ChunkCopyPtr& chunk : segment.chunks) {
                        if (must_decode(chunk, id)) {
                            workers.push(chunk, chunk->plain_bytes);
                        }
                    }
                }
            } catch (const CorruptionError& error) {
                // Only lists that are chunks need decoding here.
                findings_.add(pack_object_name(lists.list_chunk(index)->pack->name).text(),
                              fmt::format("segment list {} of stream '{}': {}", index,
                                          stream.stream.name, error.what()),
                              id);
            }
        }
        workers.finish();
    }

    /// Looks at one chunk of a snapshot. Returns whether only decoding it can tell more.
    bool must_decode(const ChunkCopyPtr& chunk, const SnapshotId& id) {
        const Place place{chunk->pack->name, chunk->ordinal};
        const bool is_new = seen_.insert(place).second;
        if (!locate(chunk, id) || depth_ != VerifyDepth::data || packs_.is_proven(*chunk)) {
            return false;
        }
        // Whatever an earlier snapshot decoded is known by now.
        const std::optional<std::string> problem = undecodable_.with([&](const auto& known) {
            const auto found = known.find(place);
            return found == known.end() ? std::nullopt : std::optional(found->second);
        });
        if (problem) {
            findings_.add(pack_object_name(place.first).text(), *problem, id);
        }
        return is_new;
    }

    /// Checks that the copy and its bases lie where the list says. Returns whether they do.
    bool locate(const ChunkCopyPtr& copy, const SnapshotId& id) {
        bool is_there = true;
        visit_closure(copy, [&](const ChunkCopy& part) {
            if (const std::optional<std::string> problem = packs_.problem_of(part)) {
                findings_.add(pack_object_name(part.pack->name).text(), *problem, id);
                is_there = false;
            }
        });
        return is_there;
    }

    void decode(const ChunkCopy& copy, const SnapshotId& id) {
        try {
            static_cast<void>(reader_.read(copy, stop_));
        } catch (const CorruptionError& error) {
            findings_.add(pack_object_name(copy.pack->name).text(), error.what(), id);
            undecodable_.with([&](auto& known) {
                known.emplace(Place{copy.pack->name, copy.ordinal}, error.what());
            });
        }
        context_.progress.bytes_done += copy.sealed_bytes;
    }

    using Place = std::pair<PackName, std::uint32_t>;
    struct PlaceHash {
        std::size_t operator()(const Place& place) const noexcept {
            return std::hash<PackName>()(place.first) ^ place.second;
        }
    };

    Repository& repository_;
    VerifyDepth depth_;
    unsigned jobs_;
    const Context& context_;
    const PackCheck& packs_;
    Findings& findings_;
    std::stop_token stop_;
    ChunkReader reader_;
    std::unordered_set<Place, PlaceHash> seen_;
    Guarded<std::map<Place, std::string>> undecodable_;
};

}  // namespace

VerifyReport verify(Repository& repository, VerifyDepth depth, const std::vector<SnapshotId>& only,
                    unsigned jobs, const Context& context, std::stop_token stop) {
    const auto begun = std::chrono::steady_clock::now();
    Findings findings;
    context.progress.phase = Phase::verifying;
    // Before the packs are listed: another host may commit a snapshot meanwhile, and the packs of
    // every snapshot that is in this list were stored before it.
    std::vector<std::string> damaged;  // What is damaged is found among the objects.
    const std::vector<SnapshotSummary> snapshots = repository.snapshots(stop, &damaged);
    for (const ObjectName& name : repository.lost_manifests()) {
        findings.add(name.text(), "gone, though this machine has seen it and no prune removed it");
    }
    const ObjectCheck objects = check_objects(repository, only.empty(), findings, stop);
    PackCheck packs(repository, objects.packs, findings);
    if (depth == VerifyDepth::data && only.empty()) {
        packs.read_all(jobs, context.progress, stop);
    }
    Walk walk(repository, depth, jobs, context, packs, findings, stop);
    VerifyReport report;
    for (const SnapshotSummary& snapshot : snapshots) {
        if (only.empty() || std::find(only.begin(), only.end(), snapshot.id) != only.end()) {
            walk.snapshot(snapshot);
            ++report.snapshots;
        }
    }
    report.packs = objects.packs.size();
    report.chunks = walk.chunks();
    report.bytes_read = context.progress.bytes_done;
    report.findings = findings.take();
    report.duration_s =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    return report;
}

}  // namespace dbbackup
