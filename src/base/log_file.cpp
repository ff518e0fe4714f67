#include "base/log_file.hpp"

#include "base/clock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace dbbackup {
namespace {

[[noreturn]] void throw_errno() { throw std::system_error(errno, std::generic_category()); }

/// The time that a line of ours begins with: "2026-11-22T14:03:05.123Z …" or {"time":"…".
std::optional<std::chrono::sys_time<std::chrono::milliseconds>> time_of(std::string_view line) {
    constexpr std::string_view kJson = R"({"time":")";
    constexpr std::size_t kTimeLength = 24;
    if (line.starts_with(kJson)) {
        line.remove_prefix(kJson.size());
    }
    const std::optional<TimeSpan> time = parse_time(line.substr(0, kTimeLength));
    return time ? std::optional(time->first) : std::nullopt;
}

/// The beginning of a file, as far as it can be read.
std::string beginning_of(const std::filesystem::path& path) {
    std::array<char, 64> buffer{};
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        return {};
    }
    const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
    ::close(descriptor);
    return {buffer.data(), count > 0 ? static_cast<std::size_t>(count) : 0};
}

}  // namespace

LogFile::LogFile(const std::filesystem::path& path, const LogRotation& rotation)
    : path_(path), rotation_(rotation) {
    if (rotation.bytes_max == 0) {
        throw std::system_error(EINVAL, std::generic_category());
    }
    std::error_code error;
    if (path_.has_parent_path()) {
        std::filesystem::create_directories(path_.parent_path(), error);  // open() tells
    }
    open();
    // Behind a symbolic link, old files lie beside the file itself.
    if (std::filesystem::path real = std::filesystem::canonical(path, error); !error) {
        path_ = std::move(real);
    }
}

LogFile::~LogFile() { close(); }

void LogFile::open() {
    close();
    // An existing file keeps the permissions that its owner gave it.
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor_ < 0) {
        throw_errno();
    }
    begun_at_ = rotation_.age_max ? time_of(beginning_of(path_)) : std::nullopt;
}

void LogFile::close() noexcept {
    if (descriptor_ >= 0) {
        ::close(std::exchange(descriptor_, -1));
    }
}

bool LogFile::is_current() const {
    struct stat ours{};
    struct stat named{};
    return ::fstat(descriptor_, &ours) == 0 && ::stat(path_.c_str(), &named) == 0 &&
           ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

bool LogFile::is_due(std::uint64_t more_bytes) {
    struct stat status{};
    // A terminal or a pipe has no size, and what is empty needs no rotation.
    if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0) {
        return false;
    }
    if (static_cast<std::uint64_t>(status.st_size) + more_bytes > rotation_.bytes_max) {
        return true;
    }
    if (!rotation_.age_max) {
        return false;
    }
    if (!begun_at_) {
        begun_at_ = time_of(beginning_of(path_));  // It was empty when it was opened.
    }
    return begun_at_ && SystemClock().now() - *begun_at_ > *rotation_.age_max;
}

std::filesystem::path LogFile::old_path(std::uint32_t number) const {
    return path_.parent_path() /
           fmt::format("{}.{}{}", path_.stem().native(), number, path_.extension().native());
}

/// Only who holds the lock of the file that has the name renames anything, and the name goes last:
/// so nobody else begins before all is done. A file that stays the same when that cannot be had
/// now is a little larger than it should be, until the next line.
int LogFile::rotate() {
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 || !is_current()) {
        return 0;
    }
    for (std::uint32_t number = rotation_.keep; number > 1; --number) {
        std::error_code missing;
        std::filesystem::rename(old_path(number - 1), old_path(number), missing);
    }
    const int failed = rotation_.keep == 0 ? ::unlink(path_.c_str())
                                           : ::rename(path_.c_str(), old_path(1).c_str());
    return failed == 0 ? 0 : errno;
}

void LogFile::write(std::string_view line) {
    buffer_.assign(line);
    buffer_ += '\n';
    if (descriptor_ < 0 || !is_current()) {
        open();
    }
    int rotation_error = 0;
    if (is_due(buffer_.size())) {
        rotation_error = rotate();
        open();  // The new one, or the one that another process made; in any case unlocked.
    }
    std::string_view rest = buffer_;
    while (!rest.empty()) {
        const ssize_t count = ::write(descriptor_, rest.data(), rest.size());
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            throw_errno();
        }
        rest.remove_prefix(static_cast<std::size_t>(count));
    }
    if (rotation_error != 0) {  // The line is more important.
        throw std::system_error(rotation_error, std::generic_category(), "cannot rotate it");
    }
}

}  // namespace dbbackup
