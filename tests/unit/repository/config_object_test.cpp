#include "repository/config_object.hpp"

#include "base/error.hpp"
#include "repository/checked_json.hpp"
#include "sample_keys.hpp"
#include "support/memory_storage.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace dbbackup {
namespace {

const std::string kId(32, '1');

/// Slots in a store, without a repository around them. Key files, because a passphrase is slow on
/// purpose; the passphrases here cost next to nothing.
class KeySlotsTest : public testing::Test {
protected:
    static Secret key(std::uint8_t number) { return Secret(Bytes(32, number)); }

    void add_slot(const std::string& name, KeySlotKind kind, const Secret& secret,
                  const std::function<void(StoredKeySlot&)>& change = {}) {
        StoredKeySlot stored{
            kId,
            wrap_key(key(99), kind, secret, as_bytes(kId), {.passes = 1, .memory_bytes = 8_KiB}),
            "2026-11-22T14:00:00.000Z", "host"};
        if (change) {
            change(stored);
        }
        storage_.put(key_object_name(name), encode_key_slot(stored), {});
    }

    [[nodiscard]] Unlock unlock_with(std::optional<std::uint8_t> key_file,
                                     std::optional<std::string> passphrase) {
        Unlock unlock;
        unlock.key_file = [key_file] {
            return key_file ? std::optional(key(*key_file)) : std::nullopt;
        };
        unlock.passphrase = [this, passphrase] {
            ++passphrases_asked_;
            return passphrase ? std::optional(Secret(*passphrase)) : std::nullopt;
        };
        return unlock;
    }

    /// "" when the slots open, else the code of the error.
    std::string code_of(const Unlock& unlock) {
        try {
            const UnlockedMaster master = unlock_master(storage_, config_, unlock, {});
            opened_ = master.slot;
            EXPECT_TRUE(equal_secrets(master.key.bytes(), key(99).bytes()));
            return "";
        } catch (const RepositoryError& error) {
            message_ = error.what();
            hint_ = error.hint();
            return error.code();
        }
    }

