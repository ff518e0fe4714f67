// A year in which machines are switched off, die, and have their clocks changed. Each time at which
// a job was due has to be in the records once: as a run, or among those that did not take place.

#include "scheduler_fixture.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace dbbackup {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_seconds;

class SchedulerYear : public SchedulerFixture, public testing::WithParamInterface<unsigned> {
protected:
    std::vector<JobSettings> jobs() {
        const auto make = [](const std::string& name, const std::string& cron,
                             const std::string& zone) {
            return JobSettings{.name = name, .timetable = Timetable::of_cron(cron, zone, name)};
        };
        std::vector<JobSettings> made = {
            make("nightly", "30 2 * * *", "Europe/Berlin"),
            make("hourly", "H * * * *", "America/New_York"),
            make("often", "*/20 6-22 * * 1-5", "Australia/Lord_Howe"),
            make("monthly", "0 4 L * *", "Asia/Tehran"),
            make("weekly", "0 1 * * SUN#1,SUN#3", "America/Sao_Paulo"),
            make("skipping", "15 */6 * * *", "UTC"),
            make("jittering", "45 3 * * *", "Europe/London"),
        };
        made[2].retries = 2;
        made[5].catch_up = CatchUp::skip;
        made[5].timeout = hours(1);
        made[6].jitter = hours(2);
        made.push_back({.name = "interval", .timetable = Timetable::of_interval(hours(5), "x")});
        return made;
    }

    bool chance(unsigned of) { return random_() % of == 0; }
    seconds up_to(seconds most) {
        return seconds(random_() % static_cast<unsigned>(most.count()) + 1);
    }

    /// One stay of a scheduler, until the machine dies or it is stopped.
    void live() {
        begin(jobs(), 3);
        std::map<std::int64_t, sys_seconds> ends;
        std::size_t seen = 0;
        const bool dies_while_starting = chance(5);
        const sys_seconds death = clock_.time + up_to(days(6));
        if (dies_while_starting) {
            runner_->before_start = [this, death] {
                if (clock_.time > death - days(1)) {
                    throw Killed();
                }
            };
        }
        while (clock_.time < death) {
            const sys_seconds wake = scheduler_->tick();
            for (; seen < runner_->started.size(); ++seen) {
                ends[runner_->started[seen].id] =
                    clock_.time + up_to(chance(10) ? hours(3) : minutes(20));
            }
            sys_seconds next = wake;
            for (const auto& [run, end] : ends) {
                next = std::min(next, end);
            }
            clock_.time = std::max(next, clock_.time + seconds(1));
            if (chance(500)) {
                clock_.time += up_to(hours(30));  // Suspended, or set forward.
            } else if (chance(500)) {
                // Never more than an hour in all: what is told and starts anew is another test's.
                clock_.time = std::max(clock_.time - up_to(minutes(50)), furthest_ - minutes(55));
            }
            furthest_ = std::max(furthest_, clock_.time);
            std::erase_if(ends, [this](const auto& each) {
                if (each.second > clock_.time) {
                    return false;
                }
                runner_->ended.push_back(
                    {.run = each.first,
                     .status = chance(6) ? RunStatus::failed : RunStatus::succeeded,
                     .exit_code = 0,
                     .snapshot = {},
                     .message = {}});
                return true;
            });
        }
    }

    void compare(const JobSettings& settings, sys_seconds begin) {
        std::map<sys_seconds, int> dealt_with;
        for (const JobRun& run : store_.newest(settings.name, 1'000'000)) {
            if (run.began && run.attempt > 1) {
                continue;  // Another try of the same.
            }
            std::int64_t count = 0;
            for (auto due = settings.timetable.next(run.due - seconds(1), {});
                 due && *due <= run.last_due; due = settings.timetable.next(*due, {})) {
                ++dealt_with[*due];
                ++count;
            }
            EXPECT_EQ(count, run.count) << settings.name << " run " << run.id;
        }
        const JobMemory memory = store_.memory(settings.name).value();
        if (memory.pending && memory.pending->attempt == 1) {
            ++dealt_with[memory.pending->due];
        }
        std::size_t expected = 0;
        for (auto due = settings.timetable.next(begin, {}); due && *due <= memory.looked_at;
             due = settings.timetable.next(*due, {})) {
            ++expected;
            const auto found = dealt_with.find(*due);
            ASSERT_TRUE(found != dealt_with.end())
                << settings.name << ": nothing of " << format_rfc3339(*due);
            ASSERT_EQ(found->second, 1) << settings.name << " at " << format_rfc3339(*due);
        }
        EXPECT_EQ(dealt_with.size(), expected) << settings.name;
    }

    sys_seconds furthest_{};
    std::mt19937 random_{GetParam()};  // NOLINT(cert-msc*): the same each time.
};

TEST_P(SchedulerYear, DealsWithEachDueTimeOnce) {
    const sys_seconds start = at("2026-01-01T00:00:00Z");
    clock_.time = start;
    std::size_t lives = 0;
    while (clock_.time < start + days(366)) {
        try {
            live();
        } catch (const Killed&) {
        }
        ++lives;
        clock_.time += chance(3) ? up_to(days(3)) : up_to(minutes(3));
    }
    begin(jobs(), 3);
    for (const JobSettings& each : jobs()) {
        compare(each, start);
    }
    EXPECT_GT(lives, 50U);
    std::map<std::string, int> kinds;
    for (const JobSettings& each : jobs()) {
        for (const JobRun& run : store_.newest(each.name, 1'000'000)) {
            ++kinds[std::string(run_status_name(run.status))];
        }
    }
    for (const char* const kind :
         {"succeeded", "failed", "interrupted", "missed", "caught_up", "skipped", "timed_out"}) {
        EXPECT_GT(kinds[kind], 0) << kind;
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, SchedulerYear, testing::Range(1U, 4U));

}  // namespace
}  // namespace dbbackup
