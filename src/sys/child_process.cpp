#include "sys/child_process.hpp"

#include "base/error.hpp"
#include "base/secret.hpp"
#include "base/units.hpp"
#include "sys/child_environment.hpp"
#include "sys/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <optional>
#include <system_error>
#include <thread>

namespace dbbackup {
namespace {

using Deadline = std::chrono::steady_clock::time_point;

/// More than a pipe holds. Source: pipe(7), /proc/sys/fs/pipe-max-size.
constexpr std::size_t kPipeBytesMax = 1_MiB;

[[noreturn]] void throw_cannot_start(int error_number) {
    throw Error(
        fmt::format("cannot start the command: {}", std::generic_category().message(error_number)));
}

struct Pipe {
    File read_end;
    File write_end;
};

Pipe make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        throw_cannot_start(errno);
    }
    Pipe pipe{File::adopt(ends[0], "pipe"), File::adopt(ends[1], "pipe")};
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return pipe;
}

File make_event() {
    const int descriptor = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (descriptor < 0) {
        throw_cannot_start(errno);
    }
    return File::adopt(descriptor, "eventfd");
}

/// Which descriptors a child has.
struct ChildFiles {
    int input = -1;  ///< -1: nothing to read.
    int output = -1;
    int errors = -1;
    std::vector<int> inherited = {};
};

