/// @file
/// Makes a repository. Part of `Repository`.

#include "base/error.hpp"
#include "crypto/hash.hpp"
#include "repository/config_object.hpp"
#include "repository/keys.hpp"
#include "repository/repository.hpp"
#include "repository/run.hpp"
#include "repository/store_proof.hpp"

#include <fmt/format.h>

#include <utility>

namespace dbbackup {
namespace {

constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kMasterKeyBytes = 32;

}  // namespace

void Repository::init(Storage& storage, const InitOptions& options, const Clock& clock,
                      std::stop_token stop) {
    const auto refuse_existing = [&storage] {
        throw explained<RepositoryError>(
            fmt::format("there is a repository at {} already", storage.url()),
            "Use it as it is, or choose another place.", "repository_exists");
    };
    if (exists(storage, stop)) {
        refuse_existing();
    }
    bool is_foreign = false;
    storage.list(
        ObjectPrefix(),
        [&](const ObjectInfo& info) {
            const std::string& name = info.name.text();
            is_foreign = is_foreign || !(name.starts_with("keys/") || name.starts_with("runs/"));
        },
        stop);
    if (is_foreign) {
        throw explained<ConfigError>(fmt::format("{} is not empty", storage.url()),
                                     "Choose an empty place for the repository.",
                                     "target_not_empty");
    }
    prove_create_if_absent(storage, stop);
    RepositoryConfigObject config;
    config.repository_id = to_hex(random_bytes(kIdBytes));
    config.cipher = options.encryption == Encryption::none ? Cipher::none : Cipher::aes_256_gcm;
    config.created_at = format_rfc3339(clock.now());
    Secret master = options.encryption == Encryption::none
                        ? Keys::public_master(config.repository_id)
                        : Secret(random_bytes(kMasterKeyBytes));
    if (options.encryption != Encryption::none) {
        const KeySlotKind kind = options.encryption == Encryption::passphrase
                                     ? KeySlotKind::passphrase
                                     : KeySlotKind::key_file;
        const StoredKeySlot slot{
            config.repository_id,
            wrap_key(master, kind, options.secret, as_bytes(config.repository_id)),
            config.created_at, host_name()};
        storage.put(key_object_name(to_hex(random_bytes(kIdBytes))), encode_key_slot(slot), stop);
    }
    // The config is the commit: without it there is no repository.
    const Keys keys(config.cipher, config.repository_id, std::move(master));
    if (storage.put(config_object_name(), encode_config(config, keys), stop) == PutResult::exists) {
        refuse_existing();
    }
}

}  // namespace dbbackup
