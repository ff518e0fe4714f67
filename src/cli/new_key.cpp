#include "cli/new_key.hpp"

#include "base/error.hpp"
#include "cli/key_file.hpp"
#include "cli/passphrase.hpp"

#include <fmt/format.h>

#include <set>
#include <utility>

namespace dbbackup {
namespace {

ConfigError contradiction(std::string message, std::string hint) {
    return explained<ConfigError>(std::move(message), std::move(hint), "usage");
}

Secret passphrase_of_new_slot(const RepositoryChoice& choice, const CommandContext& context) {
    const std::string what = fmt::format("repository {}", choice.name.value_or(choice.url));
    std::optional<Secret> secret =
        new_passphrase(context.loaded.defaults.new_passphrase, "new passphrase of " + what, what,
                       context.log, context.stop);
    if (!secret) {
        throw explained<ConfigError>(
            fmt::format("no new passphrase is given for {}", what),
            "Set DB_BACKUP_NEW_PASSPHRASE, DB_BACKUP_NEW_PASSPHRASE_FILE or "
            "DB_BACKUP_NEW_PASSPHRASE_COMMAND, or give --new-key-file.",
            "passphrase_missing");
    }
    return std::move(*secret);
}

}  // namespace

std::string kind_word(KeySlotKind kind) {
    return kind == KeySlotKind::passphrase ? "passphrase" : "keyfile";
}

std::string kind_text(KeySlotKind kind) {
    return kind == KeySlotKind::passphrase ? "passphrase" : "key file";
}

KeySlotKind new_key_kind(const KeyArguments& arguments, KeySlotKind fallback,
                         const CommandContext& context) {
    const bool has_file = arguments.new_key_file.has_value();
    const bool has_passphrase = context.loaded.defaults.new_passphrase.is_set();
    if (!arguments.kind && has_file && has_passphrase) {
        throw explained<ConfigError>("a new passphrase and a new key file are given",
                                     "Leave one of them out, or say which with --kind.",
                                     "secret_ambiguous");
    }
    const KeySlotKind kind = arguments.kind   ? *arguments.kind
                             : has_file       ? KeySlotKind::key_file
                             : has_passphrase ? KeySlotKind::passphrase
                                              : fallback;
    if (kind == KeySlotKind::passphrase && has_file) {
        throw contradiction("--kind passphrase and --new-key-file exclude each other",
                            "Leave one of them out.");
    }
    if (kind == KeySlotKind::key_file && !has_file) {
        throw contradiction("a new key file needs --new-key-file",
                            "Write for example --new-key-file ~/db-backup-2.key; the file is made "
                            "if there is none.");
    }
    return kind;
}

NewKeySlot new_key(KeySlotKind kind, const KeyArguments& arguments, const KeySlotList& slots,
                   const RepositoryChoice& choice, const CommandContext& context) {
    NewKeySlot slot;
    slot.kind = kind;
    slot.label = arguments.label.value_or("");
    slot.secret =
        kind == KeySlotKind::passphrase
            ? passphrase_of_new_slot(choice, context)
            : read_or_make_key_file(*arguments.new_key_file, context.log, context.stop).secret;
    const std::set<std::string> opened = slots_opened_by(slots, kind, slot.secret);
    if (!opened.empty()) {
        throw explained<ConfigError>(fmt::format("the new {} opens the key slot {} already",
                                                 kind_text(kind), opened.begin()->substr(0, 8)),
                                     kind == KeySlotKind::passphrase
                                         ? "Choose another passphrase."
                                         : "Name a key file that is not in use.",
                                     "key_known");
    }
    return slot;
}

}  // namespace dbbackup
