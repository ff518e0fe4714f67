#include "archive/archive_reader.hpp"

#include "archive/archive_writer.hpp"
#include "archive/sqlite_image.hpp"
#include "base/error.hpp"
#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace dbbackup {
namespace {

class MemorySink final : public ByteSink {
public:
    void write(BytesView content) override {
        bytes.insert(bytes.end(), content.begin(), content.end());
    }
    Bytes bytes;
};

/// The beginning of a SQLite file, and noise.
Bytes sample(std::size_t size_bytes) {
    std::mt19937 random(3);
    Bytes bytes(size_bytes);
    for (std::uint8_t& each : bytes) {
        each = static_cast<std::uint8_t>(random() % 40);
    }
    const BytesView magic = as_bytes(std::string_view("SQLite format 3\0", 16));
    std::copy(magic.begin(), magic.end(), bytes.begin());
    return bytes;
}

Bytes archive_of(std::string_view compression, const Bytes& content) {
    MemorySink sink;
    ArchiveOptions options;
    options.compression = Compression::parse(compression).value();
    const auto writer = make_archive_writer(options, sink, {});
    ArchiveManifest manifest;
    manifest.databases.push_back({"main", "shop.sqlite", content.size(), sha256(content)});
    writer->begin_entry("shop.sqlite");
    writer->write(content);
    writer->end_entry();
    writer->finish(manifest);
    return sink.bytes;
}

/// What a reader makes of these bytes.
Bytes read(const Bytes& archive, const TemporaryFolder& folder) {
    const File file = File::open(folder.write("archive", as_text(archive)), File::Mode::read);
    const ArchiveReader reader(file);
    Bytes content;
    reader.decode(
        0, [&](BytesView part) { content.insert(content.end(), part.begin(), part.end()); }, {});
    return content;
}

class Packed : public testing::TestWithParam<const char*> {
protected:
    TemporaryFolder folder_;
};

TEST_P(Packed, ComesBackAsItWas) {
    const Bytes content = sample(3'000'000);
    EXPECT_TRUE(read(archive_of(GetParam(), content), folder_) == content);
}

TEST_P(Packed, IsRefusedWhereverItIsCutOff) {
    const Bytes content = sample(300);
    const Bytes archive = archive_of(GetParam(), content);
    for (std::size_t size = 1; size < archive.size(); ++size) {
        try {
            static_cast<void>(read(
                {archive.begin(), archive.begin() + static_cast<std::ptrdiff_t>(size)}, folder_));
            ADD_FAILURE() << size << " of " << archive.size() << " bytes were taken";
        } catch (const CorruptionError&) {
            continue;
        } catch (const ConfigError& error) {
            // So little that nobody can tell what it was to be.
            EXPECT_EQ(error.code(), "archive_unknown");
            EXPECT_LT(size, 4U);
        }
    }
}

/// A changed byte of a header may not matter (the name of a file, a time); but then the content is
/// right all the same.
TEST_P(Packed, GivesTheContentOrNothingWhicheverByteChanges) {
    const Bytes content = sample(300);
    Bytes archive = archive_of(GetParam(), content);
    for (std::size_t at = 0; at < archive.size(); ++at) {
        archive[at] ^= 0x21;
        try {
            EXPECT_TRUE(read(archive, folder_) == content) << "byte " << at;
        } catch (const Error& error) {
            EXPECT_TRUE(error.exit_code() == ExitCode::corruption ||
                        error.code() == "archive_unknown" || error.code() == "archive_too_new")
                << error.what();
        }
        archive[at] ^= 0x21;
    }
}

INSTANTIATE_TEST_SUITE_P(ArchiveReader, Packed, testing::Values("gzip", "zstd", "zip"));

TEST(ArchiveReader, ReadsWhatStandsInTheFileAsItIs) {
    const TemporaryFolder folder;
    const Bytes content = sample(10'000);
    EXPECT_TRUE(read(content, folder) == content);
}

TEST(ArchiveReader, ReadsSeveralMembersAndFrames) {
    const TemporaryFolder folder;
    const Bytes content = sample(10'000);
    for (const char* const compression : {"gzip", "zstd"}) {
        Bytes twice = archive_of(compression, content);
        const Bytes once = twice;
        twice.insert(twice.end(), once.begin(), once.end());
        const Bytes found = read(twice, folder);
        EXPECT_EQ(found.size(), 2 * content.size());
        twice.push_back('x');
        EXPECT_THROW(static_cast<void>(read(twice, folder)), CorruptionError);
    }
}

TEST(ArchiveReader, StopsWhenToldTo) {
    const TemporaryFolder folder;
    std::stop_source stop;
    stop.request_stop();
    for (const char* const compression : {"gzip", "zstd", "zip", "none"}) {
        const File file =
            File::open(folder.write("archive", as_text(archive_of(compression, sample(10'000)))),
                       File::Mode::read);
        const ArchiveReader reader(file);
        EXPECT_THROW(reader.decode(0, [](BytesView) {}, stop.get_token()), Cancelled);
    }
}

TEST(SqliteImage, IsWholeOrCutOff) {
    Bytes header(kSqliteHeaderBytes);
    const BytesView magic = as_bytes(std::string_view("SQLite format 3\0", 16));
    std::copy(magic.begin(), magic.end(), header.begin());
    header[16] = 16;  // pages of 4096 bytes
    header[31] = 3;   // of which there are 3
    EXPECT_EQ(checked_page_bytes(header, 3 * 4096), 4096U);
    EXPECT_THROW(static_cast<void>(checked_page_bytes(header, 2 * 4096)), CorruptionError);
    EXPECT_THROW(static_cast<void>(checked_page_bytes(header, 3 * 4096 + 1)), CorruptionError);
    EXPECT_THROW(static_cast<void>(checked_page_bytes(BytesView(header).first(99), 99)),
                 CorruptionError);
    EXPECT_THROW(static_cast<void>(checked_page_bytes(as_bytes("text"), 4)), ConfigError);
    EXPECT_EQ(checked_page_bytes({}, 0), 4096U);
    header[16] = 0;
    header[17] = 1;
    EXPECT_EQ(checked_page_bytes(header, 3 * 65536), 65536U);
    header[17] = 3;
    EXPECT_THROW(static_cast<void>(checked_page_bytes(header, 3 * 65536)), CorruptionError);
}

TEST(ArchiveReader, TellsWhatAScriptIsOf) {
    const TemporaryFolder folder;
    const auto type_of = [&folder](std::string_view compression, std::string_view text) {
        const Bytes archive = archive_of(compression, copy_of(as_bytes(text)));
        const File file = File::open(folder.write("archive", as_text(archive)), File::Mode::read);
        return ArchiveReader(file).manifest().type;
    };
    constexpr std::string_view kScript = "-- db-backup archive of postgres: {}\nSELECT 1;\n";
    for (const char* const compression : {"none", "gzip", "zstd"}) {
        EXPECT_EQ(type_of(compression, kScript), DatabaseType::postgres) << compression;
        EXPECT_THROW(static_cast<void>(type_of(compression, "-- db-backup archive of nothing: ")),
                     ConfigError);
    }
    EXPECT_EQ(type_of("gzip", "CREATE TABLE t();"), DatabaseType::sqlite) << "found when unpacked";
    EXPECT_THROW(static_cast<void>(type_of("none", "CREATE TABLE t();")), ConfigError);
    EXPECT_EQ(read(archive_of("none", copy_of(as_bytes(kScript))), folder),
              copy_of(as_bytes(kScript)));
}

}  // namespace
}  // namespace dbbackup
