#pragma once

/// @file
/// The key slots of a repository: which there are, which a secret opens, adding and removing them.
/// None of this touches data: every slot opens the same master key.
///
/// Slots come and go without locks. What must never happen is that the last slot which somebody can
/// open goes, whoever removes what at the same time and wherever one of them dies:
/// `remove_key_slot` says how.

#include "base/clock.hpp"
#include "repository/config_object.hpp"
#include "repository/repository.hpp"

#include <exception>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

/// One slot as it lies in the repository.
struct ListedKeySlot {
    std::string id;  ///< 32 hexadecimal digits.
    StoredKeySlot stored;

    /// Left, or still in use, by a removal: it opens, but nobody may count on it.
    [[nodiscard]] bool is_copy() const { return !stored.copy_of.empty(); }
};

/// A slot that cannot be used, and why not.
struct UnusableKeySlot {
    std::string object;  ///< "keys/…"
    std::string problem;
    bool is_damaged = false;  ///< Not just of a newer format.
};

/// What lies below `keys/`. `copy_of` counts only under the name that such a copy has. Slots of
/// another repository id are left out: an interrupted `init` left them.
struct KeySlotList {
    std::vector<ListedKeySlot> slots;  ///< Copies last; else oldest first.
    std::vector<UnusableKeySlot> unusable;
    std::exception_ptr damage;  ///< What is wrong with the first unusable one.

    [[nodiscard]] bool has(KeySlotKind kind) const;
};

/// @throws StorageError, Cancelled.
[[nodiscard]] KeySlotList read_key_slots(Storage& storage, const std::string& repository_id,
                                         std::stop_token stop);

/// The ids of those that `secret` opens, copies included. Each passphrase slot costs what its
/// Argon2id costs.
[[nodiscard]] std::set<std::string> slots_opened_by(const KeySlotList& list, KeySlotKind kind,
                                                    const Secret& secret);

/// What a new slot is made of.
struct NewKeySlot {
    KeySlotKind kind = KeySlotKind::passphrase;
    Secret secret;  ///< The passphrase, or the 32 bytes of the key file.
    std::string label;
};

/// Stores a slot, reads it back and proves that the secret opens the repository by it.
/// @return Its id. @throws ConfigError as `wrap_key`; RepositoryError (code "key_unproven") when
/// what was stored does not open; StorageError: it may be stored all the same.
[[nodiscard]] std::string add_key_slot(Repository& repository, const NewKeySlot& slot,
                                       const Clock& clock, std::stop_token stop);

/// Removes a slot, or what an interrupted removal left of it.
///
/// In this order: a marked copy of the slot is stored under a name of its own, which opens as the
/// slot did; the slot is deleted; then it is looked whether one of `guards` is still there; only
/// then the copy goes. If none is there, somebody removed them meanwhile, and the slot is put back.
/// So two that remove each other's guards cannot both succeed: whoever looks last finds nothing and
/// puts back. And as nobody counts a copy as a guard, whoever dies at whatever point leaves the
/// slot, its copy or a guard of somebody.
/// @param guards Ids of slots, no copies, that the caller has proven to open. Not empty, without
/// `id`.
/// @throws RepositoryError (code "key_conflict") when the slot was put back; StorageError.
void remove_key_slot(Repository& repository, const std::string& id,
                     const std::set<std::string>& guards, std::stop_token stop);

}  // namespace dbbackup
