#include "storage/local/local_storage.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "storage/access_denied.hpp"
#include "storage/local/durable_folders.hpp"
#include "storage/local/folder_walk.hpp"
#include "storage/local/local_upload.hpp"
#include "storage/local/pending_file.hpp"
#include "storage/operation.hpp"
#include "sys/file.hpp"
#include "sys/file_error.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace dbbackup {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kStepBytes = 1_MiB;
/// Reads of this size and more are of chunks, not of records.
constexpr std::size_t kChunkBytesMin = 128_KiB;
constexpr mode_t kFolderPermissions = 0700;
/// A leading dot, so that it is no object name.
constexpr std::string_view kPendingFolder = ".tmp";

bool is_absent(int error_number) { return error_number == ENOENT || error_number == ENOTDIR; }

/// Whether the same call may succeed a little later: too many open files, trouble of a network
/// file system, or a folder that somebody removed at this moment.
Retry retry_for(int error_number) {
    switch (error_number) {
        case EAGAIN:
        case EBUSY:
        case ECONNRESET:
        case EHOSTDOWN:
        case EHOSTUNREACH:
        case EMFILE:
        case ENETDOWN:
        case ENETUNREACH:
        case ENFILE:
        case ENOENT:
        case ENOMEM:
        case ESTALE:
        case ETIMEDOUT: return Retry::may_help;
        default: return Retry::never;
    }
}

std::string hint_for(const FileError& error, const fs::path& root) {
    if (error.is_full_disk()) {
        return fmt::format(
            "Free space on the file system of {} or raise the quota, then run the "
            "same command again; what was stored is kept and used.",
            root.native());
    }
    switch (error.error_number()) {
        case EACCES:
        case EPERM:
            return fmt::format(
                "Check who owns {} and its permissions; db-backup makes it for one "
                "user only.",
                root.native());
        case EOPNOTSUPP:
            return fmt::format(
                "The file system of {} can neither rename without overwriting nor make hard links, "
                "so "
                "two hosts could lose each other's backups there: choose another place.",
                root.native());
        case EROFS: return "The file system is mounted read-only: mount it for writing.";
        case EIO: return "The disk reports a failure: look at the system log before going on.";
        default: return {};
    }
}

/// "cannot store packs/ab in /backups: No space left on device"
StorageError storage_error(const std::string& attempted, const fs::path& root,
                           const FileError& error) {
    StorageError result(fmt::format("cannot {}: {}", attempted,
                                    std::generic_category().message(error.error_number())),
                        retry_for(error.error_number()));
    result.set_hint(hint_for(error, root));
    const bool is_denied = error.error_number() == EACCES || error.error_number() == EPERM;
    result.set_code(error.is_full_disk()                 ? "storage_full"
                    : is_denied                          ? std::string(kAccessDenied)
                    : error.error_number() == EOPNOTSUPP ? "store_unsafe"
                                                         : "");
    result.add_context(error.what());
    return result;
}

class LocalStorage final : public Storage {
public:
    LocalStorage(fs::path root, ino_t root_inode)
        : root_(std::move(root)), root_inode_(root_inode), folders_(root_) {}

    PutResult put(const ObjectName& name, BytesView content, std::stop_token stop) override;
    std::unique_ptr<Upload> begin_upload(const ObjectName& name, std::stop_token stop) override;
    void end_abandoned_uploads(std::chrono::seconds silence, std::stop_token stop) override;
    std::optional<Bytes> get(const ObjectName& name, std::stop_token stop) override;
    std::optional<Bytes> get_range(const ObjectName& name, ByteRange range,
                                   std::stop_token stop) override;
    std::optional<std::uint64_t> size_bytes(const ObjectName& name, std::stop_token stop) override;
    void list(const ObjectPrefix& prefix, const std::function<void(const ObjectInfo&)>& visit,
              std::stop_token stop) override;
    void remove(const ObjectName& name, std::stop_token stop) override;

    [[nodiscard]] std::string url() const override { return root_.native(); }
    [[nodiscard]] StorageCapabilities capabilities() const override;

private:
    template <class Action>
    auto attempt(std::string_view doing, std::string_view name, Action action) const;
    [[nodiscard]] fs::path path_of(const ObjectName& name) const { return root_ / name.text(); }
    [[nodiscard]] std::optional<std::uint64_t> find(const fs::path& path) const;
    void check_root() const;
    PutResult publish(PendingFile& pending, const ObjectName& name, const std::stop_token& stop);
    void remove_abandoned(const PendingFile& beside);
    void walk(const std::string& relative, const std::function<void(const ObjectInfo&)>& visit,
              const std::stop_token& stop) const;

    fs::path root_;
    ino_t root_inode_;  ///< Tells the folder that was opened from the one under a lost mount.
    DurableFolders folders_;
    std::atomic<bool> looked_for_abandoned_{false};
};

