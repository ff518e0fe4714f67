/// @file
/// Several databases as one source: which they are, one view after the other, and what is told of
/// those that cannot be had. With real databases and real locks.

#include "connector/sqlite/set_session.hpp"

#include "base/error.hpp"
#include "connector/sqlite/database_set.hpp"
#include "connector/sqlite/sqlite_connector.hpp"
#include "sample_database.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <map>

namespace dbbackup::sqlite {
namespace {

/// A backup of all views, in memory.
struct TakenSet {
    std::map<std::string, Bytes> images;
    std::vector<std::string> warnings;
    std::vector<std::string> given_up;
    bool is_incomplete = false;
    Capture capture = Capture::full;
    Parent parent;
    std::uint64_t bytes_read = 0;
};

class SetTest : public testing::Test {
protected:
    SetTest() {
        for (const char* const name : {"b.db", "a.db", "c"}) {
            TestDatabase database(folder_ / name);
            make_accounts(database, 50);
        }
        options_.folder = (folder_ / "").native();
        options_.lock_timeout = std::chrono::milliseconds(20);
    }

    TakenSet take_set(std::optional<Parent> parent = std::nullopt) {
        BackupRequest request;
        request.parent = std::move(parent);
        SetSession session(options_, request, clock_, {});
        TakenSet taken;
        taken.parent.snapshot = "snapshot-1";
        for (std::size_t view = 0; view < session.view_count(); ++view) {
            if (view > 0) {
                session.next_view();
            }
            try {
                take_view(session, taken);
            } catch (const ViewGivenUp& lost) {
                taken.given_up.emplace_back(lost.what());
            }
        }
        taken.capture = session.capture();
        return taken;
    }
    static void take_view(SetSession& session, TakenSet& taken) {
        const std::vector<StreamPlan> plans = session.plan();
        for (const StreamPlan& plan : plans) {
            Bytes image;
            CollectingSink sink(plan.page_bytes, image);
            for (const SegmentPlan& segment : plan.segments) {
                session.read(plan, segment, sink, {});
            }
            taken.images[plan.name] = std::move(image);
        }
        const SessionEnd end = session.finish({});
        for (const StreamPlan& plan : plans) {
            ParentStream stored;
            stored.name = plan.name;
            stored.kind = plan.kind;
            stored.page_bytes = plan.page_bytes;
            stored.size_bytes = taken.images[plan.name].size();
            stored.state = end.state;
            taken.parent.streams.push_back(std::move(stored));
        }
        taken.parent.position = end.position;
        taken.warnings.insert(taken.warnings.end(), end.warnings.begin(), end.warnings.end());
        taken.is_incomplete = taken.is_incomplete || end.is_incomplete;
        taken.bytes_read += end.bytes_read;
    }

