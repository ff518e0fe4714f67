#include "cli/passphrase.hpp"

#include "base/error.hpp"
#include "sys/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

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

void show(int terminal, std::string_view text) {
    // A terminal that takes no text will not give an answer either.
    static_cast<void>(!::write(terminal, text.data(), text.size()));
}

/// One line without its break, or what was typed before the end of the input.
Bytes read_line(int terminal, const std::stop_token& stop) {
    const File stopped = File::adopt(::eventfd(0, EFD_CLOEXEC), "eventfd");
    const std::stop_callback on_stop(stop, [&] { eventfd_write(stopped.descriptor(), 1); });
    std::array<pollfd, 2> waiting = {{{terminal, POLLIN, 0}, {stopped.descriptor(), POLLIN, 0}}};
    Bytes line;
    line.reserve(kPassphraseBytesMax);  // Growing would leave copies behind.
    for (;;) {
        ::poll(waiting.data(), waiting.size(), -1);
        if (stop.stop_requested()) {
            wipe(line);
            show(terminal, "\n");
            throw Cancelled();
        }
        std::uint8_t byte = 0;
        const ssize_t count = ::read(terminal, &byte, 1);
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) {
            continue;
        }
        if (count <= 0 || byte == '\n') {
            return line;
        }
        if (line.size() == kPassphraseBytesMax) {
            wipe(line);
            throw explained<ConfigError>(
                "the passphrase is too long",
                fmt::format("Give at most {} bytes, or use a key file.", kPassphraseBytesMax));
        }
        line.push_back(byte);
    }
}

}  // namespace

std::optional<Secret> ask_passphrase(const std::string& prompt, std::stop_token stop) {
    if (::isatty(STDIN_FILENO) != 1) {
        return std::nullopt;
    }
    // The terminal itself, not stdout or stderr: those may be redirected.
    const int descriptor = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (descriptor < 0) {
        return std::nullopt;
    }
    const File terminal = File::adopt(descriptor, "/dev/tty");
    const HiddenInput hidden(descriptor);
    show(descriptor, prompt);
    return Secret(read_line(descriptor, stop));
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
