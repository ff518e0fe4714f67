#pragma once

/// @file
/// Room for a result whose size is known only afterwards, kept from one chunk to the next.

#include <cstdint>
#include <memory>
#include <span>

namespace dbbackup {

/// Bytes that nobody filled with zeros. Not thread-safe; belongs to one codec instance.
class Scratch {
public:
    /// At least `bytes` of room, whose content is anything. Valid until the next call.
    [[nodiscard]] std::span<std::uint8_t> room(std::size_t bytes) {
        if (bytes > bytes_) {
            bytes_ = 0;  // should the allocation fail
            buffer_ = std::make_unique_for_overwrite<std::uint8_t[]>(bytes);
            bytes_ = bytes;
        }
        return {buffer_.get(), bytes};
    }

private:
    std::unique_ptr<std::uint8_t[]> buffer_;
    std::size_t bytes_ = 0;
};

}  // namespace dbbackup
