#include "sys/unfinished_file.hpp"

#include "sys/file_error.hpp"

#include <fcntl.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkostemp is not in <cstdlib>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <string>
#include <system_error>

namespace dbbackup {
namespace {

/// Far more than any chance that another restore takes a file just made for abandoned again.
constexpr int kNamesTriedMax = 16;
constexpr std::ptrdiff_t kSuffixBytes = 6;  ///< What mkostemp(3) makes of "XXXXXX".

std::string hidden_prefix(const std::filesystem::path& target) {
    return "." + target.filename().native() + ".db-backup-";
}

/// False when somebody took the new file for abandoned before it was locked.
bool lock_new(const File& file) {
    if (::flock(file.descriptor(), LOCK_EX | LOCK_NB) != 0) {
        return errno != EWOULDBLOCK;  // Without locks nobody can take it for abandoned.
    }
    struct stat status{};
    return ::fstat(file.descriptor(), &status) == 0 && status.st_nlink > 0;
}

/// Whether a name is one that `mkostemp` made of the prefix.
bool is_hidden_name(const std::string& name, const std::string& prefix) {
    return name.size() == prefix.size() + static_cast<std::size_t>(kSuffixBytes) &&
           name.starts_with(prefix) &&
           std::all_of(name.end() - kSuffixBytes, name.end(),
                       [](unsigned char c) { return std::isalnum(c) != 0; });
}

/// Locks tell who is alive, on NFS too (flock(2)); an age would keep a second attempt from the
/// space that it needs.
void remove_if_abandoned(const std::filesystem::path& path) {
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
        return;
    }
    const File file = File::open(path, File::Mode::read_write);
    if (::flock(file.descriptor(), LOCK_EX | LOCK_NB) == 0) {
        ::unlink(path.c_str());
    }
}

}  // namespace

UnfinishedFile::UnfinishedFile(const std::filesystem::path& target, Way way) : target_(target) {
    if (way == Way::unnamed) {
        file_ = File::unnamed(target.parent_path());
    }
    if (!file_) {
        make_hidden();
        remove_abandoned();
    }
}

UnfinishedFile::~UnfinishedFile() {
    if (!hidden_.empty()) {
        ::unlink(hidden_.c_str());  // Nothing better can be done while failing.
    }
}

void UnfinishedFile::make_hidden() {
    const std::filesystem::path prefix = target_.parent_path() / hidden_prefix(target_);
    for (int tried = 0; tried < kNamesTriedMax; ++tried) {
        std::string name = prefix.native() + "XXXXXX";
        const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
        if (descriptor < 0) {
            throw FileError("create a file beside", target_, errno);
        }
        hidden_ = name;
        file_ = File::adopt(descriptor, hidden_);
        if (lock_new(*file_)) {
            return;
        }
        ::unlink(hidden_.c_str());
        hidden_.clear();
    }
    throw FileError("lock a file beside", target_, EWOULDBLOCK);
}

void UnfinishedFile::remove_abandoned() const noexcept {
    const std::string prefix = hidden_prefix(target_);
    std::error_code failed;
    for (std::filesystem::directory_iterator entry(target_.parent_path(), failed), end;
         !failed && entry != end; entry.increment(failed)) {
        try {
            const std::filesystem::path& path = entry->path();
            if (path != hidden_ && is_hidden_name(path.filename().native(), prefix)) {
                remove_if_abandoned(path);
            }
        } catch (const std::exception&) {
            continue;  // Somebody else removed it, or it belongs to another user.
        }
    }
}

bool UnfinishedFile::publish() {
    const bool is_named =
        hidden_.empty() ? name_file(*file_, target_) : rename_no_replace(hidden_, target_);
    if (is_named) {
        hidden_.clear();
        // Network file systems report late write errors here; by then the name stands.
        file_->close();
    }
    return is_named;
}

}  // namespace dbbackup
