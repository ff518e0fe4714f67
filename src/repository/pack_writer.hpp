#pragma once

/// @file
/// Packs that belong to no snapshot: what a collector seals anew. An index names them, so that
/// writers and readers find what they hold.
///
/// Data path: compaction -> [pack writer] -> storage.

#include "base/guarded.hpp"
#include "repository/directory_record.hpp"
#include "repository/index_objects.hpp"
#include "repository/repository.hpp"
#include "repository/uploader.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <stop_token>
#include <vector>

namespace dbbackup {

/// Belongs to one thread.
class PackWriter {
public:
    /// @param repository Borrowed.
    PackWriter(Repository& repository, std::stop_token stop);
    ~PackWriter();
    PackWriter(const PackWriter&) = delete;
    PackWriter& operator=(const PackWriter&) = delete;

    /// Seals and packs one chunk; `form` has its bases and its depth. May block while packs are
    /// being stored. @throws what storing a pack before this one threw; Cancelled.
    void add(const ChunkForm& form, BytesView packed);

    /// Everything added is durable once this returns. @throws as add.
    void flush();

    /// Ends the storing of packs, whatever became of it, and names those that are durable in
    /// indexes, as far as `add` has not. Only ends what `flush` has not: those of a failed run are
    /// named, too.
    /// @return Those packs. @throws StorageError, Cancelled: then some may be in no index.
    [[nodiscard]] std::vector<PackName> close();

    /// What the packs take that are durable.
    [[nodiscard]] std::uint64_t bytes_stored() const { return bytes_stored_; }

private:
    void submit();
    void name_stored();

    Repository& repository_;
    std::stop_token stop_;
    std::unique_ptr<PackBuilder> builder_;  ///< Null: the next chunk begins a pack.
    std::deque<IndexedPack> unnamed_;       ///< In no index, and not taken by `indexes_`.
    IndexObjectWriter indexes_;
    std::vector<PackName> packs_;  ///< All that `indexes_` has taken.
    std::atomic<std::uint64_t> bytes_stored_ = 0;
    Guarded<std::vector<IndexedPack>> stored_;  ///< New since the last look.
    std::unique_ptr<Uploader> uploader_;        ///< Last: its threads use the members above.
};

}  // namespace dbbackup
