#include "crypto/fingerprint.hpp"

#include "base/error.hpp"
#include "crypto/hash.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>

namespace dbbackup {
namespace {

/// Bytes of one HKDF output, so of one block of the secret.
constexpr std::size_t kBlockBytes = std::tuple_size_v<Digest>;

void store_little_endian(std::uint64_t value, std::uint8_t* to) {
    for (unsigned at = 0; at < sizeof value; ++at) {
        to[at] = static_cast<std::uint8_t>(value >> (8 * at));
    }
}

}  // namespace

Fingerprint& Fingerprint::operator+=(const Fingerprint& other) noexcept {
    low += other.low;
    high += other.high + (low < other.low ? 1 : 0);
    return *this;
}

Fingerprint& Fingerprint::operator-=(const Fingerprint& other) noexcept {
    high -= other.high + (low < other.low ? 1 : 0);
    low -= other.low;
    return *this;
}

std::string Fingerprint::text() const { return fmt::format("{:016x}{:016x}", high, low); }

Fingerprinter::Fingerprinter(BytesView key) {
    static_assert(std::tuple_size_v<decltype(secret_)> >= XXH3_SECRET_SIZE_MIN);
    static_assert(std::tuple_size_v<decltype(secret_)> % kBlockBytes == 0);
    if (key.size() != kBlockBytes) {
        throw Error("the key of a fingerprinter is not 32 bytes long");
    }
    for (std::size_t at = 0; at < secret_.size(); at += kBlockBytes) {
        const Secret block =
            derive_key(key, {}, fmt::format("fingerprint secret block {}", at / kBlockBytes));
        std::ranges::copy(block.bytes(), secret_.begin() + static_cast<std::ptrdiff_t>(at));
    }
}

Fingerprint Fingerprinter::of(BytesView item, std::uint64_t place) const {
    const XXH128_hash_t content =
        XXH3_128bits_withSecret(item.data(), item.size(), secret_.data(), secret_.size());
    // A second hash over (content hash, place), little endian. Adding the place to the first hash
    // would let two pages that trade places go unnoticed in the sum.
    std::array<std::uint8_t, 24> placed{};
    store_little_endian(content.low64, placed.data());
    store_little_endian(content.high64, placed.data() + 8);
    store_little_endian(place, placed.data() + 16);
    const XXH128_hash_t hash =
        XXH3_128bits_withSecret(placed.data(), placed.size(), secret_.data(), secret_.size());
    return {.high = hash.high64, .low = hash.low64};
}

Fingerprint Fingerprinter::of_pages(BytesView pages, std::uint32_t unit_bytes,
                                    std::uint64_t first) const {
    if (unit_bytes == 0) {
        throw Error("the pages of a fingerprint are 0 bytes long");
    }
    Fingerprint sum;
    for (std::uint64_t place = first; !pages.empty(); ++place) {
        const std::size_t length = std::min<std::size_t>(unit_bytes, pages.size());
        sum += of(pages.first(length), place);
        pages = pages.subspan(length);
    }
    return sum;
}

}  // namespace dbbackup
