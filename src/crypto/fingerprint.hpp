#pragma once

/// @file
/// Order-independent fingerprints of rows and pages: what proves that two states are equal.

#include "base/bytes.hpp"
#include "base/secret.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <string>

namespace dbbackup {

/// A sum modulo 2^128 of keyed hashes: fingerprints of parts add up to that of the whole,
/// whatever the order. Equal content gives equal fingerprints; the converse is not proof against
/// someone who holds the key, chunk ids are.
struct Fingerprint {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    Fingerprint& operator+=(const Fingerprint& other) noexcept;
    Fingerprint& operator-=(const Fingerprint& other) noexcept;
    friend auto operator<=>(const Fingerprint&, const Fingerprint&) = default;
    /// 32 hexadecimal digits.
    [[nodiscard]] std::string text() const;
};

/// Hashes single items with XXH3-128 under a secret of its own. Thread-safe.
/// Source: xxHash specification 0.8.1, XXH3 with custom secret.
class Fingerprinter {
public:
    /// @param key 32 bytes; the repository derives it from the master key.
    explicit Fingerprinter(BytesView key);

    /// The fingerprint of one item. `place` tells equal items at different places apart: the page
    /// number for pages, 0 for rows.
    [[nodiscard]] Fingerprint of(BytesView item, std::uint64_t place) const;

    /// The sum over a run of `unit_bytes`-sized pages, the first of which has number `first`.
    [[nodiscard]] Fingerprint of_pages(BytesView pages, std::uint32_t unit_bytes,
                                       std::uint64_t first) const;

private:
    std::array<std::uint8_t, 192> secret_{};
};

}  // namespace dbbackup
