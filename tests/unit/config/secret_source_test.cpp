#include "base/error.hpp"
#include "config/config.hpp"
#include "support/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <thread>

namespace dbbackup {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string fetched(const SecretSource& source) {
    const Secret secret = source.fetch("passphrase of repository main", {});
    return std::string(as_text(secret.bytes()));
}

std::string problem_of(const SecretSource& source) {
    try {
        static_cast<void>(fetched(source));
    } catch (const ConfigError& error) {
        EXPECT_EQ(error.code(), "secret_unavailable");
        EXPECT_THAT(error.what(), HasSubstr("passphrase of repository main"));
        return error.what();
    }
    return "nothing was thrown";
}

TEST(SecretSource, FetchesFromEachPlace) {
    const TemporaryFolder folder;
    EXPECT_EQ(fetched({.value = "a b"}), "a b");
    EXPECT_EQ(fetched({.file = folder.write("s", "one\r\n")}), "one");
    EXPECT_EQ(fetched({.file = folder.write("t", "two \n")}), "two ");
    EXPECT_EQ(fetched({.file = folder.write("u", "two")}), "two");
    EXPECT_EQ(fetched({.command = "echo three"}), "three");
    EXPECT_EQ(fetched({.environment = "X", .environment_value = "four"}), "four");
    ::setenv("DB_BACKUP_TEST_SECRET", "five\n", 1);
    EXPECT_EQ(fetched({.environment = "DB_BACKUP_TEST_SECRET"}), "five\n");
    ::unsetenv("DB_BACKUP_TEST_SECRET");
}

TEST(SecretSource, SaysWhyThereIsNoSecret) {
    const TemporaryFolder folder;
    const std::string missing = folder.path() / "none";
    EXPECT_THAT(problem_of({}), HasSubstr("none is configured"));
    EXPECT_THAT(problem_of({.file = missing}), HasSubstr("there is no file " + missing));
    EXPECT_THAT(problem_of({.file = folder.path()}), HasSubstr("Is a directory"));
    EXPECT_THAT(problem_of({.file = folder.write("large", std::string(100'000, 'x'))}),
                HasSubstr("more than"));
    EXPECT_THAT(problem_of({.environment = "DB_BACKUP_TEST_NO_SUCH"}),
                HasSubstr("DB_BACKUP_TEST_NO_SUCH is not set"));
    EXPECT_THAT(problem_of({.command = "exit 3"}), HasSubstr("exit status 3"));
    EXPECT_THAT(problem_of({.command = "cat /dev/zero"}), HasSubstr("wrote more than"));
}

TEST(SecretSource, RefusesEmptySecrets) {
    const TemporaryFolder folder;
    EXPECT_THAT(problem_of({.value = ""}), HasSubstr("it is empty"));
    EXPECT_THAT(problem_of({.file = folder.write("s", "\n")}), HasSubstr("it is empty (file "));
    EXPECT_THAT(problem_of({.command = "true"}), HasSubstr("it is empty (command)"));
    EXPECT_THAT(problem_of({.environment = "X", .environment_value = ""}),
                HasSubstr("it is empty (environment variable X)"));
}

TEST(SecretSource, RefusesMoreThanOneLine) {
    const TemporaryFolder folder;
    for (const char* text : {"two\n\n", "two\nthree", "two\r\nthree\r\n", "\ntwo\n"}) {
        const std::filesystem::path path = folder.write("s", text);
        const std::string problem = problem_of({.file = path});
        EXPECT_THAT(problem, HasSubstr("the file " + path.native() + " has more than one line"));
        EXPECT_THAT(problem, Not(HasSubstr("two")));
    }
    EXPECT_THAT(problem_of({.command = "printf 'two\\nthree\\n'"}),
                HasSubstr("the command printed more than one line"));
}

TEST(SecretSource, ReadsPipesWithoutHangingOnThem) {
    const TemporaryFolder folder;
    const std::filesystem::path fifo = folder.path() / "fifo";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    {
        std::jthread writer([&fifo] { std::ofstream(fifo) << "hunter2\n"; });
        EXPECT_EQ(fetched({.file = fifo}), "hunter2");
    }
    std::stop_source stop;
    stop.request_stop();
    const SecretSource nobody_writes{.file = fifo};
    EXPECT_THROW(static_cast<void>(nobody_writes.fetch("passphrase", stop.get_token())), Cancelled);
}

TEST(SecretSource, NeverShowsWhatACommandComplained) {
    EXPECT_THAT(problem_of({.command = "echo hunter2 >&2; exit 1"}), Not(HasSubstr("hunter2")));
}

TEST(SecretSource, NeverShowsTheSecret) {
    EXPECT_THAT(problem_of({.command = "echo hunter2; echo got hunter2 >&2; exit 1"}),
                Not(HasSubstr("hunter2")));
    EXPECT_EQ((SecretSource{.value = "hunter2"}).where(), "given value");
    EXPECT_EQ((SecretSource{.command = "echo hunter2"}).where(), "command");
    EXPECT_EQ((SecretSource{.file = "/etc/x"}).where(), "file /etc/x");
}

TEST(SecretSource, StopsWaitingForACommand) {
    std::stop_source stop;
    stop.request_stop();
    const SecretSource source{.command = "sleep 600"};
    EXPECT_THROW(static_cast<void>(source.fetch("passphrase", stop.get_token())), Cancelled);
}

}  // namespace
}  // namespace dbbackup
