#pragma once

/// @file
/// Sealed bytes of the repository, kept on this machine so that `list` and `backup` need one
/// listing and few other requests: heads of manifests, and segment lists. May be lost or damaged at
/// any time: whoever uses them authenticates them again.

#include "base/bytes.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>

namespace dbbackup {

/// One file per repository. Not thread-safe.
class SealedCache {
public:
    /// @param file Nothing: a cache that keeps nothing.
    explicit SealedCache(std::optional<std::filesystem::path> file);

    /// What is kept under this name, or an empty view. Valid until `add`.
    [[nodiscard]] BytesView find(const std::string& name);

    /// Remembers; written by `save`.
    void add(const std::string& name, BytesView content);

    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

    /// Appends what was added, or rewrites the file when most of it is of no use any more.
    /// @param names_in_use How many names are asked for by now, if that is known. Failures are
    /// ignored: it is a cache.
    void save(std::optional<std::size_t> names_in_use) noexcept;

private:
    void load();
    void keep(const std::string& name, BytesView content);
    void parse(const Bytes& content);

    std::optional<std::filesystem::path> file_;
    bool is_loaded_ = false;
    std::unordered_map<std::string, Bytes> kept_;
    std::uint64_t bytes_ = 0;  ///< Of what is kept.
    Bytes added_;
    bool is_torn_ = false;  ///< The file ends inside an entry; what is appended would be lost.
};

}  // namespace dbbackup
