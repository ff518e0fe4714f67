#pragma once

/// @file
/// Key slots: the master key of a repository, wrapped by a passphrase or by a key file.
///
/// Each slot opens the same master key, so slots come and go without touching data. The struct
/// here is what is stored; repository/ decides how it is encoded and named.

#include "base/bytes.hpp"
#include "base/secret.hpp"
#include "base/units.hpp"

#include <cstdint>
#include <optional>

namespace dbbackup {

/// What opens a slot. Numbers are part of the repository format.
enum class KeySlotKind : std::uint8_t {
    passphrase = 1,  ///< Argon2id, version 1.3, one lane (RFC 9106).
    key_file = 2,    ///< 32 random bytes: nothing to guess, so nothing to slow down.
};

/// What one guess of a passphrase costs.
struct Argon2Cost {
    std::uint64_t passes = 3;
    std::uint64_t memory_bytes = 64_MiB;
};

/// More than this is refused before any of it is spent, so that who can write to the storage can
/// not make the owner allocate 100 GB or wait for a day.
inline constexpr Argon2Cost kArgon2CostMax{.passes = 64, .memory_bytes = 2_GiB};
/// The least that Argon2id as libsodium has it can do.
inline constexpr Argon2Cost kArgon2CostMin{.passes = 1, .memory_bytes = 8_KiB};

/// One slot as stored. Nothing in it is secret.
struct KeySlot {
    KeySlotKind kind = KeySlotKind::passphrase;
    Bytes salt;         ///< 16 random bytes.
    Argon2Cost cost;    ///< Both 0 for a key file.
    Bytes wrapped_key;  ///< 48 bytes: the sealed master key.
};

/// Wraps `master` (32 bytes) so that `secret` opens it again.
///
/// The wrapping key is HKDF-SHA-256 with the slot's salt and the label "db-backup key slot" over
/// the output of Argon2id(secret, salt) or over the key file's 32 bytes; it seals the master key
/// by AES-256-GCM with nonce 0. Repository, kind, salt and cost are the additional data, so a slot
/// with one changed field, or of another repository, does not open.
/// @param secret The passphrase, or the bytes of the key file.
/// @throws ConfigError when the passphrase is empty, the key file not 32 bytes, or the cost beyond
/// its bounds.
[[nodiscard]] KeySlot wrap_key(const Secret& master, KeySlotKind kind, const Secret& secret,
                               BytesView repository_id, const Argon2Cost& cost = {});

/// @throws CorruptionError when the slot is not well-formed or asks for more than kArgon2CostMax.
void check_key_slot(const KeySlot& slot);

/// Returns the master key, or nothing when `secret` is not the one that made the slot.
/// @throws CorruptionError as `check_key_slot`.
[[nodiscard]] std::optional<Secret> unwrap_key(const KeySlot& slot, const Secret& secret,
                                               BytesView repository_id);

}  // namespace dbbackup
