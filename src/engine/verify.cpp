#include "engine/verify.hpp"

#include "base/error.hpp"
#include "base/guarded.hpp"
#include "engine/expected_items.hpp"
#include "engine/object_check.hpp"
#include "engine/pack_check.hpp"
#include "engine/segment_lists.hpp"
#include "engine/stored_stream.hpp"
#include "pipeline/ordered_workers.hpp"
#include "repository/collector_records.hpp"
#include "repository/damage_records.hpp"
#include "storage/access_denied.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
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
          reader_(repository, Elsewhere::removed_packs),
          others_(repository, Elsewhere::removed_packs) {}

    void snapshot(const SnapshotSummary& summary) {
        object_ = manifest_object_name(summary.source_id, summary.id).text();
        try {
            const std::unique_ptr<Manifest> manifest = repository_.manifest(summary.id, stop_);
            for (const StreamContents& stream : manifest->streams) {
                walk_stream(stream, summary.id);
            }
        } catch (const ConfigError& error) {
            // Gone since it was listed. If a prune did that, it is left out in the end.
            findings_.add(object_, error.what(), summary.id);
        } catch (const Error& error) {
            findings_.add(object_, damage_of(error).what(), summary.id);
        }
    }

    [[nodiscard]] std::uint64_t chunks() const { return seen_.size(); }

