#include "sys/detached_process.hpp"

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/units.hpp"
#include "sys/child_environment.hpp"
#include "sys/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace dbbackup {
namespace {

[[noreturn]] void throw_cannot_start(int error_number) {
    throw Error(
        fmt::format("cannot start the process: {}", std::generic_category().message(error_number)));
}

/// Takes what the process says of itself. Source: sd_notify(3); the kernel chooses an abstract name
/// for a socket that is bound to none (unix(7), "Autobind feature").
class ReadySocket {
public:
    ReadySocket()
        : socket_(File::adopt(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
                              "socket")) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): as the calls want it
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        if (::bind(socket_.descriptor(), generic, sizeof address.sun_family) != 0) {
            throw_cannot_start(errno);
        }
        socklen_t length = sizeof address;
        if (::getsockname(socket_.descriptor(), generic, &length) != 0) {
            throw_cannot_start(errno);
        }
        const std::size_t name = length - offsetof(sockaddr_un, sun_path) - 1;
        variable_ = fmt::format("NOTIFY_SOCKET=@{}", std::string_view(address.sun_path + 1, name));
    }

    [[nodiscard]] const std::string& variable() const { return variable_; }

    /// Waits for a while. @return whether it said that it is ready.
    [[nodiscard]] bool wait() const {
        constexpr int kWhile = 100;
        pollfd waiting{socket_.descriptor(), POLLIN, 0};
        ::poll(&waiting, 1, kWhile);
        std::array<char, 4_KiB> text{};
        const ssize_t count = ::recv(socket_.descriptor(), text.data(), text.size(), 0);
        return count > 0 &&
               std::string_view(text.data(), static_cast<std::size_t>(count)).find("READY=1") !=
                   std::string_view::npos;
    }

private:
    File socket_;
    std::string variable_;
};

pid_t spawn(std::vector<std::string>& words, const std::vector<std::string>& also,
            const File& output, const File& errors) {
    posix_spawn_file_actions_t files{};
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, output.descriptor(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, errors.descriptor(), STDERR_FILENO);
    posix_spawnattr_t attributes{};
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    sigset_t all;
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::vector<char*> arguments;
    for (std::string& word : words) {
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    pid_t process = -1;
    const int failed = ::posix_spawn(&process, arguments.front(), &files, &attributes,
                                     arguments.data(), child_environment(also).data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    if (failed != 0) {
        throw_cannot_start(failed);
    }
    return process;
}

std::string content(const File& file) {
    Bytes bytes(std::min<std::uint64_t>(file.size_bytes(), 1_MiB));
    bytes.resize(file.read_at(0, bytes));
    return std::string(as_text(bytes));
}

}  // namespace

DetachedStart start_detached(std::vector<std::string> words, std::vector<std::string> variables,
                             const std::stop_token& stop) {
    const File output = File::temporary(std::filesystem::temp_directory_path());
    const File errors = File::temporary(std::filesystem::temp_directory_path());
    const ReadySocket ready;
    variables.push_back(ready.variable());
    DetachedStart started;
    started.process = spawn(words, variables, output, errors);
    for (;;) {
        if (ready.wait()) {
            return started;
        }
        int status = 0;
        if (::waitpid(started.process, &status, WNOHANG) == started.process) {
            started.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
            started.output = content(output);
            started.errors = content(errors);
            return started;
        }
        if (stop.stop_requested()) {
            ::kill(started.process, SIGTERM);
            while (::waitpid(started.process, &status, 0) < 0 && errno == EINTR) {
            }
            throw Cancelled();
        }
    }
}

void leave_standard_streams() noexcept {
    const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing >= 0) {
        ::dup2(nothing, STDOUT_FILENO);
        ::dup2(nothing, STDERR_FILENO);
        ::close(nothing);
    }
}

}  // namespace dbbackup
