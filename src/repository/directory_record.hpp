#pragma once

/// @file
/// Pack directories and indexes as protobuf records, and back.

#include "repository/pack.hpp"

#include <string>
#include <vector>

namespace dbbackup {

/// The directory of one pack, and how an index knows it.
struct IndexedPack {
    PackName name;
    Digest salt{};
    std::uint64_t bytes = 0;
    std::vector<PackEntry> entries;
};

[[nodiscard]] std::string encode_directory(const std::vector<PackEntry>& entries);
/// @throws CorruptionError when an entry is impossible.
[[nodiscard]] std::vector<PackEntry> decode_directory(BytesView record);

[[nodiscard]] std::string encode_index(const std::vector<IndexedPack>& packs);
/// @throws CorruptionError.
[[nodiscard]] std::vector<IndexedPack> decode_index(BytesView record);

}  // namespace dbbackup