private:
    using Place = std::pair<PackName, std::uint32_t>;
    struct Problem {
        std::string object;
        std::string text;
    };
    /// What decoding has shown, for the later snapshots that have the same part.
    template <class Key>
    using Known = Guarded<std::map<Key, Problem>>;
    struct PlaceHash {
        std::size_t operator()(const Place& place) const noexcept {
            return std::hash<PackName>()(place.first) ^ place.second;
        }
    };

    void walk_stream(const StreamContents& stream, const SnapshotId& id) {
        struct Nothing {};
        using Items = ExpectedItems<StoredSegment>;
        OrderedWorkers<StoredSegment, Nothing> workers(
            jobs_, Items::inside_bytes_max(reader_, kInsideBytesPerJob * jobs_),
            [&](const StoredSegment& segment, unsigned) {
                decode(stream.stream, segment, id);
                return Nothing{};
            },
            [](Nothing) {}, stop_);
        Items items(reader_, [&workers](StoredSegment segment, std::uint64_t bytes) {
            workers.push(std::move(segment), bytes);
        });
        SegmentLists lists(stream, reader_);
        lists.expect();
        for (std::size_t index = 0; index < lists.count(); ++index) {
            const ChunkCopyPtr chunk = lists.list_chunk(index);
            if (chunk && !locate(chunk, id)) {
                continue;  // Without the list nothing can be said of its chunks.
            }
            const std::vector<StoredSegment>* segments = nullptr;
            try {
                segments = &lists.list(index, stop_);
            } catch (const Error& error) {
                if (!chunk) {
                    throw;  // Only lists that are chunks need decoding.
                }
                findings_.add(pack_object_name(chunk->pack->name).text(),
                              fmt::format("segment list {} of stream '{}': {}", index,
                                          stream.stream.name, damage_of(error).what()),
                              id);
                continue;
            }
            // What fails here is no damage of the list.
            for (const StoredSegment& segment : *segments) {
                StoredSegment unknown = unknown_part(stream.stream, segment, id);
                if (!unknown.chunks.empty()) {
                    const std::vector<ChunkCopyPtr> chunks = unknown.chunks;
                    items.add(std::move(unknown), chunks);
                }
            }
        }
        items.flush();
        workers.finish();
    }

    /// The segment with those of its chunks of which only decoding can tell more: of pages all or
    /// none, because together they give the fingerprint.
    StoredSegment unknown_part(const StoredStream& stream, const StoredSegment& segment,
                               const SnapshotId& id) {
        StoredSegment part = segment;
        const bool has_pages = stream.kind == StreamKind::pages;
        std::erase_if(part.chunks, [&](const ChunkCopyPtr& chunk) {
            const Place place{chunk->pack->name, chunk->ordinal};
            const bool is_new = seen_.insert(place).second;
            const bool is_decodable = locate(chunk, id) && !repeat_problem(undecodable_, place, id);
            return !is_decodable || (!has_pages && (!is_new || packs_.is_proven(*chunk)));
        });
        const bool is_whole = part.chunks.size() == segment.chunks.size();
        if (depth_ != VerifyDepth::data ||
            (has_pages && (!is_whole || is_known(stream, segment, id)))) {
            part.chunks.clear();
        }
        return part;
    }

    /// Whether an earlier snapshot, all of which is decoded by now, had this very segment of pages.
    bool is_known(const StoredStream& stream, const StoredSegment& segment, const SnapshotId& id) {
        const Digest name = name_of(stream, segment);
        if (segments_.insert(name).second) {
            return false;
        }
        static_cast<void>(repeat_problem(wrong_segments_, name, id));
        return true;
    }

    static Digest name_of(const StoredStream& stream, const StoredSegment& segment) {
        std::string text = fmt::format("{} {} {}", stream.page_bytes, segment.range.first_page,
                                       segment.fingerprint.text());
        for (const ChunkCopyPtr& chunk : segment.chunks) {
            text += fmt::format(" {} {}", to_hex(chunk->pack->name.bytes), chunk->ordinal);
        }
        return sha256(as_bytes(text));
    }

    template <class Key>
    void add_problem(Known<Key>& known, const Key& key, Problem problem, const SnapshotId& id) {
        findings_.add(problem.object, problem.text, id);
        known.with([&](auto& problems) { problems.emplace(key, std::move(problem)); });
    }

    /// Says of this snapshot too what is known. Returns whether anything is.
    template <class Key>
    bool repeat_problem(const Known<Key>& known, const Key& key, const SnapshotId& id) {
        const std::optional<Problem> problem = known.with([&](const auto& problems) {
            const auto found = problems.find(key);
            return found == problems.end() ? std::nullopt : std::optional(found->second);
        });
        if (problem) {
            findings_.add(problem->object, problem->text, id);
        }
        return problem.has_value();
    }

    /// Checks that the copy and its bases lie where the list says, or that a collector removed a
    /// pack because all of it lies in others. Returns whether the copy can be read.
    bool locate(const ChunkCopyPtr& copy, const SnapshotId& id) {
        std::vector<std::pair<PackName, std::string>> problems;
        std::optional<PackName> missing;
        visit_closure(copy, [&](const ChunkCopy& part) {
            if (std::optional<std::string> problem = packs_.problem_of(part)) {
                problems.emplace_back(part.pack->name, std::move(*problem));
                missing = packs_.is_missing(part) ? std::optional(part.pack->name) : missing;
            }
        });
        if (problems.empty() || is_elsewhere(copy->id, missing, problems)) {
            return true;
        }
        for (const auto& [pack, problem] : problems) {
            findings_.add(pack_object_name(pack).text(), problem, id);
        }
        return false;
    }

    [[nodiscard]] bool is_elsewhere(const ChunkId& id, const std::optional<PackName>& missing,
                                    const std::vector<std::pair<PackName, std::string>>& problems) {
        if (missing) {
            return others_.find(id, *missing, 0, stop_) != nullptr;
        }
        std::set<PackName> bad;
        for (const auto& [pack, problem] : problems) {
            bad.insert(pack);
        }
        return others_.find_apart_from(bad, id, stop_) != nullptr;
    }

    void decode(const StoredStream& stream, const StoredSegment& segment, const SnapshotId& id) {
        const Fingerprinter& fingerprinter = repository_.keys().fingerprinter();
        const bool has_pages = stream.kind == StreamKind::pages;
        bool is_whole = true;
        Fingerprint sum;
        std::uint64_t page = segment.range.first_page;
        for (const ChunkCopyPtr& chunk : segment.chunks) {
            const std::optional<Bytes> plain = decode(*chunk, id);
            is_whole = is_whole && plain;
            if (has_pages && plain) {
                sum += fingerprinter.of_pages(*plain, stream.page_bytes, page);
                page += plain->size() / stream.page_bytes;
            }
        }
        if (has_pages && is_whole && sum != segment.fingerprint) {
            // Each chunk is what it was made from: then what lists them is wrong, or was told
            // wrong.
            add_problem(wrong_segments_, name_of(stream, segment),
                        {object_, wrong_pages_text(stream, segment.range)}, id);
        }
    }

    std::optional<Bytes> decode(const ChunkCopy& copy, const SnapshotId& id) {
        context_.progress.bytes_done += copy.sealed_bytes;
        try {
            return reader_.read(copy, stop_,
                                packs_.is_proven(copy) ? Proof::caller : Proof::chunk_id);
        } catch (const Error& error) {
            add_problem(undecodable_, Place{copy.pack->name, copy.ordinal},
                        {pack_object_name(copy.pack->name).text(), damage_of(error).what()}, id);
            return std::nullopt;
        }
    }

    Repository& repository_;
    VerifyDepth depth_;
    unsigned jobs_;
    const Context& context_;
    const PackCheck& packs_;
    Findings& findings_;
    std::stop_token stop_;
    ChunkReader reader_;
    OtherCopies others_;
    std::string object_;  ///< The manifest of the snapshot that is looked at.
    std::unordered_set<Place, PlaceHash> seen_;
    std::set<Digest> segments_;  ///< Of pages, by all that makes them; all are decoded once.
    Known<Digest> wrong_segments_;
    Known<Place> undecodable_;
};

