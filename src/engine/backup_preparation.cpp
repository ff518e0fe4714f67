#include "engine/backup_preparation.hpp"

#include "base/error.hpp"
#include "engine/segment_lists.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dbbackup {
namespace {

/// A name belongs to whoever has a snapshot under it.
void refuse_taken_name(const std::vector<SnapshotSummary>& snapshots, const Preparation& ready) {
    for (const SnapshotSummary& snapshot : snapshots) {
        if (snapshot.source_name == ready.source_name && snapshot.source_id != ready.source_id) {
            throw explained<ConfigError>(
                fmt::format("the source name '{}' belongs to {} in this repository, not to {}",
                            ready.source_name, snapshot.identity, ready.probe.identity),
                "Give this source a name of its own with --source-name.", "source_name_taken");
        }
    }
}

/// What the user calls by a name goes on as what it began as, if that is a part of what it is now.
std::string identity_gone_on(const std::vector<SnapshotSummary>& snapshots,
                             const BackupOptions& options, const Probe& probe) {
    const auto is_former = [&](const SnapshotSummary& snapshot) {
        return options.source_name == snapshot.source_name && options.type == snapshot.type &&
               std::ranges::find(probe.former_identities, snapshot.identity) !=
                   probe.former_identities.end();
    };
    const auto found = std::ranges::find_if(snapshots, is_former);
    return found == snapshots.end() ? probe.identity : found->identity;
}

/// A source keeps the name it got first, unless the user gives another one.
std::string name_of(const std::vector<SnapshotSummary>& own, const BackupOptions& options,
                    const Probe& probe) {
    if (options.source_name) {
        return *options.source_name;
    }
    return own.empty() ? probe.suggested_name : own.front().source_name;
}

Parent parent_of(const Manifest& manifest) {
    Parent parent{manifest.details.position, manifest.details.connector_state, {}};
    for (const StreamContents& stream : manifest.streams) {
        parent.streams.push_back({stream.stream.name,
                                  stream.stream.kind,
                                  stream.stream.page_bytes,
                                  stream.stream.size_bytes,
                                  stream.stream.definition,
                                  {},
                                  stream.state});
    }
    parent.snapshot = manifest.details.summary.id;
    return parent;
}

void add_row_ranges(Parent& parent, const Manifest& manifest, ChunkReader& reader,
                    std::stop_token stop) {
    for (std::size_t index = 0; index < manifest.streams.size(); ++index) {
        if (parent.streams[index].kind == StreamKind::pages) {
            continue;
        }
        SegmentLists lists(manifest.streams[index], reader);
        for (std::size_t list = 0; list < lists.count(); ++list) {
            for (const StoredSegment& segment : lists.list(list, stop)) {
                parent.streams[index].segments.push_back(segment.range);
            }
        }
    }
}

void load_parent(Repository& repository, const BackupOptions& options, Preparation& ready,
                 const Context& context, std::stop_token stop) {
    std::unique_ptr<Manifest> newest;
    if (ready.strategy.predecessor) {
        try {
            newest = repository.manifest(ready.strategy.predecessor->id, stop);
            ready.predecessor_digest = to_hex(newest->object_digest);
        } catch (const CorruptionError& error) {
            context.log.warning(
                "the newest snapshot is damaged",
                {{"snapshot", ready.strategy.predecessor->id}, {"error", error.what()}});
        }
    }
    if (!ready.strategy.parent) {
        return;
    }
    try {
        ready.parent = newest && ready.strategy.parent->id == newest->details.summary.id
                           ? std::move(newest)
                           : repository.manifest(ready.strategy.parent->id, stop);
        ready.request.parent = parent_of(*ready.parent);
        ChunkReader reader(repository, Elsewhere::removed_packs);
        add_row_ranges(*ready.request.parent, *ready.parent, reader, stop);
    } catch (const CorruptionError& error) {
        // The user's data comes first: a damaged parent must not stop new backups.
        context.log.warning("the parent snapshot is damaged, so a full is taken",
                            {{"parent", ready.strategy.parent->id}, {"error", error.what()}});
        ready.strategy.reason =
            fmt::format("the parent snapshot {} is damaged", ready.strategy.parent->id);
        refuse_unwanted_fallback(options.fallback, ready.strategy.reason);
        ready.warnings.push_back(
            fmt::format("{}, so a full was taken: {}", ready.strategy.reason, error.what()));
        ready.strategy.mode = BackupMode::full;
        ready.strategy.parent.reset();
        ready.request.parent.reset();
        ready.parent.reset();
    }
}

void check_change_record(Connector& connector, const BackupOptions& options, Preparation& ready,
                         const Context& context, std::stop_token stop) {
    if (!ready.request.parent || options.is_native) {
        return;  // The vendor's tool reads everything anyway.
    }
    const Continuity continuity = connector.check(*ready.request.parent, std::move(stop));
    if (continuity.is_continuous) {
        return;
    }
    refuse_unwanted_fallback(options.fallback,
                             "the change record does not reach back to it: " + continuity.reason);
    context.log.warning("the change record cannot be used; everything is read again",
                        {{"reason", continuity.reason}});
    ready.fallback_reason = continuity.reason;
    ready.request.must_read = true;
}

Preparation prepare_from_list(Repository& repository, Connector& connector,
                              const BackupOptions& options, const Context& context,
                              std::stop_token stop) {
    Preparation ready;
    ready.probe = connector.probe(stop);
    std::vector<std::string> damaged;
    const std::vector<SnapshotSummary> all = repository.snapshots(stop, &damaged);
    ready.probe.identity = identity_gone_on(all, options, ready.probe);
    ready.source_id = repository.source_id(options.type, ready.probe.identity);
    for (const std::string& name : damaged) {
        context.log.warning("an object is damaged and left out of account", {{"object", name}});
    }
    std::copy_if(all.begin(), all.end(), std::back_inserter(ready.own),
                 [&](const SnapshotSummary& each) { return each.source_id == ready.source_id; });
    ready.source_name = name_of(ready.own, options, ready.probe);
    refuse_taken_name(all, ready);
    ready.strategy = choose_strategy(options.mode, ready.own);
    ready.request.jobs = options.jobs;
    ready.request.is_native = options.is_native;
    load_parent(repository, options, ready, context, stop);
    check_change_record(connector, options, ready, context, stop);
    return ready;
}

}  // namespace

