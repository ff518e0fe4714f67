#pragma once

/// @file
/// Numbers for names of 32 bytes that are hashes, so that tables can be arrays.

#include "base/error.hpp"
#include "repository/ids.hpp"
#include "sys/scratch.hpp"

#include <bit>
#include <cstdint>
#include <optional>
#include <span>

namespace dbbackup {

/// Numbers names from 0 in the order in which they are added. Not thread-safe.
///
/// A name's slot is given by its first bits, so that names which come sorted fill the slots from
/// one end to the other: quick, and possible beyond memory.
template <class Name>
class NameTable {
public:
    /// @param scratch Borrowed.
    explicit NameTable(ScratchSpace& scratch) : NameTable(scratch, {}) {}
    /// @param first Have the numbers from 0 on. Each once; best sorted. Borrowed.
    NameTable(ScratchSpace& scratch, std::span<const Name> first)
        : first_(first), added_(scratch), slots_(scratch) {
        make_slots(std::bit_ceil(std::max<std::uint64_t>(kSlotsMin, 2 * first.size())));
    }

    [[nodiscard]] std::uint32_t size() const noexcept {
        return static_cast<std::uint32_t>(first_.size() + added_.size());
    }
    /// @pre number < size()
    [[nodiscard]] const Name& operator[](std::uint32_t number) const {
        return number < first_.size() ? first_[number] : added_[number - first_.size()];
    }

    [[nodiscard]] std::optional<std::uint32_t> find(const Name& name) const {
        const std::uint32_t number = slots_[slot_of(name)];
        return number == kFree ? std::nullopt : std::optional(number);
    }

    /// The number of `name`, which may be new. @throws Error when there are no more numbers.
    std::uint32_t add(const Name& name) {
        std::uint64_t slot = slot_of(name);
        if (slots_[slot] != kFree) {
            return slots_[slot];
        }
        check_number(first_.size() + added_.size());
        if (2 * (std::uint64_t{size()} + 1) > slots_.size()) {
            make_slots(2 * slots_.size());
            slot = slot_of(name);
        }
        slots_[slot] = size();
        added_.push_back(name);
        return slots_[slot];
    }

private:
    static constexpr std::uint64_t kSlotsMin = 64;
    static constexpr std::uint32_t kFree = ~std::uint32_t{0};

    static void check_number(std::uint64_t number) {
        if (number >= kFree) {
            throw Error("the repository holds more than can be numbered");
        }
    }

    /// Where the name is, or would be.
    [[nodiscard]] std::uint64_t slot_of(const Name& name) const {
        std::uint64_t beginning = 0;
        for (std::size_t place = 0; place < sizeof beginning; ++place) {
            beginning = beginning << 8U | name.bytes[place];
        }
        std::uint64_t slot = beginning >> shift_;
        while (slots_[slot] != kFree && (*this)[slots_[slot]] != name) {
            slot = (slot + 1) & (slots_.size() - 1);
        }
        return slot;
    }

    void make_slots(std::uint64_t count) {
        check_number(first_.size());
        shift_ = 64U - static_cast<unsigned>(std::countr_zero(count));
        slots_.truncate(0);
        slots_.resize(count, kFree);
        for (std::uint32_t number = 0; number < size(); ++number) {
            slots_[slot_of((*this)[number])] = number;
        }
    }

    std::span<const Name> first_;
    ScratchArray<Name> added_;
    ScratchArray<std::uint32_t> slots_;  ///< A power of two; at least half of them are free.
    unsigned shift_ = 0;
};

}  // namespace dbbackup
