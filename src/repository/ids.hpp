#pragma once

/// @file
/// The names that objects and chunks go by inside a repository.

#include "base/bytes.hpp"
#include "crypto/hash.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>

namespace dbbackup {

/// A 32-byte name that hashes and compares; `Tag` keeps kinds of names apart.
template <class Tag>
struct Name32 {
    Digest bytes{};

    [[nodiscard]] std::string text() const { return to_hex(bytes); }
    friend auto operator<=>(const Name32&, const Name32&) = default;
};

/// HMAC-SHA-256 of a chunk's plain bytes under the repository's id key.
using ChunkId = Name32<struct ChunkIdTag>;
/// SHA-256 of a pack's whole content; `packs/<first two digits>/<64 digits>`.
using PackName = Name32<struct PackNameTag>;

/// 32 hexadecimal digits, drawn at random: a run, and the snapshot that it made.
using RunId = std::string;
using SnapshotId = RunId;
/// 16 hexadecimal digits: a keyed hash of a source's identity.
using SourceId = std::string;

}  // namespace dbbackup

template <class Tag>
struct std::hash<dbbackup::Name32<Tag>> {
    std::size_t operator()(const dbbackup::Name32<Tag>& name) const noexcept {
        std::size_t value = 0;  // The bytes are a hash already.
        std::memcpy(&value, name.bytes.data(), sizeof value);
        return value;
    }
};
