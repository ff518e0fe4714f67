#include "base/error.hpp"

#include <gtest/gtest.h>

#include <set>

namespace dbbackup {
namespace {

TEST(Error, CarriesMessageContextAndHint) {
    try {
        try {
            throw explained<StorageError>("cannot put a", "Free some space.", "disk_full");
        } catch (Error& error) {
            error.add_context("writing pack 1");
            error.add_context("backing up shop");
            throw;
        }
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(), "cannot put a");
        EXPECT_EQ(error.context(), (std::vector<std::string>{"writing pack 1", "backing up shop"}));
        EXPECT_EQ(error.hint(), "Free some space.");
        EXPECT_EQ(error.code(), "disk_full");
        EXPECT_EQ(error.exit_code(), ExitCode::storage);
    }
}

TEST(Error, IsPermanentUnlessSaidOtherwise) {
    EXPECT_EQ(StorageError("x").retry(), Retry::never);
    EXPECT_EQ(StorageError("x", Retry::may_help).retry(), Retry::may_help);
}

TEST(Error, ClassesHaveTheirExitCodes) {
    EXPECT_EQ(Error("").exit_code(), ExitCode::failure);
    EXPECT_EQ(ConfigError("").exit_code(), ExitCode::usage);
    EXPECT_EQ(SourceError("").exit_code(), ExitCode::source);
    EXPECT_EQ(StorageError("").exit_code(), ExitCode::storage);
    EXPECT_EQ(RepositoryError("").exit_code(), ExitCode::repository);
    EXPECT_EQ(RepositoryMissingError("").exit_code(), ExitCode::repository_missing);
    EXPECT_EQ(WrongKeyError("").exit_code(), ExitCode::wrong_key);
    EXPECT_EQ(CorruptionError("").exit_code(), ExitCode::corruption);
}

TEST(Error, KindsOfRepositoryErrorsAreRepositoryErrors) {
    EXPECT_THROW(throw WrongKeyError("x"), RepositoryError);
    EXPECT_THROW(throw CorruptionError("x"), RepositoryError);
    EXPECT_THROW(throw RepositoryMissingError("x"), RepositoryError);
}

TEST(Error, CancellationIsNotAnError) {
    EXPECT_FALSE((std::is_base_of_v<Error, Cancelled>));
    EXPECT_STREQ(Cancelled().what(), "cancelled");
}

TEST(Error, TheCodeDefaultsToTheNameOfTheExitCode) {
    EXPECT_EQ(WrongKeyError("x").code(), "wrong_key");
    std::set<std::string_view> names;
    for (const int number : {0, 1, 2, 3, 10, 12, 13, 14, 20, 30, 130}) {
        names.insert(exit_code_name(static_cast<ExitCode>(number)));
    }
    EXPECT_EQ(names.size(), 11U) << "two exit codes share a name";
    EXPECT_EQ(exit_code_name(static_cast<ExitCode>(99)), "failure");
}

}  // namespace
}  // namespace dbbackup