/// Snapshots that a collector removed while they were looked at need nothing any more.
void leave_out_removed(Repository& repository, const std::vector<SnapshotSummary>& snapshots,
                       std::vector<Finding>& findings, std::stop_token stop) {
    const bool is_any_hit = std::any_of(findings.begin(), findings.end(), [](const auto& finding) {
        return !finding.snapshots.empty();
    });
    if (!is_any_hit) {
        return;
    }
    const std::set<std::string> lists =
        read_readable_records(repository.storage(), repository.keys(), std::move(stop))
            .removed_manifests();
    std::set<SnapshotId> removed;
    for (const SnapshotSummary& snapshot : snapshots) {
        if (lists.contains(manifest_object_name(snapshot.source_id, snapshot.id).text())) {
            removed.insert(snapshot.id);
        }
    }
    std::erase_if(findings, [&removed](Finding& finding) {
        return std::erase_if(finding.snapshots,
                             [&](const SnapshotId& id) { return removed.contains(id); }) > 0 &&
               finding.snapshots.empty();
    });
}

/// Damage that is recorded and that no snapshot suffers from, since all lies elsewhere too, only
/// waits for a prune.
void settle_recorded(Repository& repository, const std::map<PackName, std::uint64_t>& packs,
                     std::vector<Finding>& findings, std::stop_token stop) {
    std::set<std::string> named;
    std::set<std::string> recorded;
    for (const PackName& pack : read_damage_records(repository, std::move(stop))) {
        if (packs.contains(pack)) {
            recorded.insert(pack_object_name(pack).text());
        }
    }
    for (Finding& finding : findings) {
        named.insert(finding.object);
        finding.is_harmless =
            finding.is_harmless || (finding.snapshots.empty() && recorded.contains(finding.object));
    }
    for (const std::string& object : recorded) {
        if (!named.contains(object)) {
            findings.push_back({object, "recorded as damaged", {}, true});
        }
    }
}

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
        // What snapshots need is read once more, to decode it with its bases.
        context.progress.bytes_total += context.progress.bytes_done;
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
    report.key_slots = objects.key_slots;
    report.bytes_read = context.progress.bytes_done;
    report.findings = findings.take();
    if (only.empty()) {
        settle_recorded(repository, objects.packs, report.findings, stop);
    }
    leave_out_removed(repository, snapshots, report.findings, stop);
    report.duration_s =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    return report;
}

}  // namespace dbbackup
