#pragma once

/// @file
/// Sealed heads of manifests, kept on this machine so that `list` and `backup` need one listing
/// and no other request. May be lost or damaged at any time: every head is authenticated again.

#include "base/bytes.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>

namespace dbbackup {

/// One file per repository. Not thread-safe.
class ManifestCache {
public:
    /// @param file Nothing: a cache that keeps nothing.
    explicit ManifestCache(std::optional<std::filesystem::path> file);

    /// The stored head of the object of this name, or an empty view. Valid until `add`.
    [[nodiscard]] BytesView find(const std::string& object_name);

    /// Remembers a head; written by `save`.
    void add(const std::string& object_name, BytesView head);

    /// Appends what was added, or rewrites the file when most of it is of no use any more.
    /// @param names_in_use How many objects there are now, if that is known. Failures are ignored:
    /// it is a cache.
    void save(std::optional<std::size_t> names_in_use) noexcept;

private:
    void load();
    void parse(const Bytes& content);

    std::optional<std::filesystem::path> file_;
    bool is_loaded_ = false;
    std::unordered_map<std::string, Bytes> heads_;
    Bytes added_;
    bool is_torn_ = false;  ///< The file ends inside an entry; what is appended would be lost.
};

}  // namespace dbbackup
