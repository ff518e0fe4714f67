#include "engine/pin.hpp"

#include "prune_fixture.hpp"
#include "repository/pins.hpp"

#include <algorithm>
#include <string>

namespace dbbackup {
namespace {

using namespace std::chrono_literals;

class PinTest : public PruneTest {
protected:
    PinTest() {
        for (int i = 0; i < 3; ++i) {
            take();
        }
    }

    /// As a process of its own. Takes nobody for dead.
    void pin(const SnapshotId& id, Storage& storage, const std::string& reason = "audit",
             std::chrono::milliseconds wait = 0ms) {
        const auto repository = open_repository(storage);
        PinOptions options;
        options.reason = reason;
        options.wait = wait;
        options.is_dead = [](const KnownRun&) { return false; };
        options.pause = [this](std::chrono::milliseconds, const std::stop_token&) {
            if (while_pinning_waits_) {
                while_pinning_waits_();
            }
        };
        dbbackup::pin(*repository, summary(id), options, sample_.context(), {});
    }
    std::size_t unpin(const SnapshotId& id) {
        const auto repository = open_repository(disk_);
        return dbbackup::unpin(*repository, id, sample_.context(), {});
    }
    [[nodiscard]] std::map<SnapshotId, std::string> pinned() {
        const auto repository = open_repository(disk_);
        return pin_reasons(read_pins(disk_, repository->keys(), {}));
    }
    [[nodiscard]] SnapshotSummary summary(const SnapshotId& id) {
        if (summaries_.empty()) {
            for (const SnapshotSummary& each : snapshots(disk_)) {
                summaries_[each.id] = each;
            }
        }
        return summaries_.at(id);
    }
    void copy_into(MemoryStorage& disk) const {
        for (const auto& [name, content] : disk_.contents()) {
            disk.put(ObjectName(name), content, {});
        }
    }
    [[nodiscard]] static bool is_there(const SnapshotId& id, Storage& disk) {
        return std::ranges::any_of(snapshots(disk),
                                   [&id](const auto& each) { return each.id == id; });
    }
    /// Removes the first snapshot, by a rule.
    [[nodiscard]] static PruneOptions removing_old() { return sample_prune(keep_newest(1)); }

