#include "cli/config_answers.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "cli/argument_values.hpp"
#include "cli/config_init_check.hpp"
#include "cli/config_trials.hpp"
#include "cli/display_text.hpp"
#include "cli/new_file.hpp"
#include "cli/passphrase.hpp"
#include "cli/terminal_input.hpp"
#include "config/read_value.hpp"
#include "sys/file_error.hpp"
#include "sys/paths.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <functional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kAnswerBytesMax = 4096;
constexpr std::size_t kNameLengthMax = 64;

ConfigError wrong_answer(std::string message, std::string hint) {
    return explained<ConfigError>(std::move(message), std::move(hint), "bad_option_value");
}

/// One call of `config init` until everything is known.
class Gathering {
public:
    Gathering(const ConfigInitArguments& arguments, fs::path config, CommandContext& context)
        : arguments_(arguments), config_(std::move(config)), context_(context) {
        answers_.variables = process_environment();
        if (!arguments.is_yes && !context.output.is_json()) {
            terminal_ = TerminalInput::open();
        }
    }

    ConfigAnswers gather() {
        check_config_init(arguments_, context_.globals,
                          terminal_ ? Answers::from_terminal : Answers::none);
        if (terminal_) {
            terminal_->show(
                fmt::format("This makes the configuration {}; Ctrl-C ends it, and "
                            "nothing is written.\n",
                            printable(config_.string())));
        }
        database();
        repository();
        encryption();
        retention();
        return std::move(answers_);
    }

private:
    /// Asks until `take` does not throw. @param fallback For an empty answer; empty: there is none.
    void ask(const std::string& question, const std::string& fallback,
             const std::function<void(const std::string&)>& take) {
        for (;;) {
            terminal_->show(fallback.empty()
                                ? fmt::format("{}: ", question)
                                : fmt::format("{} [{}]: ", question, printable(fallback)));
            const std::optional<Bytes> line = terminal_->line(kAnswerBytesMax, context_.stop);
            if (!line) {
                terminal_->show("\n");
                throw Cancelled();
            }
            std::string answer(as_text(*line));
            if (answer.empty()) {
                answer = fallback;
            }
            if (answer.empty()) {
                tell("type an answer, or Ctrl-C to give up");
                continue;
            }
            try {
                take(answer);
                return;
            } catch (const Error& error) {
                terminal_->show(
                    fmt::format("  {}\n  {}\n", printable(error.what()), printable(error.hint())));
            }
        }
    }

    void tell(const std::string& text) const {
        if (terminal_) {
            terminal_->show(fmt::format("  {}\n", printable(text)));
        }
    }

    /// An absolute path: the file may be read from any folder.
    [[nodiscard]] fs::path path_of(const std::string& text) const {
        fs::path path =
            absolute_path(resolved_path(text, {}, answers_.variables)).lexically_normal();
        return path.has_filename() ? path : path.parent_path();
    }

    // --- the database ---------------------------------------------------------------------------

    void database() {
        answers_.draft.type = arguments_.type.value_or(DatabaseType::sqlite);
        if (arguments_.all) {
            take_database(*arguments_.all, true);
        } else if (!arguments_.databases.empty()) {
            for (const std::string& database : arguments_.databases) {
                answers_.draft.databases.push_back(path_of(database).string());
            }
            try_database();
        } else {
            ask("SQLite database, or a folder of them", "", [this](const std::string& answer) {
                std::error_code ignored;
                take_database(answer, fs::is_directory(path_of(answer), ignored));
            });
        }
        const fs::path first = answers_.draft.folder.empty() ? answers_.draft.databases.front()
                                                             : answers_.draft.folder;
        if (arguments_.source_name || !terminal_) {
            take_name(arguments_.source_name.value_or(name_of_source(first)));
        } else {
            ask("name of it", name_of_source(first),
                [this](const std::string& answer) { take_name(answer); });
        }
    }

    void take_database(const std::string& answer, bool is_folder) {
        answers_.draft.databases.clear();
        answers_.draft.folder.clear();
        const std::string path = path_of(answer).string();
        if (is_folder) {
            answers_.draft.folder = path;
        } else {
            answers_.draft.databases = {path};
        }
        try_database();
    }

    void try_database() const {
        const std::uint64_t bytes = try_source(answers_.draft, context_);
        tell(fmt::format("can be read, {}", format_size(bytes)));
    }

    void take_name(const std::string& name) {
        const bool is_good = name.size() <= kNameLengthMax && !name.empty() &&
                             std::isalnum(static_cast<unsigned char>(name.front())) != 0 &&
                             std::ranges::all_of(name, [](unsigned char letter) {
                                 return (letter < 0x80 && std::isalnum(letter) != 0) ||
                                        letter == '-' || letter == '_' || letter == '.';
                             });
        if (!is_good) {
            throw wrong_answer(
                fmt::format("the name '{}' is not made of letters, digits, '-', '_' and '.'", name),
                "Give --source-name a short word.");
        }
        answers_.draft.source_name = name;
    }

    // --- the repository -------------------------------------------------------------------------

