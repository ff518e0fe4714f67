#include "engine/snapshot_copy.hpp"

#include "base/error.hpp"
#include "engine/removed_snapshot.hpp"
#include "engine/run_attempts.hpp"
#include "engine/stream_copy.hpp"
#include "repository/manifest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <list>
#include <map>
#include <tuple>
#include <utility>

namespace dbbackup {
namespace {

/// Copies of copies name the first.
SnapshotOrigin origin_of(const Repository& repository, const SnapshotSummary& snapshot) {
    return snapshot.origin.value_or(
        SnapshotOrigin{repository.id(), snapshot.id, snapshot.sequence});
}

bool is_same(const SnapshotOrigin& left, const SnapshotOrigin& right) {
    return std::tie(left.repository, left.snapshot) == std::tie(right.repository, right.snapshot);
}

/// Both sides of what this copies between.
class SnapshotCopier {
public:
    SnapshotCopier(Repository& source, Repository& target, const CopyOptions& options,
                   const Context& context, std::stop_token stop)
        : source_(source),
          target_(target),
          options_(options),
          context_(context),
          stop_(std::move(stop)),
          reader_(source, Elsewhere::removed_packs) {}

    /// @throws CorruptionError, RepositoryError when it cannot be had from the source.
    void copy(CopiedSnapshot& copied) {
        RunAttempts attempts(context_.log);
        for (;;) {
            attempts.begin();
            at_target_ = snapshots_at_target(copied.source);
            if (const SnapshotSummary* there = counterpart(copied.source)) {
                copied.target = *there;
                copied.was_there = true;
                return;
            }
            if (options_.is_dry_run) {
                return;
            }
            try {
                copied.target = copy_anew(copied.source, attempts.damaged());
                return;
            } catch (const RunGivenUp& error) {
                attempts.note(error);
            } catch (const ReferredToDamage& damage) {
                attempts.note(damage);
            }
        }
    }

    [[nodiscard]] std::uint64_t bytes_fetched() const { return reader_.bytes_fetched(); }

private:
    /// All of the source's, by sequence. @throws ConfigError (code "source_name_taken").
    [[nodiscard]] std::vector<SnapshotSummary> snapshots_at_target(
        const SnapshotSummary& snapshot) {
        source_id_ = target_.source_id(snapshot.type, snapshot.identity);
        std::vector<std::string> damaged;
        std::vector<SnapshotSummary> own;
        for (SnapshotSummary& each : target_.snapshots(stop_, &damaged)) {
            if (each.source_id == source_id_) {
                own.push_back(std::move(each));
            } else if (each.source_name == snapshot.source_name) {
                throw explained<ConfigError>(
                    fmt::format("the source name '{}' belongs to {} in {}, not to {}",
                                snapshot.source_name, each.identity, target_.storage().url(),
                                snapshot.identity),
                    "Copy into a repository in which that name is free.", "source_name_taken");
            }
        }
        for (const std::string& name : damaged) {
            context_.log.warning("an object is damaged and left out of account",
                                 {{"object", name}, {"repository", target_.storage().url()}});
        }
        return own;
    }

    /// Listed once: whatever goes meanwhile cannot be read any more, and whatever comes is not
    /// asked for.
    [[nodiscard]] const std::vector<SnapshotSummary>& snapshots_at_source(const SourceId& source) {
        auto found = at_source_.find(source);
        if (found == at_source_.end()) {
            found = at_source_.emplace(source, source_.snapshots_of(source, stop_)).first;
        }
        return found->second;
    }

    /// The same snapshot at the target, or null. What was copied from there and comes back is the
    /// same, too.
    [[nodiscard]] const SnapshotSummary* counterpart(const SnapshotSummary& snapshot) const {
        const SnapshotOrigin origin = origin_of(source_, snapshot);
        const auto found = std::ranges::find_if(at_target_, [&](const SnapshotSummary& each) {
            return is_same(origin_of(target_, each), origin);
        });
        return found == at_target_.end() ? nullptr : &*found;
    }

