#include "sys/subprocess.hpp"

#include "base/secret.hpp"
#include "base/units.hpp"
#include "sys/child_environment.hpp"
#include "sys/file.hpp"
#include "sys/file_error.hpp"

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

constexpr std::size_t kErrorsBytesMax = 4_KiB;
constexpr std::size_t kReserveBytesMax = 64_KiB;
/// More than a pipe holds. Source: pipe(7), /proc/sys/fs/pipe-max-size.
constexpr std::size_t kPipeBytesMax = 1_MiB;
/// Longer limits than this mean "no limit" and would overflow the clock.
constexpr std::chrono::seconds kTimeoutMax = std::chrono::hours(24 * 365);

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

/// Takes what a child wrote to one of its streams.
using TakePart = std::function<void(BytesView part)>;

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

/// What the loop around a child needs to know.
struct ChildTask {
    std::vector<std::string> arguments;
    std::vector<std::string> variables = {};
    std::vector<int> inherited = {};
    std::chrono::seconds timeout = kTimeoutMax;
    const std::function<BytesView()>* give_input = nullptr;
    TakePart take_output = {};
    TakePart take_errors = {};
};

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

/// Runs it to its end and returns the exit status.
int run_child(const ChildTask& task, const std::stop_token& stop) {
    const Deadline deadline =
        std::chrono::steady_clock::now() + std::min(task.timeout, kTimeoutMax);
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
        if (stop.stop_requested()) {
            throw Cancelled();
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
            throw Error(fmt::format("the command ran longer than {} s", task.timeout.count()));
        }
    }
}

/// Keeps the end of what comes.
TakePart keep_end(std::string& text) {
    return [&text](BytesView part) {
        text += as_text(part);
        if (text.size() > kErrorsBytesMax) {
            text.erase(0, text.size() - kErrorsBytesMax);
        }
    };
}

/// Cuts a stream into lines of bounded length.
class Lines {
public:
    explicit Lines(const std::function<void(std::string_view)>& on_line) : on_line_(on_line) {}

    void take(BytesView part) {
        for (const char character : as_text(part)) {
            if (character == '\n') {
                end();
            } else if (line_.size() < kErrorsBytesMax) {
                line_ += character;
            }
        }
    }

    /// What stands after the last break is a line too.
    void finish() {
        if (!line_.empty()) {
            end();
        }
    }

private:
    void end() {
        if (line_.ends_with('\r')) {
            line_.pop_back();
        }
        on_line_(line_);
        line_.clear();
    }

    const std::function<void(std::string_view)>& on_line_;
    std::string line_;
};

}  // namespace

ProcessResult run_shell(const std::string& command, std::chrono::seconds timeout,
                        std::size_t output_bytes_max, std::stop_token stop) {
    ProcessResult result;
    // One allocation for what is usually a secret: growing would leave copies behind.
    result.output.reserve(std::min(output_bytes_max, kReserveBytesMax));
    const auto take_output = [&](BytesView part) {
        if (part.size() > output_bytes_max - result.output.size()) {
            throw Error(
                fmt::format("the command wrote more than {}", format_size(output_bytes_max)));
        }
        result.output.insert(result.output.end(), part.begin(), part.end());
    };
    try {
        result.exit_status = run_child({.arguments = {"/bin/sh", "-c", command},
                                        .timeout = timeout,
                                        .take_output = take_output,
                                        .take_errors = keep_end(result.errors)},
                                       stop);
    } catch (...) {
        wipe(result.output);
        throw;
    }
    return result;
}

int run_shell_for_effect(const std::string& command, const ShellSetting& setting,
                         std::stop_token stop) {
    std::vector<std::string> also;
    for (const auto& [name, value] : setting.variables) {
        also.push_back(fmt::format("{}={}", name, value));
    }
    Lines output(setting.on_line);
    Lines errors(setting.on_line);
    const int status = run_child({.arguments = {"/bin/sh", "-c", command},
                                  .variables = also,
                                  .timeout = setting.timeout,
                                  .take_output = [&output](BytesView part) { output.take(part); },
                                  .take_errors = [&errors](BytesView part) { errors.take(part); }},
                                 stop);
    output.finish();
    errors.finish();
    return status;
}

ProgramEnd run_program(const ProgramCall& call, std::stop_token stop) {
    ProgramEnd end;
    end.exit_status =
        run_child({.arguments = call.arguments,
                   .variables = call.variables,
                   .inherited = call.inherited,
                   .give_input = call.give_input ? &call.give_input : nullptr,
                   .take_output = call.take_output ? call.take_output : TakePart([](BytesView) {}),
                   .take_errors = keep_end(end.errors)},
                  stop);
    return end;
}

}  // namespace dbbackup
