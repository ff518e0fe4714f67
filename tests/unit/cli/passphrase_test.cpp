#include "cli/passphrase.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

TEST(Passphrase, ComesFromOneVariable) {
    EXPECT_FALSE(environment_passphrase({}).is_set());
    EXPECT_FALSE(environment_passphrase({{"DB_BACKUP_PASSPHRASE", ""}}).is_set());
    EXPECT_EQ(environment_passphrase({{"DB_BACKUP_PASSPHRASE", "secret"}}).environment,
              "DB_BACKUP_PASSPHRASE");
    EXPECT_EQ(environment_passphrase({{"DB_BACKUP_PASSPHRASE_FILE", "/a"}}).file, "/a");
    EXPECT_EQ(environment_passphrase({{"DB_BACKUP_PASSPHRASE_COMMAND", "pass"}}).command, "pass");
}

TEST(Passphrase, IsNotCopiedOutOfTheEnvironment) {
    EXPECT_FALSE(environment_passphrase({{"DB_BACKUP_PASSPHRASE", "secret"}}).value);
}

TEST(Passphrase, RefusesSeveralVariables) {
    try {
        static_cast<void>(environment_passphrase(
            {{"DB_BACKUP_PASSPHRASE", "secret"}, {"DB_BACKUP_PASSPHRASE_FILE", "/a"}}));
        FAIL() << "accepted";
    } catch (const ConfigError& error) {
        EXPECT_EQ(error.code(), "passphrase_ambiguous");
        EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos);
    }
}

}  // namespace
}  // namespace dbbackup
