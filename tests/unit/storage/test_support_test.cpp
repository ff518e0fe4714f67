/// @file
/// The fakes that other tests rely on do what they say; MemoryStorage has the conformance suite.

#include "base/error.hpp"
#include "support/crashing_storage.hpp"
#include "support/faulty_storage.hpp"
#include "support/memory_storage.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace dbbackup {
namespace {

const ObjectName kA("a");
const ObjectName kB("b");

TEST(CrashingStorage, DiesForGoodAfterSoManyOperations) {
    for (std::uint32_t survived = 0; survived < 4; ++survived) {
        MemoryStorage disk;
        CrashingStorage dying(disk, survived);
        std::uint32_t succeeded = 0;
        for (int attempt = 0; attempt < 6; ++attempt) {
            try {
                static_cast<void>(dying.size_bytes(kA, {}));
                ++succeeded;
            } catch (const StorageError&) {
                EXPECT_TRUE(dying.is_dead());
            }
        }
        EXPECT_EQ(succeeded, survived);
    }
}

TEST(CrashingStorage, CanCountWritesOnly) {
    MemoryStorage disk;
    CrashingStorage dying(disk, 1, {.counts = CrashingStorage::Counts::writes});
    static_cast<void>(dying.get(kA, {}));
    dying.put(kA, {}, {});
    static_cast<void>(dying.get(kA, {}));
    EXPECT_THROW(dying.put(kB, {}, {}), StorageError);
    EXPECT_THROW(static_cast<void>(dying.get(kA, {})), StorageError) << "the dead do not read";
    EXPECT_FALSE(disk.contents().contains("b"));
}

TEST(CrashingStorage, CanLoseTheAnswerToWhatItDid) {
    MemoryStorage disk;
    CrashingStorage dying(disk, 0, {.first_failure = CrashingStorage::FirstFailure::done});
    EXPECT_THROW(dying.put(kA, {}, {}), StorageError);
    EXPECT_THROW(dying.put(kB, {}, {}), StorageError);
    EXPECT_TRUE(disk.contents().contains("a"));
    EXPECT_FALSE(disk.contents().contains("b")) << "only the first failing call may take effect";
}

TEST(FaultyStorage, ChangesWhatIsStoredReadAndListed) {
    MemoryStorage disk;
    disk.put(kA, as_bytes("aa"), {});
    disk.put(kB, as_bytes("bb"), {});
    Faults faults;
    faults.read = [](const StorageCall& call, Bytes& content) {
        if (call.name == "a") {
            content.pop_back();
        }
    };
    faults.stored = [](const StorageCall&, Bytes& content) { content.front() ^= 1U; };
    faults.listed = [](const StorageCall&, std::vector<ObjectInfo>& infos) {
        std::reverse(infos.begin(), infos.end());
        infos.pop_back();
    };
    FaultyStorage faulty(disk, std::move(faults));
    EXPECT_EQ(as_text(faulty.get(kA, {}).value()), "a");
    EXPECT_EQ(as_text(faulty.get_range(kB, {0, 2}, {}).value()), "bb");
    faulty.put(ObjectName("c"), as_bytes("0"), {});
    EXPECT_EQ(as_text(disk.get(ObjectName("c"), {}).value()), "1");
    std::vector<std::string> names;
    faulty.list({}, [&](const ObjectInfo& info) { names.push_back(info.name.text()); }, {});
    EXPECT_EQ(names, (std::vector<std::string>{"c", "b"}));
    EXPECT_EQ(faulty.calls(), 4U);
}

TEST(MemoryStorage, SharesHandlesAndSeparatesClones) {
    MemoryStorage disk;
    disk.put(kA, as_bytes("a"), {});
    const auto clone = disk.clone();
    const auto handle = disk.handle();
    handle->put(kB, as_bytes("b"), {});
    EXPECT_EQ(disk.contents().size(), 2U);
    EXPECT_EQ(clone->contents().size(), 1U);
}

TEST(MemoryStorage, CanBeDamaged) {
    MemoryStorage disk;
    disk.put(kA, as_bytes("a"), {});
    disk.damage(kA, [](Bytes& content) { content.clear(); });
    EXPECT_EQ(disk.get(kA, {}), Bytes{});
    EXPECT_THROW(disk.damage(kB, [](Bytes&) {}), StorageError);
}

TEST(MemoryStorage, RefusesANameThatIsAFolderOfAnother) {
    MemoryStorage disk;
    disk.put(ObjectName("a/b"), {}, {});
    EXPECT_THROW(disk.put(kA, {}, {}), StorageError);
    EXPECT_THROW(disk.put(ObjectName("a/b/c"), {}, {}), StorageError);
    EXPECT_EQ(disk.put(ObjectName("a/c"), {}, {}), PutResult::created);
    EXPECT_EQ(disk.put(ObjectName("ab"), {}, {}), PutResult::created);
}

}  // namespace
}  // namespace dbbackup
