#include "storage/local/durable_folders.hpp"

#include "storage/operation.hpp"
#include "sys/file.hpp"
#include "sys/file_error.hpp"

#include <sys/stat.h>

#include <cerrno>

namespace dbbackup {
namespace {

constexpr mode_t kFolderPermissions = 0700;

}  // namespace

/// Makes a folder below the root and those above it, durably. Each folder is synced into its parent
/// once per process even if it was there: whoever made it may not have come so far.
void DurableFolders::prepare(const std::filesystem::path& folder) {
    const auto is_known = [&folder](const auto& known) { return known.contains(folder); };
    if (folder == root_ || known_.with(is_known)) {
        return;
    }
    const std::filesystem::path parent = folder.parent_path();
    prepare(parent);
    if (::mkdir(folder.c_str(), kFolderPermissions) != 0 && errno != EEXIST) {
        throw FileError("create", folder, errno);
    }
    sync_directory(parent);
    known_.with([&folder](auto& known) { known.insert(folder); });
}

bool DurableFolders::publish(PendingFile& pending, const std::filesystem::path& path,
                             const std::stop_token& stop) {
    const std::filesystem::path folder = path.parent_path();
    prepare(folder);
    throw_if_stopped(stop);
    bool created = pending.is_published();
    try {
        created = created || pending.publish(path);
    } catch (const FileError& error) {
        if (error.error_number() != ENOENT) {
            throw;
        }
        // Somebody removed an empty folder that we had made sure of.
        known_.with([](auto& known) { known.clear(); });
        prepare(folder);
        created = pending.publish(path);
    }
    // Also when another process won: "exists" promises as much as "created", and it may have died
    // before its own sync.
    sync_directory(folder);
    return created;
}

}  // namespace dbbackup
