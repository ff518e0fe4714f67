#include "cli/process_setup.hpp"

#include "sys/parent_death.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstdlib>
#include <initializer_list>

namespace dbbackup {
namespace {

/// Opens missing standard streams the wrong way round, so that using them is an error, as it was.
void occupy_standard_streams() {
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(descriptor, F_GETFD) < 0 && errno == EBADF) {
            const int direction = descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY;
            if (::open("/dev/null", direction) != descriptor) {
                std::abort();  // Lower ones are open, so the number is certain.
            }
        }
    }
}

/// Chunks of a few MiB are allocated and freed all the time: glibc would give each back to the
/// kernel and get zeroed pages for the next one, which costs a restore a third of its time.
/// Source: mallopt(3).
void keep_freed_memory() {
#ifdef __GLIBC__
    constexpr int kMmapBytesMin = 32 << 20;
    constexpr int kTrimBytesMin = 256 << 20;
    ::mallopt(M_MMAP_THRESHOLD, kMmapBytesMin);
    ::mallopt(M_TRIM_THRESHOLD, kTrimBytesMin);
#endif
}

}  // namespace

void set_up_process() {
    end_with_parent();
    occupy_standard_streams();
    keep_freed_memory();
    ::umask(077);
    // Nothing else runs yet. NOLINTNEXTLINE(concurrency-mt-unsafe)
    if (std::getenv("DB_BACKUP_TEST_ALLOW_CORE") == nullptr) {
        const rlimit none{0, 0};
        ::setrlimit(RLIMIT_CORE, &none);
        ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    }
    std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): cannot fail for this signal
    std::setlocale(LC_CTYPE, "");   // NOLINT(concurrency-mt-unsafe): no other thread yet
}

}  // namespace dbbackup
