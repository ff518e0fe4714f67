#include "unit/storage/local/system_calls.hpp"

#include "base/guarded.hpp"

#include <dlfcn.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <map>

namespace dbbackup {
namespace {

constexpr int kDies = -1;
constexpr int kDiedStatus = 9;

struct Plan {
    int calls_left = 0;
    int error_number = 0;
};

using Plans = std::map<SystemCall, Plan>;

Guarded<Plans>& plans() {
    static Guarded<Plans> the_plans;
    return the_plans;
}

struct Watch {
    bool is_active = false;
    std::vector<std::string> seen;
};

Guarded<Watch>& watch() {
    static Guarded<Watch> the_watch;
    return the_watch;
}

void set_plan(SystemCall call, Plan next) {
    plans().with([&](Plans& current) { current[call] = next; });
}

/// The error number that this call must fail with, or 0.
int planned_failure(SystemCall call) {
    return plans().with([call](Plans& current) {
        const auto found = current.find(call);
        if (found == current.end() || --found->second.calls_left != 0) {
            return 0;
        }
        if (found->second.error_number == kDies) {
            ::_exit(kDiedStatus);
        }
        return found->second.error_number;
    });
}

void note(const std::string& line) {
    watch().with([&line](Watch& current) {
        if (current.is_active) {
            current.seen.push_back(line);
        }
    });
}

std::string path_of(int descriptor) {
    std::array<char, 4096> path{};
    const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
    const ssize_t length = ::readlink(link.c_str(), path.data(), path.size());
    return length < 0 ? "?" : std::string(path.data(), static_cast<std::size_t>(length));
}

/// The C library's own function, which the one of this file hides.
template <class Function>
Function* original(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

FailingCall::FailingCall(SystemCall call, int nth, int error_number) : call_(call) {
    set_plan(call, {nth, error_number});
}

FailingCall::~FailingCall() {
    plans().with([this](Plans& current) { current.erase(call_); });
}

bool FailingCall::has_failed() const {
    return plans().with([this](const Plans& current) { return current.at(call_).calls_left <= 0; });
}

void die_at(SystemCall call, int nth) { set_plan(call, {nth, kDies}); }

WatchedCalls::WatchedCalls() {
    watch().with([](Watch& current) { current = {true, {}}; });
}

WatchedCalls::~WatchedCalls() {
    watch().with([](Watch& current) { current = {}; });
}

std::vector<std::string> WatchedCalls::seen() const {
    return watch().with([](const Watch& current) { return current.seen; });
}

}  // namespace dbbackup

extern "C" {

int fsync(int descriptor) {
    if (const int error_number = dbbackup::planned_failure(dbbackup::SystemCall::fsync)) {
        errno = error_number;
        return -1;
    }
    static auto* const real = dbbackup::original<int(int)>("fsync");
    const int result = real(descriptor);
    if (result == 0) {
        dbbackup::note("fsync " + dbbackup::path_of(descriptor));
    }
    return result;
}

ssize_t pwrite(int descriptor, const void* content, size_t size, off_t offset) {
    if (const int error_number = dbbackup::planned_failure(dbbackup::SystemCall::pwrite)) {
        errno = error_number;
        return -1;
    }
    static auto* const real =
        dbbackup::original<ssize_t(int, const void*, size_t, off_t)>("pwrite");
    const ssize_t result = real(descriptor, content, size, offset);
    if (result >= 0) {
        dbbackup::note("pwrite " + dbbackup::path_of(descriptor));
    }
    return result;
}

ssize_t pread(int descriptor, void* content, size_t size, off_t offset) {
    if (const int error_number = dbbackup::planned_failure(dbbackup::SystemCall::pread)) {
        errno = error_number;
        return -1;
    }
    static auto* const real = dbbackup::original<ssize_t(int, void*, size_t, off_t)>("pread");
    return real(descriptor, content, size, offset);
}

int link(const char* from, const char* to) noexcept {
    if (const int error_number = dbbackup::planned_failure(dbbackup::SystemCall::link)) {
        errno = error_number;
        return -1;
    }
    static auto* const real = dbbackup::original<int(const char*, const char*)>("link");
    return real(from, to);
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to,
              unsigned int flags) noexcept {
    if (const int error_number = dbbackup::planned_failure(dbbackup::SystemCall::renameat2)) {
        errno = error_number;
        return -1;
    }
    static auto* const real =
        dbbackup::original<int(int, const char*, int, const char*, unsigned int)>("renameat2");
    const int result = real(from_folder, from, to_folder, to, flags);
    if (result == 0) {
        dbbackup::note(std::string("renameat2 ") + to);
    }
    return result;
}

}  // extern "C"
