#include "archive/archive_writer.hpp"

#include "base/error.hpp"
#include "support/temporary_folder.hpp"
#include "sys/subprocess.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <random>
#include <thread>

namespace dbbackup {
namespace {

constexpr unsigned kJobs = 3;

class MemorySink final : public ByteSink {
public:
    void write(BytesView content) override {
        if (bytes.size() + content.size() > bytes_max) {
            throw StorageError("the sink is full");
        }
        bytes.insert(bytes.end(), content.begin(), content.end());
    }

    Bytes bytes;
    std::size_t bytes_max = 1'000'000'000;
};

/// As databases are: much that repeats, something that does not.
Bytes sample(std::size_t size_bytes) {
    std::mt19937 random(7);
    Bytes bytes(size_bytes);
    for (std::size_t at = 0; at < size_bytes; ++at) {
        bytes[at] = at % 64 < 16 ? static_cast<std::uint8_t>(random()) : std::uint8_t(at / 64 % 7);
    }
    return bytes;
}

ArchiveOptions options_of(std::string_view compression) {
    ArchiveOptions options;
    options.compression = Compression::parse(compression).value();
    options.jobs = kJobs;
    options.time = std::chrono::sys_days(std::chrono::year(2026) / 11 / 27) +
                   std::chrono::hours(9) + std::chrono::milliseconds(1500);
    return options;
}

/// Of several entries named as given, each of this content.
Bytes archive_of(std::string_view compression, const Bytes& content,
                 const std::vector<std::string>& names) {
    MemorySink sink;
    const auto writer = make_archive_writer(options_of(compression), sink, {});
    for (const std::string& name : names) {
        writer->begin_entry(name);
        // In parts that fit no block.
        for (std::size_t at = 0; at < content.size(); at += 300'007) {
            writer->write(BytesView(content).subspan(
                at, std::min<std::size_t>(300'007, content.size() - at)));
        }
        writer->end_entry();
    }
    writer->finish({});
    return sink.bytes;
}

/// What a standard tool, run by the shell, makes of a file with these bytes ("$F").
ProcessResult unpacked(const Bytes& archive, const std::string& command) {
    const TemporaryFolder folder;
    const std::filesystem::path file = folder.write("archive", as_text(archive));
    return run_shell(
        fmt::format("cd '{}' && F='{}' && {}", folder.path().native(), file.native(), command),
        std::chrono::seconds(60), 100'000'000, {});
}

class SingleFile : public testing::TestWithParam<const char*> {};

TEST_P(SingleFile, IsReadByTheStandardTool) {
    const std::string compression = GetParam();
    const std::string tool = compression.starts_with("gzip")   ? "gunzip -c < $F"
                             : compression.starts_with("zstd") ? "zstd -q -d -c $F"
                                                               : "cat $F";
    // Around the sizes of blocks and of the window, and what takes several blocks for each thread.
    for (const std::size_t size : {0U, 1U, 32'767U, 524'287U, 524'288U, 524'289U, 5'000'000U}) {
        const Bytes content = sample(size);
        const ProcessResult result = unpacked(archive_of(compression, content, {"x"}), tool);
        EXPECT_EQ(result.exit_status, 0) << result.errors;
        EXPECT_TRUE(result.output == content) << compression << ", " << size << " bytes";
    }
}

TEST_P(SingleFile, IsTheSameForTheSameContent) {
    const Bytes content = sample(3'000'000);
    EXPECT_TRUE(archive_of(GetParam(), content, {"x"}) == archive_of(GetParam(), content, {"x"}));
}

TEST_P(SingleFile, PassesOnWhatTheSinkThrows) {
    MemorySink sink;
    const Bytes content = sample(4'000'000);
    const auto write = [&] {
        const auto writer = make_archive_writer(options_of(GetParam()), sink, {});
        sink.bytes_max = 200'000;
        writer->begin_entry("x");
        writer->write(content);
        writer->end_entry();
        writer->finish({});
    };
    EXPECT_THROW(write(), StorageError);
}

TEST_P(SingleFile, StopsWhenToldTo) {
    MemorySink sink;
    std::stop_source stop;
    const Bytes content = sample(1'000'000);
    const auto writer = make_archive_writer(options_of(GetParam()), sink, stop.get_token());
    writer->begin_entry("x");
    writer->write(content);
    stop.request_stop();
    EXPECT_THROW(
        {
            writer->write(content);
            writer->end_entry();
            writer->finish({});
        },
        Cancelled);
}

INSTANTIATE_TEST_SUITE_P(ArchiveWriter, SingleFile,
                         testing::Values("gzip", "gzip:1", "gzip:9", "zstd", "zstd:1", "zstd:9",
                                         "none"));

TEST(ArchiveWriter, MakesOneGzipMemberHardlyLargerThanGzipDoes) {
    const Bytes content = sample(8'000'000);
    const Bytes archive = archive_of("gzip", content, {"x"});
    const ProcessResult theirs = unpacked(content, "gzip -6 -c < $F | wc -c");
    EXPECT_LT(archive.size(), std::stoull(std::string(as_text(theirs.output))) * 101 / 100);
    // The trailer has the size of the whole, so there is one member.
    const ProcessResult listed = unpacked(archive, "gzip -l < $F | tail -1");
    EXPECT_NE(as_text(listed.output).find(" 8000000 "), std::string_view::npos)
        << as_text(listed.output);
}

TEST(ArchiveWriter, MakesZipArchivesThatUnzipAndPythonRead) {
    const Bytes content = sample(3'000'000);
    const Bytes archive = archive_of("zip", content, {"shop.db", "eu/Bücher.db", "empty"});
    const ProcessResult tested = unpacked(archive, "unzip -tq $F 2>&1");
    EXPECT_EQ(tested.exit_status, 0) << as_text(tested.output);
    const ProcessResult one = unpacked(archive, "unzip -p $F eu/*");
    EXPECT_EQ(one.exit_status, 0) << one.errors;
    EXPECT_TRUE(one.output == content);
    const ProcessResult python =
        unpacked(archive,
                 "python3 -c 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); "
                 "assert z.testzip() is None; print(z.namelist(), z.infolist()[0].date_time, "
                 "z.infolist()[0].file_size)' $F");
    EXPECT_EQ(python.exit_status, 0) << python.errors;
    EXPECT_EQ(as_text(python.output),
              "['shop.db', 'eu/Bücher.db', 'empty', 'manifest.json'] "
              "(2026, 11, 27, 9, 0, 0) 3000000\n");
    const ProcessResult manifest = unpacked(archive, "unzip -p $F manifest.json");
    EXPECT_EQ(as_text(manifest.output), manifest_text({}));
}

TEST(ArchiveWriter, LetsOnlyTheOwnerReadWhatIsUnzipped) {
    const Bytes archive = archive_of("zip:1", sample(10), {"shop.db"});
    const ProcessResult result =
        unpacked(archive, "unzip -q $F shop.db && TZ=UTC stat -c '%a %y' shop.db");
    EXPECT_EQ(as_text(result.output), "600 2026-11-27 09:00:01.000000000 +0000\n") << result.errors;
}

}  // namespace
}  // namespace dbbackup
