/// @file
/// `db-backup key`: the passphrases and key files that open a repository.

#include "base/units.hpp"
#include "cli/commands.hpp"
#include "cli/new_key.hpp"
#include "cli/repository_access.hpp"
#include "cli/table.hpp"
#include "repository/key_slots.hpp"
#include "repository/keys.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kIdDigitsShown = 8;
constexpr std::size_t kIdDigitsMin = 4;
constexpr std::string_view kMasterKeyText =
    "no stored data was changed: whoever opened the repository before may have kept its master "
    "key, which opens all of it for ever; only a copy into a new repository changes that";

std::string shown_id(const std::string& id) { return id.substr(0, kIdDigitsShown); }

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

/// The slot that a copy stands for, else the slot itself.
const std::string& family(const ListedKeySlot& listed) {
    return listed.is_copy() ? listed.stored.copy_of : listed.id;
}

/// One call of `key …`: the open repository, what opened it, and its slots.
class KeyCommand {
public:
    explicit KeyCommand(CommandContext& context)
        : context_(context),
          choice_(choose_repository(context)),
          unlock_(unlock_for(choice_, context)),
          repository_(open_repository(choice_, unlock_, context)) {
        if (!repository_->is_encrypted()) {
            throw explained<ConfigError>(
                fmt::format("the repository at {} is not encrypted, so it has no keys",
                            repository_->storage().url()),
                "Make a new one with db-backup init; an existing one cannot be encrypted later.",
                "not_encrypted");
        }
        read();
    }

    ExitCode list();
    void add(const KeyArguments& arguments);
    void remove(const KeyArguments& arguments);
    void rotate(const KeyArguments& arguments);

private:
    void read() {
        slots_ = read_key_slots(repository_->storage(), repository_->id(), context_.stop);
    }
    [[nodiscard]] std::size_t count() const {
        return static_cast<std::size_t>(std::ranges::count_if(
            slots_.slots, [](const ListedKeySlot& each) { return !each.is_copy(); }));
    }
    [[nodiscard]] Json list_json() const;
    [[nodiscard]] std::string list_text() const;
    [[nodiscard]] const ListedKeySlot* opened() const;
    [[nodiscard]] std::string chosen(const std::string& text) const;
    [[nodiscard]] std::set<std::string> proven(KeySlotKind kind) const;
    [[nodiscard]] std::set<std::string> guards_of(const std::string& id) const;
    [[nodiscard]] std::vector<std::string> still_opened_by_old(KeySlotKind kind) const;
    void refuse_other_than_configured(KeySlotKind kind) const;
    void report(Json document, const std::vector<std::string>& warnings, const std::string& text);

    CommandContext& context_;
    RepositoryChoice choice_;
    Unlock unlock_;
    std::unique_ptr<Repository> repository_;
    KeySlotList slots_;
};

/// The slot that the repository was opened by; null when it has gone since.
const ListedKeySlot* KeyCommand::opened() const {
    const auto found =
        std::ranges::find(slots_.slots, repository_->keys().slot(), &ListedKeySlot::id);
    return found == slots_.slots.end() ? nullptr : &*found;
}

Json KeyCommand::list_json() const {
    Json slots = Json::array();
    for (const ListedKeySlot& listed : slots_.slots) {
        const KeySlot& slot = listed.stored.slot;
        slots.push_back({{"slot", listed.id},
                         {"kind", kind_word(slot.kind)},
                         {"created_at", listed.stored.created_at},
                         {"host", listed.stored.host},
                         {"label", text_or_null(listed.stored.label)},
                         {"cost", slot.kind == KeySlotKind::passphrase
                                      ? Json({{"algorithm", "argon2id"},
                                              {"passes", slot.cost.passes},
                                              {"memory_bytes", slot.cost.memory_bytes}})
                                      : Json()},
                         {"opened", listed.id == repository_->keys().slot()},
                         {"copy_of", text_or_null(listed.stored.copy_of)}});
    }
    Json unusable = Json::array();
    for (const UnusableKeySlot& each : slots_.unusable) {
        unusable.push_back({{"object", each.object}, {"problem", each.problem}});
    }
    return {{"repository", repository_->storage().url()},
            {"slots", std::move(slots)},
            {"unusable", std::move(unusable)}};
}