    MemoryStorage storage_;
    RepositoryConfigObject config_{kId, Cipher::aes_256_gcm, ""};
    int passphrases_asked_ = 0;
    std::string message_;
    std::string hint_;
    std::string opened_;  ///< The slot that did.
};

TEST_F(KeySlotsTest, OpenByTheirOwnSecretOnly) {
    add_slot("a", KeySlotKind::key_file, key(1));
    add_slot("b", KeySlotKind::passphrase, Secret("open sesame"));
    EXPECT_EQ(code_of(unlock_with(1, {})), "");
    EXPECT_EQ(passphrases_asked_, 0) << "nobody is asked for what is not needed";
    EXPECT_EQ(opened_, "a");
    EXPECT_EQ(code_of(unlock_with({}, "open sesame")), "");
    EXPECT_EQ(opened_, "b");
    EXPECT_EQ(code_of(unlock_with(2, {})), "wrong_key");
    EXPECT_EQ(code_of(unlock_with({}, "open barley")), "wrong_key");
    EXPECT_EQ(code_of(unlock_with({}, {})), "key_missing");
    EXPECT_EQ(code_of({}), "key_missing");
}

TEST_F(KeySlotsTest, AWrongKeyFileDoesNotHideTheRightPassphrase) {
    add_slot("a", KeySlotKind::key_file, key(1));
    add_slot("b", KeySlotKind::passphrase, Secret("open sesame"));
    EXPECT_EQ(code_of(unlock_with(2, "open sesame")), "");
}

TEST_F(KeySlotsTest, NobodyIsAskedForAPassphraseThatNoSlotTakes) {
    add_slot("a", KeySlotKind::key_file, key(1));
    EXPECT_EQ(code_of(unlock_with(2, "open sesame")), "wrong_key");
    EXPECT_EQ(passphrases_asked_, 0);
    EXPECT_EQ(message_, "wrong key file: it opens none of the repository's key slots");
}

TEST_F(KeySlotsTest, ASecretOfTheOtherKindIsToldWhichKindIsTaken) {
    add_slot("a", KeySlotKind::key_file, key(1));
    Unlock unlock = unlock_with({}, "open sesame");
    unlock.has_passphrase = true;
    EXPECT_EQ(code_of(unlock), "key_missing");
    EXPECT_EQ(message_,
              "the repository is opened by a key file, and only a passphrase is configured");
    EXPECT_EQ(hint_, "Give the key file by --key-file, DB_BACKUP_KEY_FILE or `key_file`.");
    storage_.remove(key_object_name("a"), {});
    add_slot("b", KeySlotKind::passphrase, Secret("open sesame"));
    unlock = unlock_with(1, {});
    unlock.has_key_file = true;
    EXPECT_EQ(code_of(unlock), "key_missing");
    EXPECT_EQ(message_,
              "the repository is opened by a passphrase, and only a key file is configured");
    EXPECT_NE(hint_.find("DB_BACKUP_PASSPHRASE_FILE"), std::string::npos);
    EXPECT_EQ(hint_.find("--key-file"), std::string::npos);
}

TEST_F(KeySlotsTest, AnotherKindThanConfiguredIsRefused) {
    add_slot("a", KeySlotKind::key_file, key(1));
    Unlock unlock = unlock_with(1, "open sesame");
    unlock.configured = Encryption::passphrase;
    EXPECT_EQ(code_of(unlock), "wrong_encryption");
    EXPECT_EQ(message_,
              "the repository is opened by a key file, but the configuration says `encryption: "
              "passphrase`");
    unlock.configured = Encryption::none;
    EXPECT_EQ(code_of(unlock), "wrong_encryption");
    unlock.configured = Encryption::keyfile;
    EXPECT_EQ(code_of(unlock), "");
    EXPECT_EQ(passphrases_asked_, 0);
    add_slot("b", KeySlotKind::passphrase, Secret("open sesame"));
    unlock.configured = Encryption::passphrase;
    EXPECT_EQ(code_of(unlock), "") << "one slot of the kind is enough";
    EXPECT_EQ(code_of([&] {
                  Unlock wrong = unlock_with(1, "open barley");
                  wrong.configured = Encryption::passphrase;
                  return wrong;
              }()),
              "wrong_key")
        << "the key file would open it, but is not of the kind";
}

TEST_F(KeySlotsTest, AnUnencryptedRepositoryIsRefusedWhenConfiguredOtherwise) {
    config_.cipher = Cipher::none;
    Unlock unlock;
    for (const Encryption configured : {Encryption::passphrase, Encryption::keyfile}) {
        unlock.configured = configured;
        EXPECT_EQ(code_of(unlock), "wrong_encryption");
    }
    unlock.configured = Encryption::none;
    EXPECT_NO_THROW(static_cast<void>(unlock_master(storage_, config_, unlock, {})));
}

TEST_F(KeySlotsTest, SecondAndThirdSlotsOpenToo) {
    for (const std::uint8_t number : std::initializer_list<std::uint8_t>{1, 2, 3}) {
        add_slot(std::string(1, static_cast<char>('a' + number)), KeySlotKind::key_file,
                 key(number));
    }
    EXPECT_EQ(code_of(unlock_with(3, {})), "");
}

TEST_F(KeySlotsTest, ADamagedSlotBesideAGoodOneDoesNoHarm) {
    add_slot("a", KeySlotKind::key_file, key(1));
    add_slot("b", KeySlotKind::key_file, key(2));
    storage_.damage(key_object_name("a"), [](Bytes& slot) { slot[50] ^= 1U; });
    EXPECT_EQ(code_of(unlock_with(2, {})), "");
    EXPECT_EQ(code_of(unlock_with(1, {})), "corruption") << "it may have been the damaged one";
    storage_.remove(key_object_name("b"), {});
    EXPECT_EQ(code_of(unlock_with(1, {})), "corruption");
    EXPECT_NE(message_.find("keys/a"), std::string::npos);
}

TEST_F(KeySlotsTest, ASlotThatAsksForTooMuchBesideAGoodOneDoesNoHarm) {
    add_slot("a", KeySlotKind::passphrase, Secret("p"), [](StoredKeySlot& stored) {
        stored.slot.cost.memory_bytes = kArgon2CostMax.memory_bytes * 2;
    });
    EXPECT_EQ(code_of(unlock_with({}, "p")), "corruption");
    add_slot("b", KeySlotKind::passphrase, Secret("p"));
    EXPECT_EQ(code_of(unlock_with({}, "p")), "");
}

TEST_F(KeySlotsTest, ASlotOfANewerFormatBesideAGoodOneDoesNoHarm) {
    storage_.put(key_object_name("a"), encode_checked_json({{"format", 2}}), {});
    EXPECT_EQ(code_of(unlock_with(1, {})), "newer_format");
    add_slot("b", KeySlotKind::key_file, key(1));
    EXPECT_EQ(code_of(unlock_with(1, {})), "");
}

TEST_F(KeySlotsTest, ASlotOfAnotherRepositoryCountsForNothing) {
    add_slot("a", KeySlotKind::key_file, key(1),
             [](StoredKeySlot& stored) { stored.repository_id = std::string(32, '2'); });
    EXPECT_EQ(code_of(unlock_with(1, {})), "half_made");
}

TEST_F(KeySlotsTest, WithoutAnySlotNothingCanOpenTheRepository) {
    EXPECT_EQ(code_of(unlock_with(1, "p")), "half_made");
}

TEST_F(KeySlotsTest, AnUnencryptedRepositoryNeedsNoneAndRefusesAConfiguredOne) {
    config_.cipher = Cipher::none;
    Unlock unlock = unlock_with(1, "p");
    EXPECT_NO_THROW(static_cast<void>(unlock_master(storage_, config_, unlock, {})));
    EXPECT_EQ(passphrases_asked_, 0);
    unlock.expects_encryption = true;
    EXPECT_EQ(code_of(unlock), "not_encrypted");
    EXPECT_THROW(static_cast<void>(unlock_master(storage_, config_, unlock, {})), WrongKeyError);
}

TEST(KeySlotObject, RefusesMembersThatAreMissingOrOfAnotherType) {
    const StoredKeySlot slot{
        kId,
        wrap_key(Secret(Bytes(32, 1)), KeySlotKind::key_file, Secret(Bytes(32, 2)), as_bytes(kId)),
        "now", "host"};
    const nlohmann::json good = decode_checked_json("keys/a", encode_key_slot(slot));
    for (const char* key : {"format", "repository_id", "kind", "salt", "argon2_passes",
                            "argon2_memory_bytes", "wrapped_key", "created_at", "host"}) {
        for (const nlohmann::json& value : {nlohmann::json(), nlohmann::json::array()}) {
            nlohmann::json object = good;
            object[key] = value;
            EXPECT_THROW(static_cast<void>(
                             decode_key_slot(key_object_name("a"), encode_checked_json(object))),
                         CorruptionError)
                << key;
        }
    }
    nlohmann::json object = good;
    object["kind"] = "retina";
    EXPECT_THROW(
        static_cast<void>(decode_key_slot(key_object_name("a"), encode_checked_json(object))),
        CorruptionError);
}

class ConfigObjectTest : public testing::TestWithParam<Cipher> {
protected:
    const Keys keys_ = sample_keys(GetParam());
    const Bytes content_ = encode_config({kId, GetParam(), "2026-11-22T14:00:00.000Z"}, keys_);