    TestFolder folder_;
    ClockAhead clock_;
    SourceOptions options_;
};

TEST_F(SetTest, TakesEveryDatabaseOfAFolderByItsHeader) {
    std::ofstream(folder_ / "notes.db") << "no database";
    std::ofstream(folder_ / "empty.db").close();
    std::filesystem::create_directory(folder_ / "d.db");
    const TakenSet taken = take_set();
    ASSERT_EQ(taken.images.size(), 3U);
    for (const auto& [name, image] : taken.images) {
        EXPECT_TRUE(image == bytes_of(folder_ / name)) << name;
    }
    EXPECT_TRUE(taken.given_up.empty());
    EXPECT_TRUE(taken.warnings.empty());
    EXPECT_EQ(taken.capture, Capture::full);
    EXPECT_TRUE(taken.parent.position.source_id.ends_with((folder_ / "").native()));
}

TEST_F(SetTest, SkipsWhatIsUnchangedAndReadsWhatIsNot) {
    const TakenSet first = take_set();
    EXPECT_EQ(take_set(first.parent).capture, Capture::unchanged);
    {
        TestDatabase database(folder_ / "b.db");
        database.run("UPDATE account SET balance = 7 WHERE id = 1");
    }
    BackupRequest request;
    request.parent = first.parent;
    SetSession session(options_, request, clock_, {});
    for (const auto& [name, action] :
         {std::pair{"a.db", SegmentAction::reuse}, std::pair{"b.db", SegmentAction::read},
          std::pair{"c", SegmentAction::reuse}}) {
        const StreamPlan plan = session.plan().at(0);
        EXPECT_EQ(plan.name, name);
        EXPECT_EQ(plan.segments.at(0).action, action) << name;
        session.next_view();
    }
    EXPECT_EQ(session.capture(), Capture::compared);
}

TEST_F(SetTest, AnotherFileUnderTheSameNameIsRead) {
    const TakenSet first = take_set();
    std::filesystem::rename(folder_ / "a.db", folder_ / "x");
    std::filesystem::rename(folder_ / "b.db", folder_ / "a.db");
    std::filesystem::rename(folder_ / "x", folder_ / "b.db");
    const TakenSet second = take_set(first.parent);
    EXPECT_EQ(second.capture, Capture::compared);
    EXPECT_TRUE(second.images.at("a.db") == bytes_of(folder_ / "a.db"));
}

TEST_F(SetTest, HoldsOneViewAtATime) {
    SetSession session(options_, {}, clock_, {});
    static_cast<void>(session.plan());
    EXPECT_THROW(TestDatabase(folder_ / "a.db").run("UPDATE account SET balance = 1"),
                 std::runtime_error);
    TestDatabase(folder_ / "b.db").run("UPDATE account SET balance = 1");
    session.next_view();
    TestDatabase(folder_ / "a.db").run("UPDATE account SET balance = 1");
    static_cast<void>(session.plan());
    EXPECT_THROW(TestDatabase(folder_ / "b.db").run("UPDATE account SET balance = 2"),
                 std::runtime_error);
}

TEST_F(SetTest, GivesUpADatabaseOfAFolderAndNamesTheSnapshotThatHasIt) {
    const TakenSet first = take_set();
    {
        std::fstream file(folder_ / "b.db", std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(100);
        file << std::string(3000, '\xff');
    }
    const TakenSet second = take_set(first.parent);
    ASSERT_EQ(second.given_up.size(), 1U);
    EXPECT_NE(second.given_up[0].find("left out b.db: "), std::string::npos);
    EXPECT_NE(second.given_up[0].find("snapshot-1"), std::string::npos);
    EXPECT_EQ(second.images.size(), 2U);
}

TEST_F(SetTest, ADatabaseThatGoesWhileOthersAreReadIsNoFailure) {
    SetSession session(options_, {}, clock_, {});
    static_cast<void>(session.plan());
    static_cast<void>(session.finish({}));
    std::filesystem::remove(folder_ / "b.db");
    session.next_view();
    EXPECT_TRUE(session.plan().empty());
    const SessionEnd end = session.finish({});
    ASSERT_EQ(end.warnings.size(), 1U);
    EXPECT_NE(end.warnings[0].find("b.db"), std::string::npos);
    EXPECT_FALSE(end.is_incomplete);
}

TEST_F(SetTest, AnUnreadableFileIsNamed) {
    if (::geteuid() == 0) {
        GTEST_SKIP() << "root reads everything";
    }
    ASSERT_EQ(::chmod((folder_ / "b.db").c_str(), 0), 0);
    const TakenSet taken = take_set();
    EXPECT_TRUE(taken.is_incomplete);
    ASSERT_EQ(taken.warnings.size(), 1U);
    EXPECT_NE(taken.warnings[0].find("b.db"), std::string::npos);
}

TEST_F(SetTest, NamesTheFilesOfAListByTheFolderTheyShare) {
    std::filesystem::create_directory(folder_ / "deep");
    TestDatabase(folder_ / "deep/d.db").run("CREATE TABLE t(x)");
    SourceOptions list;
    list.databases = {(folder_ / "deep/d.db").native(), (folder_ / "a.db").native()};
    const DatabaseSet set = find_databases(list);
    ASSERT_EQ(set.members.size(), 2U);
    EXPECT_EQ(set.members[0].name, "a.db");
    EXPECT_EQ(set.members[1].name, "deep/d.db");
    EXPECT_TRUE(set.identity.ends_with("/{a.db,deep/d.db}")) << set.identity;
    list.name = "shop";
    EXPECT_TRUE(find_databases(list).identity.ends_with(":[shop]"));
    EXPECT_EQ(find_databases(list).former_identities.size(), 3U) << "each file, and the list";
    list.databases.push_back((folder_ / "deep/../a.db").native());
    EXPECT_THROW(static_cast<void>(find_databases(list)), ConfigError);
}

TEST_F(SetTest, ALongListHasAShortIdentity) {
    SourceOptions list;
    for (int number = 0; number < 100; ++number) {
        const auto path = folder_ / fmt::format("database-{}.db", number);
        std::ofstream(path).close();
        list.databases.push_back(path.native());
    }
    const std::string identity = find_databases(list).identity;
    EXPECT_NE(identity.find("{100 databases, "), std::string::npos) << identity;
    list.databases.pop_back();
    EXPECT_NE(find_databases(list).identity, identity);
}

}  // namespace
}  // namespace dbbackup::sqlite
