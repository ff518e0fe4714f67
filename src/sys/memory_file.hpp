#pragma once

/// @file
/// A file that is on no disk and that nobody else can open: to hand a secret, or something small
/// that must be sought in, to a program that wants a file.

#include "base/bytes.hpp"
#include "sys/file.hpp"

#include <string>

namespace dbbackup {

/// Gone with its last descriptor. A child that inherits `descriptor()` opens it by `path()`.
class MemoryFile {
public:
    /// Only its owner may read it, as libpq asks for a password file.
    /// @throws Error when the system has no memory for it.
    MemoryFile();

    void append(BytesView bytes);
    [[nodiscard]] int descriptor() const { return file_.descriptor(); }
    /// "/proc/self/fd/7"
    [[nodiscard]] std::string path() const;

private:
    File file_;
};

}  // namespace dbbackup