std::string KeyCommand::list_text() const {
    Table table({{"ID", Align::left, false, 0},
                 {"KIND", Align::left, false, 0},
                 {"MADE", Align::left, false, 1},
                 {"COST", Align::left, false, 4},
                 {"HOST", Align::left, true, 3},
                 {"LABEL", Align::left, true, 2},
                 {"", Align::left, false, 0}});
    for (const ListedKeySlot& listed : slots_.slots) {
        const KeySlot& slot = listed.stored.slot;
        const bool is_opened = listed.id == repository_->keys().slot();
        table.add(
            {shown_id(listed.id), kind_text(slot.kind), listed.stored.created_at,
             slot.kind == KeySlotKind::passphrase
                 ? fmt::format("{} x {}", slot.cost.passes, format_size(slot.cost.memory_bytes))
                 : "",
             listed.stored.host, listed.stored.label,
             is_opened          ? "in use"
             : listed.is_copy() ? fmt::format("left of {}", shown_id(family(listed)))
                                : ""});
    }
    return table.text(context_.terminal);
}

ExitCode KeyCommand::list() {
    if (context_.output.is_json()) {
        context_.output.document(list_json());
    } else {
        context_.output.text(list_text());
    }
    bool is_damaged = false;
    for (const UnusableKeySlot& each : slots_.unusable) {
        context_.log.warning("a key slot cannot be used",
                             {{"object", each.object}, {"problem", each.problem}});
        is_damaged = is_damaged || each.is_damaged;
    }
    return is_damaged ? ExitCode::corruption : ExitCode::success;
}

/// `text` is an id or its beginning. @return The slot, also when only a copy of it is left.
std::string KeyCommand::chosen(const std::string& text) const {
    std::set<std::string> found;
    for (const ListedKeySlot& listed : slots_.slots) {
        if (listed.id.starts_with(text) || family(listed).starts_with(text)) {
            found.insert(family(listed));
        }
    }
    if (found.empty() || text.size() < kIdDigitsMin) {
        throw explained<ConfigError>(fmt::format("there is no key slot '{}'", text),
                                     "'db-backup key list' shows those that there are; give at "
                                     "least four digits.",
                                     "key_unknown");
    }
    if (found.size() > 1) {
        throw explained<ConfigError>(fmt::format("several key slots begin with '{}'", text),
                                     "Give more digits.", "key_ambiguous");
    }
    return *found.begin();
}

/// The slots that the secret of this kind opens, asked for if need be.
std::set<std::string> KeyCommand::proven(KeySlotKind kind) const {
    const auto& ask = kind == KeySlotKind::key_file ? unlock_.key_file : unlock_.passphrase;
    const std::optional<Secret> secret =
        slots_.has(kind) && unlock_.allows(kind) ? ask() : std::nullopt;
    return secret ? slots_opened_by(slots_, kind, *secret) : std::set<std::string>();
}

/// Slots other than this one that the caller can open, so that nobody locks himself out.
std::set<std::string> KeyCommand::guards_of(const std::string& id) const {
    const auto without_it = [&](const std::set<std::string>& opens) {
        std::set<std::string> guards;
        for (const ListedKeySlot& listed : slots_.slots) {
            if (!listed.is_copy() && listed.id != id && opens.contains(listed.id)) {
                guards.insert(listed.id);
            }
        }
        return guards;
    };
    const bool is_last = std::ranges::none_of(
        slots_.slots, [&](const ListedKeySlot& each) { return !each.is_copy() && each.id != id; });
    if (is_last) {
        throw explained<ConfigError>(
            fmt::format("{} is the last key slot: without it nothing opens the repository",
                        shown_id(id)),
            "Add another one first with db-backup key add.", "key_last");
    }
    std::set<std::string> guards = without_it({repository_->keys().slot()});
    for (const KeySlotKind kind : {KeySlotKind::key_file, KeySlotKind::passphrase}) {
        if (guards.empty()) {
            guards = without_it(proven(kind));
        }
    }
    if (guards.empty()) {
        throw explained<ConfigError>(
            fmt::format("{} is the only key slot that the given passphrase or key file opens",
                        shown_id(id)),
            "Open the repository with another passphrase or key file, or change this one with "
            "db-backup key rotate.",
            "key_in_use");
    }
    return guards;
}

void KeyCommand::report(Json document, const std::vector<std::string>& warnings,
                        const std::string& text) {
    for (const std::string& warning : warnings) {
        context_.log.warning(warning);
    }
    document["slots"] = count();
    document["warnings"] = warnings;
    if (context_.output.is_json()) {
        context_.output.document(document);
    } else if (!context_.globals.is_quiet) {
        context_.output.text(text);
    }
}

