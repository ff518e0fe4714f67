#pragma once

/// @file
/// The secret of a key slot that is to be added: from where it comes and of which kind it is.

#include "cli/arguments.hpp"
#include "cli/command_context.hpp"
#include "cli/repository_access.hpp"
#include "crypto/key_slot.hpp"
#include "repository/key_slots.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace dbbackup {

/// "passphrase" or "keyfile", as in the configuration and in JSON.
[[nodiscard]] std::string kind_word(KeySlotKind kind);
/// "passphrase" or "key file", for sentences.
[[nodiscard]] std::string kind_text(KeySlotKind kind);

/// Of which kind the new slot is: as `--kind` says, else as the secret that is given, else as
/// `fallback`. @throws ConfigError when what is given contradicts itself or is not enough.
[[nodiscard]] KeySlotKind new_key_kind(const KeyArguments& arguments, KeySlotKind fallback,
                                       const CommandContext& context);

/// Fetches the secret, asks for it, or makes the key file, which is never written over.
/// @throws ConfigError when there is none, or when it opens one of `slots` already (code
/// "key_known").
[[nodiscard]] NewKeySlot new_key(KeySlotKind kind, const KeyArguments& arguments,
                                 const KeySlotList& slots, const RepositoryChoice& choice,
                                 const CommandContext& context);

}  // namespace dbbackup
