#include "sys/only_one.hpp"

#include "sys/file_error.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <utility>

namespace dbbackup {
namespace {

/// The file stays when its holder goes: who removed it could remove another's.
File opened(const std::filesystem::path& path) {
    constexpr unsigned kPermissions = 0600;
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kPermissions);
    if (descriptor < 0) {
        throw FileError("open", path, errno);
    }
    return File::adopt(descriptor, path);
}

bool try_lock(const File& file) {
    while (::flock(file.descriptor(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) {
            return false;
        }
        if (errno != EINTR) {
            throw FileError("lock", file.path(), errno);
        }
    }
    return true;
}

}  // namespace

std::optional<OnlyOne> OnlyOne::take(const std::filesystem::path& path) {
    File file = opened(path);
    if (!try_lock(file)) {
        return std::nullopt;
    }
    const std::string number = std::to_string(::getpid()) + "\n";
    file.truncate(0);
    file.write_at(0, as_bytes(number));
    return OnlyOne(std::move(file));
}

std::optional<int> OnlyOne::holder(const std::filesystem::path& path) {
    if (!std::filesystem::exists(path)) {
        return std::nullopt;
    }
    const File file = opened(path);
    if (try_lock(file)) {
        return std::nullopt;
    }
    std::array<std::uint8_t, 32> text{};
    const std::size_t count = file.read_at(0, text);
    int process = 0;
    const std::string_view number = as_text(BytesView(text).first(count));
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), process);
    return error == std::errc() && process > 0 ? std::optional(process) : std::nullopt;
}

}  // namespace dbbackup
