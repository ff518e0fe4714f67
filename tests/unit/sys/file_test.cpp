/// @file
/// Files on a real file system: every promise of file.hpp, and each way a call can fail. The tests
/// may run as root, so failures are made by kinds of files and by limits, not by permissions.

#include "sys/file.hpp"

#include "support/file_size_limit.hpp"
#include "support/temporary_folder.hpp"
#include "sys/file_error.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <limits>

namespace dbbackup {
namespace {

using testing::HasSubstr;

/// Runs `action`, which must fail, and returns its error.
template <class Action>
FileError error_of(Action action) {
    try {
        action();
    } catch (const FileError& error) {
        return error;
    }
    ADD_FAILURE() << "nothing was thrown";
    return {"", "", 0};
}

unsigned permissions_of(const std::filesystem::path& path) {
    struct stat status{};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    return status.st_mode & 07777U;
}

std::size_t entries(const std::filesystem::path& folder) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder),
                                                  std::filesystem::directory_iterator()));
}

TEST(File, ReadsBackWhatWasWrittenAtAnOffset) {
    const TemporaryFolder folder;
    File file = File::open(folder.path() / "a", File::Mode::write_new);
    file.write_at(3, as_bytes("world"));
    file.write_at(0, as_bytes("abc"));
    file.sync();
    EXPECT_EQ(file.size_bytes(), 8U);
    std::array<std::uint8_t, 16> buffer{};
    EXPECT_EQ(file.read_at(1, buffer), 7U);
    EXPECT_EQ(as_text(buffer).substr(0, 7), "bcworld");
    EXPECT_EQ(file.read_at(8, buffer), 0U);
    EXPECT_EQ(file.read_at(100, buffer), 0U);
}

