/// @file
/// Backups, prunes and restores at once over one store, with pauses where nobody expects them.
/// Every snapshot that was committed and not removed must give back what it holds, byte by byte,
/// whenever it is asked; in the end a quiet prune leaves no garbage.
///
/// Threads are real, so no two runs are alike; the seed decides the pauses and what changes.

#include "base/error.hpp"
#include "base/guarded.hpp"
#include "storage/local/local_storage.hpp"
#include "support/faulty_storage.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_backup.hpp"
#include "support/sample_data.hpp"
#include "support/sample_prune.hpp"
#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <ostream>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace dbbackup {
namespace {

constexpr std::uint32_t kPageBytes = 512;
constexpr std::uint64_t kPages = 48;

/// A store that now and then takes its time, differently for each caller.
class Hesitating {
public:
    /// @param longest In microseconds, now and then.
    Hesitating(Storage& store, std::uint64_t seed, std::uint64_t longest)
        : random_(seed), longest_(longest), storage_(store, faults()) {}
    [[nodiscard]] Storage& storage() { return storage_; }

private:
    Faults faults() {
        Faults faults;
        faults.before = [this](const StorageCall&) { hesitate(); };
        faults.after = [this](const StorageCall&) { hesitate(); };
        return faults;
    }
    void hesitate() {
        std::unique_lock lock(mutex_);
        const std::uint64_t drawn = random_() % 100;
        const auto time = std::chrono::microseconds(drawn < 80   ? 0
                                                    : drawn < 97 ? longest_ / 30
                                                                 : longest_);
        if (time.count() > 0) {
            never_.wait_for(lock, time, [] { return false; });
        }
    }

    std::mutex mutex_;
    std::condition_variable never_;
    std::mt19937_64 random_;
    std::uint64_t longest_;
    FaultyStorage storage_;
};

struct Raced {
    enum class Store { memory, local };
    Store store = Store::memory;
    std::uint64_t seed = 0;
    int rounds = 0;  ///< Backups of each writer.

    friend std::ostream& operator<<(std::ostream& out, const Raced& raced) {
        return out << "seed " << raced.seed;
    }
};

std::string raced_name(const testing::TestParamInfo<Raced>& tested) {
    return (tested.param.store == Raced::Store::local ? "Local" : "Memory") +
           std::to_string(tested.param.seed);
}

class Race : public testing::TestWithParam<Raced> {
protected:
    using Committed = std::map<SnapshotId, Contents>;

    Race() {
        if (GetParam().store == Raced::Store::local) {
            const StorageUrl url{"file", (folder_.path() / "repository").string(), {}};
            store_ = make_local_storage(url, CreatePlace::yes);
        } else {
            store_ = std::make_unique<MemoryStorage>(remote());
        }
        make_repository(disk());
    }

    /// A page has few versions, so that one often comes back right when nothing needs it any more.
    static Bytes version_of(std::uint64_t page, std::uint64_t drawn) {
        return noise(page * 16 + drawn % 12, kPageBytes);
    }

    /// Backs up again and again; the same pages come back, so that much is found and reused while
    /// it is being removed.
    void write(std::uint64_t host) {
        Hesitating slow(disk(), GetParam().seed * 31 + host, 8000);
        std::mt19937_64 random(GetParam().seed * 17 + host);
        SampleBehaviour behaviour;
        behaviour.identity = "host:/" + std::to_string(host);
        behaviour.segment_pages = 1;
        BackupOptions options;
        options.source_name = "source" + std::to_string(host);
        SampleDatabase shop;
        Bytes pages;
        for (std::uint64_t page = 0; page < kPages; ++page) {
            const Bytes one = version_of(page, random());
            pages.insert(pages.end(), one.begin(), one.end());
        }
        shop.set_pages("pages", pages, kPageBytes);
        for (int round = 0; round < GetParam().rounds; ++round) {
            for (int change = 0; change < 16; ++change) {
                const std::uint64_t page = random() % kPages;
                shop.set_page("pages", page, version_of(page, random()));
            }
            options.mode = random() % 3 == 0 ? BackupMode::full : BackupMode::incremental;
            try {
                const SnapshotId id =
                    back_up(shop, slow.storage(), options, behaviour).snapshot.summary.id;
                committed_.with([&](Committed& all) { all[id] = shop.contents(); });
            } catch (const RepositoryError& error) {
                // Given up three times in a row: the collectors of this test are merciless.
                EXPECT_NE(std::string(error.what()).find("given up"), std::string::npos)
                    << error.what();
            }
        }
    }

