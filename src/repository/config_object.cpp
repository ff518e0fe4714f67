#include "repository/config_object.hpp"

#include "base/error.hpp"
#include "repository/checked_json.hpp"
#include "repository/key_slots.hpp"
#include "storage/listing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace dbbackup {
namespace {

constexpr std::string_view kCipherGcm = "aes-256-gcm";
constexpr std::string_view kCipherNone = "none";
constexpr std::size_t kRepositoryIdDigits = 32;

[[noreturn]] void invalid_member(std::string_view name, const char* key) {
    throw explained<CorruptionError>(fmt::format("{} has no valid \"{}\"", name, key),
                                     "Put back this object from a copy of the repository.");
}

/// @throws CorruptionError when a member is missing or of another type: the text is intact, so a
/// program of another kind wrote it.
template <class T>
T member(const nlohmann::json& object, std::string_view name, const char* key) {
    try {
        return object.at(key).get<T>();
    } catch (const nlohmann::json::exception&) {
        invalid_member(name, key);
    }
}

Bytes hex_member(const nlohmann::json& object, std::string_view name, const char* key) {
    Bytes bytes = from_hex(member<std::string>(object, name, key));
    if (bytes.empty()) {
        invalid_member(name, key);
    }
    return bytes;
}

void refuse_newer(std::uint64_t format, std::string_view name) {
    if (format > kRepositoryFormat) {
        throw explained<RepositoryError>(
            fmt::format("{} is of repository format {}, this program knows up to {}", name, format,
                        kRepositoryFormat),
            "Use a newer version of db-backup.", "newer_format");
    }
}

/// The master key out of the first slot of this kind that `secret` opens.
std::optional<UnlockedMaster> try_slots(KeySlotList& slots, KeySlotKind kind,
                                        const Secret& secret) {
    for (const ListedKeySlot& listed : slots.slots) {
        const StoredKeySlot& stored = listed.stored;
        if (stored.slot.kind != kind) {
            continue;
        }
        try {
            if (std::optional<Secret> master =
                    unwrap_key(stored.slot, secret, as_bytes(stored.repository_id))) {
                return UnlockedMaster{std::move(*master), listed.id};
            }
        } catch (const CorruptionError&) {
            slots.damage = slots.damage ? slots.damage : std::current_exception();
        }
    }
    return std::nullopt;
}

/// The kinds of secrets that the slots take, for messages.
std::string wanted_text(const KeySlotList& slots) {
    return !slots.has(KeySlotKind::passphrase) ? "key file"
           : slots.has(KeySlotKind::key_file)  ? "passphrase or key file"
                                               : "passphrase";
}

/// One sentence that says how to give what the slots take.
std::string giving_hint(const KeySlotList& slots) {
    constexpr std::string_view kKeyFile = "by --key-file, DB_BACKUP_KEY_FILE or `key_file`";
    constexpr std::string_view kPassphrase =
        "by DB_BACKUP_PASSPHRASE_FILE, DB_BACKUP_PASSPHRASE, DB_BACKUP_PASSPHRASE_COMMAND or "
        "`passphrase_file`";
    return !slots.has(KeySlotKind::passphrase) ? fmt::format("Give the key file {}.", kKeyFile)
           : slots.has(KeySlotKind::key_file)
               ? fmt::format("Give the passphrase {}, or the key file {}.", kPassphrase, kKeyFile)
               : fmt::format("Give the passphrase {}.", kPassphrase);
}

[[noreturn]] void no_slot_opens(const KeySlotList& slots, const Unlock& unlock, bool has_secret) {
    const std::string wanted = wanted_text(slots);
    if (has_secret) {
        throw explained<WrongKeyError>(
            fmt::format("wrong {}: it opens none of the repository's key slots", wanted),
            "Check that the secret belongs to this repository.");
    }
    const bool has_other_kind = (unlock.has_passphrase && !slots.has(KeySlotKind::passphrase)) ||
                                (unlock.has_key_file && !slots.has(KeySlotKind::key_file));
    throw explained<WrongKeyError>(
        has_other_kind
            ? fmt::format("the repository is opened by a {}, and only a {} is configured", wanted,
                          unlock.has_passphrase ? "passphrase" : "key file")
            : fmt::format("the repository is encrypted and no {} is configured", wanted),
        giving_hint(slots), "key_missing");
}

[[noreturn]] void refuse_encryption(std::string_view found, Encryption configured) {
    throw explained<WrongKeyError>(
        fmt::format("the repository is {}, but the configuration says `encryption: {}`", found,
                    word_of(configured)),
        "Correct `encryption` if that is right; if not, somebody may have replaced the "
        "repository.",
        "wrong_encryption");
}

void refuse_unencrypted(const Unlock& unlock) {
    if (unlock.configured && *unlock.configured != Encryption::none) {
        refuse_encryption("not encrypted", *unlock.configured);
    }
    if (unlock.expects_encryption) {
        throw explained<WrongKeyError>(
            "a passphrase or key file is configured, but the repository is not encrypted",
            "If that is right, remove the passphrase or key file from the configuration and "
            "environment; if not, somebody may have replaced the repository.",
            "not_encrypted");
    }
}

}  // namespace

ObjectName config_object_name() { return ObjectName("config"); }

ObjectName key_object_name(const std::string& id) { return ObjectName("keys/" + id); }

Bytes encode_config(const RepositoryConfigObject& config, const Keys& keys) {
    nlohmann::json object = {
        {"format", kRepositoryFormat},
        {"repository_id", config.repository_id},
        {"cipher", config.cipher == Cipher::none ? kCipherNone : kCipherGcm},
        {"created_at", config.created_at},
        {"chunk_bytes_max", kChunkPlainBytesLimit},
    };
    object["mac"] = to_hex(keys.config_mac(as_bytes(hashed_text(object))));
    return encode_checked_json(object);
}

