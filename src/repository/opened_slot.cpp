#include "repository/opened_slot.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "repository/key_slots.hpp"
#include "sys/file.hpp"

#include <utility>

namespace dbbackup {
namespace {

constexpr std::uint64_t kFileBytesMax = 1_KiB;

}  // namespace

OpenedSlot::OpenedSlot(const std::optional<std::filesystem::path>& state_folder,
                       const std::string& repository_id) {
    if (!state_folder) {
        return;
    }
    file_ = *state_folder / "opened-slots" / repository_id;
    try {
        if (const std::optional<Bytes> content = read_file(*file_, kFileBytesMax)) {
            slot_ = as_text(*content);
        }
    } catch (const Error&) {
        // Not readable: as if nothing had been opened.
    }
}

std::optional<UnlockedMaster> OpenedSlot::unlock(Storage& storage,
                                                 const RepositoryConfigObject& config,
                                                 const Unlock& unlock, std::stop_token stop) const {
    if (config.cipher == Cipher::none || !ObjectName::is_valid("keys/" + slot_)) {
        return std::nullopt;
    }
    const ObjectName name = key_object_name(slot_);
    const std::optional<Bytes> content = storage.get(name, std::move(stop));
    if (!content) {
        return std::nullopt;
    }
    try {
        const StoredKeySlot stored = decode_key_slot(name, *content);
        // A slot that is being removed, one that is not meant, and a passphrase where a key file
        // would do without asking anybody: the whole list decides.
        const bool is_key_file = stored.slot.kind == KeySlotKind::key_file;
        const auto& ask = is_key_file ? unlock.key_file : unlock.passphrase;
        if (stored.repository_id != config.repository_id || !stored.copy_of.empty() || !ask ||
            unlock.configured == Encryption::none || !unlock.allows(stored.slot.kind) ||
            (!is_key_file && unlock.has_key_file)) {
            return std::nullopt;
        }
        const std::optional<Secret> secret = ask();
        std::optional<Secret> master =
            secret ? unwrap_key(stored.slot, *secret, as_bytes(stored.repository_id))
                   : std::nullopt;
        return master ? std::optional(UnlockedMaster{std::move(*master), slot_}) : std::nullopt;
    } catch (const RepositoryError&) {
        return std::nullopt;  // Damaged, or of a newer format.
    }
}

void OpenedSlot::remember(const std::string& slot) noexcept {
    if (!file_ || slot.empty() || slot == slot_) {
        return;
    }
    try {
        std::filesystem::create_directories(file_->parent_path());
        replace_file(*file_, as_bytes(slot), 0600);
        slot_ = slot;
    } catch (const std::exception&) {
        return;
    }
}

}  // namespace dbbackup
