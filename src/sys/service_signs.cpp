#include "sys/service_signs.hpp"

#include "sys/file.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>

namespace dbbackup {

void tell_service_manager(std::string_view state) noexcept {
    const char* const name = std::getenv("NOTIFY_SOCKET");
    sockaddr_un address{};
    if (name == nullptr || (name[0] != '/' && name[0] != '@') ||
        std::strlen(name) >= sizeof address.sun_path) {
        return;
    }
    const std::size_t length = std::strlen(name);
    address.sun_family = AF_UNIX;
    std::copy_n(name, length, static_cast<char*>(address.sun_path));
    if (name[0] == '@') {
        address.sun_path[0] = '\0';  // An abstract name (unix(7)).
    }
    const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return;
    }
    ::sendto(descriptor, state.data(), state.size(), MSG_NOSIGNAL,
             reinterpret_cast<const sockaddr*>(&address),  // NOLINT: as the call wants it
             static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length));
    ::close(descriptor);
}

std::optional<std::chrono::microseconds> watchdog_interval() noexcept {
    const char* const microseconds = std::getenv("WATCHDOG_USEC");
    const char* const process = std::getenv("WATCHDOG_PID");
    if (microseconds == nullptr ||
        (process != nullptr && std::strtol(process, nullptr, 10) != ::getpid())) {
        return std::nullopt;
    }
    const long long all = std::strtoll(microseconds, nullptr, 10);
    return all <= 0 ? std::nullopt : std::optional(std::chrono::microseconds(all / 2));
}

}  // namespace dbbackup
