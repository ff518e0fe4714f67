/// @file
/// A restore of several databases writes below its folder and nowhere else, whatever the snapshot
/// says: names come from stored bytes.

#include "connector/sqlite/restore_set.hpp"

#include "base/error.hpp"
#include "restore_sample.hpp"

#include <gtest/gtest.h>

namespace dbbackup::sqlite {
namespace {

class RestoreSetTest : public RestoreTest {
protected:
    std::unique_ptr<RestoreSession> begin_set(const std::vector<std::string>& names,
                                              const std::filesystem::path& target) {
        if (!reader_) {
            stored();
        }
        std::vector<StoredStream> streams;
        for (const std::string& name : names) {
            streams.push_back(reader_->stream());
            streams.back().name = name;
        }
        return make_sqlite_connector(SourceOptions())->restore(request(target), streams, {});
    }
    void expect_unfit(const std::vector<std::string>& names) {
        const auto before = folder_.names();
        EXPECT_THROW(static_cast<void>(begin_set(names, folder_ / "to")), CorruptionError)
            << names.back();
        EXPECT_EQ(folder_.names(), before);
    }
};

TEST_F(RestoreSetTest, NoNameLeadsOutOfTheFolder) {
    for (const std::string name : {"../a.db", "..", ".", "", "/etc/a.db", "a/../../b.db",
                                   "a/../b.db", "./a.db", "a//b.db", "a/", "a/./b.db", "a/.."}) {
        expect_unfit({"ok.db", name});
    }
    expect_unfit({"ok.db", std::string("a\0b", 3)});
}

TEST_F(RestoreSetTest, NoNameIsPartOfAnotherOne) {
    expect_unfit({"a.db", "a.db"});
    expect_unfit({"a.db", "a.db-wal"});
    expect_unfit({"a.db-journal", "a.db"});
    expect_unfit({"a", "a/b"});
    expect_unfit({"a/b/c", "a"});
}

TEST_F(RestoreSetTest, NamesWithDotsAndFoldersAreFine) {
    const auto session = begin_set({"..a", "a..b/c.db", ".hidden"}, folder_ / "to");
    EXPECT_EQ(session->plan().steps.size(), 4U) << "a folder and three databases";
    EXPECT_FALSE(session->plan().overwrites);
    EXPECT_EQ(session->plan().bytes_needed, 3 * reader_->stream().size_bytes);
}

TEST_F(RestoreSetTest, ALinkPutThereMeanwhileIsNotFollowed) {
    const auto session = begin_set({"deep/main", "x"}, folder_ / "to");
    std::filesystem::create_directories(folder_ / "to");
    std::filesystem::create_directories(folder_ / "outside");
    std::filesystem::create_directory_symlink(folder_ / "outside", folder_ / "to/deep");
    Taken taken = *taken_;
    taken.stream.name = "deep/main";
    MemoryReader stream(taken, fingerprinter_);
    EXPECT_THROW(session->apply(stream, {}), ConfigError);
    EXPECT_TRUE(std::filesystem::is_empty(folder_ / "outside"));
}

TEST_F(RestoreSetTest, EachDatabaseIsThereAsSoonAsItIsWhole) {
    stored();
    const auto session = begin_set({"a.db", "deep/b.db"}, folder_ / "to");
    Taken first = *taken_;
    first.stream.name = "a.db";
    MemoryReader reader(first, fingerprinter_);
    session->apply(reader, {});
    EXPECT_FALSE(std::filesystem::exists(folder_ / "to/a.db"));
    session->end_stream(reader.stream(), fingerprinter_, {});
    EXPECT_TRUE(bytes_of(folder_ / "to/a.db") == taken_->image);
    Taken second = *taken_;
    second.stream.name = "deep/b.db";
    MemoryReader damaged(second, fingerprinter_);
    damaged.fail_from(8192);
    try {
        session->apply(damaged, {});
        FAIL();
    } catch (const CorruptionError& error) {
        ASSERT_FALSE(error.context().empty());
        EXPECT_NE(error.context().back().find("1 of 2 databases were restored: a.db"),
                  std::string::npos)
            << error.context().back();
    }
    EXPECT_FALSE(std::filesystem::exists(folder_ / "to/deep/b.db"));
}

}  // namespace
}  // namespace dbbackup::sqlite