/// Runs `action` and translates what the file layer throws.
template <class Action>
auto LocalStorage::attempt(std::string_view doing, std::string_view name, Action action) const {
    try {
        return action();
    } catch (const FileError& error) {
        const std::string attempted = name.empty()
                                          ? fmt::format("{} {}", doing, root_.native())
                                          : fmt::format("{} {} in {}", doing, name, root_.native());
        throw storage_error(attempted, root_, error);
    }
}

/// An unmounted disk must not look like an empty repository, nor be filled from beneath.
void LocalStorage::check_root() const {
    struct stat status{};
    // The device number is left out: it changes when an automounter mounts the same disk again.
    if (::stat(root_.c_str(), &status) != 0 || status.st_ino != root_inode_) {
        throw explained<StorageError>(
            fmt::format("the repository folder {} is gone or was replaced", root_.native()),
            "Check that its disk is still mounted.", "repository_folder_gone");
    }
}

/// The size of the object at `path`, or nothing when there is none.
std::optional<std::uint64_t> LocalStorage::find(const fs::path& path) const {
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0) {
        if (!is_absent(errno)) {
            throw FileError("read", path, errno);
        }
        check_root();
        return std::nullopt;
    }
    if (!S_ISREG(status.st_mode)) {
        return std::nullopt;
    }
    return static_cast<std::uint64_t>(status.st_size);
}

PutResult LocalStorage::publish(PendingFile& pending, const ObjectName& name,
                                const std::stop_token& stop) {
    const fs::path path = path_of(name);
    if (folders_.publish(pending, path, stop)) {
        return PutResult::created;
    }
    if (fs::is_directory(fs::symlink_status(path))) {
        throw StorageError(fmt::format("cannot store {} in {}: a folder has that name", name.text(),
                                       root_.native()));
    }
    return PutResult::exists;
}

/// Once per process.
void LocalStorage::remove_abandoned(const PendingFile& beside) {
    if (!looked_for_abandoned_.exchange(true)) {
        beside.remove_abandoned();
    }
}

PutResult LocalStorage::put(const ObjectName& name, BytesView content, std::stop_token stop) {
    throw_if_stopped(stop);
    return attempt("store", name.text(), [&] {
        const fs::path path = path_of(name);
        if (find(path)) {
            // Spares the writing, and works on a full disk.
            sync_directory(path.parent_path());
            return PutResult::exists;
        }
        check_root();
        PendingFile pending(root_ / kPendingFolder);
        remove_abandoned(pending);
        pending.write(content, stop);
        return publish(pending, name, stop);
    });
}

std::unique_ptr<Upload> LocalStorage::begin_upload(const ObjectName& name, std::stop_token stop) {
    throw_if_stopped(stop);
    LocalUpload::Store store;
    store.publish = [this, name](PendingFile& pending, const std::stop_token& stopped) {
        check_root();
        return publish(pending, name, stopped);
    };
    store.explain = [this, name](const FileError& error) {
        return storage_error(fmt::format("store {} in {}", name.text(), root_.native()), root_,
                             error);
    };
    return attempt("store", name.text(), [&] {
        check_root();
        auto pending = std::make_unique<PendingFile>(root_ / kPendingFolder);
        remove_abandoned(*pending);
        return std::make_unique<LocalUpload>(name, std::move(pending), std::move(store));
    });
}

/// Nothing to do: the first write of every process removes the files of dead ones.
void LocalStorage::end_abandoned_uploads(std::chrono::seconds /*silence*/, std::stop_token stop) {
    throw_if_stopped(stop);
}

std::optional<Bytes> LocalStorage::get(const ObjectName& name, std::stop_token stop) {
    return get_range(name, {0, std::numeric_limits<std::uint64_t>::max()}, std::move(stop));
}

