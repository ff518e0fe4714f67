#include "repository/opened_slot.hpp"

#include "base/error.hpp"
#include "repository_place.hpp"
#include "support/faulty_storage.hpp"
#include "support/memory_storage.hpp"
#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

const std::string kId(32, '1');

class OpenedSlotTest : public testing::Test {
protected:
    static Secret key(std::uint8_t number) { return Secret(Bytes(32, number)); }

    void add_slot(const std::string& name, std::uint8_t secret, const std::string& copy_of = {}) {
        StoredKeySlot stored{
            kId, wrap_key(key(99), KeySlotKind::key_file, key(secret), as_bytes(kId)), "", ""};
        stored.copy_of = copy_of;
        storage_.put(key_object_name(name), encode_key_slot(stored), {});
    }

    [[nodiscard]] std::string opened(const OpenedSlot& slot, std::uint8_t secret) {
        Unlock unlock;
        unlock.has_key_file = true;
        unlock.key_file = [secret] { return std::optional(key(secret)); };
        const auto master = slot.unlock(storage_, config_, unlock, {});
        return master ? master->slot : "";
    }

    OpenedSlot remembered() { return {folder_.path(), kId}; }

    TemporaryFolder folder_;
    MemoryStorage storage_;
    RepositoryConfigObject config_{kId, Cipher::aes_256_gcm, ""};
};

TEST_F(OpenedSlotTest, OpensWhatItRemembers) {
    add_slot("a", 1);
    add_slot("b", 2);
    EXPECT_EQ(opened(remembered(), 2), "");
    remembered().remember("b");
    EXPECT_EQ(opened(remembered(), 2), "b");
}

TEST_F(OpenedSlotTest, LeavesToTheListWhatItCannotOpen) {
    remembered().remember("a");
    EXPECT_EQ(opened(remembered(), 1), "") << "no such slot";
    add_slot("a", 1);
    EXPECT_EQ(opened(remembered(), 2), "") << "another secret";
    add_slot("c", 1, "a");
    remembered().remember("c");
    EXPECT_EQ(opened(remembered(), 1), "") << "it is being removed";
    remembered().remember("../config");
    EXPECT_EQ(opened(remembered(), 1), "") << "no name of a slot";
    storage_.put(ObjectName("keys/d"), as_bytes("nonsense"), {});
    remembered().remember("d");
    EXPECT_EQ(opened(remembered(), 1), "") << "damaged";
}

TEST_F(OpenedSlotTest, AsksNoPersonWhereAKeyFileIsGiven) {
    StoredKeySlot stored{kId,
                         wrap_key(key(99), KeySlotKind::passphrase, Secret(std::string_view("p")),
                                  as_bytes(kId), {.passes = 1, .memory_bytes = 8192}),
                         "", ""};
    storage_.put(key_object_name("p"), encode_key_slot(stored), {});
    remembered().remember("p");
    Unlock unlock;
    unlock.passphrase = [] { return std::optional(Secret(std::string_view("p"))); };
    EXPECT_TRUE(remembered().unlock(storage_, config_, unlock, {}));
    unlock.has_key_file = true;
    EXPECT_FALSE(remembered().unlock(storage_, config_, unlock, {}));
}

}  // namespace
}  // namespace dbbackup
