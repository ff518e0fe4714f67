/// @file
/// Key slots are added and removed without locks. Whoever does what at the same time, in whatever
/// order their steps come and wherever one of them dies: somebody who could open the repository
/// before still can, and what it holds is as before.
///
/// Method: the store fails for good after N operations, for N = 0, 1, 2 ...; and two processes that
/// remove each other's slot run step by step in every order there is, each dying after any number
/// of its steps or not at all. Everything is in memory, so a failure repeats exactly.

#include "base/error.hpp"
#include "repository/key_slots.hpp"
#include "support/crashing_storage.hpp"
#include "support/faulty_storage.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_backup.hpp"
#include "support/sample_data.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

using FirstFailure = CrashingStorage::FirstFailure;

Secret key(std::uint8_t number) { return Secret(Bytes(32, number)); }
constexpr std::uint8_t kSampleKey = 0x42;

std::string add(Storage& storage, std::uint8_t number) {
    const FakeClock clock;
    return add_key_slot(*open_repository(storage), {KeySlotKind::key_file, key(number), ""}, clock,
                        {});
}

bool opens(Storage& storage, std::uint8_t number) {
    Unlock unlock;
    unlock.key_file = [number] { return std::optional(key(number)); };
    Log silent;
    try {
        static_cast<void>(Repository::open(std::make_unique<FaultyStorage>(storage, Faults{}),
                                           unlock, {}, silent, {}));
        return true;
    } catch (const WrongKeyError&) {
        return false;
    }
}

// --- one process
// ----------------------------------------------------------------------------------

/// A repository with a snapshot, opened by the sample key and by key 7.
class KeyChangeDies : public testing::TestWithParam<FirstFailure> {
protected:
    KeyChangeDies() {
        make_repository(disk_, Encryption::keyfile);
        SampleDatabase shop;
        shop.set_opaque("script", page_like(2, 300));
        snapshot_ = back_up(shop, disk_).snapshot.summary.id;
        contents_ = shop.contents();
        second_ = add(disk_, 7);
        first_ = open_repository(disk_)->keys().slot();
    }

    /// @param change Given a store that dies. @param holds What must be true wherever it died.
    template <class Change, class Holds>
    void expect_at_every_operation(Change change, Holds holds) {
        for (std::uint32_t survived = 0; survived < 200; ++survived) {
            SCOPED_TRACE(testing::Message() << "the store dies after operation " << survived);
            const std::unique_ptr<MemoryStorage> disk = disk_.clone();
            CrashingStorage store(*disk, survived, {CrashingStorage::Counts::all, GetParam()});
            bool is_through = false;
            try {
                change(store);
                is_through = true;
            } catch (const StorageError&) {
                // The store died: the next round lives longer.
            }
            holds(*disk, is_through);
            if (is_through || testing::Test::HasFailure()) {
                EXPECT_GT(survived, 4U);
                return;
            }
        }
        FAIL() << "it never gets through";
    }

    void expect_sound(MemoryStorage& disk) {
        EXPECT_EQ(restore(snapshot_, disk), contents_);
        for (const Finding& finding : verify(disk, VerifyDepth::data).findings) {
            EXPECT_TRUE(finding.is_harmless) << finding.object << ": " << finding.problem;
        }
    }

    MemoryStorage disk_;
    SnapshotId snapshot_;
    Contents contents_;
    std::string first_;
    std::string second_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, KeyChangeDies,
                         testing::Values(FirstFailure::not_done, FirstFailure::done),
                         [](const auto& kind) {
                             return kind.param == FirstFailure::done ? "AnswerLost" : "NotDone";
                         });

TEST_P(KeyChangeDies, WhileASlotIsAdded) {
    expect_at_every_operation([](Storage& store) { add(store, 9); },
                              [&](MemoryStorage& disk, bool is_through) {
                                  EXPECT_TRUE(opens(disk, kSampleKey) && opens(disk, 7));
                                  EXPECT_TRUE(!is_through || opens(disk, 9));
                                  expect_sound(disk);
                              });
}

