#include "engine/pin.hpp"

#include "base/error.hpp"
#include "engine/open_runs.hpp"
#include "repository/manifest.hpp"
#include "repository/pins.hpp"
#include "repository/run.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dbbackup {
namespace {

/// So many times in turn a collector may take this process for dead.
constexpr int kAttemptsMax = 5;

/// How often it is looked whether a collection is decided.
constexpr std::chrono::milliseconds kLookEvery = std::chrono::seconds(1);

void check_is_there(const CollectorRecords& records, const SnapshotSummary& snapshot) {
    const ObjectName manifest = manifest_object_name(snapshot.source_id, snapshot.id);
    if (records.removed_manifests().contains(manifest.text())) {
        throw explained<ConfigError>(fmt::format("a prune has removed snapshot {}", snapshot.id),
                                     "'db-backup list' shows those that there are.",
                                     "snapshot_unknown");
    }
}

class Pinner {
public:
    Pinner(Repository& repository, const SnapshotSummary& snapshot, const PinOptions& options,
           const Context& context, std::stop_token stop)
        : repository_(repository),
          snapshot_(snapshot),
          options_(options),
          context_(context),
          stop_(std::move(stop)) {}

    /// False: a collector has given this run up, so it has to be begun anew.
    [[nodiscard]] bool try_once() {
        const LivingRun run(
            repository_.storage(), repository_.keys(), context_.clock, kPinKind,
            [this](const RunId& id) { return pin_object_name(snapshot_.id, id); }, stop_);
        try {
            wait_for_collections(run.id());
        } catch (...) {
            abandon(run.id());
            throw;
        }
        const ObjectName name = pin_object_name(snapshot_.id, run.id());
        return repository_.storage().put(
                   name,
                   encode_pin(repository_.keys(), name, options_.reason, context_.clock.now()),
                   stop_) == PutResult::created;
    }

private:
    /// So that no prune waits for a run that will not pin. Where that fails, one gives it up.
    void abandon(const RunId& own) noexcept {
        try {
            KnownRun run;
            run.outcome = pin_object_name(snapshot_.id, own);
            give_up(repository_.storage(), repository_.keys(), run, own, "it did not pin", {});
        } catch (const std::exception& error) {
            context_.log.debug("the run was not given up", {{"error", error.what()}});
        }
    }

    /// Returns when every collection whose marker stood is decided, and none has removed the
    /// snapshot. One that begins later waits for this run before it reads pins.
    void wait_for_collections(const RunId& own) {
        const auto begun = std::chrono::steady_clock::now();
        std::chrono::milliseconds paused{0};  // A test's pauses take no time.
        for (;;) {
            const CollectorRecords records =
                read_collector_records(repository_.storage(), repository_.keys(), stop_);
            check_is_there(records, snapshot_);
            if (std::ranges::all_of(records.markers, [&records](const auto& marker) {
                    return records.is_decided(marker.first);
                })) {
                return;
            }
            if (give_up_dead(records, own)) {
                continue;
            }
            const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(
                std::chrono::steady_clock::now() - begun);
            if (std::max(paused, waited) >= options_.wait) {
                throw explained<RepositoryError>(
                    "a prune is under way, and may have decided to remove the snapshot",
                    "Pin the snapshot again when it has ended, or wait longer with --wait.",
                    "prune_running");
            }
            pause(options_.pause, kLookEvery, stop_);
            paused += kLookEvery;
        }
    }

    /// @return Whether there were any.
    bool give_up_dead(const CollectorRecords& records, const RunId& own) {
        bool found = false;
        for (const KnownRun& run :
             list_runs(repository_.storage(), repository_.keys(), records, stop_)) {
            if (run.is_collection() && !run.is_decided && records.markers.contains(run.id) &&
                is_dead(options_.is_dead, run)) {
                give_up(repository_.storage(), repository_.keys(), run, own,
                        "its process has ended", stop_);
                found = true;
            }
        }
        return found;
    }

    Repository& repository_;
    const SnapshotSummary& snapshot_;
    const PinOptions& options_;
    const Context& context_;
    std::stop_token stop_;
};

}  // namespace

void pin(Repository& repository, const SnapshotSummary& snapshot, const PinOptions& options,
         const Context& context, std::stop_token stop) {
    repository.check_writable();
    Pinner pinner(repository, snapshot, options, context, std::move(stop));
    for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
        if (pinner.try_once()) {
            return;
        }
    }
    throw RepositoryError("collectors gave up this run again and again before it could pin");
}

std::size_t unpin(Repository& repository, const SnapshotId& snapshot, const Context& context,
                  std::stop_token stop) {
    repository.check_writable();
    const Pins pins = read_pins(repository.storage(), repository.keys(), stop);
    const auto of_snapshot = pins.find(snapshot);
    if (of_snapshot == pins.end()) {
        return 0;
    }
    for (const Pin& pin : of_snapshot->second) {
        const ObjectName name = pin_end_object_name(snapshot, pin.run);
        if (repository.storage().put(name,
                                     encode_pin_end(repository.keys(), name, context.clock.now()),
                                     stop) == PutResult::exists) {
            throw CorruptionError(fmt::format("{} is damaged, so the pin counts on", name.text()));
        }
    }
    return of_snapshot->second.size();
}

}  // namespace dbbackup
