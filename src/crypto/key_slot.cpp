#include "crypto/key_slot.hpp"

#include "base/error.hpp"
#include "crypto/hash.hpp"
#include "crypto/seal.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <string_view>

namespace dbbackup {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kSaltBytes = crypto_pwhash_argon2id_SALTBYTES;
constexpr std::string_view kLabel = "db-backup key slot";

bool is_within_bounds(const Argon2Cost& cost) {
    return cost.passes >= kArgon2CostMin.passes && cost.passes <= kArgon2CostMax.passes &&
           cost.memory_bytes >= kArgon2CostMin.memory_bytes &&
           cost.memory_bytes <= kArgon2CostMax.memory_bytes;
}

void append_number(std::uint64_t value, Bytes& out) {
    for (int shift = 56; shift >= 0; shift -= 8) {
        out.push_back(static_cast<std::uint8_t>(value >> static_cast<unsigned>(shift)));
    }
}

void append_field(BytesView field, Bytes& out) {
    append_number(field.size(), out);
    out.insert(out.end(), field.begin(), field.end());
}

/// Numbers are 64 bits, big endian; byte strings carry their length, so no two slots agree.
Bytes additional_data(const KeySlot& slot, BytesView repository_id) {
    Bytes out;
    append_field(as_bytes(kLabel), out);
    append_field(repository_id, out);
    append_number(static_cast<std::uint64_t>(slot.kind), out);
    append_field(slot.salt, out);
    append_number(slot.cost.passes, out);
    append_number(slot.cost.memory_bytes, out);
    return out;
}

Secret stretch(const Secret& passphrase, const KeySlot& slot) {
    if (sodium_init() < 0) {
        throw Error("cannot start libsodium");
    }
    Bytes stretched(kKeyBytes);
    const std::string_view text = as_text(passphrase.bytes());
    const int failed = crypto_pwhash_argon2id(
        stretched.data(), stretched.size(), text.data(), text.size(), slot.salt.data(),
        slot.cost.passes, slot.cost.memory_bytes, crypto_pwhash_argon2id_ALG_ARGON2ID13);
    Secret result(std::move(stretched));
    if (failed != 0) {
        throw explained<Error>(
            fmt::format("cannot derive a key from the passphrase: Argon2id needs {} of memory",
                        format_size(slot.cost.memory_bytes)),
            "Free some memory or raise the memory limit of this process.");
    }
    return result;
}

Secret wrapping_key(const KeySlot& slot, const Secret& secret) {
    if (slot.kind == KeySlotKind::key_file) {
        return derive_key(secret.bytes(), slot.salt, kLabel);
    }
    return derive_key(stretch(secret, slot).bytes(), slot.salt, kLabel);
}

void check_request(const Secret& master, KeySlotKind kind, const Secret& secret,
                   const Argon2Cost& cost) {
    if (master.bytes().size() != kKeyBytes) {
        throw Error("the master key to wrap is not 32 bytes long");
    }
    if (kind == KeySlotKind::key_file) {
        if (secret.bytes().size() != kKeyBytes) {
            throw explained<ConfigError>("the key of the key file is not 32 bytes long",
                                         "Make a key file with db-backup init.");
        }
        return;
    }
    if (secret.empty()) {
        throw explained<ConfigError>("the passphrase is empty", "Choose a longer passphrase.");
    }
    if (!is_within_bounds(cost)) {
        throw ConfigError(fmt::format("the passphrase cost of {} passes over {} is out of bounds",
                                      cost.passes, format_size(cost.memory_bytes)));
    }
}

}  // namespace

void check_key_slot(const KeySlot& slot) {
    const bool known = slot.kind == KeySlotKind::passphrase || slot.kind == KeySlotKind::key_file;
    if (!known || slot.salt.size() != kSaltBytes ||
        slot.wrapped_key.size() != kKeyBytes + seal_overhead_bytes(Cipher::aes_256_gcm)) {
        throw CorruptionError("a key slot is not well-formed");
    }
    if (slot.kind == KeySlotKind::passphrase && !is_within_bounds(slot.cost)) {
        throw explained<CorruptionError>(
            fmt::format("a key slot asks for {} passes of Argon2id over {}", slot.cost.passes,
                        format_size(slot.cost.memory_bytes)),
            "No version of db-backup writes such a slot: somebody changed it.");
    }
}

KeySlot wrap_key(const Secret& master, KeySlotKind kind, const Secret& secret,
                 BytesView repository_id, const Argon2Cost& cost) {
    check_request(master, kind, secret, cost);
    KeySlot slot;
    slot.kind = kind;
    slot.salt = random_bytes(kSaltBytes);
    slot.cost = kind == KeySlotKind::passphrase ? cost : Argon2Cost{.passes = 0, .memory_bytes = 0};
    const Secret key = wrapping_key(slot, secret);
    // The salt is new, so the key is, and nonce 0 is used once.
    seal(Cipher::aes_256_gcm, key.bytes(), 0, additional_data(slot, repository_id), master.bytes(),
         slot.wrapped_key);
    return slot;
}

std::optional<Secret> unwrap_key(const KeySlot& slot, const Secret& secret,
                                 BytesView repository_id) {
    check_key_slot(slot);
    if (secret.empty()) {
        return std::nullopt;
    }
    const Secret key = wrapping_key(slot, secret);
    try {
        return Secret(unseal(Cipher::aes_256_gcm, key.bytes(), 0,
                             additional_data(slot, repository_id), slot.wrapped_key));
    } catch (const CorruptionError&) {
        return std::nullopt;  // A wrong secret and a changed slot look the same, by design.
    }
}

}  // namespace dbbackup
