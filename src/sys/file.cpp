#include "sys/file.hpp"

#include "sys/file_error.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

namespace dbbackup {
namespace {

/// Repeats a system call that a signal interrupted before it did anything.
template <class Call>
auto uninterrupted(Call call) {
    auto result = call();
    while (result < 0 && errno == EINTR) {
        result = call();
    }
    return result;
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
    const std::filesystem::path parent = path.parent_path();
    return parent.empty() ? std::filesystem::path(".") : parent;
}

int open_flags(File::Mode mode) {
    switch (mode) {
        case File::Mode::read: return O_RDONLY;
        case File::Mode::write_new: return O_RDWR | O_CREAT | O_EXCL;
        case File::Mode::read_write: return O_RDWR;
    }
    return O_RDONLY;
}

/// Makes a file of an unused name that starts with `prefix`; the name is put into `path`.
int make_unique(const std::filesystem::path& prefix, std::filesystem::path& path) {
    std::string name = prefix.native() + ".XXXXXX";
    const int descriptor = uninterrupted([&] { return ::mkostemp(name.data(), O_CLOEXEC); });
    path = name;
    return descriptor;
}

/// Whether open(2) said that there are no files without a name. Overlay and network file systems of
/// older kernels lack O_TMPFILE; kernels that do not know the flag at all see O_DIRECTORY with
/// O_RDWR, which is EISDIR.
bool lacks_unnamed_files(int error_number) {
    return error_number == EOPNOTSUPP || error_number == EISDIR || error_number == EINVAL;
}

/// By which linkat(2) finds a file without a name; AT_EMPTY_PATH would need a capability.
std::string name_of_descriptor(int descriptor) {
    return fmt::format("/proc/self/fd/{}", descriptor);
}

/// The last offset that pread and pwrite take.
bool is_offset(std::uint64_t offset) { return std::in_range<off_t>(offset); }

}  // namespace

File::File(int descriptor, std::filesystem::path path)
    : descriptor_(descriptor), path_(std::move(path)) {}

File File::adopt(int descriptor, std::filesystem::path path) {
    return {descriptor, std::move(path)};
}

File File::open(const std::filesystem::path& path, Mode mode, unsigned permissions) {
    const int flags = open_flags(mode) | O_CLOEXEC;
    const int descriptor = uninterrupted([&] { return ::open(path.c_str(), flags, permissions); });
    if (descriptor < 0) {
        throw FileError(mode == Mode::write_new ? "create" : "open", path, errno);
    }
    return {descriptor, path};
}

File File::temporary(const std::filesystem::path& directory) {
    // O_EXCL: nobody can give the file a name later.
    constexpr int kFlags = O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC;
    int descriptor = uninterrupted([&] { return ::open(directory.c_str(), kFlags, 0600); });
    if (descriptor >= 0) {
        return {descriptor, directory / "(temporary file)"};
    }
    if (!lacks_unnamed_files(errno)) {
        throw FileError("create a temporary file in", directory, errno);
    }
    std::filesystem::path path;
    descriptor = make_unique(directory / ".db-backup", path);
    if (descriptor < 0) {
        throw FileError("create a temporary file in", directory, errno);
    }
    File file(descriptor, path);
    if (::unlink(path.c_str()) != 0) {
        throw FileError("remove", path, errno);
    }
    return file;
}

std::optional<File> File::unnamed(const std::filesystem::path& directory) {
    constexpr int kFlags = O_TMPFILE | O_RDWR | O_CLOEXEC;
    const int descriptor = uninterrupted([&] { return ::open(directory.c_str(), kFlags, 0600); });
    if (descriptor < 0) {
        if (lacks_unnamed_files(errno)) {
            return std::nullopt;
        }
        throw FileError("create a file in", directory, errno);
    }
    File file(descriptor, directory / "(file without a name)");
    if (::access(name_of_descriptor(descriptor).c_str(), F_OK) != 0) {
        return std::nullopt;
    }
    return file;
}

File::File(File&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

File& File::operator=(File&& other) noexcept {
    if (this != &other) {
        if (descriptor_ >= 0) {
            ::close(descriptor_);
        }
        descriptor_ = std::exchange(other.descriptor_, -1);
        path_ = std::move(other.path_);
    }
    return *this;
}

File::~File() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

std::uint64_t File::size_bytes() const {
    struct stat status{};
    if (::fstat(descriptor_, &status) != 0) {
        throw FileError("read the size of", path_, errno);
    }
    return static_cast<std::uint64_t>(status.st_size);
}

std::size_t File::read_at(std::uint64_t offset, std::span<std::uint8_t> out) const {
    std::size_t done = 0;
    while (done < out.size()) {
        if (!is_offset(offset + done)) {
            throw FileError("read", path_, EOVERFLOW);
        }
        const ssize_t count = uninterrupted([&] {
            return ::pread(descriptor_, out.data() + done, out.size() - done,
                           static_cast<off_t>(offset + done));
        });
        if (count < 0) {
            throw FileError("read", path_, errno);
        }
        if (count == 0) {
            break;
        }
        done += static_cast<std::size_t>(count);
    }
    return done;
}

void File::write_at(std::uint64_t offset, BytesView content) {
    std::size_t done = 0;
    while (done < content.size()) {
        if (!is_offset(offset + done)) {
            throw FileError("write", path_, EFBIG);
        }
        const ssize_t count = uninterrupted([&] {
            return ::pwrite(descriptor_, content.data() + done, content.size() - done,
                            static_cast<off_t>(offset + done));
        });
        if (count <= 0) {
            // A write of nothing without an error would repeat for ever.
            throw FileError("write", path_, count < 0 ? errno : EIO);
        }
        done += static_cast<std::size_t>(count);
    }
}

// NOLINTNEXTLINE(readability-make-member-function-const): it changes the file
void File::reserve(std::uint64_t offset, std::uint64_t bytes) noexcept {
    if (bytes != 0 && is_offset(offset) && is_offset(bytes)) {
        static_cast<void>(uninterrupted([&] {
            return ::fallocate(descriptor_, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                               static_cast<off_t>(bytes));
        }));
    }
}

void File::truncate(std::uint64_t size_bytes) {
    if (!is_offset(size_bytes)) {
        throw FileError("resize", path_, EFBIG);
    }
    const auto size = static_cast<off_t>(size_bytes);
    if (uninterrupted([&] { return ::ftruncate(descriptor_, size); }) != 0) {
        throw FileError("resize", path_, errno);
    }
}

void File::sync() {
    if (uninterrupted([&] { return ::fsync(descriptor_); }) != 0) {
        throw FileError("sync", path_, errno);
    }
}

void File::close() {
    if (descriptor_ < 0) {
        return;
    }
    // Linux closes the descriptor even when close() is interrupted, so it is never repeated.
    if (::close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR) {
        throw FileError("close", path_, errno);
    }
}

std::optional<Bytes> read_file(const std::filesystem::path& path, std::uint64_t bytes_max) {
    const int descriptor =
        uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); });
    if (descriptor < 0 && errno == ENOENT) {
        return std::nullopt;
    }
    if (descriptor < 0) {
        throw FileError("open", path, errno);
    }
    // Read in sequence and not by size: pipes (/dev/fd/63) and /proc files tell no size.
    const File closer = File::adopt(descriptor, path);
    Bytes content;
    std::array<std::uint8_t, 65536> buffer{};
    for (;;) {
        const ssize_t count =
            uninterrupted([&] { return ::read(descriptor, buffer.data(), buffer.size()); });
        if (count < 0) {
            throw FileError("read", path, errno);
        }
        if (count == 0) {
            return content;
        }
        const std::span<const std::uint8_t> part(buffer.data(), static_cast<std::size_t>(count));
        if (part.size() > bytes_max - content.size()) {
            throw FileError(fmt::format("read (more than {} bytes)", bytes_max), path, EFBIG);
        }
        content.insert(content.end(), part.begin(), part.end());
    }
}

