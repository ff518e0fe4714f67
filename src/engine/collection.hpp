#pragma once

/// @file
/// Part of `prune`: one collection, step by step (docs/protocol.md, "Collecting").

#include "engine/collection_view.hpp"
#include "engine/pack_choice.hpp"
#include "repository/run.hpp"
#include "storage/locked_objects.hpp"

#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

/// Not thread-safe. When it is destroyed before its end, what it stored stays: the next prune gives
/// it up and begins one of its own. Nobody goes on with the collection of another process: two that
/// put one outcome can lose data (docs/decisions/0009).
class Collection {
public:
    /// Borrows everything.
    Collection(Repository& repository, const PruneOptions& options, const Context& context,
               CollectionViewReader& reader, std::stop_token stop);

    /// Steps 1 to 3: announces a new collection, reads, seals anew what is worth it, and condemns
    /// what nothing needs.
    /// @param compacts False: nothing is sealed anew.
    void begin(bool compacts, PruneReport& report);
    /// Steps 4 and 5: waits for the runs that were open, or gives them up.
    /// @return Those that are still open when the time to wait is over.
    [[nodiscard]] std::vector<KnownRun> settle_open_runs(PruneReport& report);
    /// Steps 6 and 7: chooses with what is there now, and stores the outcome. False: another
    /// collector gave this collection up, and nothing is to be done.
    [[nodiscard]] bool decide(PruneReport& report);
    /// Gives itself up instead, since runs are open that nobody wants to wait for: until its marker
    /// goes, no backup reuses what it condemned.
    void abandon();
    /// Step 8: deletes what the stored outcome names.
    void carry_out(PruneReport& report);

    [[nodiscard]] const RunId& id() const { return run_->id(); }
    /// What the packs in the marker take in storage.
    [[nodiscard]] std::uint64_t condemned_bytes() const;

private:
    /// @param view As it was read; read again when something was stored.
    [[nodiscard]] Compacted compact_first(CollectionView& view, PruneReport& report);
    [[nodiscard]] CollectionOutcome make_outcome(const CollectionView& view,
                                                 const std::vector<PackName>& packs,
                                                 const std::vector<std::string>& indexes) const;
    void delete_taken_over(PruneReport& report);
    /// Of a collection that is decided, so it means nothing any more. @return Whether it went.
    bool delete_marker(const RunId& run, LockedObjects& locked);
    [[nodiscard]] bool are_collections_decided();

    Repository& repository_;
    const PruneOptions& options_;
    const Context& context_;
    CollectionViewReader& reader_;
    std::stop_token stop_;
    std::unique_ptr<LivingRun> run_;
    std::uint64_t condemned_bytes_ = 0;
    /// Lists that others had repeated in full before this collection's step 5.
    std::set<std::string> taken_over_before_;
    std::vector<KnownRun> open_collections_;  ///< As of step 5.
    CollectionOutcome stored_;
};

/// Deletes the objects below `folder` that `names` has, but for those that are locked. @return How
/// many, and their bytes.
struct Deleted {
    std::uint64_t objects = 0;
    std::uint64_t bytes = 0;
};
[[nodiscard]] Deleted delete_named(Storage& storage, const char* folder,
                                   const std::set<std::string>& names, LockedObjects& locked,
                                   std::stop_token stop);

/// Deletes what the stored outcomes of all collections name, the manifests first.
void finish_outcomes(Repository& repository, const CollectorRecords& records, PruneReport& report,
                     std::stop_token stop);

}  // namespace dbbackup
