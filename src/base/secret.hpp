#pragma once

/// @file
/// A secret in memory: never printed, wiped when it goes.

#include "base/bytes.hpp"

#include <string_view>

namespace dbbackup {

/// A passphrase or key. Move-only; its bytes are locked in memory where the system allows it and
/// overwritten before they are freed. Has no conversion to text on purpose.
class Secret {
public:
    Secret() = default;
    explicit Secret(Bytes bytes);
    explicit Secret(std::string_view text);
    Secret(Secret&& other) noexcept;
    Secret& operator=(Secret&& other) noexcept;
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    ~Secret();

    [[nodiscard]] BytesView bytes() const { return bytes_; }
    [[nodiscard]] bool empty() const { return bytes_.empty(); }
    /// A second copy, for a second owner.
    [[nodiscard]] Secret clone() const;

private:
    void wipe() noexcept;

    Bytes bytes_;
};

/// Overwrites `bytes` in a way the compiler may not leave out.
void wipe(std::span<std::uint8_t> bytes) noexcept;

}  // namespace dbbackup
