#include "storage/local/pending_file.hpp"

#include "base/units.hpp"
#include "storage/operation.hpp"
#include "sys/file_error.hpp"

#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <random>
#include <system_error>
#include <utility>

namespace dbbackup {
namespace {

/// How much is written between two looks at the stop token.
constexpr std::size_t kStepBytes = 1_MiB;
constexpr std::int64_t kAbandonedSeconds = 3600;
constexpr mode_t kFolderPermissions = 0700;
/// Far more than any chance of meeting a taken name or a collector's lock again.
constexpr int kNamesTriedMax = 16;

/// 128 random bits: unlike a process id, distinct on all hosts that share a network file system.
std::string random_name() {
    std::random_device random;
    return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

File create(const std::filesystem::path& folder, const std::filesystem::path& path) {
    try {
        return File::open(path, File::Mode::write_new);
    } catch (const FileError& error) {
        if (error.error_number() != ENOENT) {
            throw;
        }
    }
    if (::mkdir(folder.c_str(), kFolderPermissions) != 0 && errno != EEXIST) {
        throw FileError("create", folder, errno);
    }
    return File::open(path, File::Mode::write_new);
}

/// Locks a file just made. False when somebody took it for abandoned in between.
bool lock_new(const File& file) {
    if (::flock(file.descriptor(), LOCK_EX | LOCK_NB) != 0) {
        return errno != EWOULDBLOCK;  // Without locks at all, the age protects the file.
    }
    struct stat status{};
    return ::fstat(file.descriptor(), &status) == 0 && status.st_nlink > 0;
}

void remove_if_abandoned(const std::filesystem::path& path, std::int64_t now_seconds) {
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode) ||
        status.st_mtim.tv_sec > now_seconds - kAbandonedSeconds) {
        return;
    }
    const File file = File::open(path, File::Mode::read_write);
    if (::flock(file.descriptor(), LOCK_EX | LOCK_NB) == 0) {
        ::unlink(path.c_str());
    }
}

}  // namespace

PendingFile::PendingFile(const std::filesystem::path& folder)
    : folder_(folder), path_(folder / random_name()), file_(create(folder, path_)) {
    for (int tried = 1; !lock_new(file_); ++tried) {
        ::unlink(path_.c_str());
        if (tried == kNamesTriedMax) {
            throw FileError("lock", path_, EWOULDBLOCK);
        }
        path_ = folder / random_name();
        file_ = create(folder, path_);
    }
}

PendingFile::~PendingFile() {
    if (!path_.empty()) {
        ::unlink(path_.c_str());
    }
}

void PendingFile::write(BytesView content, const std::stop_token& stop) {
    DirectWriter writer(file_, content.size());
    for (std::size_t at = 0; at < content.size(); at += kStepBytes) {
        throw_if_stopped(stop);
        writer.write_at(at, content.subspan(at, std::min(kStepBytes, content.size() - at)));
    }
    throw_if_stopped(stop);
    file_.sync();
}

void PendingFile::write_at(std::uint64_t offset, BytesView part) {
    if (!parts_) {
        parts_.emplace(file_, std::numeric_limits<std::uint64_t>::max());
    }
    parts_->write_at(offset, part);
}

void PendingFile::sync() {
    parts_.reset();
    file_.sync();
}

bool PendingFile::publish(const std::filesystem::path& path) {
    if (!rename_no_replace(path_, path)) {
        return false;
    }
    path_.clear();
    // Network file systems report late write errors here; by then the name stands.
    file_.close();
    return true;
}

void PendingFile::remove_abandoned() const noexcept {
    struct stat own{};
    if (::fstat(file_.descriptor(), &own) != 0) {
        return;
    }
    std::error_code failed;
    for (std::filesystem::directory_iterator entry(folder_, failed), end; !failed && entry != end;
         entry.increment(failed)) {
        try {
            remove_if_abandoned(entry->path(), own.st_mtim.tv_sec);
        } catch (const std::exception&) {
            continue;  // Another host removed it, or it belongs to another user.
        }
    }
}

}  // namespace dbbackup
