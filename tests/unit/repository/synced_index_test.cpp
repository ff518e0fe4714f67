#include "repository/synced_index.hpp"

#include "base/guarded.hpp"
#include "repository/chunk_index.hpp"
#include "repository/index_objects.hpp"
#include "repository_place.hpp"
#include "sample_keys.hpp"
#include "support/faulty_storage.hpp"
#include "support/temporary_folder.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>

namespace dbbackup {
namespace {

namespace fs = std::filesystem;

/// Index objects of many chunks in a repository in memory, and this machine's index of them.
class SyncedIndexTest : public testing::Test {
protected:
    SyncedIndexTest() : place_(Encryption::keyfile), watched_(place_.disk, watching()) {
        repository_ = reopen();
        file_ = repository_->local_index_file().value();
    }

    /// As another process of this machine would.
    std::unique_ptr<Repository> reopen() {
        OpenOptions options;
        options.index_folder = folder_.path() / "cache";
        return Repository::open(std::make_unique<FaultyStorage>(watched_, Faults{}),
                                sample_unlock(), options, place_.log, {});
    }

    static ChunkId chunk(std::uint32_t number) {
        return ChunkId{sha256(as_bytes(fmt::format("chunk {}", number)))};
    }

    static constexpr std::uint32_t kSealedBytes = 100;
    static std::uint64_t offset_of(std::uint32_t ordinal) {
        return kPackHeaderBytes + std::uint64_t{ordinal} * kSealedBytes;
    }

    /// Packs with chunks from `first` on; each is named by its first chunk.
    static IndexedPack pack(std::uint32_t first, std::uint32_t count) {
        IndexedPack pack;
        pack.name.bytes = sha256(as_bytes(fmt::format("pack {}", first)));
        pack.salt.fill(static_cast<std::uint8_t>(first));
        for (std::uint32_t number = first; number < first + count; ++number) {
            PackEntry entry;
            entry.form.id = chunk(number);
            entry.form.plain_bytes = number;
            entry.ordinal = number - first;
            entry.sealed_bytes = kSealedBytes;
            entry.offset_bytes = offset_of(entry.ordinal);
            pack.entries.push_back(entry);
        }
        return pack;
    }

    ObjectName put_index(const std::vector<IndexedPack>& packs) {
        ObjectName name = index_object_name();
        place_.disk.put(name, encode_index_object(*repository_, name, packs), {});
        return name;
    }

    /// Whether these chunks are found where they lie, and how many index objects were read for it.
    std::size_t expect_found(std::uint32_t first, std::uint32_t count, Repository& repository) {
        reads_.with([](auto& reads) { reads.clear(); });
        SyncedIndex index(repository, {}, std::chrono::milliseconds(5));
        index.sync({});
        for (std::uint32_t number = first; number < first + count; ++number) {
            std::vector<ChunkPlace> places;
            index.find(chunk(number), 1, places);
            EXPECT_EQ(places.size(), 1U) << "chunk " << number;
            if (!places.empty()) {
                EXPECT_EQ(places.front().entry.form.plain_bytes, number);
            }
        }
        return reads_.with([](const auto& reads) { return reads.size(); });
    }
    std::size_t expect_found(std::uint32_t first, std::uint32_t count) {
        return expect_found(first, count, *repository_);
    }
    void expect_unknown(std::uint32_t number) {
        SyncedIndex index(*repository_, {});
        index.sync({});
        std::vector<ChunkPlace> places;
        index.find(chunk(number), 1, places);
        EXPECT_TRUE(places.empty());
    }

    /// Runs `work` in a process of its own. @return Its id.
    static pid_t in_child(const std::function<void()>& work) {
        const pid_t child = fork();
        if (child == 0) {
            try {
                work();
            } catch (...) {
                _exit(1);
            }
            _exit(0);
        }
        return child;
    }
    static int status_of(pid_t child) {
        int status = -1;
        waitpid(child, &status, 0);
        return status;
    }

