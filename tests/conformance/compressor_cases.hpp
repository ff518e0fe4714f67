#pragma once

/// @file
/// Contents to compress: like tables, like noise, and changed a little. Everything is seeded.

#include "base/bytes.hpp"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace dbbackup {

/// A content and the bases it is packed against.
struct CompressCase {
    std::string name;
    Bytes content;
    std::vector<Bytes> bases;

    [[nodiscard]] std::vector<BytesView> base_views() const { return {bases.begin(), bases.end()}; }
};

inline constexpr std::uint64_t kCompressSeed = 0x5eed;

/// `bytes` that no codec makes smaller.
inline Bytes noise(std::size_t bytes, std::mt19937_64& random) {
    Bytes content(bytes);
    for (std::uint8_t& byte : content) {
        byte = static_cast<std::uint8_t>(random());
    }
    return content;
}

/// `bytes` that look like rows of a table.
inline Bytes rows(std::size_t bytes, std::mt19937_64& random) {
    std::string text;
    while (text.size() < bytes) {
        text += std::to_string(text.size()) + "\tcustomer " + std::to_string(random() % 5000) +
                "\t2026-01-" + std::to_string(random() % 28 + 1) + "\tdelivered\n";
    }
    text.resize(bytes);
    return {text.begin(), text.end()};
}

/// A copy of `content` with bytes changed at `places` random places.
inline Bytes changed(Bytes content, std::size_t places, std::mt19937_64& random) {
    for (std::size_t place = 0; place < places && !content.empty(); ++place) {
        content[random() % content.size()] = static_cast<std::uint8_t>(random());
    }
    return content;
}

/// Contents of all kinds and sizes, each with `bases` bases that resemble it in some way.
inline std::vector<CompressCase> compress_cases(std::size_t bases) {
    std::mt19937_64 random(kCompressSeed);
    std::vector<CompressCase> cases;
    for (const std::size_t bytes : {0U, 1U, 511U, 4096U, 20'001U}) {
        const std::string size = std::to_string(bytes) + " bytes of ";
        const Bytes table = rows(bytes, random);
        cases.push_back({size + "rows, base equal", table, {table}});
        cases.push_back({size + "rows, base changed", table, {changed(table, 5, random)}});
        cases.push_back({size + "rows, base unlike", table, {noise(bytes, random)}});
        cases.push_back({size + "rows, base empty", table, {Bytes{}}});
        cases.push_back({size + "noise", noise(bytes, random), {table}});
        cases.push_back({size + "zeros", Bytes(bytes, 0), {table}});

        Bytes grown = table;
        const Bytes more = rows(3000, random);
        grown.insert(grown.end(), more.begin(), more.end());
        cases.push_back({size + "rows, base shorter", grown, {table}});
        cases.push_back({size + "rows, base longer", table, {grown}});
        Bytes shifted = more;
        shifted.insert(shifted.end(), table.begin(), table.end());
        cases.push_back({size + "rows, base shifted", shifted, {table}});
    }
    // Beyond the sizes from which codecs choose other parameters.
    const Bytes large = rows(300'001, random);
    cases.push_back({"300001 bytes of rows, base changed", large, {changed(large, 50, random)}});
    for (CompressCase& each : cases) {
        const Bytes near = each.bases.front();
        each.bases.resize(bases);
        for (std::size_t at = 0; at < bases; ++at) {
            each.bases[at] = at + 1 == bases ? near : rows(10'000, random);
        }
    }
    return cases;
}

}  // namespace dbbackup
