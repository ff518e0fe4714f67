#pragma once

/// @file
/// A pipe whose written end stands for stdout or stderr in tests.

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>

namespace dbbackup {

/// Not thread-safe. What is written must fit the pipe (64 KiB).
class CapturedPipe {
public:
    CapturedPipe() {
        if (::pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
            throw std::runtime_error("cannot make a pipe");
        }
    }
    ~CapturedPipe() {
        close_reader();
        ::close(ends_[1]);
    }
    CapturedPipe(const CapturedPipe&) = delete;
    CapturedPipe& operator=(const CapturedPipe&) = delete;

    [[nodiscard]] int descriptor() const { return ends_[1]; }
    void close_reader() {
        if (ends_[0] >= 0) {
            ::close(ends_[0]);
            ends_[0] = -1;
        }
    }
    /// What was written since the last call.
    [[nodiscard]] std::string taken() {
        std::string text(65536, '\0');
        const ssize_t count = ::read(ends_[0], text.data(), text.size());
        text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
        return text;
    }

private:
    std::array<int, 2> ends_{-1, -1};
};

}  // namespace dbbackup
