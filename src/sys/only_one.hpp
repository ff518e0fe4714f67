#pragma once

/// @file
/// A file by which at most one process does something, and others find it.

#include "sys/file.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace dbbackup {

/// Holds the lock, and has this process's number in the file, until it goes or the process ends.
class OnlyOne {
public:
    /// Nothing when another process holds it. @throws FileError.
    [[nodiscard]] static std::optional<OnlyOne> take(const std::filesystem::path& file);
    /// The number of the process that holds it; nothing when none does. @throws FileError.
    [[nodiscard]] static std::optional<int> holder(const std::filesystem::path& file);

private:
    explicit OnlyOne(File file) : file_(std::move(file)) {}
    File file_;
};

}  // namespace dbbackup
