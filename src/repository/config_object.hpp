#pragma once

/// @file
/// `config` and `keys/<id>`: what a repository is, and how its master key is unlocked.

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/units.hpp"
#include "crypto/key_slot.hpp"
#include "repository/keys.hpp"
#include "repository/repository.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup {

/// The format this program writes and the newest that it reads.
inline constexpr std::uint64_t kRepositoryFormat = 1;
/// Recorded in `config`, so that a reader knows how much memory one chunk may need.
inline constexpr std::uint64_t kChunkPlainBytesLimit = 4_MiB;

/// What `config` says. Its MAC is checked by `check_config_mac` once the master key is known.
struct RepositoryConfigObject {
    std::string repository_id;
    Cipher cipher = Cipher::none;
    std::string created_at;
};

[[nodiscard]] ObjectName config_object_name();
[[nodiscard]] ObjectName key_object_name(const std::string& id);

[[nodiscard]] Bytes encode_config(const RepositoryConfigObject& config, const Keys& keys);
/// @throws CorruptionError; RepositoryError (code "newer_format") for a format beyond ours.
[[nodiscard]] RepositoryConfigObject decode_config(BytesView content);
/// @throws CorruptionError when someone without the key made or changed this config.
void check_config_mac(BytesView content, const Keys& keys);

/// One stored key slot.
struct StoredKeySlot {
    std::string repository_id;
    KeySlot slot;
    std::string created_at;
    std::string host;
    std::string label = {};    ///< What a person called it; anybody with the storage can read it.
    std::string copy_of = {};  ///< The slot whose copy this is while that is being removed.
};

[[nodiscard]] Bytes encode_key_slot(const StoredKeySlot& slot);
/// @throws CorruptionError.
[[nodiscard]] StoredKeySlot decode_key_slot(const ObjectName& name, BytesView content);

/// The master key and the id of the slot that gave it; no slot if the repository is not encrypted.
struct UnlockedMaster {
    Secret key;
    std::string slot;
};

/// Finds the slot that one of the configured secrets opens.
/// @throws WrongKeyError (codes "key_missing", "wrong_key", "not_encrypted", and
/// "wrong_encryption" when the repository is not as configured), RepositoryError (code "half_made"
/// without any slot), CorruptionError when no slot opens and one is damaged.
[[nodiscard]] UnlockedMaster unlock_master(Storage& storage, const RepositoryConfigObject& config,
                                           const Unlock& unlock, std::stop_token stop);

}  // namespace dbbackup