    std::function<void()> while_pinning_waits_;
    std::map<SnapshotId, SnapshotSummary> summaries_;  ///< Of those that there were.
    SampleContext sample_;
};

TEST_F(PinTest, NoRuleRemovesWhatIsPinnedUntilThePinEnds) {
    pin(taken_[0], disk_, "before the migration");
    EXPECT_EQ(pinned(), (std::map<SnapshotId, std::string>{{taken_[0], "before the migration"}}));
    const PruneReport kept = prune(disk_, removing_old());
    EXPECT_EQ(visible(), (std::set<SnapshotId>{taken_[0], taken_[2]}));
    EXPECT_EQ(kept.snapshots[0].reason, "stays: pinned: before the migration");
    expect_clean();
    EXPECT_EQ(unpin(taken_[0]), 1U);
    EXPECT_EQ(unpin(taken_[0]), 0U);
    EXPECT_TRUE(pinned().empty());
    prune(disk_, removing_old());
    EXPECT_EQ(visible(), (std::set<SnapshotId>{taken_[2]}));
    expect_clean();
}

TEST_F(PinTest, APruneByNameIsRefused) {
    pin(taken_[0], disk_);
    PruneOptions options = sample_prune();
    options.snapshots = {taken_[0]};
    const auto before = disk_.contents();
    try {
        prune(disk_, options);
        FAIL() << "it was removed";
    } catch (const ConfigError& error) {
        EXPECT_EQ(error.code(), "snapshot_pinned");
        EXPECT_NE(std::string(error.what()).find("audit"), std::string::npos);
    }
    EXPECT_EQ(disk_.contents(), before);
}

TEST_F(PinTest, EachPinHasToEnd) {
    pin(taken_[0], disk_, "audit");
    pin(taken_[0], disk_, "court");
    const std::string reasons = pinned().at(taken_[0]);
    EXPECT_TRUE(reasons == "audit; court" || reasons == "court; audit") << reasons;
    EXPECT_EQ(unpin(taken_[0]), 2U);
    pin(taken_[0], disk_, "again");
    EXPECT_EQ(pinned().at(taken_[0]), "again");
}

TEST_F(PinTest, WhatCannotBeReadKeepsItsSnapshot) {
    pin(taken_[0], disk_);
    const std::string name = names_below(disk_, "pins").at(0);
    disk_.remove(ObjectName(name), {});
    disk_.put(ObjectName(name), as_bytes("damaged"), {});
    EXPECT_EQ(pinned().count(taken_[0]), 1U);
    disk_.put(ObjectName(name + ".end"), as_bytes("no end"), {});
    EXPECT_EQ(pinned().count(taken_[0]), 1U);
    EXPECT_THROW(unpin(taken_[0]), CorruptionError);
    prune(disk_, removing_old());
    EXPECT_TRUE(visible().contains(taken_[0]));
}

TEST_F(PinTest, WaitsForACollectionThatMayHaveReadPins) {
    const RunId other = other_marker({});
    EXPECT_THROW(pin(taken_[0], disk_), RepositoryError);
    EXPECT_TRUE(pinned().empty());
    int waits = 0;
    while_pinning_waits_ = [&] {
        if (++waits == 2) {
            put_outcome(other, {});
        }
    };
    pin(taken_[0], disk_, "audit", 1min);
    EXPECT_EQ(waits, 2);
    EXPECT_EQ(pinned().count(taken_[0]), 1U);
}

TEST_F(PinTest, RefusesWhatThatCollectionHasRemoved) {
    const RunId other = other_marker({});
    while_pinning_waits_ = [&] {
        CollectionOutcome outcome;
        outcome.removed_manifests = {
            manifest_object_name(summary(taken_[0]).source_id, taken_[0]).text()};
        put_outcome(other, outcome);
    };
    EXPECT_THROW(pin(taken_[0], disk_, "audit", 1min), ConfigError);
    EXPECT_TRUE(pinned().empty());
    prune(disk_, sample_prune());
    EXPECT_EQ(garbage(disk_), "");
}

/// A whole pin before each operation of a prune: who was told that it is pinned finds it there.
TEST_F(PinTest, AtAnyMomentOfAPruneItHoldsOrSaysThatItDoesNot) {
    std::size_t held = 0;
    std::size_t refused = 0;
    for (std::size_t moment = 0;; ++moment) {
        MemoryStorage disk;
        copy_into(disk);
        std::size_t operations = 0;
        bool is_pinned = false;
        bool was_tried = false;
        Faults faults;
        faults.before = [&](const StorageCall&) {
            if (operations++ != moment) {
                return;
            }
            was_tried = true;
            try {
                pin(taken_[0], disk);
                is_pinned = true;
            } catch (const Error&) {
                ++refused;
            }
        };
        FaultyStorage watched(disk, faults);
        prune(watched, removing_old());
        if (!was_tried) {
            break;
        }
        held += is_pinned ? 1U : 0U;
        EXPECT_TRUE(is_there(taken_[0], disk) || !is_pinned) << "before operation " << moment;
        prune(disk, removing_old());
        EXPECT_EQ(garbage(disk), "") << "before operation " << moment;
    }
    EXPECT_GT(held, 0U);
    EXPECT_GT(refused, 0U);
}

/// The other way round: a whole prune before each operation of a pin, which it takes for dead.
TEST_F(PinTest, AtAnyMomentOfAPinAPruneMayTakeItForDead) {
    std::size_t refused = 0;
    for (std::size_t moment = 0;; ++moment) {
        MemoryStorage disk;
        copy_into(disk);
        std::size_t operations = 0;
        bool was_tried = false;
        Faults faults;
        faults.before = [&](const StorageCall&) {
            if (operations++ == moment) {
                was_tried = true;
                prune(disk, removing_old());
            }
        };
        FaultyStorage watched(disk, faults);
        bool is_pinned = false;
        try {
            pin(taken_[0], watched);
            is_pinned = true;
        } catch (const Error&) {
        }
        if (!was_tried) {
            break;
        }
        refused += is_pinned ? 0U : 1U;
        prune(disk, removing_old());
        EXPECT_EQ(is_there(taken_[0], disk), is_pinned) << "before operation " << moment;
        EXPECT_EQ(garbage(disk), "") << "before operation " << moment;
    }
    EXPECT_GT(refused, 0U);
}

}  // namespace
}  // namespace dbbackup
