#include "examples/file_notifier.hpp"

#include "base/error.hpp"
#include "notify/delivery.hpp"
#include "schedule/state_file.hpp"
#include "support/temporary_folder.hpp"
#include "unit/notify/notices.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace dbbackup {
namespace {

TEST(FileNotifier, AppendsALineForEachEvent) {
    const TemporaryFolder folder;
    FileNotifier notifier(folder.path() / "events");
    Notice notice = failed_notice();
    notifier.send(notice, {});
    notice.event = Event::recovered;
    notice.problem = "two\nlines";
    notifier.send(notice, {});
    const std::string text = folder.read("events");
    EXPECT_EQ(std::ranges::count(text, '\n'), 2);
    const std::string second = text.substr(text.find('\n') + 1);
    EXPECT_EQ(notice_from_json(text.substr(0, text.find('\n'))).event, Event::failure);
    EXPECT_EQ(notice_from_json(second).problem, "two\nlines");
}

TEST(FileNotifier, StopsBeforeItWrites) {
    const TemporaryFolder folder;
    std::stop_source stop;
    stop.request_stop();
    EXPECT_THROW(FileNotifier(folder.path() / "events").send(failed_notice(), stop.get_token()),
                 Cancelled);
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

/// What cannot be written now waits in the outbox, and comes when the folder is there.
TEST(FileNotifier, IsToldAgainWhenItsFolderIsThere) {
    const TemporaryFolder folder;
    const auto state = state_in_memory();
    Outbox outbox(*state);
    outbox.put("events", failed_notice(), std::chrono::seconds(0));
    const auto find = [&](const std::string&) {
        return std::make_unique<FileNotifier>(folder.path() / "mounted/events");
    };
    class Now final : public Clock {
    public:
        [[nodiscard]] std::chrono::sys_time<std::chrono::milliseconds> now() const override {
            return time;
        }
        std::chrono::sys_seconds time = failed_notice().time;
    } clock;
    Log log;
    deliver(outbox, find, clock, clock.time + std::chrono::minutes(1), log, {});
    ASSERT_TRUE(outbox.next_time().has_value());
    std::filesystem::create_directory(folder.path() / "mounted");
    clock.time = *outbox.next_time();
    deliver(outbox, find, clock, clock.time + std::chrono::minutes(1), log, {});
    EXPECT_FALSE(outbox.next_time().has_value());
    EXPECT_EQ(notice_from_json(folder.read("mounted/events")).title, failed_notice().title);
}

}  // namespace
}  // namespace dbbackup
