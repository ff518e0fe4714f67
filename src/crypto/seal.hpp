#pragma once

/// @file
/// Sealing: what makes stored bytes unreadable to others and any change to them visible.

#include "base/bytes.hpp"

#include <cstdint>

namespace dbbackup {

/// How a repository seals. Numbers are part of the repository format.
enum class Cipher : std::uint8_t {
    none = 0,         ///< Plain bytes followed by SHA-256(additional data || bytes): 32 bytes.
    aes_256_gcm = 1,  ///< Ciphertext followed by the 16-byte tag (NIST SP 800-38D).
};

/// Bytes that sealing adds.
[[nodiscard]] constexpr std::size_t seal_overhead_bytes(Cipher cipher) noexcept {
    return cipher == Cipher::none ? 32 : 16;
}

/// Appends the sealed form of `plain` to `out`.
/// @param key 32 bytes, used for this pack or object only; ignored by `Cipher::none`.
/// @param nonce Never used twice under one key: the ordinal of a chunk in its pack, 0 otherwise.
/// @param additional Authenticated, not stored: where and what these bytes are.
void seal(Cipher cipher, BytesView key, std::uint64_t nonce, BytesView additional, BytesView plain,
          Bytes& out);

/// Returns the plain bytes, made where the sealed ones are.
/// @throws CorruptionError when a single bit of `sealed`, `additional`, key or nonce differs.
[[nodiscard]] Bytes unseal(Cipher cipher, BytesView key, std::uint64_t nonce, BytesView additional,
                           Bytes sealed);

}  // namespace dbbackup
