#pragma once

/// @file
/// A failed system call on a path. Callers translate it into the error of their layer
/// (`StorageError`, `SourceError`, `ConfigError`), which decides the exit code.

#include "base/error.hpp"

#include <filesystem>
#include <string_view>

namespace dbbackup {

/// "cannot read /a/b: Permission denied"; remembers errno.
class FileError final : public Error {
public:
    FileError(std::string_view doing, const std::filesystem::path& path, int error_number);

    [[nodiscard]] int error_number() const noexcept { return error_number_; }
    [[nodiscard]] bool is_full_disk() const noexcept;  ///< ENOSPC, EDQUOT, EFBIG

private:
    int error_number_;
};

}  // namespace dbbackup
