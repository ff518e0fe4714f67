#pragma once

/// @file
/// Files by which at most one process does something, and others see that it does. The kernel gives
/// the locks back when their holders die, however they die.

#include "sys/file.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace dbbackup {

/// Held by one process, whose number the kernel tells (fcntl(2), record locks); it stands in the
/// file, too, for people and scripts. While it is held, this process opens the file in no other
/// way: closing any descriptor of it would give the lock back.
class OnlyOne {
public:
    /// Nothing when another process holds it. @throws FileError.
    [[nodiscard]] static std::optional<OnlyOne> take(const std::filesystem::path& file);
    /// The number of the process that holds it; nothing when none does. 0 for one that cannot be
    /// seen from here: in another container. @throws FileError.
    [[nodiscard]] static std::optional<int> holder(const std::filesystem::path& file);

private:
    explicit OnlyOne(File file) : file_(std::move(file)) {}
    File file_;
};

/// One of many locks in one file, each for a name. It is held until all processes that have the
/// descriptor are gone: a child may inherit it, and then outlives its parent with the lock.
class NamedLock {
public:
    /// Nothing when it is held already, here or elsewhere. @throws FileError.
    [[nodiscard]] static std::optional<NamedLock> take(const std::filesystem::path& file,
                                                       std::string_view name);
    /// @throws FileError.
    [[nodiscard]] static bool is_held(const std::filesystem::path& file, std::string_view name);

    [[nodiscard]] int descriptor() const noexcept { return file_.descriptor(); }

private:
    explicit NamedLock(File file) : file_(std::move(file)) {}
    File file_;
};

}  // namespace dbbackup
