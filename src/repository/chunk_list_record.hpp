#pragma once

/// @file
/// Copies and segments as protobuf messages. Includes protobuf: only for .cpp files.

#include "records.pb.h"
#include "repository/chunk_list.hpp"

#include <unordered_map>

namespace dbbackup {

/// Puts copies, with their closures and packs, into a ChunkList message. Not thread-safe.
class CopyPlaces {
public:
    explicit CopyPlaces(records::ChunkList& list) : list_(list) {}

    /// The place of `copy` in the message; adds it when it is new.
    std::uint32_t place_of(const ChunkCopyPtr& copy);

private:
    records::ChunkList& list_;
    std::unordered_map<const ChunkCopy*, std::uint32_t> copies_;
    std::unordered_map<const PackIdentity*, std::uint32_t> packs_;
};

/// All copies of a message, in its order. @throws CorruptionError for anything impossible.
[[nodiscard]] std::vector<ChunkCopyPtr> copies_from_record(const records::ChunkList& list);

void chunk_list_to_record(const std::vector<StoredSegment>& segments, records::ChunkList& list);
[[nodiscard]] std::vector<StoredSegment> chunk_list_from_record(const records::ChunkList& list);

}  // namespace dbbackup
