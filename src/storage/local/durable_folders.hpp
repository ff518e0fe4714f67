#pragma once

/// @file
/// The folders below the root of a local store, and how files get their names in them.

#include "base/guarded.hpp"
#include "storage/local/pending_file.hpp"

#include <filesystem>
#include <set>
#include <stop_token>

namespace dbbackup {

/// Makes folders as they are needed, durably. Thread-safe.
class DurableFolders {
public:
    /// @param root Is there.
    explicit DurableFolders(std::filesystem::path root) : root_(std::move(root)) {}

    /// Gives a written file its name below the root, durably. Returns false when that is taken.
    /// May be called again when it failed.
    /// @throws FileError. @throws Cancelled.
    bool publish(PendingFile& pending, const std::filesystem::path& path,
                 const std::stop_token& stop);

private:
    void prepare(const std::filesystem::path& folder);

    std::filesystem::path root_;
    Guarded<std::set<std::filesystem::path>> known_;
};

}  // namespace dbbackup
