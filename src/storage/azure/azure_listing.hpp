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

/// The metadata of a blob that we are about to remove, where deleted blobs are kept.
inline constexpr const char* kAzureRemovedMark = "dbbackupremoved";

struct ListedBlob {
    std::string name;
    std::uint64_t size_bytes = 0;
    std::chrono::sys_seconds modified_at;
    std::string version = {};  ///< Empty where the account keeps none. Newer ones compare greater.
    bool is_current = true;    ///< No previous version.
    bool is_deleted = false;   ///< Kept for a time ("soft delete").
    bool is_marked = false;    ///< Has `kAzureRemovedMark`.
};

struct BlobListing {
    std::vector<ListedBlob> blobs;
    std::string next_marker;  ///< Of the page after this one; empty on the last.
};

/// Folders of a hierarchical namespace are left out: they are no objects. Nothing when `xml` is no
/// listing.
[[nodiscard]] std::optional<BlobListing> parse_blob_listing(BytesView xml);

}  // namespace dbbackup
