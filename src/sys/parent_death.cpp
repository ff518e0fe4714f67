#include "sys/parent_death.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

namespace dbbackup {
namespace {

/// Between us and our children; not for users, and not passed on by them.
constexpr const char* kParentVariable = "DB_BACKUP_PARENT";

}  // namespace

std::string parent_variable(int lock) {
    return fmt::format("{}={}:{}", kParentVariable, ::getpid(), lock);
}

void end_with_parent() noexcept {
    // NOLINTBEGIN(concurrency-mt-unsafe): there is no other thread yet
    const char* const parent = std::getenv(kParentVariable);
    if (parent == nullptr) {
        return;
    }
    // Source: PR_SET_PDEATHSIG in prctl(2).
    ::prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    char* end = nullptr;
    const bool is_alive = std::strtol(parent, &end, 10) == ::getppid();
    if (*end == ':') {
        ::fcntl(static_cast<int>(std::strtol(end + 1, nullptr, 10)), F_SETFD, FD_CLOEXEC);
    }
    if (!is_alive) {
        constexpr int kInterrupted = 130;
        ::_exit(kInterrupted);  // It died before it could be watched.
    }
    ::unsetenv(kParentVariable);
    // NOLINTEND(concurrency-mt-unsafe)
}

}  // namespace dbbackup