RepositoryConfigObject decode_config(BytesView content) {
    const nlohmann::json object = decode_checked_json("config", content);
    refuse_newer(member<std::uint64_t>(object, "config", "format"), "the repository");
    const auto cipher = member<std::string>(object, "config", "cipher");
    RepositoryConfigObject config;
    config.repository_id = member<std::string>(object, "config", "repository_id");
    config.created_at = member<std::string>(object, "config", "created_at");
    if ((cipher != kCipherGcm && cipher != kCipherNone) ||
        config.repository_id.size() != kRepositoryIdDigits ||
        from_hex(config.repository_id).empty() ||  // It names a folder of the cache.
        member<std::uint64_t>(object, "config", "chunk_bytes_max") > kChunkPlainBytesLimit) {
        throw CorruptionError("config holds a value that format 1 does not have");
    }
    config.cipher = cipher == kCipherGcm ? Cipher::aes_256_gcm : Cipher::none;
    return config;
}

void check_config_mac(BytesView content, const Keys& keys) {
    const nlohmann::json object = decode_checked_json("config", content);
    const Bytes mac = hex_member(object, "config", "mac");
    if (!equal_secrets(mac, keys.config_mac(as_bytes(hashed_text(object))))) {
        throw explained<CorruptionError>(
            "config was not made by someone who has this repository's key",
            "Do not trust this repository; compare it with a copy of it.");
    }
}

Bytes encode_key_slot(const StoredKeySlot& stored) {
    nlohmann::json object = {
        {"format", kRepositoryFormat},
        {"repository_id", stored.repository_id},
        {"kind", stored.slot.kind == KeySlotKind::passphrase ? "passphrase" : "keyfile"},
        {"salt", to_hex(stored.slot.salt)},
        {"argon2_passes", stored.slot.cost.passes},
        {"argon2_memory_bytes", stored.slot.cost.memory_bytes},
        {"wrapped_key", to_hex(stored.slot.wrapped_key)},
        {"created_at", stored.created_at},
        {"host", stored.host},
    };
    if (!stored.label.empty()) {
        object["label"] = stored.label;
    }
    if (!stored.copy_of.empty()) {
        object["copy_of"] = stored.copy_of;
    }
    return encode_checked_json(object);
}

StoredKeySlot decode_key_slot(const ObjectName& name, BytesView content) {
    const std::string& text = name.text();
    const nlohmann::json object = decode_checked_json(text, content);
    refuse_newer(member<std::uint64_t>(object, text, "format"), text);
    const auto kind = member<std::string>(object, text, "kind");
    if (kind != "passphrase" && kind != "keyfile") {
        throw CorruptionError(fmt::format("{} is of the unknown kind '{}'", text, kind));
    }
    StoredKeySlot stored;
    stored.repository_id = member<std::string>(object, text, "repository_id");
    stored.slot.kind = kind == "passphrase" ? KeySlotKind::passphrase : KeySlotKind::key_file;
    stored.slot.salt = hex_member(object, text, "salt");
    stored.slot.cost.passes = member<std::uint64_t>(object, text, "argon2_passes");
    stored.slot.cost.memory_bytes = member<std::uint64_t>(object, text, "argon2_memory_bytes");
    stored.slot.wrapped_key = hex_member(object, text, "wrapped_key");
    stored.created_at = member<std::string>(object, text, "created_at");
    stored.host = member<std::string>(object, text, "host");
    for (const auto& [key, field] :
         {std::pair("label", &stored.label), std::pair("copy_of", &stored.copy_of)}) {
        if (object.contains(key)) {
            *field = member<std::string>(object, text, key);
        }
    }
    return stored;
}

UnlockedMaster unlock_master(Storage& storage, const RepositoryConfigObject& config,
                             const Unlock& unlock, std::stop_token stop) {
    if (config.cipher == Cipher::none) {
        refuse_unencrypted(unlock);
        return {Keys::public_master(config.repository_id), {}};
    }
    if (unlock.configured == Encryption::none) {
        refuse_encryption("encrypted", Encryption::none);
    }
    KeySlotList slots = read_key_slots(storage, config.repository_id, std::move(stop));
    if (slots.slots.empty() && slots.damage) {
        std::rethrow_exception(slots.damage);
    }
    if (slots.slots.empty()) {
        throw explained<RepositoryError>(
            "the repository has no key slot, so nothing can open it",
            "Put back the objects below keys/ from a copy of the repository.", "half_made");
    }
    if (!slots.damage && !std::ranges::any_of(slots.slots, [&unlock](const ListedKeySlot& listed) {
            return unlock.allows(listed.stored.slot.kind);
        })) {
        refuse_encryption(fmt::format("opened by a {}", wanted_text(slots)), *unlock.configured);
    }
    bool has_secret = false;
    // The passphrase last: it costs the most, and a person may be asked for it.
    for (const KeySlotKind kind : {KeySlotKind::key_file, KeySlotKind::passphrase}) {
        const auto& ask = kind == KeySlotKind::key_file ? unlock.key_file : unlock.passphrase;
        const bool is_asked = slots.has(kind) && unlock.allows(kind) && ask;
        const std::optional<Secret> secret = is_asked ? ask() : std::nullopt;
        has_secret = has_secret || secret.has_value();
        if (secret) {
            if (std::optional<UnlockedMaster> master = try_slots(slots, kind, *secret)) {
                return std::move(*master);
            }
        }
    }
    if (slots.damage) {
        std::rethrow_exception(slots.damage);
    }
    no_slot_opens(slots, unlock, has_secret);
}

}  // namespace dbbackup