    void collect(std::uint64_t host, const std::atomic<bool>& is_over) {
        Hesitating slow(disk(), GetParam().seed * 57 + host, 1000);
        std::mt19937_64 random(GetParam().seed * 91 + host);
        while (!is_over) {
            PruneOptions options = sample_prune(keep_newest(1 + random() % 3));
            // Some seal anew what stays, and some free bases.
            options.compaction.unused_part_max = random() % 2 == 0 ? 0 : 1;
            options.compaction.rebases = random() % 4 == 0;
            // Everybody is alive; sometimes a collector takes one for dead all the same, which may
            // cost a backup its work and never any data.
            const std::uint64_t mood = random();
            options.is_dead = [mood](const KnownRun& run) {
                return (std::hash<RunId>()(run.id) ^ mood) % 4 == 0;
            };
            try {
                prune(slow.storage(), options);
            } catch (const RepositoryError& error) {
                ADD_FAILURE() << error.what();
            }
        }
    }

    void read(const std::atomic<bool>& is_over) {
        Hesitating slow(disk(), GetParam().seed, 3000);
        std::mt19937_64 random(GetParam().seed);
        while (!is_over) {
            const Committed all = committed_.with([](const Committed& held) { return held; });
            if (all.empty()) {
                std::this_thread::yield();
                continue;
            }
            auto chosen = all.begin();
            std::advance(chosen, static_cast<std::ptrdiff_t>(random() % all.size()));
            try {
                EXPECT_EQ(restore(chosen->first, slow.storage()), chosen->second);
                ++restored_;
            } catch (const Error& error) {
                EXPECT_TRUE(error.code() == "snapshot_removed" ||
                            error.code() == "snapshot_unknown")
                    << error.code() << ": " << error.what();
            }
        }
    }

    /// On a store that is not local an incremental does not look for the packs that it refers to
    /// before it commits: nothing but the protocol keeps them.
    static MemoryStorage::Options remote() {
        MemoryStorage::Options options;
        options.capabilities.is_local = false;
        return options;
    }

    [[nodiscard]] Storage& disk() { return *store_; }

    TemporaryFolder folder_;
    std::unique_ptr<Storage> store_;
    Guarded<Committed> committed_;
    std::atomic<int> restored_{0};
};

constexpr auto kMemory = Raced::Store::memory;
INSTANTIATE_TEST_SUITE_P(Seeds, Race,
                         testing::Values(Raced{kMemory, 1, 12}, Raced{kMemory, 2, 12},
                                         Raced{kMemory, 3, 12}, Raced{kMemory, 4, 12},
                                         Raced{kMemory, 5, 12}, Raced{kMemory, 6, 12},
                                         // What most users have; each put waits for the disk.
                                         Raced{Raced::Store::local, 7, 5},
                                         Raced{Raced::Store::local, 8, 5}),
                         raced_name);

TEST_P(Race, LosesNothing) {
    std::atomic<bool> is_over = false;
    {
        std::vector<std::jthread> others;
        for (std::uint64_t host = 0; host < 3; ++host) {
            others.emplace_back([this, host, &is_over] { collect(host, is_over); });
        }
        others.emplace_back([this, &is_over] { read(is_over); });
        {
            std::vector<std::jthread> writers;
            for (std::uint64_t host = 0; host < 3; ++host) {
                writers.emplace_back([this, host] { write(host); });
            }
        }
        is_over = true;
    }
    const Committed all = committed_.with([](const Committed& held) { return held; });
    for (const SnapshotSummary& snapshot : snapshots(disk())) {
        ASSERT_TRUE(all.contains(snapshot.id));
        EXPECT_EQ(restore(snapshot.id, disk()), all.at(snapshot.id));
    }
    EXPECT_EQ(findings_text(verify(disk(), VerifyDepth::data)), "");
    EXPECT_GT(restored_, 0);
    for (int round = 0; round < 3; ++round) {  // The lists of earlier ones go one prune later.
        prune(disk(), sample_prune(keep_newest(2)));
    }
    EXPECT_EQ(garbage(disk()), "");
    for (const SnapshotSummary& snapshot : snapshots(disk())) {
        EXPECT_EQ(restore(snapshot.id, disk()), all.at(snapshot.id));
    }
}

}  // namespace
}  // namespace dbbackup