    TemporaryFolder folder_;
    RepositoryPlace place_;
    Guarded<std::vector<std::string>> reads_;  ///< Of index objects.
    std::function<void(const std::string&)> before_read_;
    FaultyStorage watched_;
    std::unique_ptr<Repository> repository_;
    fs::path file_;

private:
    Faults watching() {
        Faults faults;
        faults.before = [this](const StorageCall& call) {
            if (call.operation == StorageOperation::get && call.name.starts_with("indexes/")) {
                reads_.with([&](auto& reads) { reads.push_back(call.name); });
                if (before_read_) {
                    before_read_(call.name);
                }
            }
        };
        return faults;
    }
};

TEST_F(SyncedIndexTest, ReadsEachIndexObjectOnce) {
    put_index({pack(0, 50), pack(50, 50)});
    EXPECT_EQ(expect_found(0, 100), 1U);
    EXPECT_EQ(expect_found(0, 100), 0U);
    put_index({pack(100, 10)});
    EXPECT_EQ(expect_found(0, 110), 1U);
    EXPECT_EQ(expect_found(0, 110, *reopen()), 0U);
    expect_unknown(110);
}

TEST_F(SyncedIndexTest, OpensNothingWhereThereAreNoIndexObjects) {
    SyncedIndex(*repository_, {}).sync({});
    EXPECT_FALSE(fs::exists(file_));
}

TEST_F(SyncedIndexTest, WhatNoIndexNamesAnyMoreIsForgotten) {
    put_index({pack(20, 10)});
    expect_found(20, 10);
    const ObjectName old = put_index({pack(0, 10), pack(10, 10)});
    expect_found(0, 30);
    put_index({pack(0, 10)});  // A collector merged what stays, then removed the old one.
    place_.disk.remove(old, {});
    EXPECT_EQ(expect_found(0, 10), 1U);
    EXPECT_EQ(expect_found(20, 10), 0U);
    expect_unknown(10);
    put_index({pack(10, 10)});
    expect_found(0, 30);
}

TEST_F(SyncedIndexTest, AnIndexThatIsLeftOutDoesNotCount) {
    const ObjectName gone = put_index({pack(0, 10)});
    put_index({pack(10, 10)});
    expect_found(0, 20);
    SyncedIndex index(*repository_, {gone.text()});
    EXPECT_EQ(index.sync({}).size(), 1U);
    std::vector<ChunkPlace> places;
    index.find(chunk(0), 1, places);
    EXPECT_TRUE(places.empty());
}

TEST_F(SyncedIndexTest, AnIndexThatGoesBetweenListingAndReadingIsLeftOut) {
    put_index({pack(0, 10)});
    before_read_ = [this](const std::string& name) { place_.disk.remove(ObjectName(name), {}); };
    expect_unknown(0);
    before_read_ = {};
    put_index({pack(0, 10)});
    EXPECT_EQ(expect_found(0, 10), 1U);
}

TEST_F(SyncedIndexTest, AFileThatIsNoneOfOursIsMadeAnew) {
    put_index({pack(0, 2000)});
    for (const std::string& content :
         {std::string("garbage"), std::string(50'000, 'x'), std::string()}) {
        fs::create_directories(file_.parent_path());
        std::ofstream(file_, std::ios::binary | std::ios::trunc) << content;
        EXPECT_EQ(expect_found(0, 2000), 1U);
        EXPECT_EQ(expect_found(0, 2000), 0U) << "the new file is of no use";
    }
    {
        OwnDatabase foreign(file_, std::chrono::milliseconds(0), {});
        foreign.execute("UPDATE owner SET id = 'another repository'");
    }
    EXPECT_EQ(expect_found(0, 2000), 1U);
    {
        OwnDatabase foreign(file_, std::chrono::milliseconds(0), {});
        foreign.execute("DROP TABLE entries");
    }
    EXPECT_GE(expect_found(0, 2000), 1U);
    EXPECT_EQ(expect_found(0, 2000), 0U);
}

TEST_F(SyncedIndexTest, ATruncatedFileIsMadeAnew) {
    put_index({pack(0, 2000)});
    expect_found(0, 2000);
    const std::uintmax_t bytes = fs::file_size(file_);
    for (const std::uintmax_t kept :
         {bytes - 1, bytes / 2, std::uintmax_t{4096}, std::uintmax_t{10}}) {
        expect_found(0, 2000);
        fs::resize_file(file_, kept);
        expect_found(0, 2000);
    }
}

/// Whatever bytes rot: a chunk is found where it lies, or it is not found and its index is read
/// again, or stays unknown (which costs space). It is never found where it does not lie.
TEST_F(SyncedIndexTest, ARottenFileNeverNamesAWrongPlace) {
    put_index({pack(0, 300)});
    expect_found(0, 300);
    std::ifstream in(file_, std::ios::binary);
    const std::string whole{std::istreambuf_iterator<char>(in), {}};
    const unsigned seed = std::random_device()();
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937 random(seed);
    for (int round = 0; round < 30; ++round) {
        std::string rotten = whole;
        for (int flips = 0; flips < 20; ++flips) {
            rotten[random() % rotten.size()] ^= static_cast<char>(1U << (random() % 8));
        }
        fs::remove(file_.native() + "-wal");
        fs::remove(file_.native() + "-shm");
        std::ofstream(file_, std::ios::binary | std::ios::trunc) << rotten;
        SyncedIndex index(*repository_, {});
        index.sync({});
        for (std::uint32_t number = 0; number < 300; ++number) {
            std::vector<ChunkPlace> places;
            index.find(chunk(number), 1, places);
            for (const ChunkPlace& found : places) {
                ASSERT_EQ(found.entry.offset_bytes, offset_of(number));
                ASSERT_EQ(found.entry.form.plain_bytes, number);
                ASSERT_EQ(found.pack->name, pack(0, 0).name);
                ASSERT_EQ(found.pack->salt, pack(0, 0).salt);
            }
        }
    }
}

TEST_F(SyncedIndexTest, AnotherPacksEntryInTheFileIsNotBelieved) {
    put_index({pack(0, 10), pack(10, 10)});
    expect_found(0, 20);
    {
        OwnDatabase database(file_, std::chrono::milliseconds(0), {});
        database.execute("UPDATE entries SET pack = 3 - pack");
    }
    EXPECT_EQ(expect_found(0, 20), 1U) << "read again, because the hashes are wrong";
}

TEST_F(SyncedIndexTest, DoesWithoutAFileThatCannotBeUsed) {
    put_index({pack(0, 10)});
    fs::create_directories(file_);  // A folder in its place.
    EXPECT_EQ(expect_found(0, 10), 1U);
    EXPECT_EQ(expect_found(0, 10), 1U);
    fs::remove_all(file_.parent_path());
    std::ofstream(file_.parent_path()) << "a file in the place of the folder";
    EXPECT_EQ(expect_found(0, 10), 1U);
}

TEST_F(SyncedIndexTest, DoesWithoutAFileThatIsLockedForLong) {
    put_index({pack(0, 10)});
    expect_found(0, 10);
    OwnDatabase other(file_, std::chrono::milliseconds(0), {});
    const OwnTransaction held(other);
    EXPECT_EQ(expect_found(0, 10), 0U) << "reading needs no lock";
    put_index({pack(10, 10)});
    EXPECT_EQ(expect_found(0, 20), 3U) << "one for the file, both for a temporary database";
}

TEST_F(SyncedIndexTest, HoldsNoSecret) {
    put_index({pack(0, 100)});
    expect_found(0, 100);
    EXPECT_EQ(fs::status(file_).permissions(), fs::perms::owner_read | fs::perms::owner_write);
    std::ifstream in(file_, std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(in), {}};
    EXPECT_EQ(content.find(as_text(repository_->keys().master().bytes())), std::string::npos);
    EXPECT_EQ(content.find(as_text(sample_key().bytes())), std::string::npos);
}

TEST_F(SyncedIndexTest, AProcessThatIsKilledWhileItReadsLeavesTheOldState) {
    put_index({pack(0, 10)});
    expect_found(0, 10);
    constexpr std::uint32_t kPackChunks = 500;
    for (std::uint32_t first = 1000; first < 10'000; first += kPackChunks) {
        put_index({pack(first, kPackChunks)});
    }
    for (int round = 0; round < 6; ++round) {
        const pid_t child = in_child([&] {
            const auto repository = reopen();
            SyncedIndex(*repository, {}).sync({});
        });
        // Each time a little later.
        for (int turn = 0; turn < round * 20'000; ++turn) {
            static_cast<void>(waitpid(child, nullptr, WNOHANG | WNOWAIT));
        }
        kill(child, SIGKILL);
        static_cast<void>(status_of(child));
        if (round % 3 == 0) {
            expect_found(0, 10);
        }
    }
    expect_found(1000, 9'000);
}

TEST_F(SyncedIndexTest, ProcessesReadAtTheSameTime) {
    constexpr std::uint32_t kPackChunks = 100;
    for (std::uint32_t first = 0; first < 3000; first += kPackChunks) {
        put_index({pack(first, kPackChunks)});
    }
    std::vector<pid_t> children;
    for (int process = 0; process < 4; ++process) {
        children.push_back(in_child([&] {
            const auto repository = reopen();
            SyncedIndex index(*repository, {});
            index.sync({});
            for (std::uint32_t number = 0; number < 3000; ++number) {
                std::vector<ChunkPlace> places;
                index.find(chunk(number), 1, places);
                if (places.size() != 1) {
                    _exit(2);
                }
            }
        }));
    }
    for (const pid_t child : children) {
        EXPECT_EQ(status_of(child), 0);
    }
    EXPECT_EQ(expect_found(0, 3000), 0U);
    OwnDatabase database(file_, std::chrono::milliseconds(0), {});
    EXPECT_EQ(database.integer("SELECT count(*) FROM entries"), 3000);
}

/// Entries of packs that are gone do not stay for ever.
TEST_F(SyncedIndexTest, ManyDeadEntriesAreTakenOut) {
    const ObjectName old = put_index({pack(0, 10'100)});
    put_index({pack(200'000, 10)});
    expect_found(0, 1);
    place_.disk.remove(old, {});
    expect_found(200'000, 10);
    OwnDatabase database(file_, std::chrono::milliseconds(0), {});
    EXPECT_EQ(database.integer("SELECT count(*) FROM entries"), 10);
}

}  // namespace
}  // namespace dbbackup
