#pragma once

/// @file
/// Part of `prune`: one reading of the repository, in the protocol's order.

#include "engine/pack_directories.hpp"
#include "engine/prune.hpp"
#include "engine/reachability.hpp"
#include "repository/collector_records.hpp"
#include "sys/scratch.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

/// One pack that is there and on no `removed` list.
struct PackState {
    PackName name;
    std::uint64_t bytes = 0;
    std::uint32_t directory = PackDirectories::kNone;  ///< Its number; none: it cannot be read.
    /// As long as its directory says, and not recorded as damaged.
    bool is_sound = true;
    bool is_recorded_damaged = false;
    bool is_indexed = false;   ///< An index object names it.
    bool is_referred = false;  ///< A snapshot that stays says that a part of it lies there.

    [[nodiscard]] bool has_directory() const { return directory != PackDirectories::kNone; }
};

/// What was read. Its tables may be large and need not be in memory; they belong to the reader,
/// which has to outlive it.
struct CollectionView {
    CollectionView(ScratchSpace& scratch, const PackDirectories& all_directories)
        : directories(&all_directories), packs(scratch), needed(scratch) {}

    CollectorRecords records;
    PinReasons pins;
    std::vector<SnapshotVerdict> snapshots;      ///< All visible ones.
    std::vector<std::string> removed_manifests;  ///< Object names; those that are to go.
    std::vector<std::string> problems;           ///< No pack may be removed because of these.
    const PackDirectories* directories;
    ScratchArray<PackState> packs;    ///< Sorted by name.
    std::vector<KnownIndex> indexes;  ///< On no `removed` list.
    std::vector<std::string> damaged_indexes;
    ScratchArray<ChunkId> needed;  ///< What must decode; sorted, each once.
    /// Snapshots that stay say that parts of them lie in packs that are not there.
    bool is_any_referred_gone = false;

    [[nodiscard]] ScratchSpace& scratch() const noexcept { return packs.scratch(); }
    /// Where a pack stands in `packs`.
    [[nodiscard]] std::optional<std::size_t> place_of(const PackName& name) const;
    /// @pre it is there.
    [[nodiscard]] const PackState& pack(const PackName& name) const {
        return packs[place_of(name).value()];
    }
};

/// Reads views, and remembers between them what never changes. Not thread-safe.
class CollectionViewReader {
public:
    /// Borrows everything.
    CollectionViewReader(Repository& repository, const PruneOptions& options);

    /// @throws CorruptionError when a collector's record cannot be read, RepositoryError,
    /// StorageError, Cancelled.
    [[nodiscard]] CollectionView read(std::stop_token stop);

    /// What no view can show, and what is a problem of each.
    void note(std::vector<std::string> problems);

    /// Where its tables are, for tests.
    [[nodiscard]] const ScratchSpace& scratch() const noexcept { return scratch_; }

private:
    [[nodiscard]] CollectionView read_once(std::stop_token stop);
    void decide(CollectionView& view, std::vector<SnapshotSummary> visible) const;
    void note_lost(CollectionView& view) const;
    /// @return Where the snapshots that stay say that they lie.
    [[nodiscard]] ScratchArray<PackName> read_needs(CollectionView& view, std::stop_token stop);
    void read_indexes(CollectionView& view, std::stop_token stop);
    void list_packs(CollectionView& view, std::stop_token stop);
    void read_directories(CollectionView& view, std::stop_token stop);

    Repository& repository_;
    const PruneOptions& options_;
    ScratchSpace scratch_;
    PackDirectories directories_;
    Reachability reachability_;
    std::map<std::string, KnownIndex> indexes_;  ///< By name.
    std::vector<std::string> noted_;
};

}  // namespace dbbackup