    void repository() {
        if (context_.globals.repository) {
            take_repository(*context_.globals.repository);
        } else {
            ask("repository: a folder, best on another disk, or a URL",
                (data_home() / "repository").string(),
                [this](const std::string& answer) { take_repository(answer); });
        }
    }

    void take_repository(const std::string& answer) {
        const bool is_url = answer.find("://") != std::string::npos;
        answers_.draft.repository_url = is_url ? answer : path_of(answer).string();
        const std::string& url = answers_.draft.repository_url;
        answers_.stored_cipher = try_repository(url, context_);
        tell(answers_.has_repository() ? "there is a repository, which will be used"
                                       : "`db-backup init` will make it");
    }

    // --- how it is encrypted --------------------------------------------------------------------

    [[nodiscard]] SecretSource given_passphrase() const {
        SecretSource secret;
        if (arguments_.passphrase_file) {
            secret.file = path_of(arguments_.passphrase_file->string());
        }
        secret.environment = arguments_.passphrase_variable;
        secret.command = arguments_.passphrase_command;
        return secret;
    }

    void encryption() {
        if (const auto asked = asked_encryption(arguments_, context_.globals)) {
            take_encryption(*asked);
        } else {
            ask("encryption: passphrase, keyfile or none",
                answers_.stored_cipher == Cipher::none ? "none" : "passphrase",
                [this](const std::string& answer) {
                    take_encryption(enum_argument<Encryption>("--encryption", answer));
                });
        }
        if (answers_.draft.encryption == Encryption::passphrase) {
            passphrase();
        } else if (answers_.draft.encryption == Encryption::keyfile) {
            key_file();
        }
    }

    void take_encryption(Encryption encryption) {
        if (answers_.stored_cipher &&
            (*answers_.stored_cipher == Cipher::none) != (encryption == Encryption::none)) {
            throw wrong_answer(
                fmt::format("the repository {} is {}encrypted", answers_.draft.repository_url,
                            *answers_.stored_cipher == Cipher::none ? "not " : ""),
                "Say how that repository is encrypted, or choose another place.");
        }
        answers_.draft.encryption = encryption;
    }

    void passphrase() {
        if (SecretSource given = given_passphrase(); given.is_set()) {
            answers_.draft.passphrase = std::move(given);
            try_secret();
            return;
        }
        ask("file that holds the passphrase", (config_.parent_path() / "passphrase").string(),
            [this](const std::string& answer) {
                const fs::path path = path_of(answer);
                answers_.draft.passphrase = SecretSource{.file = path};
                std::error_code ignored;
                if (answers_.has_repository() || fs::exists(path, ignored)) {
                    try_secret();
                    return;
                }
                check_writable(existing_parent(path));
                tell("it is not there and will be made");
                answers_.new_passphrase = ask_new_passphrase("the repository", context_.stop);
            });
    }

    void key_file() {
        if (context_.globals.key_file) {
            take_key_file(context_.globals.key_file->string());
        } else {
            ask("key file", (config_.parent_path() / "repository.key").string(),
                [this](const std::string& answer) { take_key_file(answer); });
        }
    }

    void take_key_file(const std::string& answer) {
        const fs::path path = path_of(answer);
        answers_.draft.key_file = path;
        std::error_code ignored;
        if (answers_.has_repository() || fs::exists(path, ignored)) {
            try_secret();
            return;
        }
        // The configuration's own folder is made with it.
        check_writable(path.parent_path() == config_.parent_path() ? existing_parent(path)
                                                                   : path.parent_path());
        tell("`db-backup init` will make it; keep a copy elsewhere");
    }

    void try_secret() const {
        dbbackup::try_secret(answers_.draft, answers_.has_repository(), context_);
        if (answers_.has_repository()) {
            tell("opens the repository");
        }
    }

    // --- what stays -----------------------------------------------------------------------------

    void retention() {
        const auto take = [this](const std::string& answer) {
            answers_.draft.retention = checked_retention(answer);
        };
        if (arguments_.retention || !terminal_) {
            take(arguments_.retention.value_or(std::string(kUsualRetention)));
        } else {
            ask("which snapshots stay, or all", std::string(kUsualRetention), take);
        }
    }

    const ConfigInitArguments& arguments_;
    fs::path config_;
    CommandContext& context_;
    std::optional<TerminalInput> terminal_;
    ConfigAnswers answers_;
};

}  // namespace

ConfigAnswers gather_answers(const ConfigInitArguments& arguments,
                             const std::filesystem::path& config, CommandContext& context) {
    return Gathering(arguments, config, context).gather();
}

void write_passphrase(const std::filesystem::path& path, const Secret& passphrase) {
    Bytes line;
    line.reserve(passphrase.bytes().size() + 1);
    line.insert(line.end(), passphrase.bytes().begin(), passphrase.bytes().end());
    line.push_back('\n');
    try {
        std::error_code error;
        std::filesystem::create_directories(path.parent_path(), error);
        if (error) {
            throw FileError("make", path.parent_path(), error.value());
        }
        write_new_file(path, line);
    } catch (const FileError& error) {
        wipe(line);
        throw explained<ConfigError>(error.what(), "Choose another place for it.",
                                     "config_not_written");
    }
    wipe(line);
}

}  // namespace dbbackup
