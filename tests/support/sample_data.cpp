#include "support/sample_data.hpp"

namespace dbbackup {

std::uint64_t Random::next() {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31U);
}

Bytes noise(std::uint64_t seed, std::size_t count) {
    Random random(seed);
    Bytes bytes(count);
    for (std::size_t at = 0; at < count; ++at) {
        bytes[at] = static_cast<std::uint8_t>(random.next());
    }
    return bytes;
}

Bytes page_like(std::uint64_t seed, std::size_t count) {
    constexpr std::size_t kRowBytes = 24;
    Random random(seed);
    Bytes bytes;
    bytes.reserve(count + kRowBytes);
    while (bytes.size() < count) {
        const std::uint64_t key = random.next();
        for (unsigned at = 0; at < kRowBytes; ++at) {
            bytes.push_back(at < 6 ? static_cast<std::uint8_t>(key >> (8 * at))
                                   : static_cast<std::uint8_t>('a' + at));
        }
    }
    bytes.resize(count);
    return bytes;
}

}  // namespace dbbackup