std::optional<Bytes> LocalStorage::get_range(const ObjectName& name, ByteRange range,
                                             std::stop_token stop) {
    throw_if_stopped(stop);
    return attempt("read", name.text(), [&]() -> std::optional<Bytes> {
        const fs::path path = path_of(name);
        // Looked at before it is opened, because opening a pipe would wait for its other end.
        const std::optional<std::uint64_t> size = find(path);
        if (!size) {
            return std::nullopt;
        }
        const std::uint64_t begin = std::min(range.offset_bytes, *size);
        Bytes content(std::min(range.length_bytes, *size - begin));
        try {
            const File file = File::open(path, File::Mode::read);
            if (content.size() >= kChunkBytesMin) {
                // May stay in the page cache while nothing else wants the room, and counts as used
                // once: what stays is the database's. (Linux 6.3; before, it says nothing.)
                ::posix_fadvise(file.descriptor(), 0, 0, POSIX_FADV_NOREUSE);
            }
            for (std::size_t at = 0; at < content.size(); at += kStepBytes) {
                throw_if_stopped(stop);
                const auto step =
                    std::span(content).subspan(at, std::min(kStepBytes, content.size() - at));
                const std::size_t count = file.read_at(begin + at, step);
                if (count < step.size()) {  // Somebody cut the file off: what is there is told.
                    content.resize(at + count);
                    break;
                }
            }
            if (content.size() >= kChunkBytesMin) {
                const auto start = static_cast<off_t>(begin);
                const auto length = static_cast<off_t>(content.size());
                // What follows is mostly wanted next: the disk works on it while we decode. The
                // system's own read-ahead cannot know, as each reading opens the file anew.
                ::posix_fadvise(file.descriptor(), start + length, length, POSIX_FADV_WILLNEED);
            }
        } catch (const FileError& error) {
            if (!is_absent(error.error_number())) {
                throw;
            }
            return std::nullopt;  // Removed since it was looked at.
        }
        return content;
    });
}

std::optional<std::uint64_t> LocalStorage::size_bytes(const ObjectName& name,
                                                      std::stop_token stop) {
    throw_if_stopped(stop);
    return attempt("look up", name.text(), [&] { return find(path_of(name)); });
}

void LocalStorage::walk(const std::string& relative,
                        const std::function<void(const ObjectInfo&)>& visit,
                        const std::stop_token& stop) const {
    const auto entries = attempt("list", relative, [&] { return read_folder(root_ / relative); });
    for (const FolderEntry& entry : entries) {
        throw_if_stopped(stop);
        const std::string name = relative.empty() ? entry.name : relative + '/' + entry.name;
        // Names of nine segments are nobody's objects, so the walk is at most eight folders deep.
        if (entry.is_folder && ObjectName::is_valid(name + "/x")) {
            walk(name, visit, stop);
        } else if (!entry.is_folder && ObjectName::is_valid(name)) {
            visit({ObjectName(name), entry.size_bytes, entry.modified_at});
        }
    }
}

void LocalStorage::list(const ObjectPrefix& prefix,
                        const std::function<void(const ObjectInfo&)>& visit, std::stop_token stop) {
    throw_if_stopped(stop);
    check_root();
    refuse_links(root_, prefix.text());
    walk(prefix.text(), visit, stop);
}

void LocalStorage::remove(const ObjectName& name, std::stop_token stop) {
    throw_if_stopped(stop);
    attempt("remove", name.text(), [&] {
        const fs::path path = path_of(name);
        if (::unlink(path.c_str()) == 0) {
            return;
        }
        if (!is_absent(errno) && errno != EISDIR) {
            throw FileError("remove", path, errno);
        }
        check_root();
    });
}

StorageCapabilities LocalStorage::capabilities() const {
    StorageCapabilities result;
    result.is_local = true;
    return result;
}

/// Makes `folder` and what is missing above it, durably.
void make_folders(const fs::path& folder) {
    struct stat status{};
    if (::stat(folder.c_str(), &status) == 0) {
        return;
    }
    if (errno != ENOENT) {
        throw FileError("create", folder, errno);
    }
    make_folders(folder.parent_path());
    if (::mkdir(folder.c_str(), kFolderPermissions) != 0 && errno != EEXIST) {
        throw FileError("create", folder, errno);
    }
    sync_directory(folder.parent_path());
}

}  // namespace

std::unique_ptr<Storage> make_local_storage(const StorageUrl& url, CreatePlace create) {
    if (!url.query.empty()) {
        throw explained<ConfigError>(
            fmt::format("unknown parameter '{}' in a file URL", url.query.begin()->first),
            "Give the path alone; write a '?' in it as %3F.", "bad_repository_url");
    }
    const fs::path root = url.path;
    try {
        if (create == CreatePlace::yes) {
            make_folders(root);
        }
        struct stat status{};
        if (::stat(root.c_str(), &status) != 0) {
            if (errno == ENOENT && create == CreatePlace::no) {
                return nullptr;
            }
            throw FileError("open", root, errno);
        }
        if (!S_ISDIR(status.st_mode)) {
            throw FileError("open", root, ENOTDIR);
        }
        if (::faccessat(AT_FDCWD, root.c_str(), R_OK | X_OK, AT_EACCESS) != 0) {
            throw FileError("open", root, errno);
        }
        return std::make_unique<LocalStorage>(root, status.st_ino);
    } catch (const FileError& error) {
        StorageError result =
            storage_error(fmt::format("use {} as a repository", root.native()), root, error);
        if (error.error_number() == ENOTDIR) {
            result.set_hint("A repository is a folder: give the path of one, or of none yet.");
        }
        throw result;
    }
}

}  // namespace dbbackup
