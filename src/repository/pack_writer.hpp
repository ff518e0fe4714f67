#pragma once

/// @file
/// Packs that belong to no snapshot: what a collector seals anew. An index names them, so that
/// writers and readers find what they hold.
///
/// Data path: compaction -> [pack writer] -> storage.

#include "base/guarded.hpp"
#include "repository/directory_record.hpp"
#include "repository/repository.hpp"
#include "repository/uploader.hpp"

#include <cstdint>
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

    /// Ends the storing of packs, whatever became of it, and names those that are durable in an
    /// index. Only ends what `flush` has not: those of a failed run are named, too.
    /// @return Those packs. @throws StorageError, Cancelled: then they are in no index.
    const std::vector<IndexedPack>& close();

    /// What the packs take that are durable.
    [[nodiscard]] std::uint64_t bytes_stored() const;

private:
    void submit();

    Repository& repository_;
    std::stop_token stop_;
    std::unique_ptr<PackBuilder> builder_;  ///< Null: the next chunk begins a pack.
    Guarded<std::vector<IndexedPack>> stored_;
    std::vector<IndexedPack> closed_;
    std::unique_ptr<Uploader> uploader_;  ///< Last: its threads use the members above.
};

}  // namespace dbbackup