    [[nodiscard]] Bytes with(const char* key, const nlohmann::json& value) const {
        nlohmann::json object = decode_checked_json("config", content_);
        object[key] = value;
        return encode_checked_json(object);
    }
};

INSTANTIATE_TEST_SUITE_P(Ciphers, ConfigObjectTest,
                         testing::Values(Cipher::none, Cipher::aes_256_gcm), [](const auto& kind) {
                             return kind.param == Cipher::none ? "Unencrypted" : "Encrypted";
                         });

TEST_P(ConfigObjectTest, GivesBackWhatWasWritten) {
    const RepositoryConfigObject config = decode_config(content_);
    EXPECT_EQ(config.repository_id, kId);
    EXPECT_EQ(config.cipher, GetParam());
    EXPECT_EQ(config.created_at, "2026-11-22T14:00:00.000Z");
    EXPECT_NO_THROW(check_config_mac(content_, keys_));
}

TEST_P(ConfigObjectTest, RefusesAForgeryWithTheRightHash) {
    for (const Bytes& forged : {with("created_at", "2001-01-01T00:00:00.000Z"),
                                with("mac", std::string(64, '0')), with("extra", 1)}) {
        EXPECT_NO_THROW(static_cast<void>(decode_config(forged))) << "the hash is right";
        EXPECT_THROW(check_config_mac(forged, keys_), CorruptionError);
    }
    EXPECT_THROW(check_config_mac(content_, sample_keys(GetParam(), '2')), CorruptionError);
    EXPECT_THROW(check_config_mac(with("mac", 7), keys_), CorruptionError);
}

TEST_P(ConfigObjectTest, RefusesANewerFormat) {
    try {
        static_cast<void>(decode_config(with("format", 2)));
        FAIL() << "format 2 was accepted";
    } catch (const RepositoryError& error) {
        EXPECT_EQ(error.code(), "newer_format");
        EXPECT_EQ(error.exit_code(), ExitCode::repository);
        EXPECT_NE(std::string_view(error.what()).find("format 2"), std::string_view::npos);
    }
}

TEST_P(ConfigObjectTest, RefusesValuesThatFormat1DoesNotHave) {
    for (const Bytes& bad :
         {with("cipher", "rot13"), with("repository_id", "short"), with("repository_id", 7),
          with("repository_id", "../../../../../../../../../../aa"),
          with("chunk_bytes_max", 1U << 30U), with("format", "one"), with("format", 1e29),
          with("format", 1.0)}) {
        EXPECT_THROW(static_cast<void>(decode_config(bad)), CorruptionError);
    }
}

}  // namespace
}  // namespace dbbackup
