#include "repository/key_slots.hpp"

#include "base/error.hpp"
#include "crypto/hash.hpp"
#include "repository/run.hpp"
#include "storage/access_denied.hpp"
#include "storage/listing.hpp"
#include "storage/object_protection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <tuple>
#include <utility>

namespace dbbackup {
namespace {

constexpr std::size_t kIdBytes = 16;

/// The same for everybody who removes this slot, so that a removal which is tried again does not
/// leave one copy more each time.
std::string copy_id(const std::string& id) {
    return to_hex(BytesView(sha256(as_bytes("db-backup copy of key slot " + id))).first(kIdBytes));
}

bool exists(Storage& storage, const std::string& id, const std::stop_token& stop) {
    return storage.size_bytes(key_object_name(id), stop).has_value();
}

/// Stores exactly these bytes; what lies under the name and is something else opens nothing.
void put_copy(Storage& storage, const ObjectName& name, const Bytes& content,
              const std::stop_token& stop) {
    if (storage.put(name, content, stop) == PutResult::created ||
        storage.get(name, stop) == content) {
        return;
    }
    storage.remove(name, stop);
    if (storage.put(name, content, stop) == PutResult::exists &&
        storage.get(name, stop) != content) {
        throw explained<RepositoryError>(
            fmt::format("{} is in use by another process", name.text()), "Try again.",
            "key_conflict");
    }
}

/// Without the right to delete, nothing has changed but for the copy, which should not stay.
[[noreturn]] void deletion_denied(Storage& storage, const ObjectName& copy, StorageError& error,
                                  const std::stop_token& stop) {
    try {
        storage.remove(copy, stop);
    } catch (const StorageError&) {
        error.add_context(fmt::format("{} is a copy of the slot that stays, too", copy.text()));
    }
    if (error.code() == kObjectLocked) {
        throw;  // It says itself until when.
    }
    error.set_hint(
        "Removing a key slot needs the right to delete objects below keys/: run it with "
        "credentials that have it.");
    throw;
}

}  // namespace

bool KeySlotList::has(KeySlotKind kind) const {
    return std::ranges::any_of(
        slots, [kind](const ListedKeySlot& each) { return each.stored.slot.kind == kind; });
}

KeySlotList read_key_slots(Storage& storage, const std::string& repository_id,
                           std::stop_token stop) {
    KeySlotList list;
    for (const ObjectName& name : names_below(storage, "keys", stop)) {
        const std::optional<Bytes> content = storage.get(name, stop);
        if (!content) {
            continue;
        }
        try {
            StoredKeySlot slot = decode_key_slot(name, *content);
            if (name.leaf() != copy_id(slot.copy_of)) {
                slot.copy_of.clear();  // Whoever wrote that was no removal of ours.
            }
            if (slot.repository_id == repository_id) {
                list.slots.push_back({std::string(name.leaf()), std::move(slot)});
            }
        } catch (const RepositoryError& error) {
            list.unusable.push_back(
                {name.text(), error.what(), error.exit_code() == ExitCode::corruption});
            list.damage = list.damage ? list.damage : std::current_exception();
        }
    }
    std::ranges::sort(list.slots, [](const ListedKeySlot& left, const ListedKeySlot& right) {
        return std::tuple(left.is_copy(), left.stored.created_at, left.id) <
               std::tuple(right.is_copy(), right.stored.created_at, right.id);
    });
    return list;
}

std::set<std::string> slots_opened_by(const KeySlotList& list, KeySlotKind kind,
                                      const Secret& secret) {
    std::set<std::string> opened;
    for (const ListedKeySlot& each : list.slots) {
        try {
            if (each.stored.slot.kind == kind &&
                unwrap_key(each.stored.slot, secret, as_bytes(each.stored.repository_id))) {
                opened.insert(each.id);
            }
        } catch (const CorruptionError&) {
            continue;  // Not well-formed: it opens for nobody, and `verify` tells of it.
        }
    }
    return opened;
}

std::string add_key_slot(Repository& repository, const NewKeySlot& slot, const Clock& clock,
                         std::stop_token stop) {
    const Secret& master = repository.keys().master();
    StoredKeySlot stored{repository.id(),
                         wrap_key(master, slot.kind, slot.secret, as_bytes(repository.id())),
                         format_rfc3339(clock.now()), host_name()};
    stored.label = slot.label;
    std::string id = to_hex(random_bytes(kIdBytes));
    const ObjectName name = key_object_name(id);
    repository.storage().put(name, encode_key_slot(stored), stop);
    const std::optional<Bytes> content = repository.storage().get(name, stop);
    const std::optional<Secret> opened = content
                                             ? unwrap_key(decode_key_slot(name, *content).slot,
                                                          slot.secret, as_bytes(repository.id()))
                                             : std::nullopt;
    if (!opened || !equal_secrets(opened->bytes(), master.bytes())) {
        throw explained<RepositoryError>(
            fmt::format("the new key slot {} does not open the repository", id),
            "Nothing else was changed: check the store, then try again.", "key_unproven");
    }
    return id;
}

void remove_key_slot(Repository& repository, const std::string& id,
                     const std::set<std::string>& guards, std::stop_token stop) {
    assert(!guards.empty() && !guards.contains(id));
    Storage& storage = repository.storage();
    if (storage.capabilities().lock.count() > 0) {
        // The copy that guards against a crash would be locked, and open the repository meanwhile.
        throw explained<RepositoryError>(
            fmt::format("the key slot {} stays: object lock keeps what opens the repository", id),
            "Copy into a new repository to be rid of a secret that others have.", "key_locked");
    }
    const ObjectName name = key_object_name(id);
    const ObjectName copy = key_object_name(copy_id(id));
    std::optional<Bytes> content = storage.get(name, stop);
    if (content) {
        StoredKeySlot marked = decode_key_slot(name, *content);
        marked.copy_of = id;
        put_copy(storage, copy, encode_key_slot(marked), stop);
        try {
            storage.remove(name, stop);
        } catch (StorageError& error) {
            if (error.code() == kAccessDenied || error.code() == kObjectLocked) {
                deletion_denied(storage, copy, error, stop);
            }
            throw;
        }
    } else if (const std::optional<Bytes> left = storage.get(copy, stop)) {
        StoredKeySlot original = decode_key_slot(copy, *left);
        original.copy_of.clear();
        content = encode_key_slot(original);
    } else {
        return;  // Another removal of the same slot was quicker.
    }
    const bool is_guarded = std::ranges::any_of(
        guards, [&](const std::string& guard) { return exists(storage, guard, stop); });
    if (!is_guarded) {
        storage.put(name, *content, stop);
        storage.remove(copy, stop);
        throw explained<RepositoryError>(
            fmt::format("the key slot {} stays: the slot that was to be left has been removed by "
                        "another process meanwhile",
                        id),
            "See `db-backup key list`, then try again.", "key_conflict");
    }
    storage.remove(copy, stop);
}

}  // namespace dbbackup