TEST(File, NewFilesArePrivateAndNotInherited) {
    const TemporaryFolder folder;
    const File file = File::open(folder.path() / "a", File::Mode::write_new);
    EXPECT_EQ(permissions_of(folder.path() / "a"), 0600U);
    EXPECT_NE(::fcntl(file.descriptor(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(File, NewFileRefusesATakenNameAndKeepsIt) {
    const TemporaryFolder folder;
    const auto path = folder.write("a", "old");
    const FileError error = error_of([&] { File::open(path, File::Mode::write_new); });
    EXPECT_EQ(error.error_number(), EEXIST);
    EXPECT_EQ(error.what(), "cannot create " + path.native() + ": File exists");
    EXPECT_EQ(folder.read("a"), "old");
}

TEST(File, OpeningAMissingFileNamesIt) {
    const TemporaryFolder folder;
    for (const File::Mode mode : {File::Mode::read, File::Mode::read_write}) {
        const FileError error = error_of([&] { File::open(folder.path() / "none", mode); });
        EXPECT_EQ(error.error_number(), ENOENT);
        EXPECT_THAT(error.what(), HasSubstr("none"));
        EXPECT_FALSE(error.is_full_disk());
    }
}

TEST(File, ReadOnlyFilesCannotBeChanged) {
    const TemporaryFolder folder;
    File file = File::open(folder.write("a", "abc"), File::Mode::read);
    EXPECT_EQ(error_of([&] { file.write_at(0, as_bytes("x")); }).error_number(), EBADF);
    EXPECT_EQ(error_of([&] { file.truncate(0); }).error_number(), EINVAL);
    EXPECT_EQ(folder.read("a"), "abc");
}

TEST(File, ReadWriteChangesInPlaceAndTruncates) {
    const TemporaryFolder folder;
    File file = File::open(folder.write("a", "abcdef"), File::Mode::read_write);
    file.write_at(1, as_bytes("X"));
    file.truncate(3);
    EXPECT_EQ(folder.read("a"), "aXc");
    file.truncate(4);
    EXPECT_EQ(folder.read("a"), std::string("aXc\0", 4));
}

TEST(File, ReadingADirectoryFails) {
    const TemporaryFolder folder;
    const File file = File::open(folder.path(), File::Mode::read);
    std::array<std::uint8_t, 4> buffer{};
    EXPECT_EQ(error_of([&] { static_cast<void>(file.read_at(0, buffer)); }).error_number(), EISDIR);
}

TEST(File, AFullDeviceFailsTheWrite) {
    File full = File::open("/dev/full", File::Mode::read_write);
    const FileError error = error_of([&] { full.write_at(0, as_bytes("x")); });
    EXPECT_TRUE(error.is_full_disk());
    EXPECT_THAT(error.what(), HasSubstr("cannot write /dev/full"));
}

TEST(File, AShortWriteThatCannotContinueFails) {
    const TemporaryFolder folder;
    File file = File::open(folder.path() / "a", File::Mode::write_new);
    const FileSizeLimit limit(10);
    // The system writes 10 bytes and only then refuses.
    const FileError error = error_of([&] { file.write_at(0, Bytes(100)); });
    EXPECT_EQ(error.error_number(), EFBIG);
    EXPECT_TRUE(error.is_full_disk());
    EXPECT_EQ(file.size_bytes(), 10U);
    EXPECT_TRUE(error_of([&] { file.truncate(1000); }).is_full_disk());
}

TEST(File, OffsetsBeyondTheSystemsAreErrors) {
    const TemporaryFolder folder;
    File file = File::open(folder.path() / "a", File::Mode::write_new);
    constexpr std::uint64_t kBeyond = std::numeric_limits<std::uint64_t>::max() - 1;
    std::array<std::uint8_t, 4> buffer{};
    EXPECT_THROW(static_cast<void>(file.read_at(kBeyond, buffer)), FileError);
    EXPECT_THROW(file.write_at(kBeyond, as_bytes("x")), FileError);
    EXPECT_THROW(file.truncate(kBeyond), FileError);
}

TEST(File, ReservedRoomChangesNeitherSizeNorContent) {
    const TemporaryFolder folder;
    File file = File::open(folder.path() / "file", File::Mode::write_new);
    file.write_at(0, Bytes(10, 7));
    file.reserve(0, 1 << 20);
    EXPECT_EQ(file.size_bytes(), 10U);
    struct stat status{};
    ASSERT_EQ(::fstat(file.descriptor(), &status), 0);
    EXPECT_GE(status.st_blocks * 512, 1 << 20) << "not reserved: a file system without fallocate?";
    EXPECT_EQ(read_file(folder.path() / "file", 100), Bytes(10, 7));
}

TEST(File, ARefusedReservationIsNoFailure) {
    File device = File::open("/dev/null", File::Mode::read_write);
    device.reserve(0, 1 << 20);
    device.reserve(0, 0);
    device.reserve(std::numeric_limits<std::uint64_t>::max(), 1);
    device.write_at(0, Bytes(1));
}

TEST(File, SyncFailsWhereThereIsNothingToSync) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const File read_end = File::adopt(ends[0], "pipe");
    File write_end = File::adopt(ends[1], "pipe");
    EXPECT_EQ(error_of([&] { write_end.sync(); }).error_number(), EINVAL);
}

TEST(File, CloseReportsABadDescriptorAndIsDoneOnce) {
    const TemporaryFolder folder;
    File file = File::open(folder.write("a", "abc"), File::Mode::read);
    ::close(file.descriptor());
    EXPECT_EQ(error_of([&] { file.close(); }).error_number(), EBADF);
    EXPECT_NO_THROW(file.close());
    EXPECT_THROW(static_cast<void>(file.size_bytes()), FileError);
}

TEST(File, MovingHandsTheDescriptorOver) {
    const TemporaryFolder folder;
    File first = File::open(folder.write("a", "abc"), File::Mode::read);
    const int descriptor = first.descriptor();
    File second = std::move(first);
    EXPECT_EQ(second.descriptor(), descriptor);
    File third = File::open(folder.write("b", "xyz"), File::Mode::read);
    const int replaced = third.descriptor();
    third = std::move(second);
    EXPECT_EQ(third.descriptor(), descriptor);
    EXPECT_EQ(::fcntl(replaced, F_GETFD), -1) << "the file that was replaced is still open";
}

TEST(File, TemporaryFilesHaveNoName) {
    const TemporaryFolder folder;
    File file = File::temporary(folder.path());
    file.write_at(0, as_bytes("abc"));
    EXPECT_EQ(file.size_bytes(), 3U);
    EXPECT_EQ(entries(folder.path()), 0U);
    EXPECT_EQ(error_of([&] { File::temporary(folder.path() / "none"); }).error_number(), ENOENT);
}

TEST(File, AnUnnamedFileGetsItsNameOnceAndReplacesNothing) {
    const TemporaryFolder folder;
    const auto free_name = folder.path() / "free";
    const auto taken_name = folder.path() / "taken";
    std::optional<File> file = File::unnamed(folder.path());
    if (!file) {
        GTEST_SKIP() << "no files without a name here";
    }
    file->write_at(0, as_bytes("content"));
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
    EXPECT_EQ(permissions_of("/proc/self/fd/" + std::to_string(file->descriptor())), 0600U);
    File::open(taken_name, File::Mode::write_new).write_at(0, as_bytes("precious"));
    EXPECT_FALSE(name_file(*file, taken_name));
    EXPECT_EQ(as_text(*read_file(taken_name, 100)), "precious");
    EXPECT_TRUE(name_file(*file, free_name));
    EXPECT_EQ(as_text(*read_file(free_name, 100)), "content");
    EXPECT_EQ(error_of([&] {
                  static_cast<void>(name_file(*file, folder.path() / "none/x"));
              }).error_number(),
              ENOENT);
}

TEST(File, UnnamedFilesNeedAFolderAndAFileSystemThatKnowsThem) {
    const TemporaryFolder folder;
    EXPECT_EQ(
        error_of([&] { static_cast<void>(File::unnamed(folder.path() / "none")); }).error_number(),
        ENOENT);
    EXPECT_FALSE(File::unnamed("/proc").has_value());
}

TEST(ReadFile, ReadsWholeFilesAndTellsAbsence) {
    const TemporaryFolder folder;
    const std::string content(200'000, 'x');
    EXPECT_EQ(read_file(folder.write("a", content), 200'000),
              Bytes(content.begin(), content.end()));
    EXPECT_EQ(read_file(folder.write("empty", ""), 0), Bytes());
    EXPECT_EQ(read_file(folder.path() / "none", 10), std::nullopt);
}

TEST(ReadFile, RefusesMoreThanItsLimit) {
    const TemporaryFolder folder;
    const auto path = folder.write("a", "12345");
    EXPECT_TRUE(read_file(path, 5));
    const FileError error = error_of([&] { static_cast<void>(read_file(path, 4)); });
    EXPECT_EQ(error.error_number(), EFBIG);
    EXPECT_THAT(error.what(), HasSubstr("more than 4 bytes"));
    EXPECT_THROW(static_cast<void>(read_file("/dev/zero", 1000)), FileError);
}

TEST(ReadFile, ReadsFilesThatTellNoSize) {
    EXPECT_GT(read_file("/proc/self/status", 100'000).value_or(Bytes()).size(), 0U);
}

TEST(ReadFile, ADirectoryOrAFileInItsPathIsAnError) {
    const TemporaryFolder folder;
    EXPECT_EQ(error_of([&] { static_cast<void>(read_file(folder.path(), 10)); }).error_number(),
              EISDIR);
    const auto file = folder.write("a", "x");
    EXPECT_EQ(error_of([&] { static_cast<void>(read_file(file / "b", 10)); }).error_number(),
              ENOTDIR);
}

TEST(ReplaceFile, WritesNewAndReplacesOldContent) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "a";
    replace_file(path, as_bytes("one"), 0640);
    EXPECT_EQ(folder.read("a"), "one");
    EXPECT_EQ(permissions_of(path), 0640U);
    replace_file(path, as_bytes("2"), 0600);
    EXPECT_EQ(folder.read("a"), "2");
    EXPECT_EQ(permissions_of(path), 0600U);
    EXPECT_EQ(entries(folder.path()), 1U);
}

TEST(ReplaceFile, LeavesTheOldFileAndNoRestWhenItFails) {
    const TemporaryFolder folder;
    const auto path = folder.write("a", "old");
    {
        const FileSizeLimit limit(2);
        EXPECT_TRUE(error_of([&] { replace_file(path, as_bytes("longer"), 0600); }).is_full_disk());
    }
    EXPECT_EQ(folder.read("a"), "old");
    EXPECT_EQ(entries(folder.path()), 1U);

    std::filesystem::create_directory(folder.path() / "taken");
    const FileError error =
        error_of([&] { replace_file(folder.path() / "taken", as_bytes("x"), 0600); });
    EXPECT_EQ(error.error_number(), EISDIR);
    EXPECT_EQ(entries(folder.path()), 2U);
    EXPECT_EQ(error_of([&] {
                  replace_file(folder.path() / "none" / "a", as_bytes("x"), 0600);
              }).error_number(),
              ENOENT);
}

TEST(SyncDirectory, AcceptsFoldersOnly) {
    const TemporaryFolder folder;
    EXPECT_NO_THROW(sync_directory(folder.path()));
    EXPECT_NO_THROW(sync_directory("/proc"));  // cannot be synced, and says EINVAL
    EXPECT_EQ(error_of([&] { sync_directory(folder.write("a", "")); }).error_number(), ENOTDIR);
    EXPECT_EQ(error_of([&] { sync_directory(folder.path() / "none"); }).error_number(), ENOENT);
}

/// Both ways of renaming keep the same promise.
class RenameNoReplace : public testing::TestWithParam<bool (*)(const std::filesystem::path&,
                                                               const std::filesystem::path&)> {};

TEST_P(RenameNoReplace, MovesToAFreeName) {
    const TemporaryFolder folder;
    EXPECT_TRUE(GetParam()(folder.write("a", "x"), folder.path() / "b"));
    EXPECT_EQ(folder.read("b"), "x");
    EXPECT_EQ(entries(folder.path()), 1U);
}

TEST_P(RenameNoReplace, KeepsBothWhenTheNameIsTaken) {
    const TemporaryFolder folder;
    const auto from = folder.write("a", "new");
    const auto to = folder.write("b", "old");
    EXPECT_FALSE(GetParam()(from, to));
    EXPECT_EQ(folder.read("a"), "new");
    EXPECT_EQ(folder.read("b"), "old");
}

TEST_P(RenameNoReplace, FailsWithoutASource) {
    const TemporaryFolder folder;
    const auto rename = [&] {
        static_cast<void>(GetParam()(folder.path() / "none", folder.path() / "b"));
    };
    const FileError error = error_of(rename);
    EXPECT_EQ(error.error_number(), ENOENT);
    EXPECT_THAT(error.what(), HasSubstr("none"));
}

INSTANTIATE_TEST_SUITE_P(BothWays, RenameNoReplace,
                         testing::Values(&rename_no_replace, &rename_by_link));

TEST(RenameByLink, FinishesARenameWhoseAnswerGotLost) {
    const TemporaryFolder folder;
    const auto from = folder.write("a", "x");
    std::filesystem::create_hard_link(from, folder.path() / "b");
    EXPECT_TRUE(rename_by_link(from, folder.path() / "b"));
    EXPECT_EQ(entries(folder.path()), 1U);
}

TEST(FreeBytes, TellsSpaceOrFails) {
    const TemporaryFolder folder;
    EXPECT_GT(free_bytes(folder.path()), 0U);
    EXPECT_EQ(
        error_of([&] { static_cast<void>(free_bytes(folder.path() / "none")); }).error_number(),
        ENOENT);
}

}  // namespace
}  // namespace dbbackup
