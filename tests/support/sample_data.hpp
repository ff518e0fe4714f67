#pragma once

/// @file
/// Bytes that tests store: seeded, so that every failure repeats exactly.

#include "base/bytes.hpp"

#include <cstdint>

namespace dbbackup {

/// splitmix64 (Steele, Lea, Flood, OOPSLA 2014): the same numbers on every machine. Not
/// thread-safe.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    [[nodiscard]] std::uint64_t next();
    /// A number in [0, bound). @pre bound > 0
    [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return next() % bound; }

private:
    std::uint64_t state_;
};

/// Bytes that do not compress.
[[nodiscard]] Bytes noise(std::uint64_t seed, std::size_t count);

/// Bytes that compress to about a third, as database pages do.
[[nodiscard]] Bytes page_like(std::uint64_t seed, std::size_t count);

}  // namespace dbbackup
