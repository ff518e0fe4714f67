#pragma once

/// @file
/// A secret in memory: never printed, wiped when it goes.

#include "base/bytes.hpp"
#include "base/locked_memory.hpp"

#include <string_view>

namespace dbbackup {

/// A passphrase or key. Move-only; its bytes are in memory that is neither swapped nor dumped where
/// the system allows it, and are overwritten before that is freed. Has no conversion to text on
/// purpose.
class Secret {
public:
    Secret() = default;
    /// Wipes the buffer that it took the bytes from.
    explicit Secret(Bytes bytes);
    explicit Secret(std::string_view text);

    [[nodiscard]] BytesView bytes() const { return bytes_.bytes(); }
    [[nodiscard]] bool empty() const { return bytes().empty(); }
    /// A second copy, for a second owner.
    [[nodiscard]] Secret clone() const;

private:
    explicit Secret(BytesView bytes);

    LockedBytes bytes_;
};

/// Overwrites `bytes` in a way the compiler may not leave out.
void wipe(std::span<std::uint8_t> bytes) noexcept;

}  // namespace dbbackup
