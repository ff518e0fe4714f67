#include "sys/secret_file.hpp"

#include "base/error.hpp"
#include "base/secret.hpp"
#include "sys/file.hpp"
#include "sys/file_error.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>

namespace dbbackup {
namespace {

using Deadline = std::chrono::steady_clock::time_point;

/// Waits until there is something to read, or the last writer has gone. A named pipe that nobody
/// has opened for writing yet gives no event at all.
void wait_for_writer(const File& pipe, const File& stopped, Deadline deadline,
                     const std::stop_token& stop) {
    std::array<pollfd, 2> waiting = {
        {{pipe.descriptor(), POLLIN, 0}, {stopped.descriptor(), POLLIN, 0}}};
    while (waiting[0].revents == 0) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        ::poll(waiting.data(), waiting.size(),
               static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000)));
        if (stop.stop_requested()) {
            throw Cancelled();
        }
        if (waiting[0].revents == 0 && std::chrono::steady_clock::now() >= deadline) {
            throw FileError("read (nobody writes into it)", pipe.path(), ETIMEDOUT);
        }
    }
}

}  // namespace

std::optional<Bytes> read_secret_file(const std::filesystem::path& path, std::uint64_t bytes_max,
                                      std::chrono::milliseconds patience, std::stop_token stop) {
    // Without O_NONBLOCK, opening a named pipe would wait for a writer, and no signal could end it.
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0 && errno == ENOENT) {
        return std::nullopt;
    }
    if (descriptor < 0) {
        throw FileError("open", path, errno);
    }
    const File file = File::adopt(descriptor, path);
    const File stopped = File::adopt(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
    const std::stop_callback on_stop(stop, [&] { eventfd_write(stopped.descriptor(), 1); });
    const Deadline deadline = std::chrono::steady_clock::now() + patience;
    struct stat status{};
    const bool is_pipe = ::fstat(descriptor, &status) == 0 && !S_ISREG(status.st_mode);
    Bytes content;
    content.reserve(4096);  // Growing would leave copies behind.
    std::array<std::uint8_t, 4096> buffer{};
    for (;;) {
        if (is_pipe) {
            wait_for_writer(file, stopped, deadline, stop);
        }
        const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) {
            continue;
        }
        if (count < 0) {
            throw FileError("read", path, errno);
        }
        if (count == 0) {
            return content;
        }
        const std::span<const std::uint8_t> part(buffer.data(), static_cast<std::size_t>(count));
        if (part.size() > bytes_max - content.size()) {
            throw FileError(fmt::format("read (more than {} bytes)", bytes_max), path, EFBIG);
        }
        content.insert(content.end(), part.begin(), part.end());
        wipe(buffer);
    }
}

bool is_readable_by_others(const std::filesystem::path& path) noexcept {
    constexpr mode_t kGroupOrOthers = S_IRGRP | S_IROTH;
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
           (status.st_mode & kGroupOrOthers) != 0;
}

}  // namespace dbbackup
