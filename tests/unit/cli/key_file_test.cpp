#include "cli/key_file.hpp"

#include "base/error.hpp"
#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

namespace dbbackup {
namespace {

void write_text(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

TEST(KeyFile, IsPrivateAndReadsBack) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "key";
    const Secret made = make_key_file(path);
    const Secret read = read_key_file(path);
    EXPECT_EQ(made.bytes().size(), 32U);
    EXPECT_TRUE(std::ranges::equal(made.bytes(), read.bytes()));
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    EXPECT_EQ(status.st_size, 65);
}

TEST(KeyFile, IsNeverOverwritten) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "key";
    write_text(path, "precious");
    EXPECT_THROW(static_cast<void>(make_key_file(path)), ConfigError);
    std::string content;
    std::ifstream(path) >> content;
    EXPECT_EQ(content, "precious");
}

TEST(KeyFile, LeavesNothingBesideIt) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "key";
    static_cast<void>(make_key_file(path));
    EXPECT_THROW(static_cast<void>(make_key_file(path)), ConfigError);
    const std::filesystem::directory_iterator files(folder.path());
    EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST(KeyFile, DrawsADifferentKeyEachTime) {
    const TemporaryFolder folder;
    EXPECT_FALSE(std::ranges::equal(make_key_file(folder.path() / "a").bytes(),
                                    make_key_file(folder.path() / "b").bytes()));
}

TEST(KeyFile, RefusesOtherFormsAndPlaces) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "key";
    EXPECT_THROW(static_cast<void>(read_key_file(path)), ConfigError) << "missing";
    for (const std::string& text :
         {std::string(), std::string("abcd\n"), std::string(64, 'x'), std::string(66, 'a'),
          std::string(32, '\0'), std::string(10'000, 'a')}) {
        write_text(path, text);
        EXPECT_THROW(static_cast<void>(read_key_file(path)), ConfigError) << text.size();
    }
    EXPECT_THROW(static_cast<void>(read_key_file(folder.path())), ConfigError) << "a folder";
    EXPECT_THROW(static_cast<void>(make_key_file(folder.path() / "no" / "key")), ConfigError);
}

}  // namespace
}  // namespace dbbackup
