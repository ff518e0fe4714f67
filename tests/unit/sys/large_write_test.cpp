#include "base/units.hpp"
#include "support/temporary_folder.hpp"
#include "sys/direct_writer.hpp"
#include "sys/file.hpp"
#include "sys/file_error.hpp"
#include "sys/write_behind.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <thread>
#include <vector>

namespace dbbackup {
namespace {

constexpr std::uint64_t kFileBytesMax = 64_MiB;

Bytes numbered(std::size_t count) {
    Bytes bytes(count);
    for (std::size_t at = 0; at < count; ++at) {
        bytes[at] = static_cast<std::uint8_t>((at * 2'654'435'761U) >> 13U);
    }
    return bytes;
}

/// Writes in pieces from `thread_count` threads, the way workers do, and reads it all again.
template <class Writer, class... Arguments>
Bytes written(const std::filesystem::path& path, const Bytes& content, std::size_t piece,
              std::size_t thread_count, Arguments... arguments) {
    File file = File::open(path, File::Mode::write_new);
    {
        Writer writer(file, arguments...);
        std::vector<std::jthread> threads;
        for (std::size_t thread = 0; thread < thread_count; ++thread) {
            threads.emplace_back([&, thread] {
                for (std::size_t at = thread * piece; at < content.size();
                     at += thread_count * piece) {
                    writer.write_at(
                        at, BytesView(content).subspan(at, std::min(piece, content.size() - at)));
                }
            });
        }
    }
    file.sync();
    EXPECT_EQ(::fcntl(file.descriptor(), F_GETFL) & O_DIRECT, 0)
        << "reads would have to be aligned";
    return read_file(path, kFileBytesMax).value();
}

class LargeWrite : public testing::Test {
protected:
    TemporaryFolder folder_;
    std::filesystem::path path_ = folder_.path() / "file";
};

TEST_F(LargeWrite, DirectGivesBackEveryByteWhateverTheSizes) {
    for (const std::size_t size : {0U, 1U, 4096U, 2'097'152U, 2'097'153U, 9'000'000U}) {
        for (const std::size_t piece : {2'097'152U, 1'000'000U, 4096U * 3U, 3'000'001U}) {
            SCOPED_TRACE(testing::Message() << size << " bytes by " << piece);
            const Bytes content = numbered(size);
            EXPECT_TRUE(written<DirectWriter>(path_, content, piece, 1, size) == content);
            std::filesystem::remove(path_);
        }
    }
}

TEST_F(LargeWrite, BehindGivesBackEveryByteWhateverTheSizes) {
    for (const std::size_t piece : {100'000U, 262'144U, 1'000'001U}) {
        const Bytes content = numbered(30'000'000);
        EXPECT_TRUE(written<WriteBehind>(path_, content, piece, 3) == content) << piece;
        std::filesystem::remove(path_);
    }
}

TEST_F(LargeWrite, FailuresAreToldAtOnce) {
    File full = File::adopt(::open("/dev/full", O_RDWR | O_CLOEXEC), "/dev/full");
    EXPECT_THROW(WriteBehind(full).write_at(0, numbered(10)), FileError);
    EXPECT_THROW(DirectWriter(full, 4_MiB).write_at(0, numbered(4'194'304)), FileError);
}

}  // namespace
}  // namespace dbbackup
