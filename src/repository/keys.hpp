#pragma once

/// @file
/// The keys of one open repository, all derived from its master key.

#include "base/secret.hpp"
#include "crypto/fingerprint.hpp"
#include "crypto/hash.hpp"
#include "crypto/seal.hpp"
#include "repository/ids.hpp"

#include <string>
#include <string_view>

namespace dbbackup {

/// Derived keys and what they are used for. Immutable and thread-safe.
///
/// An unencrypted repository has a master key too: one that everybody can compute from the
/// repository id. So ids, names and checks work alike, and only secrecy is missing.
class Keys {
public:
    /// @param repository_id 32 hexadecimal digits.
    /// @param slot The id of the key slot that gave the master key; empty when none did.
    Keys(Cipher cipher, std::string repository_id, Secret master, std::string slot = {});

    /// The master key of an unencrypted repository.
    [[nodiscard]] static Secret public_master(std::string_view repository_id);

    [[nodiscard]] Cipher cipher() const noexcept { return cipher_; }
    [[nodiscard]] const std::string& repository_id() const noexcept { return repository_id_; }
    [[nodiscard]] const std::string& slot() const noexcept { return slot_; }
    [[nodiscard]] const Fingerprinter& fingerprinter() const noexcept { return fingerprinter_; }

    [[nodiscard]] ChunkId chunk_id(BytesView plain) const;
    [[nodiscard]] SourceId source_id(std::string_view type, std::string_view identity) const;
    /// HMAC over the config object's text.
    [[nodiscard]] Digest config_mac(BytesView text) const;
    /// The key of one pack or record, from its salt; `use` is "pack" or "record".
    [[nodiscard]] Secret object_key(std::string_view use, BytesView salt) const;
    [[nodiscard]] const Secret& master() const noexcept { return master_; }

private:
    Cipher cipher_;
    std::string repository_id_;
    std::string slot_;
    Secret master_;
    KeyedHash chunk_ids_;
    KeyedHash source_ids_;
    KeyedHash config_;
    Fingerprinter fingerprinter_;
};

}  // namespace dbbackup
