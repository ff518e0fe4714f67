#pragma once

/// @file
/// Memory for secrets: the system is asked to keep it out of swap and out of core dumps.

#include <cstddef>
#include <cstdint>
#include <span>

namespace dbbackup {

/// A buffer of a fixed size that is overwritten before it is given back. Move-only; not
/// thread-safe, but any number of them may be used on any number of threads.
///
/// Locking is best effort: without the right to lock so much memory (RLIMIT_MEMLOCK) it works all
/// the same. Keys share pages with other keys and never with anything else, so that locking is not
/// undone by whoever frees a neighbour, and ten thousand keys take less than a megabyte.
class LockedBytes {
public:
    LockedBytes() = default;
    /// Zeros. @throws std::bad_alloc.
    explicit LockedBytes(std::size_t size);
    LockedBytes(LockedBytes&& other) noexcept;
    LockedBytes& operator=(LockedBytes&& other) noexcept;
    LockedBytes(const LockedBytes&) = delete;
    LockedBytes& operator=(const LockedBytes&) = delete;
    ~LockedBytes();

    [[nodiscard]] std::span<std::uint8_t> bytes() noexcept { return bytes_; }
    [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept { return bytes_; }

private:
    void release() noexcept;

    std::span<std::uint8_t> bytes_;
};

}  // namespace dbbackup
