#pragma once

/// @file
/// Writing large files past the page cache (O_DIRECT, open(2)): what a backup writes is not read
/// again soon, and what it would push out of memory is the database's (docs/decisions/0006).

#include "base/bytes.hpp"
#include "sys/file.hpp"

#include <cstdint>
#include <memory>

namespace dbbackup {

/// Falls back to ordinary writes where the file system refuses, for small files, and for what does
/// not fill a block. Not thread-safe.
class DirectWriter {
public:
    /// @param file Outlives the writer; not read or written in other ways while that lives.
    /// @param expected_bytes How much will be written in all.
    DirectWriter(File& file, std::uint64_t expected_bytes);
    DirectWriter(const DirectWriter&) = delete;
    DirectWriter& operator=(const DirectWriter&) = delete;
    ~DirectWriter();

    /// Writes all of `content`; not yet durable. @throws FileError.
    void write_at(std::uint64_t offset, BytesView content);

private:
    struct Free {
        void operator()(std::uint8_t* memory) const noexcept;
    };

    /// Returns how many bytes from the front it wrote.
    std::size_t write_direct(std::uint64_t offset, BytesView content);
    void end_direct() noexcept;

    File& file_;
    std::unique_ptr<std::uint8_t, Free> buffer_;  ///< While writes are direct.
};

}  // namespace dbbackup
