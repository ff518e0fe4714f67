#include "sys/process_identity.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace dbbackup {
namespace {

TEST(ProcessIdentity, ThisProcessIsKnownAndHasNotEnded) {
    const ProcessIdentity here = this_process();
    EXPECT_FALSE(here.machine.empty());
    EXPECT_EQ(here.process, static_cast<std::uint64_t>(getpid()));
    EXPECT_EQ(here, this_process());
    EXPECT_FALSE(has_ended(here));
}

TEST(ProcessIdentity, AProcessThatIsNoMoreHasEnded) {
    const pid_t child = fork();
    if (child == 0) {
        _exit(0);
    }
    ASSERT_GT(child, 0);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
    ProcessIdentity gone = this_process();
    gone.process = static_cast<std::uint64_t>(child);
    EXPECT_TRUE(has_ended(gone));
}

TEST(ProcessIdentity, ANumberThatIsUsedAgainIsAnotherProcess) {
    ProcessIdentity before = this_process();
    before.started -= 1;
    EXPECT_TRUE(has_ended(before));
}

TEST(ProcessIdentity, NothingIsSaidOfOtherMachines) {
    ProcessIdentity other = this_process();
    other.started += 1;
    other.machine += "elsewhere";
    EXPECT_FALSE(has_ended(other));
    EXPECT_FALSE(has_ended({}));
}

TEST(ProcessIdentity, ShowsTheCommandOfAProcessThatRunsHere) {
    EXPECT_NE(shown_command(this_process().process).find("test_sys"), std::string::npos);
    EXPECT_EQ(shown_command(0), "");
}

}  // namespace
}  // namespace dbbackup
