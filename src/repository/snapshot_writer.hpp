#pragma once

/// @file
/// One writing run: it announces itself, stores chunks in packs, and commits a manifest. The order
/// in which it touches the storage is what keeps data alive (docs/protocol.md, "Writing a
/// snapshot").
///
/// Data path: sealer -> [packer] -> storage.

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/guarded.hpp"
#include "repository/chunk_index.hpp"
#include "repository/manifest.hpp"
#include "repository/repository.hpp"
#include "repository/run.hpp"
#include "repository/uploader.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace dbbackup {

/// The commit found a tombstone: a collector gave this run up. Start over under a new id.
class RunGivenUp final : public RepositoryError {
public:
    explicit RunGivenUp(const RunId& run);
};

/// `provides`, `current`, `distrust`, `find` and `add` are thread-safe; the rest is for one thread.
class SnapshotWriter {
public:
    static constexpr std::size_t kAddedInMemoryMax = 65'536;

    /// Announces the run, then reads what collectors have removed or condemned: in this order, and
    /// before anything is read from the source.
    /// @param kind "backup" or "copy".
    /// @param added_in_memory_max Chunks that this run stored are looked up in memory until they
    /// are so many (near 16 MiB), and then on disk.
    SnapshotWriter(Repository& repository, const Clock& clock, const std::string& kind,
                   SourceId source, std::stop_token stop,
                   std::size_t added_in_memory_max = kAddedInMemoryMax);
    /// Without a commit: names what was stored in an index, so that the next run reuses it.
    ~SnapshotWriter();
    SnapshotWriter(const SnapshotWriter&) = delete;
    SnapshotWriter& operator=(const SnapshotWriter&) = delete;

    [[nodiscard]] const RunId& run_id() const noexcept { return run_.id(); }

    /// Whether the copy may be referred to: its whole closure lies in packs that no marker and no
    /// `removed` list names.
    [[nodiscard]] bool provides(const ChunkCopyPtr& copy) const;

    /// What to refer to for a chunk of an earlier snapshot: the copy that it names if that may be
    /// referred to; else another, since a collector may have stored the chunk anew; or null.
    [[nodiscard]] ChunkCopyPtr current(const ChunkCopyPtr& named, HeldAs held_as);

    /// Packs that are damaged or missing, and why that is known.
    using DamagedPacks = std::map<PackName, std::string>;
    /// Takes the pack of a copy that cannot be read out of deduplication, with all that needs it:
    /// what is found from now on does not lie there. The manifest will say so.
    void distrust(const ChunkCopy& copy, const std::string& why);
    /// The same for packs that an earlier attempt found.
    void distrust(const DamagedPacks& packs);
    /// Looks whether the packs of others that this run may refer to are there and long enough.
    void look_for_referred_packs();
    [[nodiscard]] DamagedPacks distrusted() const;
    /// Whether this run may refer to a pack that was found damaged later: then it must start over.
    [[nodiscard]] bool refers_to_distrusted() const;

    /// A copy that may be referred to, stored by this or an earlier run; null when there is none.
    [[nodiscard]] ChunkCopyPtr find(const ChunkId& id, HeldAs held_as);

    /// Seals and packs one chunk. Another thread may have added the same chunk meanwhile: then that
    /// copy is returned and nothing is stored. May block while packs are being stored.
    /// @param bases Copies that may be referred to; the form's depth and base ids are set from
    /// them.
    ChunkCopyPtr add(ChunkForm form, BytesView packed, std::vector<ChunkCopyPtr> bases);

    /// Has what was added stored, if that can begin at once: nothing more comes for a while.
    void hand_over();
    /// Everything added so far is durable and has its pack's name once this returns.
    void flush();

    /// Commits: indexes first, then the manifest, create-if-absent. Fills in what only the writer
    /// knows (run, bytes added, indexes). @throws RunGivenUp.
    void commit(Manifest& manifest);

    [[nodiscard]] std::uint64_t bytes_added() const noexcept { return bytes_added_.load(); }

private:
    struct OpenPack {
        std::unique_ptr<PackBuilder> builder;
        std::shared_ptr<PackIdentity> identity;
    };

    /// What this run added and still has in memory.
    [[nodiscard]] ChunkCopyPtr find_added(const ChunkId& id, HeldAs held_as);
    [[nodiscard]] bool is_own(const ChunkCopy& copy) const;
    /// @pre !is_own(copy)
    [[nodiscard]] bool is_trusted(const ChunkCopy& copy) const;
    /// What this run added under the form's id, if it is no deeper.
    [[nodiscard]] ChunkCopyPtr added_copy(const ChunkForm& form) const;
    /// Hands the open pack to the uploads. `lock` holds `mutex_`, and is released meanwhile.
    void submit_open(std::unique_lock<std::mutex>& lock);
    void submit(OpenPack pack);
    /// What no other pack made full.
    void submit_rest();
    void pack_stored(const IndexedPack& pack);
    /// Moves what a stored pack holds from `added_` to the index, if there is much.
    void move_to_index(const IndexedPack& pack);
    void put_index(const std::vector<IndexedPack>& packs, std::stop_token stop);
    PutResult put_counted(const ObjectName& name, BytesView content, std::stop_token stop);

    Repository& repository_;
    const Clock& clock_;
    SourceId source_;
    std::stop_token stop_;
    std::atomic<std::uint64_t> bytes_added_{0};
    LivingRun run_;
    const Removals removals_;
    Guarded<DamagedPacks> distrusted_;
    /// Packs of others that this run may refer to, and how long they have to be in bytes.
    mutable Guarded<std::map<PackName, std::uint64_t>> referred_;
    /// A pack's salt is drawn when it is begun, and no other pack has it.
    using PackSalt = Name32<struct PackSaltTag>;
    Guarded<std::unordered_set<PackSalt>> own_packs_;  ///< Begun by this run.
    const std::size_t added_in_memory_max_;

    /// Guards the index. Taken without `mutex_`, so that chunks are added while one is looked up.
    std::mutex lookup_mutex_;
    std::optional<ChunkIndex> index_;

    std::mutex mutex_;  ///< Guards the members from here to the next empty line.
    std::unordered_map<ChunkId, ChunkCopyPtr> added_;
    OpenPack open_;
    /// A full pack waits for room among the uploads; until then no other is begun, so that packs in
    /// memory do not grow with the number of threads.
    bool is_submitting_ = false;
    std::condition_variable_any submitted_;

    std::mutex index_mutex_;  ///< Guards the packs that no index names yet.
    std::vector<IndexedPack> unindexed_;
    std::size_t unindexed_entries_ = 0;
    std::vector<std::string> indexes_;
    std::chrono::steady_clock::time_point index_put_at_;

    bool is_committed_ = false;
    std::unique_ptr<Uploader> uploader_;  ///< Last: its threads use the members above.
};

}  // namespace dbbackup
