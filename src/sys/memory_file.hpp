#pragma once

/// @file
/// A file that is on no disk and that nobody else can open: to hand a secret, or something small
/// that must be sought in, to a program that wants a file.

#include "base/bytes.hpp"
#include "sys/file.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace dbbackup {

/// Gone with its last descriptor. A child that inherits `descriptor()` opens it by `path()`.
class MemoryFile {
public:
    /// Only its owner may read it, as libpq asks for a password file.
    /// @throws Error when the system has no memory for it.
    MemoryFile();

    void append(BytesView bytes);
    /// @return how many bytes there were from `offset` on, at most those of `out`; 0 at the end.
    std::size_t read_at(std::uint64_t offset, std::span<std::uint8_t> out) const {
        return file_.read_at(offset, out);
    }
    [[nodiscard]] int descriptor() const { return file_.descriptor(); }
    /// "/proc/self/fd/7"
    [[nodiscard]] std::string path() const;

private:
    File file_;
};

}  // namespace dbbackup