void KeyCommand::add(const KeyArguments& arguments) {
    repository_->check_writable();
    const KeySlotKind kind = new_key_kind(arguments, KeySlotKind::passphrase, context_);
    const NewKeySlot slot = new_key(kind, arguments, slots_, choice_, context_);
    const std::string id = add_key_slot(*repository_, slot, context_.clock, context_.stop);
    context_.is_done = true;
    context_.log.info("added a key slot", {{"slot", id}, {"kind", kind_word(kind)}});
    read();
    report({{"repository", repository_->storage().url()},
            {"slot", id},
            {"kind", kind_word(kind)},
            {"label", text_or_null(slot.label)},
            {"key_file", text_or_null(arguments.new_key_file.value_or("").native())}},
           {},
           fmt::format("added the key slot {}: the new {} opens the repository\n", shown_id(id),
                       kind_text(kind)));
}

void KeyCommand::remove(const KeyArguments& arguments) {
    repository_->check_writable();
    const std::string id = chosen(arguments.slot);
    const std::set<std::string> guards = guards_of(id);
    remove_key_slot(*repository_, id, guards, context_.stop);
    context_.is_done = true;
    context_.log.info("removed a key slot", {{"slot", id}});
    read();
    report({{"repository", repository_->storage().url()}, {"slot", id}}, {},
           fmt::format("removed the key slot {}\n{}\n", shown_id(id), kMasterKeyText));
}

/// With another kind than is configured, the next command would refuse the repository.
void KeyCommand::refuse_other_than_configured(KeySlotKind kind) const {
    if (!unlock_.allows(kind)) {
        throw explained<ConfigError>(
            fmt::format("the configuration says `encryption: {}`, so a {} would not be used",
                        word_of(*unlock_.configured), kind_text(kind)),
            "Correct `encryption` first, or rotate to a secret of that kind.", "usage");
    }
}

/// Slots that the old secret opens after a rotation: it had more than one.
std::vector<std::string> KeyCommand::still_opened_by_old(KeySlotKind kind) const {
    std::vector<std::string> warnings;
    for (const std::string& id : proven(kind)) {
        warnings.push_back(
            fmt::format("the old {} still opens the key slot {}", kind_text(kind), shown_id(id)));
    }
    return warnings;
}

void KeyCommand::rotate(const KeyArguments& arguments) {
    repository_->check_writable();
    const ListedKeySlot* const before = opened();
    if (before == nullptr) {
        throw explained<RepositoryError>("the key slot that opened the repository has just gone",
                                         "See `db-backup key list`, then try again.",
                                         "key_conflict");
    }
    const std::string old_id = family(*before);
    const KeySlotKind old_kind = before->stored.slot.kind;
    const KeySlotKind kind = new_key_kind(arguments, old_kind, context_);
    refuse_other_than_configured(kind);
    NewKeySlot slot = new_key(kind, arguments, slots_, choice_, context_);
    if (!arguments.label) {
        slot.label = before->stored.label;
    }
    const std::string id = add_key_slot(*repository_, slot, context_.clock, context_.stop);
    context_.log.info("added a key slot", {{"slot", id}, {"kind", kind_word(kind)}});
    try {
        remove_key_slot(*repository_, old_id, {id}, context_.stop);
    } catch (Error& error) {
        error.add_context(fmt::format(
            "the new key slot {} opens the repository; the old one, {}, may still be there",
            shown_id(id), shown_id(old_id)));
        throw;
    }
    context_.is_done = true;
    context_.log.info("removed a key slot", {{"slot", old_id}});
    read();
    report({{"repository", repository_->storage().url()},
            {"slot", id},
            {"removed", old_id},
            {"kind", kind_word(kind)},
            {"label", text_or_null(slot.label)},
            {"key_file", text_or_null(arguments.new_key_file.value_or("").native())}},
           still_opened_by_old(old_kind),
           fmt::format("the new {} opens the repository by the key slot {}; the old slot {} is "
                       "removed\ngive the new {} from now on\n{}\n",
                       kind_text(kind), shown_id(id), shown_id(old_id), kind_text(kind),
                       kMasterKeyText));
}

}  // namespace

ExitCode run_command(const KeyArguments& arguments, CommandContext& context) {
    KeyCommand command(context);
    switch (arguments.action) {
        case KeyArguments::Action::list: return command.list();
        case KeyArguments::Action::add: command.add(arguments); break;
        case KeyArguments::Action::remove: command.remove(arguments); break;
        case KeyArguments::Action::rotate: command.rotate(arguments); break;
    }
    return ExitCode::success;
}

}  // namespace dbbackup
