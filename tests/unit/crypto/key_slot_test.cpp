/// @file
/// Key slots: only the right secret opens them, and nothing hostile in them is obeyed.

#include "crypto/key_slot.hpp"

#include "base/error.hpp"
#include "crypto/hash.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string_view>
#include <vector>

namespace dbbackup {
namespace {

/// The least cost: these tests are about the slot, not about the guesser.
constexpr Argon2Cost kCheap = kArgon2CostMin;
constexpr std::string_view kRepository = "repository-1";

Bytes counting(std::uint8_t first, std::size_t count) {
    Bytes bytes(count);
    for (std::uint8_t& byte : bytes) {
        byte = first++;
    }
    return bytes;
}

bool opens_to(const KeySlot& slot, const Secret& secret, std::string_view repository,
              const Secret& master) {
    const std::optional<Secret> opened = unwrap_key(slot, secret, as_bytes(repository));
    return opened.has_value() && std::ranges::equal(opened->bytes(), master.bytes());
}

TEST(KeySlot, OpensWithItsPassphraseOnly) {
    const Secret master(random_bytes(32));
    const Secret passphrase("correct horse battery staple");
    const KeySlot slot =
        wrap_key(master, KeySlotKind::passphrase, passphrase, as_bytes(kRepository), kCheap);
    EXPECT_TRUE(opens_to(slot, passphrase, kRepository, master));
    EXPECT_FALSE(unwrap_key(slot, Secret("correct horse battery stable"), as_bytes(kRepository)));
    EXPECT_FALSE(unwrap_key(slot, Secret(), as_bytes(kRepository)));
    EXPECT_FALSE(unwrap_key(slot, passphrase, as_bytes("repository-2")));
}

TEST(KeySlot, OpensWithItsKeyFileOnly) {
    const Secret master(random_bytes(32));
    const Secret key(random_bytes(32));
    const KeySlot slot = wrap_key(master, KeySlotKind::key_file, key, as_bytes(kRepository));
    EXPECT_TRUE(opens_to(slot, key, kRepository, master));
    EXPECT_FALSE(unwrap_key(slot, Secret(random_bytes(32)), as_bytes(kRepository)));
    EXPECT_FALSE(unwrap_key(slot, Secret("short"), as_bytes(kRepository)));
    EXPECT_FALSE(unwrap_key(slot, key, as_bytes("repository-2")));
}

TEST(KeySlot, CostsWhatTheDesignSaysByDefault) {
    EXPECT_EQ(Argon2Cost{}.passes, 3U);
    EXPECT_EQ(Argon2Cost{}.memory_bytes, 64U << 20U);
    const Secret master(random_bytes(32));
    const KeySlot slot =
        wrap_key(master, KeySlotKind::passphrase, Secret("pass"), as_bytes(kRepository));
    EXPECT_EQ(slot.cost.passes, 3U);
    EXPECT_EQ(slot.cost.memory_bytes, 64U << 20U);
    EXPECT_TRUE(opens_to(slot, Secret("pass"), kRepository, master));
}

TEST(KeySlot, HasASaltOfItsOwn) {
    const Secret master(random_bytes(32));
    const Secret key(random_bytes(32));
    const KeySlot first = wrap_key(master, KeySlotKind::key_file, key, as_bytes(kRepository));
    const KeySlot second = wrap_key(master, KeySlotKind::key_file, key, as_bytes(kRepository));
    EXPECT_NE(first.salt, second.salt);
    EXPECT_NE(first.wrapped_key, second.wrapped_key);
}

// Slots made by an independent implementation: Python's argon2-cffi (the reference Argon2) and
// cryptography. They pin the stored form, and Argon2id itself.
TEST(KeySlot, OpensSlotsOfAnotherImplementation) {
    const Secret master(counting(0, 32));
    KeySlot slot;
    slot.kind = KeySlotKind::passphrase;
    slot.salt = counting(0xa0, 16);
    slot.cost = {.passes = 2, .memory_bytes = 1_MiB};
    slot.wrapped_key = from_hex(
        "18f432fc5c0b6a40b614a385fd892221184d47f9220b61fe"
        "ce6515098a1be78ce3ed3360eeb5f3d72fb0309469346729");
    EXPECT_TRUE(opens_to(slot, Secret("correct horse battery staple"), kRepository, master));

    slot.kind = KeySlotKind::key_file;
    slot.cost = {.passes = 0, .memory_bytes = 0};
    slot.wrapped_key = from_hex(
        "c138cdae119f2646c33335cb794efe9a64e4c1ebe35150f2"
        "7fa3c001de769b64e6d4f992bb9819df5371465e48f7c7ea");
    EXPECT_TRUE(opens_to(slot, Secret(counting(100, 32)), kRepository, master));
}

TEST(KeySlot, DoesNotOpenWithAnyFieldChanged) {
    const Secret master(random_bytes(32));
    const Secret passphrase("pass");
    const KeySlot good = wrap_key(master, KeySlotKind::passphrase, passphrase,
                                  as_bytes(kRepository), {.passes = 2, .memory_bytes = 16_KiB});
    ASSERT_TRUE(opens_to(good, passphrase, kRepository, master));
    const std::vector<std::function<void(KeySlot&)>> changes = {
        [](KeySlot& slot) { slot.kind = KeySlotKind::key_file; },
        [](KeySlot& slot) { slot.salt[15] ^= 1U; },
        [](KeySlot& slot) { slot.cost.passes = 1; },
        [](KeySlot& slot) { slot.cost.memory_bytes = 8_KiB; },
        // The same memory in blocks of 1 KiB, so the same Argon2id: only the seal tells.
        [](KeySlot& slot) { slot.cost.memory_bytes += 1; },
        [](KeySlot& slot) { slot.wrapped_key[0] ^= 1U; },
        [](KeySlot& slot) { slot.wrapped_key[47] ^= 0x80U; },
    };
    for (const auto& change : changes) {
        KeySlot bad = good;
        change(bad);
        EXPECT_FALSE(unwrap_key(bad, passphrase, as_bytes(kRepository)).has_value());
    }
}

TEST(KeySlot, IsRefusedBeforeItCostsAnything) {
    const Secret master(random_bytes(32));
    const Secret passphrase("pass");
    const KeySlot good =
        wrap_key(master, KeySlotKind::passphrase, passphrase, as_bytes(kRepository), kCheap);
    const std::vector<std::function<void(KeySlot&)>> changes = {
        [](KeySlot& slot) { slot.cost.memory_bytes = std::uint64_t{100} << 30U; },
        [](KeySlot& slot) { slot.cost.memory_bytes = ~std::uint64_t{0}; },
        [](KeySlot& slot) { slot.cost.memory_bytes = 8_KiB - 1; },
        [](KeySlot& slot) { slot.cost.passes = 65; },
        [](KeySlot& slot) { slot.cost.passes = 0; },
        [](KeySlot& slot) { slot.salt.pop_back(); },
        [](KeySlot& slot) { slot.salt.clear(); },
        [](KeySlot& slot) { slot.wrapped_key.pop_back(); },
        [](KeySlot& slot) { slot.wrapped_key.resize(1000); },
        [](KeySlot& slot) { slot.kind = KeySlotKind{7}; },
    };
    for (const auto& change : changes) {
        KeySlot bad = good;
        change(bad);
        EXPECT_THROW(static_cast<void>(unwrap_key(bad, passphrase, as_bytes(kRepository))),
                     CorruptionError);
    }
}

TEST(KeySlot, IsNotMadeOfBadRequests) {
    const Secret master(random_bytes(32));
    const BytesView repository = as_bytes(kRepository);
    const auto make = [&](const Secret& wrapped, KeySlotKind kind, const Secret& secret,
                          Argon2Cost cost) {
        static_cast<void>(wrap_key(wrapped, kind, secret, repository, cost));
    };
    EXPECT_THROW(make(master, KeySlotKind::passphrase, Secret(), kCheap), ConfigError);
    EXPECT_THROW(make(master, KeySlotKind::key_file, Secret("short"), kCheap), ConfigError);
    EXPECT_THROW(
        make(master, KeySlotKind::passphrase, Secret("pass"), {.passes = 3, .memory_bytes = 3_GiB}),
        ConfigError);
    EXPECT_THROW(make(Secret("short"), KeySlotKind::passphrase, Secret("pass"), kCheap), Error);
}

}  // namespace
}  // namespace dbbackup