void replace_file(const std::filesystem::path& path, BytesView content, unsigned permissions) {
    std::filesystem::path beside;
    const int descriptor = make_unique(path.native() + ".new", beside);
    if (descriptor < 0) {
        throw FileError("create a file beside", path, errno);
    }
    try {
        File file = File::adopt(descriptor, beside);
        if (::fchmod(descriptor, permissions) != 0) {
            throw FileError("set the permissions of", beside, errno);
        }
        file.write_at(0, content);
        file.sync();
        file.close();
        if (std::rename(beside.c_str(), path.c_str()) != 0) {
            throw FileError("replace", path, errno);
        }
    } catch (...) {
        ::unlink(beside.c_str());
        throw;
    }
    sync_directory(folder_of(path));
}

void sync_directory(const std::filesystem::path& directory) {
    constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    const int descriptor = uninterrupted([&] { return ::open(directory.c_str(), kFlags); });
    if (descriptor < 0) {
        throw FileError("open", directory, errno);
    }
    const int failed = uninterrupted([&] { return ::fsync(descriptor); });
    const int error_number = errno;
    ::close(descriptor);
    // Some file systems (FUSE, SMB) cannot sync a folder; they say EINVAL and keep names in order
    // by themselves.
    if (failed != 0 && error_number != EINVAL && error_number != EOPNOTSUPP) {
        throw FileError("sync", directory, error_number);
    }
}

bool rename_no_replace(const std::filesystem::path& from, const std::filesystem::path& to) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) {
        return true;
    }
    if (errno == EEXIST) {
        return false;
    }
    if (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP) {
        return rename_by_link(from, to);
    }
    throw FileError(fmt::format("rename {} to", from.native()), to, errno);
}

bool rename_by_link(const std::filesystem::path& from, const std::filesystem::path& to) {
    if (::link(from.c_str(), to.c_str()) != 0) {
        const int error_number = errno;
        if (error_number != EEXIST) {
            // link(2): EPERM is a file system without hard links, for the file is ours.
            throw FileError(fmt::format("rename {} to", from.native()), to,
                            error_number == EPERM ? EOPNOTSUPP : error_number);
        }
        // NFS repeats a request whose answer got lost, and then finds the name that it made.
        struct stat ours{};
        struct stat theirs{};
        if (::lstat(from.c_str(), &ours) != 0 || ::lstat(to.c_str(), &theirs) != 0 ||
            ours.st_dev != theirs.st_dev || ours.st_ino != theirs.st_ino) {
            return false;
        }
    }
    if (::unlink(from.c_str()) != 0) {
        throw FileError("remove", from, errno);
    }
    return true;
}

bool name_file(const File& file, const std::filesystem::path& to) {
    const std::string from = name_of_descriptor(file.descriptor());
    if (::linkat(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), AT_SYMLINK_FOLLOW) == 0) {
        return true;
    }
    if (errno == EEXIST) {
        return false;
    }
    throw FileError("give a name to", to, errno);
}

std::uint64_t free_bytes(const std::filesystem::path& path) {
    struct statvfs status{};
    if (uninterrupted([&] { return ::statvfs(path.c_str(), &status); }) != 0) {
        throw FileError("read the free space of", path, errno);
    }
    return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

}  // namespace dbbackup
