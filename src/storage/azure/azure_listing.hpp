#pragma once

/// @file
/// One page of a listing of blobs. Pure.
///
/// Source: Azure Storage REST API reference, "List Blobs".

#include "base/bytes.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

struct ListedBlob {
    std::string name;
    std::uint64_t size_bytes = 0;
    std::chrono::sys_seconds modified_at;
};

struct BlobListing {
    std::vector<ListedBlob> blobs;
    std::string next_marker;  ///< Of the page after this one; empty on the last.
};

/// Folders of a hierarchical namespace are left out: they are no objects. Nothing when `xml` is no
/// listing.
[[nodiscard]] std::optional<BlobListing> parse_blob_listing(BytesView xml);

}  // namespace dbbackup