    /// What was taken later stands later; what fills a gap keeps its number, so that "latest" stays
    /// what it is. No clock decides (docs/protocol.md, "Order").
    [[nodiscard]] std::uint64_t sequence_of(const SnapshotSummary& snapshot) const {
        const SnapshotOrigin origin = origin_of(source_, snapshot);
        std::uint64_t newest = 0;
        for (const SnapshotSummary& each : at_target_) {
            const SnapshotOrigin its = origin_of(target_, each);
            if (its.repository == origin.repository && its.sequence > origin.sequence) {
                return snapshot.sequence;
            }
            newest = std::max(newest, each.sequence);
        }
        return std::max(snapshot.sequence, newest + 1);
    }

    /// The snapshot that is most like this one and stands on both sides; the parent, if it does.
    [[nodiscard]] const SnapshotSummary* most_alike(const SnapshotSummary& snapshot,
                                                    const std::vector<SnapshotSummary>& own) const {
        const SnapshotSummary* best = nullptr;
        const auto distance = [&snapshot](const SnapshotSummary& each) {
            return each.sequence > snapshot.sequence ? each.sequence - snapshot.sequence
                                                     : snapshot.sequence - each.sequence;
        };
        for (const SnapshotSummary& each : own) {
            if (each.id == snapshot.id || counterpart(each) == nullptr) {
                continue;
            }
            if (snapshot.parent == each.id) {
                return &each;
            }
            if (best == nullptr || distance(each) < distance(*best)) {
                best = &each;
            }
        }
        return best;
    }

    /// Null when it cannot be had: then there is more to read.
    [[nodiscard]] std::unique_ptr<Manifest> known(Repository& repository, const SnapshotId& id) {
        try {
            return repository.manifest(id, stop_);
        } catch (const RepositoryError& error) {
            context_.log.warning("an earlier snapshot cannot be read, so more is",
                                 {{"snapshot", id}, {"error", error.what()}});
        } catch (const ConfigError&) {
            // Removed meanwhile.
        }
        return nullptr;
    }

    SnapshotSummary copy_anew(const SnapshotSummary& snapshot,
                              const SnapshotWriter::DamagedPacks& damaged) {
        const std::vector<SnapshotSummary>& own = snapshots_at_source(snapshot.source_id);
        const SnapshotSummary* const alike = most_alike(snapshot, own);
        const std::unique_ptr<Manifest> original = source_.manifest(snapshot.id, stop_);
        const std::unique_ptr<Manifest> known_source = alike ? known(source_, alike->id) : nullptr;
        const std::unique_ptr<Manifest> known_target =
            known_source ? known(target_, counterpart(*alike)->id) : nullptr;
        Manifest manifest;
        manifest.details = details_at_target(original->details, own);
        SnapshotWriter writer(target_, context_.clock, "copy", source_id_, stop_);
        writer.distrust(damaged);
        ChunkReader target_reader(target_, Elsewhere::removed_packs);
        SealCounts counts;
        // As in a backup: a full never depends on chunks of other snapshots for its decoding.
        const HeldAs held_as =
            snapshot.mode == BackupMode::full ? HeldAs::whole_only : HeldAs::whole_or_delta;
        CopyRun run{reader_, target_,       target_reader, writer, held_as, options_.compression,
                    counts,  options_.jobs, context_};
        copy_streams(run, *original, known_source.get(), known_target.get(), manifest);
        manifest.details.summary.chunks_new = counts.stored_whole;
        manifest.details.summary.chunks_delta = counts.stored_delta;
        manifest.details.summary.chunks_reused = counts.reused;
        writer.commit(manifest);
        return manifest.details.summary;
    }

    void copy_streams(CopyRun& run, const Manifest& original, const Manifest* known_source,
                      const Manifest* known_target, Manifest& manifest) {
        std::list<StreamCopy> streams;
        for (const StreamContents& stream : original.streams) {
            const CopiedStream known{
                known_source ? known_source->stream_named(stream.stream.name) : nullptr,
                known_target ? known_target->stream_named(stream.stream.name) : nullptr};
            const SealCounts& counts = run.counts;
            const StoredCounts before{counts.stored_bytes, counts.stored_whole, counts.stored_delta,
                                      counts.reused};
            streams.emplace_back(run, stream, known, stop_).copy();
            manifest.details.stream_counts.emplace_back(StoredCounts{
                counts.stored_bytes - before.bytes, counts.stored_whole - before.chunks_new,
                counts.stored_delta - before.chunks_delta, counts.reused - before.chunks_reused});
        }
        check_referred_packs(run.writer, target_, original.details.summary.mode);
        context_.progress.phase = Phase::finishing;
        run.writer.flush();
        auto counts = manifest.details.stream_counts.begin();
        for (StreamCopy& stream : streams) {
            StreamContents contents = stream.finish();
            contents.counts = *counts++;
            manifest.details.streams.push_back(contents.stream);
            manifest.details.stream_consistency.push_back(contents.consistency);
            manifest.streams.push_back(std::move(contents));
        }
        context_.progress.phase = Phase::reading;
    }

