#pragma once

/// @file
/// Eight bytes of text at once, in one register.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace dbbackup::byte_words {

inline constexpr std::size_t kWordBytes = 8;
inline constexpr std::uint64_t kOnes = 0x0101010101010101;

inline std::uint64_t word_at(const std::uint8_t* bytes) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, kWordBytes);
    if constexpr (std::endian::native == std::endian::big) {
        word = __builtin_bswap64(word);
    }
    return word;
}

/// How many bytes from the lowest on are decimal digits.
inline std::size_t count_digits(std::uint64_t word) {
    const std::uint64_t digits = word ^ (kOnes * '0');
    // Adding reaches the highest bit of a byte for 10 and more; a carry only changes bytes above.
    const std::uint64_t others = ((digits + kOnes * 0x76U) | digits) & (kOnes << 7U);
    return others == 0 ? kWordBytes : static_cast<std::size_t>(std::countr_zero(others)) / 8;
}

/// The number that the lowest `digits` bytes spell, 1 to 8 decimal digits.
/// Source: Lemire, "Quickly parsing eight digits", 2018 (neighbours are put together in pairs).
inline std::uint64_t number_of(std::uint64_t word, std::size_t digits) {
    word = (word ^ (kOnes * '0')) << (8 * (kWordBytes - digits));
    word = (word * 10) + (word >> 8U);
    constexpr std::uint64_t kPairs = 0x000000ff000000ff;
    return ((word & kPairs) * 0x000f424000000064 + ((word >> 16U) & kPairs) * 0x0000271000000001) >>
           32U;
}

}  // namespace dbbackup::byte_words
