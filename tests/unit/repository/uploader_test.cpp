#include "repository/uploader.hpp"

#include "base/error.hpp"
#include "support/faulty_storage.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_data.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

using namespace std::chrono_literals;

class UploaderTest : public testing::Test {
protected:
    std::shared_ptr<PackIdentity> submit(Uploader& uploader, std::uint64_t seed) {
        auto identity = std::make_shared<PackIdentity>();
        uploader.submit(noise(seed, 1000), {}, identity);
        return identity;
    }
    void stored(const IndexedPack& pack) {
        const std::lock_guard lock(mutex_);
        stored_.push_back(pack.name);
        changed_.notify_all();
    }

    MemoryStorage disk_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<PackName> stored_;
};

TEST_F(UploaderTest, StoresPacksUnderTheHashOfTheirContent) {
    Uploader uploader(disk_, 2, [this](const IndexedPack& pack) { stored(pack); }, {});
    std::vector<std::shared_ptr<PackIdentity>> identities;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        identities.push_back(submit(uploader, seed));
    }
    uploader.wait();
    EXPECT_EQ(stored_.size(), 20U);
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        EXPECT_TRUE(identities[seed]->is_stored);
        EXPECT_EQ(identities[seed]->name.bytes, sha256(noise(seed, 1000)));
    }
    EXPECT_EQ(disk_.contents().size(), 20U);
    uploader.wait();
}

TEST_F(UploaderTest, RethrowsWhatTheStoreThrew) {
    Faults faults;
    faults.before = [](const StorageCall&) { throw StorageError("the disk is full"); };
    FaultyStorage full(disk_, faults);
    Uploader uploader(full, 2, [this](const IndexedPack& pack) { stored(pack); }, {});
    const auto identity = submit(uploader, 1);
    EXPECT_THROW(uploader.wait(), StorageError);
    EXPECT_THROW(static_cast<void>(submit(uploader, 2)), StorageError);
    EXPECT_FALSE(identity->is_stored);
    EXPECT_TRUE(stored_.empty());
}

TEST_F(UploaderTest, TakesAPackThatIsThereAlreadyForAnothers) {
    Uploader uploader(disk_, 1, [](const IndexedPack&) {}, {});
    submit(uploader, 1);
    uploader.wait();
    submit(uploader, 1);
    EXPECT_THROW(uploader.wait(), RepositoryError);
}

TEST_F(UploaderTest, StopsWhenTheStopTokenFires) {
    std::stop_source stop;
    Uploader uploader(disk_, 1, [](const IndexedPack&) {}, stop.get_token());
    stop.request_stop();
    EXPECT_THROW(
        {
            submit(uploader, 1);
            uploader.wait();
        },
        Cancelled);
    EXPECT_TRUE(disk_.contents().empty());
}

TEST_F(UploaderTest, TheDestructorEndsAfterThePacksOnTheirWay) {
    // One pack is held back in the store until the one that waits behind it is dropped.
    bool is_released = false;
    Faults faults;
    faults.before = [&](const StorageCall&) {
        std::unique_lock lock(mutex_);
        EXPECT_TRUE(changed_.wait_for(lock, 10s, [&] { return is_released; }));
    };
    FaultyStorage slow(disk_, faults);
    auto uploader = std::make_unique<Uploader>(
        slow, 1, [this](const IndexedPack& pack) { stored(pack); }, std::stop_token());
    submit(*uploader, 1);
    submit(*uploader, 2);  // Returns once the first is on its way.
    std::jthread ending([&] { uploader.reset(); });
    {
        const std::lock_guard lock(mutex_);
        is_released = true;
        changed_.notify_all();
    }
    ending.join();
    EXPECT_GE(disk_.contents().size(), 1U);
    EXPECT_EQ(disk_.contents().size(), stored_.size());
}

}  // namespace
}  // namespace dbbackup
