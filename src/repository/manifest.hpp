#pragma once

/// @file
/// A manifest: one snapshot, complete in itself. Its creation is the commit of a backup.

#include "repository/chunk_list.hpp"
#include "repository/directory_record.hpp"
#include "repository/keys.hpp"
#include "repository/snapshot.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

/// One list of consecutive segments: either held here, or in a chunk of its own.
struct SegmentListRef {
    std::uint64_t first_page = 0;
    std::uint64_t bytes = 0;  ///< Plain bytes of the stream that it covers.
    ChunkCopyPtr chunk;       ///< Null when `segments` is the list.
    std::vector<StoredSegment> segments;
};

/// One stream of a snapshot.
struct StreamContents {
    StoredStream stream;
    Consistency consistency = Consistency::view;
    std::vector<SegmentListRef> lists;
    std::string state = {};  ///< The connector's notes, where each stream has its own.
    std::optional<StoredCounts> counts = {};
};

/// Everything a manifest object holds.
struct Manifest {
    SnapshotDetails details;
    std::vector<StreamContents> streams;
    std::vector<std::string> indexes;  ///< Index objects that this run wrote.
    std::vector<IndexedPack> inline_index;
    Digest object_digest{};  ///< SHA-256 of the stored object.

    /// Null when there is none.
    [[nodiscard]] const StreamContents* stream_named(std::string_view name) const;
};

/// `manifests/<source>/<run>`
[[nodiscard]] ObjectName manifest_object_name(const SourceId& source, const RunId& run);

[[nodiscard]] Bytes encode_manifest(const Keys& keys, const ObjectName& name,
                                    const Manifest& manifest);

/// Nothing when the object is a tombstone. @throws CorruptionError, RepositoryError.
[[nodiscard]] std::optional<Manifest> decode_manifest(const Keys& keys, const ObjectName& name,
                                                      BytesView object);

/// What the first bytes of a manifest object are.
struct ManifestHead {
    bool is_tombstone = false;
    SnapshotSummary summary;  ///< Unless it is a tombstone.
};

/// How many bytes of a manifest object are enough for its head, unless its tags are huge.
inline constexpr std::uint64_t kManifestHeadBytes = 4096;

/// Nothing when `beginning` holds too little of the object. @throws CorruptionError.
[[nodiscard]] std::optional<ManifestHead> decode_manifest_head(const Keys& keys,
                                                               const ObjectName& name,
                                                               BytesView beginning);

}  // namespace dbbackup