/// What posix_spawn is told: own process group, no blocked or ignored signals, no terminal input.
struct SpawnSetup {
    explicit SpawnSetup(const ChildFiles& child) {
        posix_spawn_file_actions_init(&files);
        if (child.input < 0) {
            posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        } else {
            posix_spawn_file_actions_adddup2(&files, child.input, STDIN_FILENO);
        }
        posix_spawn_file_actions_adddup2(&files, child.output, STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(&files, child.errors, STDERR_FILENO);
        for (const int descriptor : child.inherited) {
            // Onto itself: it is then not closed (posix_spawn_file_actions_adddup2(3)).
            posix_spawn_file_actions_adddup2(&files, descriptor, descriptor);
        }
        posix_spawnattr_init(&attributes);
        sigset_t none;
        sigemptyset(&none);
        sigset_t all;
        sigfillset(&all);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setpgroup(&attributes, 0);
        posix_spawnattr_setflags(
            &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    ~SpawnSetup() {
        posix_spawn_file_actions_destroy(&files);
        posix_spawnattr_destroy(&attributes);
    }
    SpawnSetup(const SpawnSetup&) = delete;
    SpawnSetup& operator=(const SpawnSetup&) = delete;

    posix_spawn_file_actions_t files{};
    posix_spawnattr_t attributes{};
};

/// A running program. The destructor kills it with its group and reaps it.
class Child {
public:
    /// @param also More variables, as "NAME=value".
    Child(std::vector<std::string> arguments, const std::vector<std::string>& also,
          const ChildFiles& files)
        : exited_(make_event()) {
        const SpawnSetup setup(files);
        std::vector<char*> words;
        for (std::string& argument : arguments) {
            words.push_back(argument.data());
        }
        words.push_back(nullptr);
        const std::vector<char*> variables = child_environment(also);
        const int failed = ::posix_spawnp(&process_, words.front(), &setup.files, &setup.attributes,
                                          words.data(), variables.data());
        if (failed != 0) {
            throw_cannot_start(failed);
        }
        // A thread waits, because not every kernel and sandbox has pidfd_open. WNOWAIT leaves the
        // process to reap(), so that its number is not reused while we may still signal it.
        waiter_ = std::thread([this] {
            siginfo_t information{};
            while (::waitid(P_PID, static_cast<id_t>(process_), &information, WEXITED | WNOWAIT) !=
                       0 &&
                   errno == EINTR) {
            }
            eventfd_write(exited_.descriptor(), 1);
        });
    }
    ~Child() {
        if (waiter_.joinable()) {
            ::kill(-process_, SIGKILL);
            static_cast<void>(reap());
        }
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    [[nodiscard]] int exited_event() const { return exited_.descriptor(); }
    /// It alone: what it started is its own to end.
    void ask_to_end() const { ::kill(process_, SIGTERM); }

    /// Waits for its end and returns the exit status as a shell tells it.
    int reap() {
        waiter_.join();
        int status = 0;
        while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
        }
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }

private:
    pid_t process_ = -1;
    File exited_;
    std::thread waiter_;
};

/// Takes what is in the pipe now, but not for ever from a writer that keeps up. Returns false at
/// the pipe's end.
bool drain(const File& pipe, const TakePart& take) {
    std::array<std::uint8_t, 4_KiB> buffer{};
    std::size_t taken = 0;
    while (taken < kPipeBytesMax) {
        const ssize_t count = ::read(pipe.descriptor(), buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count > 0) {
            take(BytesView(buffer.data(), static_cast<std::size_t>(count)));
            wipe(buffer);  // it may be a passphrase
            taken += static_cast<std::size_t>(count);
            continue;
        }
        return count < 0 && errno == EAGAIN;
    }
    return true;
}

/// Milliseconds left, rounded up so that poll() does not wake just before the deadline.
int wait_ms(Deadline deadline) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
}

/// Writes what a child wants to read, as far as its pipe takes it.
class Feeder {
public:
    explicit Feeder(const std::function<BytesView()>* give) : give_(give) {
        if (give_ != nullptr) {
            pipe_.emplace(make_pipe());
            ::fcntl(pipe_->read_end.descriptor(), F_SETFL, 0);
            ::fcntl(pipe_->write_end.descriptor(), F_SETFL, O_NONBLOCK);
        }
    }

    [[nodiscard]] int read_end() const { return pipe_ ? pipe_->read_end.descriptor() : -1; }
    /// -1 once there is nothing more to write.
    [[nodiscard]] int write_end() const { return is_open_ ? pipe_->write_end.descriptor() : -1; }
    void started() {
        if (pipe_) {
            pipe_->read_end.close();
            is_open_ = true;
        }
    }
    void feed() {
        while (is_open_) {
            if (left_.empty()) {
                left_ = (*give_)();
            }
            if (left_.empty()) {
                end();
                return;
            }
            const ssize_t count =
                ::write(pipe_->write_end.descriptor(), left_.data(), left_.size());
            if (count < 0 && errno == EINTR) {
                continue;
            }
            if (count < 0) {
                if (errno != EAGAIN) {
                    end();  // It reads no more; its exit status tells whether that is well.
                }
                return;
            }
            left_ = left_.subspan(static_cast<std::size_t>(count));
        }
    }

private:
    void end() {
        pipe_->write_end.close();
        is_open_ = false;
    }

    const std::function<BytesView()>* give_;
    std::optional<Pipe> pipe_;
    BytesView left_;
    bool is_open_ = false;
};

}  // namespace

int run_child(const ChildTask& task, const std::stop_token& stop) {
    Deadline deadline = std::chrono::steady_clock::now() + std::min(task.timeout, kChildTimeoutMax);
    bool is_asked = false;
    const File stopped = make_event();
    const std::stop_callback on_stop(stop, [&] { eventfd_write(stopped.descriptor(), 1); });
    Pipe output = make_pipe();
    Pipe errors = make_pipe();
    Feeder feeder(task.give_input);
    Child child(task.arguments, task.variables,
                {.input = feeder.read_end(),
                 .output = output.write_end.descriptor(),
                 .errors = errors.write_end.descriptor(),
                 .inherited = task.inherited});
    output.write_end.close();
    errors.write_end.close();
    feeder.started();

    std::array<pollfd, 5> waiting = {{{stopped.descriptor(), POLLIN, 0},
                                      {child.exited_event(), POLLIN, 0},
                                      {output.read_end.descriptor(), POLLIN, 0},
                                      {errors.read_end.descriptor(), POLLIN, 0},
                                      {feeder.write_end(), POLLOUT, 0}}};
    for (;;) {
        ::poll(waiting.data(), waiting.size(), wait_ms(deadline));
        if (stop.stop_requested() && !is_asked) {
            if (task.grace.count() == 0) {
                throw Cancelled();
            }
            child.ask_to_end();
            is_asked = true;
            waiting[0].fd = -1;
            deadline = std::chrono::steady_clock::now() + task.grace;
        }
        // Asked before the pipes are drained: what it wrote before its end is then in them.
        const bool exited = (waiting[1].revents & POLLIN) != 0;
        if (waiting[4].revents != 0) {
            feeder.feed();
            waiting[4].fd = feeder.write_end();
        }
        if (!drain(output.read_end, task.take_output)) {
            waiting[2].fd = -1;
        }
        if (!drain(errors.read_end, task.take_errors)) {
            waiting[3].fd = -1;
        }
        if (exited) {
            return child.reap();
        }
        if (std::chrono::steady_clock::now() >= deadline) {
            if (is_asked) {
                throw Cancelled();
            }
            throw Error(fmt::format("the command ran longer than {} s", task.timeout.count()));
        }
    }
}

}  // namespace dbbackup