TEST_P(KeyChangeDies, WhileASlotIsRemoved) {
    const auto remove_second = [&](Storage& store) {
        remove_key_slot(*open_repository(store), second_, {first_}, {});
    };
    expect_at_every_operation(remove_second, [&](MemoryStorage& disk, bool is_through) {
        EXPECT_TRUE(opens(disk, kSampleKey));
        EXPECT_FALSE(is_through && opens(disk, 7));
        expect_sound(disk);
        remove_second(disk);
        EXPECT_FALSE(opens(disk, 7)) << "the next attempt completes it";
        EXPECT_EQ(verify(disk, VerifyDepth::structure).findings.size(), 0U);
    });
}

TEST_P(KeyChangeDies, WhileASlotIsRotated) {
    expect_at_every_operation(
        [&](Storage& store) {
            const std::string fresh = add(store, 9);
            remove_key_slot(*open_repository(store), first_, {fresh}, {});
        },
        [&](MemoryStorage& disk, bool is_through) {
            EXPECT_TRUE(opens(disk, 7)) << "the slot of somebody else";
            EXPECT_TRUE(opens(disk, kSampleKey) || opens(disk, 9));
            EXPECT_FALSE(is_through && opens(disk, kSampleKey));
            if (opens(disk, kSampleKey)) {
                expect_sound(disk);
            }
        });
}

// --- several processes
// ----------------------------------------------------------------------------

/// Lets processes take their storage operations in a given order. A process whose turns are used
/// up dies: its next operation fails, and so do all after it.
class Turns {
public:
    explicit Turns(std::size_t processes) : is_gone_(processes) {}

    void begin(std::vector<std::size_t> order) {
        order_ = std::move(order);
        at_ = 0;
        is_gone_.assign(is_gone_.size(), false);
    }

    Faults faults_of(std::size_t process) {
        Faults faults;
        faults.before = [this, process](const StorageCall&) { wait_for_turn(process); };
        faults.after = [this](const StorageCall&) { pass_on(); };
        return faults;
    }

