#include "sys/signals.hpp"

#include "sys/file.hpp"
#include "sys/file_error.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <mutex>
#include <thread>
#include <utility>

namespace dbbackup {
namespace {

/// The stop signals, without those the parent had ignored for us (nohup, a shell's background
/// jobs).
sigset_t stop_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction current{};
        sigaction(number, nullptr, &current);
        if (current.sa_handler != SIG_IGN) {
            sigaddset(&signals, number);
        }
    }
    return signals;
}

/// Whether the death of our parent is told by a signal (`end_with_parent`).
bool has_parent_signal() {
    int number = 0;
    return ::prctl(PR_GET_PDEATHSIG, &number, 0, 0, 0) == 0 && number != 0;
}

File checked(int descriptor, const char* name) {
    if (descriptor < 0) {
        throw FileError("open", name, errno);
    }
    return File::adopt(descriptor, name);
}

}  // namespace

struct SignalStop::Watcher {
    Watcher()
        : signals(stop_signals()),
          arrivals(checked(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd")),
          ending(checked(::eventfd(0, EFD_CLOEXEC), "eventfd")) {
        pthread_sigmask(SIG_BLOCK, &signals, &mask_before);
        thread = std::thread([this] { watch(); });
    }

    ~Watcher() {
        eventfd_write(ending.descriptor(), 1);
        thread.join();
        pthread_sigmask(SIG_SETMASK, &mask_before, nullptr);
    }

    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;

    void watch() const {
        std::array<pollfd, 2> waiting = {
            {{arrivals.descriptor(), POLLIN, 0}, {ending.descriptor(), POLLIN, 0}}};
        for (;;) {
            if (::poll(waiting.data(), waiting.size(), -1) < 0) {
                continue;  // EINTR; nothing else can happen to two valid descriptors
            }
            if (waiting[1].revents != 0) {
                return;
            }
            signalfd_siginfo arrived{};
            if (::read(arrivals.descriptor(), &arrived, sizeof arrived) != sizeof arrived) {
                continue;
            }
            if (arrived.ssi_signo == SIGHUP && call_on_hangup()) {
                continue;
            }
            if (!source.request_stop() && !is_patient) {
                // The second one: whatever hangs must not keep the user waiting.
                ::_exit(130);
            }
        }
    }

    /// False when nobody wants to know.
    bool call_on_hangup() const {
        const std::lock_guard lock(mutex);
        if (on_hangup) {
            on_hangup();
        }
        return static_cast<bool>(on_hangup);
    }

    sigset_t signals;
    sigset_t mask_before{};
    File arrivals;
    File ending;
    /// A parent that watches us kills us when it has waited enough. Its death may be told several
    /// times, once for each of its threads (prctl(2)), and must not cut our end off.
    bool is_patient = has_parent_signal();
    std::stop_source source;
    mutable std::mutex mutex;
    std::function<void()> on_hangup;  ///< Under `mutex`.
    std::thread thread;
};

void ignore_stop_signals() noexcept {
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        std::signal(number, SIG_IGN);  // NOLINT(cert-err33-c): cannot fail for these signals
    }
}

SignalStop::SignalStop() : watcher_(std::make_unique<Watcher>()) {}

SignalStop::~SignalStop() = default;

std::stop_token SignalStop::token() const { return watcher_->source.get_token(); }

void SignalStop::on_hangup(std::function<void()> call) {
    const std::lock_guard lock(watcher_->mutex);
    watcher_->on_hangup = std::move(call);
}

}  // namespace dbbackup
