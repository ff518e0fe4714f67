#include "sys/subprocess.hpp"

#include "base/error.hpp"
#include "support/temporary_folder.hpp"
#include "sys/child_environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <thread>

namespace dbbackup {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr std::size_t kOutputBytesMax = 1 << 20;

ProcessResult run(const std::string& command) {
    return run_shell(command, 60s, kOutputBytesMax, {});
}

std::string output_of(const std::string& command) {
    return std::string(as_text(run(command).output));
}

template <class Action>
std::string error_of(Action action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return "nothing was thrown";
}

/// A variable of this process's environment while this lives.
class Variable {
public:
    Variable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
    ~Variable() { ::unsetenv(name_); }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;

private:
    const char* name_;
};

TEST(RunShell, ReturnsOutputErrorsAndStatus) {
    const ProcessResult result = run("printf out; printf wrong >&2; exit 7");
    EXPECT_EQ(as_text(result.output), "out");
    EXPECT_EQ(result.errors, "wrong");
    EXPECT_EQ(result.exit_status, 7);
    EXPECT_EQ(run("true").exit_status, 0);
}

TEST(RunShell, TellsMissingCommandsAndSignalsAsAShellDoes) {
    EXPECT_EQ(run("no-such-command-here").exit_status, 127);
    EXPECT_EQ(run("kill -TERM $$").exit_status, 128 + SIGTERM);
}

TEST(RunShell, KeepsOnlyTheEndOfLongErrors) {
    const ProcessResult result = run("head -c 300000 /dev/zero | tr '\\0' x >&2; printf END >&2");
    EXPECT_EQ(result.errors.size(), 4096U);
    EXPECT_TRUE(result.errors.ends_with("xEND"));
}

TEST(RunShell, TakesOutputUpToTheLimitOnly) {
    EXPECT_EQ(run_shell("head -c 100000 /dev/zero", 60s, 100'000, {}).output.size(), 100'000U);
    const std::string error =
        error_of([] { static_cast<void>(run_shell("cat /dev/zero", 60s, 1024, {})); });
    EXPECT_EQ(error, "the command wrote more than 1.0 KiB");
}

TEST(RunShell, HidesSecretVariablesAndOnlyThese) {
    const Variable first("DB_BACKUP_PASSPHRASE", "secret-1");
    const Variable second("DB_BACKUP_PASSPHRASE_COMMAND", "secret-2");
    const Variable third("DB_BACKUP__SOURCES__SHOP__PASSWORD", "secret-3");
    const Variable fourth("db_backup__repositories__main__passphrase", "secret-4");
    const Variable fifth("DB_BACKUP__SOURCES__SHOP__URI", "mysql://me:secret-5@db1/shop");
    const Variable kept("DB_BACKUP_REPOSITORY", "kept-value");
    const std::string output = output_of("env");
    EXPECT_THAT(output, Not(HasSubstr("secret-")));
    EXPECT_THAT(output, HasSubstr("kept-value"));
}

TEST(RunShell, HidesWhatWasForgotten) {
    const Variable configured("SHOP_PASSWORD_OF_A_TEST", "secret-6");
    EXPECT_THAT(output_of("env"), HasSubstr("secret-6"));
    forget_variables({"SHOP_PASSWORD_OF_A_TEST", "NEVER_SET"});
    EXPECT_THAT(output_of("env"), Not(HasSubstr("secret-6")));
}

TEST(RunShell, HasNoTerminalInputAndNoBlockedSignals) {
    EXPECT_EQ(output_of("cat"), "");
    sigset_t all;
    sigfillset(&all);
    sigset_t before;
    pthread_sigmask(SIG_SETMASK, &all, &before);
    void (*const handler)(int) = std::signal(SIGPIPE, SIG_IGN);
    const std::string blocked = output_of("grep SigBlk /proc/self/status | cut -f2");
    const std::string ignored = output_of("grep SigIgn /proc/self/status | cut -f2");
    std::signal(SIGPIPE, handler);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    EXPECT_EQ(blocked, "0000000000000000\n");
    // Signals 32 and 33 belong to the C library.
    EXPECT_EQ(std::stoull(ignored, nullptr, 16) & 0x7fff'ffffU, 0U) << ignored;
}

TEST(RunShell, InheritsNoDescriptorsOfOurs) {
    EXPECT_EQ(output_of("ls -l /proc/$$/fd | grep -c eventfd"), "0\n");
}

TEST(RunShell, DoesNotWaitForWhatTheCommandLeftBehind) {
    const ProcessResult result = run("sleep 600 & echo $!");
    const pid_t left = std::stoi(std::string(as_text(result.output)));
    EXPECT_EQ(::kill(left, SIGKILL), 0);
}

TEST(RunShell, EndsACommandThatTakesTooLong) {
    const TemporaryFolder folder;
    const std::string file = folder.path() / "group";
    const std::string error = error_of([&] {
        static_cast<void>(run_shell("echo $$ > " + file + "; sleep 600; true", 5s, 10, {}));
    });
    EXPECT_EQ(error, "the command ran longer than 5 s");
    const pid_t group = std::stoi(folder.read("group"));
    // The sleep was killed with the shell; at most its zombie waits for init.
    const std::string left =
        output_of("ps -eo pgid=,stat= | grep '^ *" + std::to_string(group) + " ' | grep -v Z");
    EXPECT_EQ(left, "");
}

TEST(RunShell, EndsACommandThatKeepsWriting) {
    EXPECT_EQ(error_of([] { static_cast<void>(run_shell("yes >&2", 1s, 10, {})); }),
              "the command ran longer than 1 s");
}

TEST(RunShell, StopsWhenTheTokenFires) {
    std::stop_source source;
    const TemporaryFolder folder;
    const std::string fifo = folder.path() / "started";
    ASSERT_EQ(::system(("mkfifo " + fifo).c_str()), 0);
    std::thread stopper([&] {
        // Opening waits for the other end, so the command is running by then.
        static_cast<void>(folder.read("started"));
        source.request_stop();
    });
    EXPECT_THROW(static_cast<void>(
                     run_shell("echo > " + fifo + "; sleep 600", 600s, 10, source.get_token())),
                 Cancelled);
    stopper.join();
    EXPECT_THROW(static_cast<void>(run_shell("sleep 600", 600s, 10, source.get_token())),
                 Cancelled);
}

TEST(RunShellForEffect, TellsLinesOfBothStreams) {
    std::vector<std::string> lines;
    ShellSetting setting;
    setting.timeout = 60s;
    setting.on_line = [&lines](std::string_view line) { lines.emplace_back(line); };
    EXPECT_EQ(run_shell_for_effect("printf 'one\\r\\n\\ntwo'; exit 3", setting, {}), 3);
    EXPECT_THAT(lines, testing::ElementsAre("one", "", "two"));
    lines.clear();
    EXPECT_EQ(run_shell_for_effect("echo three >&2; kill -9 $$", setting, {}), 137);
    EXPECT_THAT(lines, testing::ElementsAre("three"));
    lines.clear();
    EXPECT_EQ(run_shell_for_effect("head -c 3000000 /dev/zero; echo; echo x", setting, {}), 0);
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_EQ(lines[0].size(), 4096U);
}

TEST(RunShellForEffect, GivesVariablesInThePlaceOfOurs) {
    const Variable ours("DB_BACKUP_HOOK_EVENT", "ours");
    std::vector<std::string> lines;
    ShellSetting setting;
    setting.variables = {{"DB_BACKUP_HOOK_EVENT", "a=b c"}};
    setting.timeout = 60s;
    setting.on_line = [&lines](std::string_view line) { lines.emplace_back(line); };
    EXPECT_EQ(run_shell_for_effect("env | grep HOOK_EVENT", setting, {}), 0);
    EXPECT_THAT(lines, testing::ElementsAre("DB_BACKUP_HOOK_EVENT=a=b c"));
}

TEST(RunShell, FailsWithoutDescriptors) {
    // The undefined behaviour sanitizer needs a pipe the first time that it meets a type: let it
    // meet those of the error's way before there are none.
    static_cast<void>(error_of([] { static_cast<void>(run(std::string(300'000, 'x'))); }));
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit none{3, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
    const std::string error = error_of([] { static_cast<void>(run("true")); });
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(error, "cannot start the command: Too many open files");
}

TEST(RunShell, FailsWhenTheCommandIsTooLongForTheSystem) {
    const std::string error = error_of([] { static_cast<void>(run(std::string(300'000, 'x'))); });
    EXPECT_EQ(error, "cannot start the command: Argument list too long");
}

}  // namespace
}  // namespace dbbackup
