#include "connector/postgres/lock_waits.hpp"

#include "connector/postgres/standby.hpp"

#include <gtest/gtest.h>

namespace dbbackup::postgres {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(LockWaits, NoTimeAtAllIsNotForEver) {
    EXPECT_EQ(bounded(milliseconds(0)), milliseconds(1));
    EXPECT_EQ(bounded(milliseconds(5000)), milliseconds(5000));
}

TEST(LockWaits, OnlyWhatSomebodyMayNoticeIsAWarning) {
    EXPECT_EQ(lock_wait_warning(milliseconds(999)), "");
    EXPECT_NE(lock_wait_warning(milliseconds(3200)).find("waited 3.2 s for locks"),
              std::string::npos)
        << lock_wait_warning(milliseconds(3200));
    EXPECT_EQ(view_age_warning(minutes(59)), "");
    const std::string warning = view_age_warning(hours(2));
    EXPECT_NE(warning.find("the view was held for "), std::string::npos) << warning;
    EXPECT_NE(warning.find("VACUUM"), std::string::npos) << warning;
    EXPECT_EQ(lag_text(seconds(9)), "");
    EXPECT_NE(lag_text(seconds(125)).find(" behind "), std::string::npos) << lag_text(seconds(125));
}

TEST(LockWaits, AnErrorSaysWhoAndKeepsTheServersWords) {
    const ServerError cause("the server says: canceling statement due to lock timeout", "55P03");
    const ServerError error = lock_error(cause, "public.t is locked by process 7");
    EXPECT_STREQ(error.what(),
                 "the server says: canceling statement due to lock timeout: "
                 "public.t is locked by process 7");
    EXPECT_EQ(error.code(), "source_locked");
    EXPECT_EQ(error.sqlstate(), "55P03");
    EXPECT_NE(error.hint().find("--lock-timeout"), std::string::npos);
    EXPECT_STREQ(lock_error(cause, "").what(), cause.what());
}

TEST(LockWaits, KnowsWhatPgDumpSaysOfThem) {
    EXPECT_TRUE(is_lock_timeout_of_tool(SourceError(
        "pg_dump failed (exit status 1): pg_dump: error: query failed: ERROR: canceling "
        "statement due to statement timeout pg_dump: detail: Query was: LOCK TABLE "
        "public.t IN ACCESS SHARE MODE")));
    EXPECT_FALSE(is_lock_timeout_of_tool(SourceError("permission denied: LOCK TABLE public.t")));
}

}  // namespace
}  // namespace dbbackup::postgres
