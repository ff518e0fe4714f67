#include "repository/known_repository.hpp"

#include "base/error.hpp"
#include "repository_place.hpp"
#include "support/faulty_storage.hpp"
#include "support/temporary_folder.hpp"
#include "sys/file.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

class KnownRepositoryTest : public testing::Test {
protected:
    /// Opens what stands on `disk` as a new process of this machine; returns its warnings.
    std::string open(MemoryStorage& disk) {
        const std::filesystem::path log_file = folder_.path() / "log";
        std::filesystem::remove(log_file);
        LogOptions to_file;
        to_file.stderr_level = LogLevel::off;
        to_file.file_level = LogLevel::warning;
        to_file.file = log_file;
        Log log(to_file);
        OpenOptions options;
        options.state_folder = state();
        static_cast<void>(Repository::open(std::make_unique<FaultyStorage>(disk, Faults{}),
                                           sample_unlock(), options, log, {}));
        return std::string(as_text(read_file(log_file, 1'000'000).value_or(Bytes())));
    }
    [[nodiscard]] std::filesystem::path state() const { return folder_.path() / "state"; }

    TemporaryFolder folder_;
};

TEST_F(KnownRepositoryTest, TheSameOneIsNoNews) {
    MemoryStorage disk;
    make_repository(disk, Encryption::keyfile);
    EXPECT_EQ(open(disk), "");
    EXPECT_EQ(open(disk), "");
}

TEST_F(KnownRepositoryTest, AnUnencryptedOneInThePlaceOfAnEncryptedOneIsRefused) {
    MemoryStorage encrypted;
    make_repository(encrypted, Encryption::keyfile);
    open(encrypted);
    MemoryStorage plain;
    make_repository(plain, Encryption::none);
    for (unsigned attempt = 0; attempt < 2; ++attempt) {
        try {
            open(plain);
            FAIL() << "somebody may have replaced it";
        } catch (const WrongKeyError& error) {
            EXPECT_EQ(error.code(), "not_encrypted");
            EXPECT_NE(error.hint().find(state().native()), std::string::npos) << error.hint();
        }
    }
    EXPECT_EQ(open(encrypted), "") << "the one that is known still opens";
    std::filesystem::remove_all(state() / "known-repositories");
    EXPECT_EQ(open(plain), "") << "what the hint says helps";
}

TEST_F(KnownRepositoryTest, AnotherOneIsWorthAWarningOnce) {
    MemoryStorage first;
    make_repository(first, Encryption::none);
    open(first);
    MemoryStorage second;
    make_repository(second, Encryption::keyfile);
    EXPECT_NE(open(second).find("another repository stands here"), std::string::npos);
    EXPECT_EQ(open(second), "");
}

/// Two disks take turns at one mount point: both are known after a while.
TEST_F(KnownRepositoryTest, DisksMayTakeTurns) {
    MemoryStorage plain;
    make_repository(plain, Encryption::none);
    MemoryStorage encrypted;
    make_repository(encrypted, Encryption::keyfile);
    EXPECT_EQ(open(plain), "");
    EXPECT_NE(open(encrypted), "");
    for (unsigned turn = 0; turn < 3; ++turn) {
        EXPECT_EQ(open(plain), "");
        EXPECT_EQ(open(encrypted), "");
    }
}

TEST_F(KnownRepositoryTest, ANewOneIsNotMadeUnaskedWhereOneWas) {
    for (const Encryption encryption : {Encryption::none, Encryption::keyfile}) {
        MemoryStorage disk;
        make_repository(disk, encryption);
        const std::string url = disk.url();
        std::filesystem::remove_all(state() / "known-repositories");
        EXPECT_NO_THROW(KnownRepository(state(), url).check_new("db-backup init"));
        open(disk);
        try {
            KnownRepository(state(), url).check_new("db-backup init");
            FAIL() << "a new repository would hide that the old one is gone";
        } catch (const RepositoryMissingError& error) {
            EXPECT_EQ(error.code(), "repository_gone");
            EXPECT_NE(error.hint().find("db-backup init"), std::string::npos);
        }
        EXPECT_NO_THROW(KnownRepository(state(), url + "/other").check_new("db-backup init"));
        EXPECT_NO_THROW(KnownRepository(std::nullopt, url).check_new("db-backup init"));
    }
}

TEST_F(KnownRepositoryTest, ADamagedMemoryIsNone) {
    MemoryStorage disk;
    make_repository(disk, Encryption::keyfile);
    open(disk);
    for (const auto& file : std::filesystem::directory_iterator(state() / "known-repositories")) {
        replace_file(file.path(), as_bytes("what is this\n"), 0600);
    }
    MemoryStorage plain;
    make_repository(plain, Encryption::none);
    EXPECT_EQ(open(plain), "");
}

}  // namespace
}  // namespace dbbackup
