#pragma once

/// @file
/// The key slot that opened a repository for this machine, so that the next run asks the store for
/// that one alone: no listing, and no other slot whose passphrase costs its Argon2id.

#include "repository/config_object.hpp"
#include "repository/repository.hpp"

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>

namespace dbbackup {

/// One small file per repository; it may be lost or wrong at any time. Not thread-safe.
class OpenedSlot {
public:
    /// @param state_folder Nothing: nothing is remembered.
    OpenedSlot(const std::optional<std::filesystem::path>& state_folder,
               const std::string& repository_id);

    /// Nothing when that slot has gone, or does not open with what is configured: then all slots
    /// must be looked at (`unlock_master`).
    [[nodiscard]] std::optional<UnlockedMaster> unlock(Storage& storage,
                                                       const RepositoryConfigObject& config,
                                                       const Unlock& unlock,
                                                       std::stop_token stop) const;

    /// Failures are ignored: the next run remembers it. @param slot Empty: nothing to remember.
    void remember(const std::string& slot) noexcept;

private:
    std::optional<std::filesystem::path> file_;
    std::string slot_;
};

}  // namespace dbbackup