    /// The process has ended; its other turns are skipped.
    void leave(std::size_t process) {
        const std::lock_guard lock(mutex_);
        is_gone_[process] = true;
        skip_gone();
        changed_.notify_all();
    }

private:
    void wait_for_turn(std::size_t process) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] {
            return std::find(order_.begin() + static_cast<std::ptrdiff_t>(at_), order_.end(),
                             process) == order_.end() ||
                   order_[at_] == process;
        });
        if (at_ == order_.size() || order_[at_] != process) {
            throw StorageError("the process died");
        }
    }
    void pass_on() {
        const std::lock_guard lock(mutex_);
        ++at_;
        skip_gone();
        changed_.notify_all();
    }
    void skip_gone() {
        while (at_ < order_.size() && is_gone_[order_[at_]]) {
            ++at_;
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::size_t> order_;
    std::size_t at_ = 0;
    std::vector<bool> is_gone_;
};

/// Each of some processes holds one slot and removes that of the next, in a ring.
class KeyRemovals {
public:
    explicit KeyRemovals(std::size_t processes) : turns_(processes), results_(processes) {
        make_repository(disk_, Encryption::keyfile);
        slots_.push_back(open_repository(disk_)->keys().slot());
        for (std::size_t process = 1; process < processes; ++process) {
            slots_.push_back(add(disk_, static_cast<std::uint8_t>(process)));
        }
        for (const auto& [name, content] : disk_.contents()) {
            if (name.starts_with("keys/")) {
                slot_objects_.emplace(name, content);
            }
        }
        for (std::size_t process = 0; process < processes; ++process) {
            stores_.push_back(std::make_unique<Switched>(disk_));
            repositories_.push_back(open_repository(stores_.back()->storage));
            stores_.back()->faults = turns_.faults_of(process);
        }
    }

    void run(std::vector<std::size_t> order) {
        reset();
        turns_.begin(std::move(order));
        std::vector<std::jthread> threads;
        for (std::size_t process = 0; process < slots_.size(); ++process) {
            threads.emplace_back([this, process] {
                results_[process] = remove_next(process);
                turns_.leave(process);
            });
        }
    }

    [[nodiscard]] KeySlotList left() {
        return read_key_slots(disk_, repositories_.front()->id(), {});
    }
    /// "removed", "died" or the code of an error, of each process.
    [[nodiscard]] const std::vector<std::string>& results() const { return results_; }

private:
    /// Without faults until the repository is open.
    struct Switched {
        explicit Switched(Storage& inner)
            : storage(inner, {[this](const StorageCall& call) {
                                  if (faults.before) {
                                      faults.before(call);
                                  }
                              },
                              [this](const StorageCall& call) {
                                  if (faults.after) {
                                      faults.after(call);
                                  }
                              },
                              {},
                              {},
                              {}}) {}
        Faults faults;
        FaultyStorage storage;
    };

    void reset() {
        for (const auto& [name, content] : disk_.contents()) {
            if (name.starts_with("keys/")) {
                disk_.remove(ObjectName(name), {});
            }
        }
        for (const auto& [name, content] : slot_objects_) {
            disk_.put(ObjectName(name), content, {});
        }
    }

    std::string remove_next(std::size_t process) {
        try {
            remove_key_slot(*repositories_[process], slots_[(process + 1) % slots_.size()],
                            {slots_[process]}, {});
            return "removed";
        } catch (const StorageError&) {
            return "died";
        } catch (const RepositoryError& error) {
            return error.code();
        }
    }

    MemoryStorage disk_;
    Turns turns_;
    std::vector<std::string> slots_;
    std::map<std::string, Bytes> slot_objects_;
    std::vector<std::unique_ptr<Switched>> stores_;
    std::vector<std::unique_ptr<Repository>> repositories_;
    std::vector<std::string> results_;
};

/// What must hold whatever happened. All slots are good ones, so that one is left is enough.
void expect_open(KeyRemovals& world, const std::vector<std::size_t>& order) {
    const KeySlotList left = world.left();
    const std::string what =
        testing::PrintToString(order) + testing::PrintToString(world.results());
    EXPECT_FALSE(left.slots.empty()) << "nobody can open it: " << what;
    const bool has_died = std::ranges::find(world.results(), "died") != world.results().end();
    for (const ListedKeySlot& each : left.slots) {
        EXPECT_TRUE(has_died || !each.is_copy()) << "a copy is left: " << what;
    }
}

TEST(KeyRemovals, OfEachOthersSlotInEveryOrderWithEveryDeath) {
    constexpr std::size_t kStepsMax = 6;  // Of a removal that puts the slot back.
    KeyRemovals world(2);
    std::size_t runs = 0;
    std::set<std::string> seen;
    // Every sequence of at most kStepsMax turns of each.
    std::vector<std::vector<std::size_t>> orders = {{}};
    while (!orders.empty() && !testing::Test::HasFailure()) {
        std::vector<std::vector<std::size_t>> longer;
        for (const std::vector<std::size_t>& order : orders) {
            world.run(order);
            expect_open(world, order);
            seen.insert(world.results()[0] + "/" + world.results()[1]);
            ++runs;
            for (const std::size_t process : {std::size_t{0}, std::size_t{1}}) {
                if (static_cast<std::size_t>(std::ranges::count(order, process)) < kStepsMax) {
                    longer.push_back(order);
                    longer.back().push_back(process);
                }
            }
        }
        orders = std::move(longer);
    }
    EXPECT_EQ(runs, 3431U) << "the lattice of two times six steps";
    for (const char* result : {"removed/key_conflict", "key_conflict/removed", "died/key_conflict",
                               "key_conflict/key_conflict", "removed/died", "died/died"}) {
        EXPECT_TRUE(seen.contains(result)) << result << " never happened, so it was not tested";
    }
}

TEST(KeyRemovals, OfThreeInARingInAnyOrderWithAnyDeath) {
    constexpr std::uint64_t kSeed = 0x5eed;
    std::mt19937_64 random(kSeed);
    KeyRemovals world(3);
    for (int round = 0; round < 1500 && !testing::Test::HasFailure(); ++round) {
        std::vector<std::size_t> order(random() % 20);
        for (std::size_t& turn : order) {
            turn = random() % 3;
        }
        world.run(order);
        expect_open(world, order);
    }
}

}  // namespace
}  // namespace dbbackup
