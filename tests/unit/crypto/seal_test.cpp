/// @file
/// Sealing: published vectors, and that no changed bit goes unnoticed.

#include "crypto/seal.hpp"

#include "base/error.hpp"
#include "crypto/hash.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace dbbackup {
namespace {

constexpr Cipher kCiphers[] = {Cipher::none, Cipher::aes_256_gcm};

Bytes counting_key() {
    Bytes key;
    for (std::uint8_t byte = 0; byte < 32; ++byte) {
        key.push_back(byte);
    }
    return key;
}

Bytes sealed(Cipher cipher, BytesView key, std::uint64_t nonce, std::string_view additional,
             std::string_view plain) {
    Bytes out;
    seal(cipher, key, nonce, as_bytes(additional), as_bytes(plain), out);
    return out;
}

/// Whether these bytes are refused as damaged.
bool is_refused(Cipher cipher, BytesView key, std::uint64_t nonce, BytesView additional,
                BytesView bytes) {
    try {
        static_cast<void>(unseal(cipher, key, nonce, additional, copy_of(bytes)));
        return false;
    } catch (const CorruptionError&) {
        return true;
    }
}

void flip(Bytes& bytes, std::size_t bit) {
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1U << (bit % 8)));
}

// Source: McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B, cases 13 and 14;
// also in NIST's CAVP.
TEST(Seal, AgreesWithPublishedGcmVectors) {
    const Bytes key(32, 0);
    EXPECT_EQ(to_hex(sealed(Cipher::aes_256_gcm, key, 0, "", "")),
              "530f8afbc74536b9a963b4f1c4cb738b");
    EXPECT_EQ(to_hex(sealed(Cipher::aes_256_gcm, key, 0, "", std::string(16, '\0'))),
              "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
}

// Made by an independent implementation (Python's cryptography): pins where the nonce's and the
// additional data's bytes go.
TEST(Seal, PutsTheNonceBigEndianInTheLastEightBytes) {
    EXPECT_EQ(to_hex(sealed(Cipher::aes_256_gcm, counting_key(), 0x0102030405060708U, "additional",
                            "plain bytes")),
              "743d0467b3c16be777fa8ec6ac801bb701078a4adf5cf1e52daaf2");
}

TEST(Seal, WithoutEncryptionIsTheBytesAndTheirHash) {
    EXPECT_EQ(to_hex(sealed(Cipher::none, {}, 5, "additional", "plain bytes")),
              to_hex(as_bytes("plain bytes")) +
                  "a0c9b811a4a363d4684a0136fd8d46e35dfb0013541bae41537041fd5b3a54fb");
}

TEST(Seal, AppendsAndComesBack) {
    const Bytes key = random_bytes(32);
    for (const Cipher cipher : kCiphers) {
        for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 4096U, 1'000'003U}) {
            const Bytes plain = random_bytes(size);
            Bytes out = {1, 2, 3};
            seal(cipher, key, 9, as_bytes("place"), plain, out);
            ASSERT_EQ(out.size(), 3 + size + seal_overhead_bytes(cipher));
            EXPECT_EQ(Bytes(out.begin(), out.begin() + 3), (Bytes{1, 2, 3}));
            EXPECT_EQ(unseal(cipher, key, 9, as_bytes("place"), copy_of(BytesView(out).subspan(3))),
                      plain);
        }
    }
}

TEST(Unseal, FindsEveryFlippedBit) {
    const Bytes key = counting_key();
    for (const Cipher cipher : kCiphers) {
        const Bytes good = sealed(cipher, key, 1, "where and what", "a row of a table");
        ASSERT_FALSE(is_refused(cipher, key, 1, as_bytes("where and what"), good));
        for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
            Bytes bad = good;
            flip(bad, bit);
            EXPECT_TRUE(is_refused(cipher, key, 1, as_bytes("where and what"), bad))
                << "bit " << bit;
        }
    }
}

TEST(Unseal, FindsAnotherPlaceKeyOrNonce) {
    const std::string place = "where and what";
    for (const Cipher cipher : kCiphers) {
        const Bytes key = counting_key();
        const Bytes good = sealed(cipher, key, 1, place, "a row of a table");
        for (std::size_t bit = 0; bit < place.size() * 8; ++bit) {
            Bytes other(place.begin(), place.end());
            flip(other, bit);
            EXPECT_TRUE(is_refused(cipher, key, 1, other, good)) << "bit " << bit;
        }
        if (cipher == Cipher::none) {
            continue;  // It has neither key nor nonce.
        }
        for (std::size_t bit = 0; bit < key.size() * 8; ++bit) {
            Bytes other = key;
            flip(other, bit);
            EXPECT_TRUE(is_refused(cipher, other, 1, as_bytes(place), good));
        }
        for (unsigned bit = 0; bit < 64; ++bit) {
            const std::uint64_t nonce = 1U ^ (std::uint64_t{1} << bit);
            EXPECT_TRUE(is_refused(cipher, key, nonce, as_bytes(place), good));
        }
    }
}

TEST(Unseal, FindsEveryTruncation) {
    const Bytes key = counting_key();
    for (const Cipher cipher : kCiphers) {
        const Bytes good = sealed(cipher, key, 1, "", "a row of a table");
        for (std::size_t length = 0; length < good.size(); ++length) {
            EXPECT_TRUE(is_refused(cipher, key, 1, {}, BytesView(good).first(length)))
                << length << " bytes";
        }
    }
}

TEST(Seal, RefusesAKeyOfAnotherLength) {
    Bytes out;
    EXPECT_THROW(seal(Cipher::aes_256_gcm, Bytes(16), 0, {}, {}, out), Error);
    EXPECT_THROW(static_cast<void>(unseal(Cipher::aes_256_gcm, Bytes(33), 0, {}, Bytes(16))),
                 Error);
}

TEST(Seal, WorksOnManyThreadsWithDifferentKeys) {
    std::vector<int> wrong(4);
    {
        std::vector<std::jthread> threads;
        for (int& count : wrong) {
            threads.emplace_back([&count] {
                for (std::uint64_t round = 0; round < 100; ++round) {
                    const Bytes key = random_bytes(32);
                    const Bytes plain = random_bytes(5000 + round);
                    Bytes out;
                    seal(Cipher::aes_256_gcm, key, round, as_bytes("here"), plain, out);
                    count += unseal(Cipher::aes_256_gcm, key, round, as_bytes("here"), out) == plain
                                 ? 0
                                 : 1;
                }
            });
        }
    }
    EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace dbbackup
