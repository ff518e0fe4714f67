#include "cli/completion.hpp"

#include "config/enums.hpp"
#include "config/notification_config.hpp"
#include "config/schedule_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>

namespace dbbackup {
namespace {

constexpr const char* kBash =
    R"(# bash completion for db-backup: asks the program itself, so that backup, restore and all other
# commands, their options and values are always those of the installed version.
_db_backup() {
    local IFS=$'\n' line
    local current="${COMP_WORDS[COMP_CWORD]}"
    COMPREPLY=()
    while read -r line; do
        COMPREPLY+=("${line%%$'\t'*}")
    done < <(db-backup __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} -eq 0 && $current != -* ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    fi
}
complete -F _db_backup db-backup
)";

constexpr const char* kZsh = R"(#compdef db-backup
# Asks the program itself for commands (backup, restore ...), options and values.
_db_backup() {
    local -a found
    local line
    while IFS= read -r line; do
        found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    done < <(db-backup __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
    if (( ${#found} )); then
        _describe 'db-backup' found
    else
        _files
    fi
}
compdef _db_backup db-backup
)";

constexpr const char* kFish = R"(# fish completion for db-backup
# Asks the program itself for commands (backup, restore ...), options and values.
function __db_backup_complete
    set -l words (commandline -opc) (commandline -ct)
    db-backup __complete $words[2..-1] 2>/dev/null
end
complete -c db-backup -a '(__db_backup_complete)'
)";

template <class E>
std::vector<std::string> words_of() {
    return {EnumWords<E>::words.begin(), EnumWords<E>::words.end()};
}

/// What may follow an option that takes one of a few words.
std::vector<std::string> value_words(const std::string& option) {
    static const std::map<std::string, std::vector<std::string>> words = {
        {"--type", words_of<DatabaseType>()},
        {"--mode", words_of<BackupMode>()},
        {"--encryption", words_of<Encryption>()},
        {"--compression", {"zstd", "gzip", "none"}},
        {"--method", {"auto", "native"}},
        {"--catch-up", words_of<CatchUp>()},
        {"--event", words_of<Event>()},
        {"--format", {"repository"}},
        {"--log-format", {"text", "json"}},
        {"--log-level", {"debug", "info", "warning", "error", "off"}}};
    const auto found = words.find(option);
    return found == words.end() ? std::vector<std::string>() : found->second;
}

/// Lines of words that begin with a given text.
class Candidates {
public:
    explicit Candidates(std::string_view beginning) : beginning_(beginning) {}

    void add(const std::string& word, const std::string& description) {
        if (word.starts_with(beginning_)) {
            lines_ += fmt::format("{}\t{}\n", word, description);
        }
    }
    [[nodiscard]] const std::string& lines() const { return lines_; }

private:
    std::string_view beginning_;
    std::string lines_;
};

const CLI::Option* option_named(const CLI::App& app, const std::string& name) {
    for (const CLI::Option* option : app.get_options({})) {
        if (option->check_name(name)) {
            return option;
        }
    }
    return nullptr;
}

bool takes_value(const CLI::Option* option) {
    return option != nullptr && option->get_items_expected_max() > 0;
}

/// The command that the words before the last one name, and the option that the last one belongs
/// to.
struct Place {
    const CLI::App* command;
    std::string option;
};

Place place_of(const CLI::App& root, std::span<const std::string> words) {
    Place place{&root, {}};
    for (const std::string& word : words) {
        if (!place.option.empty()) {
            place.option.clear();
        } else if (word.starts_with('-')) {
            const bool has_value = word.find('=') != std::string::npos;
            place.option =
                !has_value && takes_value(option_named(*place.command, word)) ? word : "";
        } else {
            const auto named = place.command->get_subcommands(
                [&word](const CLI::App* each) { return each->get_name() == word; });
            place.command = named.empty() ? place.command : named.front();
        }
    }
    return place;
}

}  // namespace

std::string completions(const CLI::App& root, const std::vector<std::string>& words) {
    const std::string current = words.empty() ? std::string() : words.back();
    Candidates candidates(current);
    const Place place =
        place_of(root, std::span(words).first(words.empty() ? 0 : words.size() - 1));
    if (!place.option.empty()) {
        for (const std::string& word : value_words(place.option)) {
            candidates.add(word, "");
        }
        return candidates.lines();
    }
    if (current.starts_with('-')) {
        for (const CLI::Option* option : place.command->get_options({})) {
            for (const std::string& name : option->get_lnames()) {
                candidates.add("--" + name, option->get_description());
            }
        }
        return candidates.lines();
    }
    const bool is_help = place.command->get_name() == "help";
    const CLI::App& commands = is_help ? root : *place.command;
    for (const CLI::App* command : commands.get_subcommands({})) {
        candidates.add(command->get_name(), command->get_description());
    }
    const std::string& name = place.command->get_name();
    if (name == "restore" || name == "show" || name == "copy" || name == "verify") {
        candidates.add("latest", "the newest snapshot");
    }
    return candidates.lines();
}

std::string completion_script(std::string_view shell) {
    return shell == "bash" ? kBash : shell == "zsh" ? kZsh : kFish;
}

}  // namespace dbbackup