    /// What the original says, in the names of the target.
    /// @param own The source's snapshots where it comes from.
    [[nodiscard]] SnapshotDetails details_at_target(const SnapshotDetails& original,
                                                    const std::vector<SnapshotSummary>& own) {
        const auto translated = [&](const SnapshotId& id) -> std::optional<SnapshotId> {
            const auto found = std::ranges::find(own, id, &SnapshotSummary::id);
            const SnapshotSummary* const there = found == own.end() ? nullptr : counterpart(*found);
            return there == nullptr ? std::nullopt : std::optional(there->id);
        };
        SnapshotDetails details = original;
        SnapshotSummary& summary = details.summary;
        summary.origin = origin_of(source_, original.summary);
        summary.source_id = source_id_;
        summary.sequence = sequence_of(original.summary);
        if (summary.parent) {
            summary.parent = translated(*summary.parent);
        }
        summary.doubtful.clear();
        for (const SnapshotId& id : original.summary.doubtful) {
            if (const auto there = translated(id)) {
                summary.doubtful.push_back(*there);
            }
        }
        details.streams.clear();
        details.stream_consistency.clear();
        details.stream_counts.clear();
        details.predecessor.reset();
        details.predecessor_digest.clear();
        for (const SnapshotSummary& each : at_target_) {
            if (each.sequence < summary.sequence) {
                details.predecessor = each.id;
            }
        }
        if (details.predecessor) {
            const std::unique_ptr<Manifest> predecessor = known(target_, *details.predecessor);
            details.predecessor_digest = predecessor ? to_hex(predecessor->object_digest) : "";
        }
        return details;
    }

    Repository& source_;
    Repository& target_;
    const CopyOptions& options_;
    const Context& context_;
    std::stop_token stop_;
    ChunkReader reader_;
    std::map<SourceId, std::vector<SnapshotSummary>> at_source_;
    SourceId source_id_;                      ///< At the target, of the snapshot being copied.
    std::vector<SnapshotSummary> at_target_;  ///< Of that source, by sequence.
};

}  // namespace

CopyReport copy_snapshots(Repository& source, Repository& target,
                          std::vector<SnapshotSummary> snapshots, const CopyOptions& options,
                          const Context& context, std::stop_token stop) {
    const auto begun = std::chrono::steady_clock::now();
    if (source.id() == target.id()) {
        throw explained<ConfigError>(fmt::format("{} and {} are the same repository",
                                                 source.storage().url(), target.storage().url()),
                                     "Copy into another one, which 'db-backup init' makes.",
                                     "same_repository");
    }
    std::ranges::stable_sort(snapshots, {}, [](const SnapshotSummary& each) {
        return std::tie(each.sequence, each.id);
    });
    for (const SnapshotSummary& each : snapshots) {
        context.progress.bytes_total += each.bytes_source;
    }
    context.progress.phase = Phase::reading;
    CopyReport report;
    SnapshotCopier copier(source, target, options, context, stop);
    for (SnapshotSummary& each : snapshots) {
        CopiedSnapshot& copied = report.snapshots.emplace_back();
        copied.source = std::move(each);
        try {
            copier.copy(copied);
        } catch (const CorruptionError& error) {
            try {
                throw_if_removed(source, copied.source, stop);
                copied.failure = error.what();
            } catch (const RepositoryError& removed) {
                copied.failure = removed.what();
            }
        } catch (const ConfigError& error) {
            if (error.code() != "snapshot_unknown") {
                throw;
            }
            copied.failure = "it was removed meanwhile";
        }
        if (!copied.failure.empty()) {
            context.log.warning("a snapshot is not copied",
                                {{"snapshot", copied.source.id}, {"error", copied.failure}});
        }
    }
    report.bytes_fetched = copier.bytes_fetched();
    report.duration_s =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    return report;
}

}  // namespace dbbackup
