#include "schedule/schedule_store.hpp"

#include "base/error.hpp"
#include "schedule/state_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace dbbackup {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

class ScheduleStoreTest : public testing::Test {
protected:
    static JobRun run(const std::string& job, std::int64_t ended) {
        JobRun made;
        made.job = job;
        made.due = made.last_due = sys_seconds(seconds(ended));
        made.ended = sys_seconds(seconds(ended));
        made.status = RunStatus::failed;
        made.message = "it's \"broken\"";
        return made;
    }

    std::unique_ptr<OwnDatabase> database_ = state_in_memory();
    ScheduleStore store_{*database_};
};

TEST_F(ScheduleStoreTest, RemembersJobs) {
    EXPECT_FALSE(store_.memory("a"));
    JobMemory memory;
    memory.looked_at = sys_seconds(seconds(1'800'000'000));
    memory.pending = PendingRun{sys_seconds(seconds(17)), sys_seconds(seconds(18)), 3};
    memory.past = {sys_seconds(seconds(5)), seconds(6), sys_seconds(seconds(7)), 8};
    memory.is_alarmed = true;
    store_.remember("a", memory);
    const JobMemory found = store_.memory("a").value();
    EXPECT_EQ(found.looked_at, memory.looked_at);
    EXPECT_EQ(found.pending, memory.pending);
    EXPECT_EQ(found.past.newest_good, memory.past.newest_good);
    EXPECT_EQ(found.past.usual_duration, memory.past.usual_duration);
    EXPECT_EQ(found.past.last_end, memory.past.last_end);
    EXPECT_EQ(found.past.failures, memory.past.failures);
    EXPECT_TRUE(found.is_alarmed);
    store_.remember("a", {});
    EXPECT_FALSE(store_.memory("a").value().pending);
    EXPECT_FALSE(store_.memory("a").value().past.newest_good);
    store_.forget("a");
    EXPECT_FALSE(store_.memory("a"));
}

TEST_F(ScheduleStoreTest, RemembersRuns) {
    JobRun made = run("a", 100);
    made.id = store_.add(made);
    const JobRun found = store_.run(made.id).value();
    EXPECT_EQ(found.message, made.message);
    EXPECT_EQ(found.began, std::nullopt);
    EXPECT_EQ(found.ended, made.ended);
    EXPECT_TRUE(store_.running().empty());
    made.status = RunStatus::running;
    made.ended.reset();
    made.began = sys_seconds(seconds(99));
    store_.update(made);
    ASSERT_EQ(store_.running().size(), 1U);
    EXPECT_EQ(store_.running()[0].began, made.began);
    EXPECT_FALSE(store_.run(made.id + 1));
}

TEST_F(ScheduleStoreTest, TrimsOldRunsButKeepsSome) {
    for (int each = 0; each < 10; ++each) {
        store_.add(run("a", each));
        store_.add(run("b", 100 + each));
    }
    store_.trim(sys_seconds(seconds(50)), 3);
    EXPECT_EQ(store_.newest("a", 100).size(), 3U);
    EXPECT_EQ(store_.newest("a", 1).at(0).due, sys_seconds(seconds(9)));
    EXPECT_EQ(store_.newest("b", 100).size(), 10U);
}

TEST(StateFile, IsThereTheNextTime) {
    const std::filesystem::path file =
        std::filesystem::path(testing::TempDir()) / "state_file_test" / "state.db";
    std::filesystem::remove_all(file.parent_path());
    {
        const auto database = open_state_file(file, {});
        ScheduleStore(*database).remember("a", {});
    }
    const auto database = open_state_file(file, {});
    ScheduleStore store(*database);
    EXPECT_TRUE(store.memory("a"));
    database->execute("UPDATE parts SET version = 99");
    EXPECT_THROW(ScheduleStore{*database}, RepositoryError);
    std::filesystem::remove_all(file.parent_path());
}

}  // namespace
}  // namespace dbbackup
