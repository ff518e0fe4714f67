#include "sys/memory_file.hpp"

#include "base/error.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace dbbackup {
namespace {

[[noreturn]] void throw_failed(int error_number) {
    throw Error(fmt::format("cannot make a file in memory: {}",
                            std::generic_category().message(error_number)));
}

File make() {
    const int descriptor = ::memfd_create("db-backup", MFD_CLOEXEC);
    if (descriptor < 0) {
        throw_failed(errno);
    }
    File file = File::adopt(descriptor, "memory");
    if (::fchmod(descriptor, S_IRUSR | S_IWUSR) != 0) {
        throw_failed(errno);
    }
    return file;
}

}  // namespace

MemoryFile::MemoryFile() : file_(make()) {}

void MemoryFile::append(BytesView bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(file_.descriptor(), bytes.data(), bytes.size());
        if (count < 0 && errno != EINTR) {
            throw_failed(errno);
        }
        bytes = bytes.subspan(count < 0 ? 0 : static_cast<std::size_t>(count));
    }
}

std::string MemoryFile::path() const { return fmt::format("/proc/self/fd/{}", file_.descriptor()); }

}  // namespace dbbackup
