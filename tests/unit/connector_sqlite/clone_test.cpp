#include "connector/sqlite/clone.hpp"

#include "support/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace dbbackup::sqlite {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Goal: the program that clones sees nothing of our secrets. Method: a `cp` of our own, which
/// writes down its environment.
TEST(Clone, TellsTheCopyingProgramNoSecret) {
    const TemporaryFolder folder;
    const auto seen = folder.path() / "seen";
    std::filesystem::create_directory(folder.path() / "bin");
    const auto program =
        folder.write("bin/cp", "#!/bin/sh\nenv > '" + seen.native() + "'\nexit 1\n");
    ASSERT_EQ(::chmod(program.c_str(), 0755), 0);
    const auto file = folder.write("a.db", "content");
    const std::string path = std::getenv("PATH");
    ::setenv("PATH", ((folder.path() / "bin").native() + ":" + path).c_str(), 1);
    ::setenv("DB_BACKUP_PASSPHRASE", "secret-1", 1);
    ::setenv("DB_BACKUP_REPOSITORY", "kept-value", 1);
    EXPECT_FALSE(clone_file(file, folder.path()));
    ::setenv("PATH", path.c_str(), 1);
    ::unsetenv("DB_BACKUP_PASSPHRASE");
    ::unsetenv("DB_BACKUP_REPOSITORY");
    const std::string text = folder.read("seen");
    EXPECT_THAT(text, HasSubstr("kept-value"));
    EXPECT_THAT(text, Not(HasSubstr("secret-1")));
}

}  // namespace
}  // namespace dbbackup::sqlite
