#pragma once

/// @file
/// What this machine remembers of the repository at one URL, so that nobody can put an unencrypted
/// one in the place of an encrypted one and have the next backup written in plain text.

#include "base/log.hpp"
#include "repository/config_object.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace dbbackup {

/// One small file per URL, with a line for each repository that was seen there: disks take turns at
/// one mount point. Not thread-safe.
class KnownRepository {
public:
    /// @param state_folder Nothing: nothing is remembered.
    KnownRepository(const std::optional<std::filesystem::path>& state_folder, std::string url);

    /// Warns when a repository stands there that was not seen before, though others were.
    /// @throws WrongKeyError (code "not_encrypted") when it is not encrypted and one of the others
    /// was.
    void check(const RepositoryConfigObject& config, Log& log) const;

    /// To be asked before one is made without having been asked for: that one was seen there means
    /// that it is lost, or that its disk is not mounted.
    /// @throws RepositoryMissingError (code "repository_gone"). @param init_line For the hint.
    void check_new(const std::string& init_line) const;

    /// Failures are ignored: the next run remembers it.
    void remember(const RepositoryConfigObject& config) noexcept;

private:
    [[nodiscard]] bool has_seen_encrypted() const;
    [[noreturn]] void refuse() const;

    std::optional<std::filesystem::path> file_;
    std::string url_;
    std::map<std::string, bool> seen_;  ///< Repository id to whether it is encrypted.
};

}  // namespace dbbackup
