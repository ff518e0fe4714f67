#include "cli/terminal_input.hpp"

#include "base/error.hpp"
#include "base/secret.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

namespace dbbackup {

std::optional<TerminalInput> TerminalInput::open() {
    if (::isatty(STDIN_FILENO) != 1) {
        return std::nullopt;
    }
    const int descriptor = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (descriptor < 0) {
        return std::nullopt;
    }
    return TerminalInput(File::adopt(descriptor, "/dev/tty"));
}

void TerminalInput::show(std::string_view text) const {
    // A terminal that takes no text will not give an answer either.
    static_cast<void>(!::write(descriptor(), text.data(), text.size()));
}

std::optional<Bytes> TerminalInput::line(std::size_t bytes_max, const std::stop_token& stop) const {
    const File stopped = File::adopt(::eventfd(0, EFD_CLOEXEC), "eventfd");
    const std::stop_callback on_stop(stop, [&] { eventfd_write(stopped.descriptor(), 1); });
    std::array<pollfd, 2> waiting = {
        {{descriptor(), POLLIN, 0}, {stopped.descriptor(), POLLIN, 0}}};
    Bytes line;
    line.reserve(bytes_max);  // Growing would leave copies of a secret behind.
    for (;;) {
        ::poll(waiting.data(), waiting.size(), -1);
        if (stop.stop_requested()) {
            wipe(line);
            show("\n");
            throw Cancelled();
        }
        std::uint8_t byte = 0;
        const ssize_t count = ::read(descriptor(), &byte, 1);
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) {
            continue;
        }
        if (count <= 0 && line.empty()) {
            return std::nullopt;
        }
        if (count <= 0 || byte == '\n') {
            return line;
        }
        if (line.size() == bytes_max) {
            wipe(line);
            throw explained<ConfigError>("what was typed is too long",
                                         fmt::format("Give at most {} bytes.", bytes_max));
        }
        line.push_back(byte);
    }
}

}  // namespace dbbackup
