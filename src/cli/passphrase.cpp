#include "cli/passphrase.hpp"

#include "base/error.hpp"
#include "cli/repository_access.hpp"
#include "cli/terminal_input.hpp"

#include <fmt/format.h>
#include <termios.h>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace dbbackup {
namespace {

constexpr std::size_t kPassphraseBytesMax = 4096;

/// Turns the terminal's echo off while it lives.
class HiddenInput {
public:
    explicit HiddenInput(int terminal) : terminal_(terminal) {
        if (::tcgetattr(terminal_, &before_) == 0) {
            termios hidden = before_;
            hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
            hidden.c_lflag |= ECHONL;
            is_changed_ = ::tcsetattr(terminal_, TCSAFLUSH, &hidden) == 0;
        }
    }
    ~HiddenInput() {
        if (is_changed_) {
            ::tcsetattr(terminal_, TCSAFLUSH, &before_);
        }
    }
    HiddenInput(const HiddenInput&) = delete;
    HiddenInput& operator=(const HiddenInput&) = delete;

private:
    int terminal_;
    termios before_{};
    bool is_changed_ = false;
};

}  // namespace

std::optional<Secret> ask_passphrase(const std::string& prompt, std::stop_token stop) {
    const std::optional<TerminalInput> terminal = TerminalInput::open();
    if (!terminal) {
        return std::nullopt;
    }
    const HiddenInput hidden(terminal->descriptor());
    terminal->show(prompt);
    return Secret(terminal->line(kPassphraseBytesMax, stop).value_or(Bytes()));
}

std::optional<Secret> new_passphrase(const SecretSource& source, const std::string& fetched,
                                     const std::string& asked, Log& log, std::stop_token stop) {
    warn_of_open_secret(source, log);
    return source.is_set() ? std::optional(source.fetch(fetched, std::move(stop)))
                           : ask_new_passphrase(asked, std::move(stop));
}

std::optional<Secret> ask_new_passphrase(const std::string& what, std::stop_token stop) {
    std::optional<Secret> first =
        ask_passphrase(fmt::format("new passphrase for {}: ", what), stop);
    if (!first) {
        return std::nullopt;
    }
    if (first->empty()) {
        throw explained<ConfigError>("the passphrase is empty",
                                     "An empty passphrase protects nothing: type one.");
    }
    const std::optional<Secret> second = ask_passphrase("once more: ", stop);
    if (!second || !std::ranges::equal(first->bytes(), second->bytes())) {
        throw explained<ConfigError>("the two passphrases differ", "Try again.");
    }
    return first;
}

}  // namespace dbbackup
