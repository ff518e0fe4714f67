#include "repository/keys.hpp"

namespace dbbackup {
namespace {

constexpr std::size_t kSourceIdDigits = 16;

Secret subkey(const Secret& master, std::string_view label) {
    return derive_key(master.bytes(), {}, label);
}

}  // namespace

Keys::Keys(Cipher cipher, std::string repository_id, Secret master, std::string slot)
    : cipher_(cipher),
      repository_id_(std::move(repository_id)),
      slot_(std::move(slot)),
      master_(std::move(master)),
      chunk_ids_(subkey(master_, "db-backup chunk id").bytes()),
      source_ids_(subkey(master_, "db-backup source id").bytes()),
      config_(subkey(master_, "db-backup config").bytes()),
      fingerprinter_(subkey(master_, "db-backup fingerprint").bytes()) {}

Secret Keys::public_master(std::string_view repository_id) {
    return derive_key(as_bytes(repository_id), {}, "db-backup unencrypted repository");
}

ChunkId Keys::chunk_id(BytesView plain) const { return ChunkId{chunk_ids_(plain)}; }

SourceId Keys::source_id(std::string_view type, std::string_view identity) const {
    std::string text(type);
    text += '\0';  // No type contains it, so no two pairs give the same text.
    text += identity;
    return to_hex(source_ids_(as_bytes(text))).substr(0, kSourceIdDigits);
}

Digest Keys::config_mac(BytesView text) const { return config_(text); }

Secret Keys::object_key(std::string_view use, BytesView salt) const {
    return derive_key(master_.bytes(), salt, use == "pack" ? "db-backup pack" : "db-backup record");
}

}  // namespace dbbackup
