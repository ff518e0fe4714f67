#include "sys/scratch.hpp"

#include "base/error.hpp"
#include "sys/file_error.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

namespace dbbackup {
namespace {

/// Files grow by whole pieces of so much, to be asked for rarely.
constexpr std::size_t kFileStepBytes = 1_MiB;

std::size_t rounded_up(std::size_t bytes, std::size_t step) {
    if (bytes > SIZE_MAX - step) {
        throw std::bad_alloc();
    }
    return (bytes + step - 1) / step * step;
}

std::size_t page_bytes() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

/// Where each write goes to a new place (Btrfs), reserved room would be good for the first one
/// only. Who cannot do that need not.
void write_in_place(const File& file) {
    int flags = 0;
    if (::ioctl(file.descriptor(), FS_IOC_GETFLAGS, &flags) == 0) {
        flags |= FS_NOCOW_FL;
        ::ioctl(file.descriptor(), FS_IOC_SETFLAGS, &flags);
    }
}

void* map_file(const File& file, std::size_t bytes) {
    void* const data =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor(), 0);
    if (data == MAP_FAILED) {
        throw FileError("map", file.path(), errno);
    }
    return data;
}

void* map_memory(std::size_t bytes) {
    void* const data =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) {
        throw std::bad_alloc();
    }
    return data;
}

void* remap(void* data, std::size_t before, std::size_t bytes) {
    void* const moved = ::mremap(data, before, bytes, MREMAP_MAYMOVE);
    if (moved == MAP_FAILED) {
        throw std::bad_alloc();
    }
    return moved;
}

}  // namespace

std::vector<std::filesystem::path> temporary_folders() {
    std::vector<std::filesystem::path> folders;
    const char* const chosen = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe): only read.
    if (chosen == nullptr || *chosen == '\0') {
        folders.emplace_back("/var/tmp");  // The other one is often in memory.
    }
    std::error_code none;
    const std::filesystem::path usual = std::filesystem::temp_directory_path(none);
    if (!none) {
        folders.push_back(usual);
    }
    return folders;
}

ScratchSpace::ScratchSpace(std::vector<std::filesystem::path> folders, Log& log,
                           std::uint64_t memory_bytes_max, std::uint64_t left_free_bytes)
    : folders_(std::move(folders)),
      log_(log),
      memory_bytes_max_(memory_bytes_max),
      left_free_bytes_(left_free_bytes) {}

void ScratchSpace::reserve(const File& file, std::size_t begin, std::size_t end) const {
    if (free_bytes(file.path().parent_path()) < end - begin + left_free_bytes_) {
        throw FileError("reserve room in", file.path(), ENOSPC);
    }
    int error_number = EINTR;
    while (error_number == EINTR) {
        error_number = ::posix_fallocate(file.descriptor(), static_cast<off_t>(begin),
                                         static_cast<off_t>(end - begin));
    }
    if (error_number != 0) {
        throw FileError("reserve room in", file.path(), error_number);
    }
}

std::optional<File> ScratchSpace::file_with(std::uint64_t bytes) {
    std::string why = "there is no folder";
    const bool had_folder = folder_ < folders_.size();
    for (; folder_ < folders_.size(); ++folder_) {
        std::error_code ignored;  // Making a file there will tell.
        std::filesystem::create_directories(folders_[folder_], ignored);
        try {
            File file = File::temporary(folders_[folder_]);
            write_in_place(file);
            reserve(file, 0, bytes);
            return file;
        } catch (const FileError& error) {
            why = error.what();
        }
    }
    if (had_folder) {
        log_.warning("no folder has room for tables, so they stay in memory", {{"error", why}});
    }
    return std::nullopt;
}

ScratchBlock::ScratchBlock(ScratchBlock&& other) noexcept
    : scratch_(other.scratch_),
      data_(std::exchange(other.data_, nullptr)),
      capacity_(std::exchange(other.capacity_, 0)),
      file_(std::exchange(other.file_, std::nullopt)) {}

ScratchBlock& ScratchBlock::operator=(ScratchBlock&& other) noexcept {
    if (this != &other) {
        release();
        scratch_ = other.scratch_;
        data_ = std::exchange(other.data_, nullptr);
        capacity_ = std::exchange(other.capacity_, 0);
        file_ = std::exchange(other.file_, std::nullopt);
    }
    return *this;
}

ScratchBlock::~ScratchBlock() { release(); }

void ScratchBlock::grow(std::size_t bytes) {
    if (bytes <= capacity_) {
        return;
    }
    const std::size_t wanted = rounded_up(std::max(bytes, capacity_ + capacity_ / 2), page_bytes());
    if (!file_ && scratch_->memory_bytes_ + (wanted - capacity_) <= scratch_->memory_bytes_max_) {
        return grow_in_memory(wanted);
    }
    const std::size_t in_file = rounded_up(wanted, std::max(kFileStepBytes, page_bytes()));
    if (file_) {
        try {
            return grow_in_file(in_file);
        } catch (const FileError&) {
            // Another folder may have room.
        }
    }
    if (std::optional<File> file = scratch_->file_with(in_file)) {
        return move_to_file(std::move(*file), in_file);
    }
    // Rather large than stuck: a collector has to work where the disk is full.
    grow_in_memory(wanted);
}

void ScratchBlock::grow_in_memory(std::size_t bytes) {
    if (data_ != nullptr && !file_) {
        data_ = remap(data_, capacity_, bytes);
        scratch_->memory_bytes_ += bytes - capacity_;
        capacity_ = bytes;
    } else {
        replace(map_memory(bytes), bytes, std::nullopt);
    }
}

void ScratchBlock::grow_in_file(std::size_t bytes) {
    scratch_->reserve(*file_, capacity_, bytes);
    data_ = remap(data_, capacity_, bytes);
    scratch_->file_bytes_ += bytes - capacity_;
    capacity_ = bytes;
}

void ScratchBlock::move_to_file(File file, std::size_t bytes) {
    void* data = nullptr;
    try {
        data = map_file(file, bytes);
    } catch (const FileError&) {  // A file system that cannot map what is shared.
        return grow_in_memory(bytes);
    }
    replace(data, bytes, std::move(file));
}

void ScratchBlock::replace(void* data, std::size_t bytes, std::optional<File> file) noexcept {
    if (capacity_ > 0) {
        std::memcpy(data, data_, capacity_);
    }
    release();
    data_ = data;
    capacity_ = bytes;
    file_ = std::move(file);
    (file_ ? scratch_->file_bytes_ : scratch_->memory_bytes_) += bytes;
}

void ScratchBlock::release() noexcept {
    if (data_ != nullptr) {
        ::munmap(data_, capacity_);
        (file_ ? scratch_->file_bytes_ : scratch_->memory_bytes_) -= capacity_;
    }
    data_ = nullptr;
    capacity_ = 0;
    file_.reset();
}

}  // namespace dbbackup
