/// @file
/// Hashes and derived keys against the vectors of their specifications.

#include "crypto/hash.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

namespace dbbackup {
namespace {

std::string repeated(unsigned char byte, std::size_t count) {
    return std::string(count, static_cast<char>(byte));
}

/// Bytes first, first + 1 ... last.
Bytes counting(unsigned first, unsigned last) {
    Bytes bytes;
    for (unsigned byte = first; byte <= last; ++byte) {
        bytes.push_back(static_cast<std::uint8_t>(byte));
    }
    return bytes;
}

TEST(Sha256, AgreesWithFips180) {
    EXPECT_EQ(to_hex(sha256({})),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(to_hex(sha256(as_bytes("abc"))),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(to_hex(sha256(as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256, TakesItsContentInParts) {
    const std::string part = repeated('a', 997);
    Sha256 hash;
    std::size_t left = 1'000'000;
    while (left > 0) {
        const std::size_t length = std::min(left, part.size());
        hash.update(as_bytes(std::string_view(part).substr(0, length)));
        left -= length;
    }
    EXPECT_EQ(to_hex(hash.finish()),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(KeyedHash, AgreesWithRfc4231) {
    struct Vector {
        std::string key;
        std::string content;
        std::string_view digest;
    };
    const std::vector<Vector> vectors = {
        {repeated(0x0b, 20), "Hi There",
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {"Jefe", "what do ya want for nothing?",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {repeated(0xaa, 20), repeated(0xdd, 50),
         "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
        {repeated(0xaa, 131), "Test Using Larger Than Block-Size Key - Hash Key First",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {repeated(0xaa, 131),
         "This is a test using a larger than block-size key and a larger than block-size data. "
         "The key needs to be hashed before being used by the HMAC algorithm.",
         "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
    };
    for (const Vector& vector : vectors) {
        const KeyedHash hash(as_bytes(vector.key));
        EXPECT_EQ(to_hex(hash(as_bytes(vector.content))), vector.digest) << vector.content;
        EXPECT_EQ(to_hex(hash(as_bytes(vector.content))), vector.digest) << "the second call";
    }
}

TEST(KeyedHash, HashesNothing) {
    const KeyedHash hash(as_bytes("key"));
    EXPECT_EQ(to_hex(hash({})), "5d5d139563c95b5967b9bd9a8c9b233a9dedb45072794cd232dc1b74832607d0");
}

TEST(KeyedHash, IsSharedByThreads) {
    const KeyedHash hash(as_bytes("one key for all"));
    const Bytes content(10'000, 7);
    const Digest expected = hash(content);
    std::vector<int> wrong(4);
    {
        std::vector<std::jthread> threads;
        for (int& count : wrong) {
            threads.emplace_back([&] {
                for (int round = 0; round < 200; ++round) {
                    count += hash(content) == expected ? 0 : 1;
                }
            });
        }
    }
    EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

TEST(KeyedHash, RefusesAnEmptyKey) { EXPECT_THROW(KeyedHash{BytesView{}}, Error); }

TEST(DeriveKey, AgreesWithRfc5869) {
    // The RFC's outputs are 42 bytes; the first 32 of them do not depend on the length asked for.
    const Bytes info = counting(0xf0, 0xf9);
    EXPECT_EQ(to_hex(derive_key(Bytes(22, 0x0b), counting(0x00, 0x0c), as_text(info)).bytes()),
              "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
    const Bytes long_info = counting(0xb0, 0xff);
    EXPECT_EQ(
        to_hex(derive_key(counting(0x00, 0x4f), counting(0x60, 0xaf), as_text(long_info)).bytes()),
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c");
    EXPECT_EQ(to_hex(derive_key(Bytes(22, 0x0b), {}, {}).bytes()),
              "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
}

TEST(DeriveKey, GivesEachLabelAndSaltItsOwnKey) {
    const Bytes master = random_bytes(32);
    std::set<std::string> keys;
    for (const std::string_view label : {"packs", "ids", "manifests"}) {
        for (const std::string_view salt : {"salt 1", "salt 2"}) {
            keys.insert(to_hex(derive_key(master, as_bytes(salt), label).bytes()));
        }
    }
    EXPECT_EQ(keys.size(), 6U);
}

TEST(Random, FillsEveryByte) {
    EXPECT_TRUE(random_bytes(0).empty());
    // Each of 257 places is zero in all of 20 draws with probability 2^-160.
    Bytes seen(257, 0);
    for (int draw = 0; draw < 20; ++draw) {
        const Bytes bytes = random_bytes(seen.size());
        for (std::size_t at = 0; at < seen.size(); ++at) {
            seen[at] = seen[at] | bytes[at];
        }
    }
    for (const std::uint8_t byte : seen) {
        EXPECT_NE(byte, 0);
    }
}

TEST(EqualSecrets, ComparesContentAndLength) {
    EXPECT_TRUE(equal_secrets({}, {}));
    EXPECT_TRUE(equal_secrets(as_bytes("same"), as_bytes("same")));
    EXPECT_FALSE(equal_secrets(as_bytes("same"), as_bytes("sane")));
    EXPECT_FALSE(equal_secrets(as_bytes("same"), as_bytes("same ")));
}

}  // namespace
}  // namespace dbbackup