void refuse_unwanted_fallback(Fallback fallback, const std::string& reason) {
    if (fallback == Fallback::refused) {
        throw explained<SourceError>(
            fmt::format("the backup cannot build upon the parent snapshot: {}", reason),
            "Run without --no-fallback to read everything once.", "fallback_refused");
    }
}

Preparation prepare(Repository& repository, Connector& connector, const BackupOptions& options,
                    const Context& context, std::stop_token stop) {
    constexpr int kListingsMax = 5;
    for (int listing = 1;; ++listing) {
        try {
            return prepare_from_list(repository, connector, options, context, stop);
        } catch (const ConfigError& error) {
            // A prune has removed what this would have built upon since it was listed.
            if (error.code() != "snapshot_unknown" || listing == kListingsMax) {
                throw;
            }
        }
    }
}

void distrust_signs(const Mismatch& mismatch, const BackupOptions& options, Preparation& ready,
                    const Context& context) {
    const std::string changed =
        fmt::format("{} changed, and no sign of a change was seen", mismatch.what);
    std::string ids;
    for (const SnapshotSummary& snapshot : ready.own) {
        if (snapshot.sequence > mismatch.read_sequence) {
            ready.doubtful.push_back(snapshot.id);
            ids += (ids.empty() ? "" : ", ") + snapshot.id;
        }
    }
    const std::string doubt = fmt::format("these snapshots may hold older data than they say: {}",
                                          ids.empty() ? "none" : ids);
    context.log.error(changed, {{"doubtful", ids}});
    refuse_unwanted_fallback(options.fallback, fmt::format("{}; {}", changed, doubt));
    ready.fallback_reason = changed;
    ready.request.must_read = true;
    ready.warnings.push_back(fmt::format(
        "{}. Something wrote to the database past the signs of a change that are relied "
        "on, or its disk is failing. This snapshot was read whole; {}",
        changed, doubt));
}

}  // namespace dbbackup
