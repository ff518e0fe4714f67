#pragma once

/// @file
/// Index objects as a whole: reading those that there are, and writing merged ones.

#include "repository/directory_record.hpp"
#include "repository/repository.hpp"

#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

/// One object `indexes/<id>`.
struct IndexObject {
    ObjectName name{"none"};
    std::vector<IndexedPack> packs;
};

/// How many chunks one merged index names at most: near 4 MiB, so that nobody who reads one needs
/// much memory.
inline constexpr std::size_t kIndexEntriesMax = 65'536;

[[nodiscard]] std::size_t entry_count(const std::vector<IndexedPack>& packs);

/// Draws the name of a new index.
[[nodiscard]] ObjectName index_object_name();
[[nodiscard]] Bytes encode_index_object(Repository& repository, const ObjectName& name,
                                        const std::vector<IndexedPack>& packs);

/// Nothing when there is no such object. @throws CorruptionError, RepositoryError.
[[nodiscard]] std::unique_ptr<IndexObject> read_index_object(Repository& repository,
                                                             const ObjectName& name,
                                                             std::stop_token stop);

/// Reads the directory from the end of a pack. Nothing when the pack has gone.
/// @param bytes The size of the object. @throws CorruptionError.
[[nodiscard]] std::unique_ptr<IndexedPack> fetch_pack_directory(Repository& repository,
                                                                const PackName& pack,
                                                                std::uint64_t bytes,
                                                                std::stop_token stop);

/// Names packs in new index objects, each as full as it may be. Not thread-safe.
class IndexObjectWriter {
public:
    /// @param repository Borrowed.
    IndexObjectWriter(Repository& repository, std::stop_token stop);

    /// Takes a pack that is durable; stores an index before it when that would be too full.
    /// @throws StorageError, Cancelled: then the pack was not taken, and no other is forgotten.
    void add(const IndexedPack& pack);
    /// Stores what was taken and is in no index yet. @throws as add: then it may be called again.
    void finish();

private:
    Repository& repository_;
    std::stop_token stop_;
    std::vector<IndexedPack> next_;
    std::size_t entries_ = 0;  ///< Of `next_`.
};

}  // namespace dbbackup
