#pragma once

/// @file
/// What this machine remembers of the repository at one URL, so that nobody can put an unencrypted
/// one in the place of an encrypted one and have the next backup written in plain text.

#include "base/log.hpp"
#include "repository/config_object.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace dbbackup {

/// One small file per URL. Not thread-safe.
class KnownRepository {
public:
    /// @param state_folder Nothing: nothing is remembered.
    KnownRepository(const std::optional<std::filesystem::path>& state_folder, std::string url);

    /// Warns when another repository stands there than before.
    /// @throws WrongKeyError (code "not_encrypted") when the one before was encrypted and this one
    /// is not.
    void check(const RepositoryConfigObject& config, Log& log) const;

    /// Failures are ignored: the next run remembers it.
    void remember(const RepositoryConfigObject& config) noexcept;

private:
    struct Entry {
        std::string repository_id;
        bool is_encrypted = false;
    };

    std::optional<std::filesystem::path> file_;
    std::string url_;
    std::optional<Entry> seen_;
};

}  // namespace dbbackup
