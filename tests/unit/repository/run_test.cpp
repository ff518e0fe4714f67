#include "repository/run.hpp"

#include "base/error.hpp"
#include "repository/record.hpp"
#include "repository/record_conversion.hpp"
#include "sample_keys.hpp"
#include "support/fake_clock.hpp"
#include "support/faulty_storage.hpp"
#include "support/memory_storage.hpp"

#include <gtest/gtest.h>

#include <set>

namespace dbbackup {
namespace {

using namespace std::chrono_literals;

ObjectName outcome_of(const RunId& id) { return ObjectName("manifests/source/" + id); }

class RunTest : public testing::Test {
protected:
    [[nodiscard]] records::Run read(const RunId& id, int number) {
        const ObjectName name("runs/" + id + "/" + std::to_string(number));
        const Record record = decode_record(keys_, name, disk_.get(name, {}).value());
        EXPECT_EQ(record.kind, RecordKind::run);
        return parse_record<records::Run>(record.sections.at(0));
    }

    const Keys keys_ = sample_keys(Cipher::none);
    FakeClock clock_;
    MemoryStorage disk_;
};

TEST_F(RunTest, StandsInTheStoreOnceItIsMade) {
    const LivingRun run(disk_, keys_, clock_, "backup", outcome_of, {});
    EXPECT_EQ(run.id().size(), 32U);
    const records::Run record = read(run.id(), 0);
    EXPECT_EQ(record.kind(), "backup");
    EXPECT_EQ(record.outcome(), "manifests/source/" + run.id());
    EXPECT_EQ(record.at_ms(), clock_.now().time_since_epoch().count());
    EXPECT_EQ(record.host(), host_name());
    EXPECT_EQ(disk_.contents().size(), 1U);
}

TEST_F(RunTest, EveryRunHasAnIdOfItsOwn) { EXPECT_NE(new_run_id(), new_run_id()); }

TEST_F(RunTest, ShowsThatItLivesEvenAfterASignWasLost) {
    std::mutex mutex;
    std::condition_variable changed;
    std::set<std::string> stored;
    Faults faults;
    faults.before = [](const StorageCall& call) {
        if (call.name.ends_with("/2")) {
            throw StorageError("the store sleeps");
        }
    };
    faults.after = [&](const StorageCall& call) {
        const std::lock_guard lock(mutex);
        stored.insert(call.name.substr(call.name.rfind('/') + 1));
        changed.notify_all();
    };
    FaultyStorage storage(disk_, faults);
    RunId id;
    {
        const LivingRun run(storage, keys_, clock_, "backup", outcome_of, {}, 1ms);
        id = run.id();
        std::unique_lock lock(mutex);
        EXPECT_TRUE(changed.wait_for(lock, 10s, [&] { return stored.contains("3"); }));
    }
    EXPECT_TRUE(stored.contains("1"));
    EXPECT_FALSE(stored.contains("2"));
    EXPECT_EQ(read(id, 3).kind(), "backup");
}

TEST_F(RunTest, EndsAtOnceThoughTheNextSignIsMinutesAway) {
    const auto begun = std::chrono::steady_clock::now();
    {
        const LivingRun run(disk_, keys_, clock_, "backup", outcome_of, {});
    }
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 30s);
}

TEST_F(RunTest, DoesNotBeginWhenItCannotBeAnnounced) {
    Faults faults;
    faults.before = [](const StorageCall&) { throw StorageError("no"); };
    FaultyStorage storage(disk_, faults);
    EXPECT_THROW(LivingRun(storage, keys_, clock_, "backup", outcome_of, {}), StorageError);
    std::stop_source stop;
    stop.request_stop();
    EXPECT_THROW(LivingRun(disk_, keys_, clock_, "backup", outcome_of, stop.get_token()),
                 Cancelled);
    EXPECT_TRUE(disk_.contents().empty());
}

}  // namespace
}  // namespace dbbackup
