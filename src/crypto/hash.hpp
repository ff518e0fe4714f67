#pragma once

/// @file
/// Hashes and the keys derived from the master key.

#include "base/bytes.hpp"
#include "base/secret.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace dbbackup {

using Digest = std::array<std::uint8_t, 32>;

/// SHA-256 (FIPS 180-4).
[[nodiscard]] Digest sha256(BytesView content);

/// SHA-256 of a content that comes in parts. Not thread-safe.
class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(const Sha256&) = delete;
    Sha256& operator=(const Sha256&) = delete;

    void update(BytesView part);
    /// Ends the hash; the object can not be used after it.
    [[nodiscard]] Digest finish();

private:
    void* context_;
};

/// HMAC-SHA-256 (RFC 2104) under one key, many times. Thread-safe: each call is independent.
class KeyedHash {
public:
    explicit KeyedHash(BytesView key);
    ~KeyedHash();
    KeyedHash(const KeyedHash&) = delete;
    KeyedHash& operator=(const KeyedHash&) = delete;

    [[nodiscard]] Digest operator()(BytesView content) const;

private:
    void* context_ = nullptr;  ///< The keyed state; copied by each call, never changed.
};

/// HKDF-SHA-256 (RFC 5869), 32 bytes. `label` names the use, so that no two uses share a key.
[[nodiscard]] Secret derive_key(BytesView master, BytesView salt, std::string_view label);

/// Fills from the operating system's generator (getrandom).
void fill_random(std::span<std::uint8_t> bytes);
[[nodiscard]] Bytes random_bytes(std::size_t count);

/// Compares without telling by its timing where the first difference is.
[[nodiscard]] bool equal_secrets(BytesView left, BytesView right) noexcept;

}  // namespace dbbackup
