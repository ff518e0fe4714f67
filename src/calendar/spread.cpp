#include "calendar/spread.hpp"

namespace dbbackup {

std::uint64_t spread_of(std::string_view name, std::size_t which) {
    // FNV-1a, and the end of SplitMix64, without which the numbers of one name would go together.
    std::uint64_t hash = 14695981039346656037U ^ which;
    for (const char each : name) {
        hash = (hash ^ static_cast<unsigned char>(each)) * 1099511628211U;
    }
    hash = (hash ^ hash >> 30U) * 0xbf58476d1ce4e5b9U;
    hash = (hash ^ hash >> 27U) * 0x94d049bb133111ebU;
    return hash ^ hash >> 31U;
}

}  // namespace dbbackup
