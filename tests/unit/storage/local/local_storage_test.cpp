#include "base/error.hpp"
#include "unit/storage/local/local_place.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

namespace dbbackup {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const ObjectName kName("packs/ab/1");
using Names = std::set<std::string>;

/// The message and hint of the StorageError that `action` throws.
std::string error_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const StorageError& error) {
        return std::string(error.what()) + " | " + error.hint();
    }
    return "no error";
}

TEST_F(LocalStore, KeepsEverythingPrivate) {
    storage_->put(kName, as_bytes("x"), {});
    const auto permissions = [this](const char* path) {
        return static_cast<unsigned>(fs::status(root_ / path).permissions());
    };
    EXPECT_EQ(permissions(""), 0700U);
    EXPECT_EQ(permissions("packs"), 0700U);
    EXPECT_EQ(permissions("packs/ab"), 0700U);
    EXPECT_EQ(permissions("packs/ab/1"), 0600U);
    EXPECT_EQ(permissions(".tmp"), 0700U);
}

TEST_F(LocalStore, KeepsEveryByteOfObjectsAroundTheSizesOfBlocksAndSteps) {
    for (const std::size_t size : {2'097'151U, 2'097'152U, 2'097'153U, 3'145'728U, 5'000'000U}) {
        Bytes content(size);
        for (std::size_t at = 0; at < size; ++at) {
            content[at] = static_cast<std::uint8_t>((at * 2'654'435'761U) >> 13U);
        }
        const ObjectName name("packs/size/" + std::to_string(size));
        ASSERT_EQ(storage_->put(name, content, {}), PutResult::created);
        EXPECT_TRUE(storage_->get(name, {}) == content) << size << " bytes";
    }
}

TEST_F(LocalStore, IsNamedByItsPath) {
    EXPECT_EQ(storage_->url(), root_.string());
    EXPECT_TRUE(storage_->capabilities().is_local);
}

TEST_F(LocalStore, DoesNotMakeAPlaceUnasked) {
    const fs::path missing = folder_.path() / "a/b";
    EXPECT_EQ(open_local(missing, CreatePlace::no), nullptr);
    EXPECT_FALSE(fs::exists(folder_.path() / "a"));
    EXPECT_NE(open_local(missing, CreatePlace::yes), nullptr);
    EXPECT_NE(open_local(missing, CreatePlace::no), nullptr);
}

TEST_F(LocalStore, SaysWhyAPathIsNoRepository) {
    const fs::path file = folder_.path() / "file";
    std::ofstream(file) << "x";
    for (const fs::path& path : {file, file / "below"}) {
        for (const CreatePlace create : {CreatePlace::no, CreatePlace::yes}) {
            const std::string error =
                error_of([&] { static_cast<void>(open_local(path, create)); });
            EXPECT_THAT(error, HasSubstr("cannot use " + path.string() +
                                         " as a repository: Not a directory"));
            EXPECT_THAT(error, HasSubstr("give the path of one"));
        }
    }
    EXPECT_THROW(static_cast<void>(make_local_storage({"file", root_.string(), {{"region", "x"}}},
                                                      CreatePlace::no)),
                 ConfigError);
}

TEST_F(LocalStore, SaysWhatItMayNotReadOrWrite) {
    storage_->put(kName, as_bytes("x"), {});
    fs::permissions(folder_.path(), fs::perms(0755));
    const int status = status_of_child([this] {
        constexpr uid_t kNobody = 65534;
        if (::geteuid() == 0) {
            fs::permissions(root_, fs::perms(0755));
            ASSERT_EQ(::seteuid(kNobody), 0);
        } else {
            fs::permissions(root_, fs::perms(0555));
            fs::permissions(root_ / "packs", fs::perms(0));
        }
        const auto ours = open_local(root_, CreatePlace::no);
        const auto denied = [&](const std::function<void()>& action) {
            const std::string error = error_of(action);
            EXPECT_THAT(error, HasSubstr("Permission denied"));
            EXPECT_THAT(error, HasSubstr("Check who owns"));
        };
        denied([&] { static_cast<void>(ours->get(kName, {})); });
        denied([&] { static_cast<void>(ours->size_bytes(kName, {})); });
        denied([&] { static_cast<void>(names_in(*ours)); });
        denied([&] { ours->put(ObjectName("new/1"), {}, {}); });
        denied([&] { ours->remove(kName, {}); });
        denied([&] { static_cast<void>(open_local(root_ / "packs/new")); });
        denied([&] { static_cast<void>(open_local(root_ / "packs", CreatePlace::no)); });
    });
    EXPECT_EQ(status, 0);
    fs::permissions(root_, fs::perms(0700));
    fs::permissions(root_ / "packs", fs::perms(0700));
}

TEST_F(LocalStore, IsNoEmptyStoreOnceItsFolderIsGone) {
    storage_->put(kName, as_bytes("x"), {});
    fs::rename(root_, folder_.path() / "elsewhere");
    const auto expect_gone = [this] {
        for (const std::function<void()>& action : std::vector<std::function<void()>>{
                 [this] { static_cast<void>(names_in(*storage_)); },
                 [this] { static_cast<void>(storage_->get(kName, {})); },
                 [this] { static_cast<void>(storage_->size_bytes(kName, {})); },
                 [this] { storage_->remove(kName, {}); },
                 [this] { storage_->put(ObjectName("new"), {}, {}); }}) {
            EXPECT_THAT(error_of(action),
                        HasSubstr("is gone or was replaced | Check that its disk"));
        }
    };
    expect_gone();
    fs::create_directory(root_);  // The empty folder under a lost mount.
    expect_gone();
    EXPECT_TRUE(fs::is_empty(root_)) << "something was written below a lost mount";
    fs::remove(root_);
    fs::rename(folder_.path() / "elsewhere", root_);
    EXPECT_EQ(names_in(*storage_), Names{kName.text()});
}

TEST_F(LocalStore, OverlooksWhatIsNotItsOwn) {
    storage_->put(kName, as_bytes("x"), {});
    for (const char* name : {"README", "packs/.hidden", ".config", "packs/ab/a b", "packs/ab/x~"}) {
        std::ofstream(root_ / name) << "foreign";
    }
    fs::create_directories(root_ / "lost+found/ab");
    std::ofstream(root_ / "lost+found/ab/1") << "foreign";
    fs::create_directories(root_ / ".git/packs");
    std::ofstream(root_ / ".git/packs/1") << "foreign";
    ASSERT_EQ(::mkfifo((root_ / "packs/pipe").c_str(), 0600), 0);
    EXPECT_EQ(names_in(*storage_), Names{kName.text()});
    EXPECT_EQ(storage_->get(ObjectName("packs/pipe"), {}), std::nullopt) << "would wait for ever";
}

TEST_F(LocalStore, HasNoObjectWhereAFolderIs) {
    storage_->put(kName, as_bytes("x"), {});
    EXPECT_EQ(storage_->get(ObjectName("packs"), {}), std::nullopt);
    EXPECT_EQ(storage_->size_bytes(ObjectName("packs"), {}), std::nullopt);
    EXPECT_NO_THROW(storage_->remove(ObjectName("packs"), {}));
    EXPECT_THAT(error_of([this] { storage_->put(ObjectName("packs"), {}, {}); }),
                HasSubstr("a folder has that name"));
    EXPECT_THAT(error_of([this] { storage_->put(ObjectName("packs/ab/1/below"), {}, {}); }),
                HasSubstr("Not a directory"));
    EXPECT_EQ(names_in(*storage_), Names{kName.text()});
    EXPECT_EQ(files(), 1U);
}

TEST_F(LocalStore, RefusesLinksInsteadOfFollowingThem) {
    storage_->put(kName, as_bytes("x"), {});
    const fs::path outside = folder_.path() / "outside";
    fs::create_directories(outside / "deep");
    std::ofstream(outside / "deep/1") << "x";
    for (const fs::path& target : {root_, outside, outside / "deep/1", folder_.path() / "absent"}) {
        const fs::path link = root_ / "packs/link";
        fs::create_symlink(target, link);
        EXPECT_THAT(error_of([this] { static_cast<void>(names_in(*storage_)); }),
                    HasSubstr(link.string() + " is a symbolic link"));
        EXPECT_THAT(error_of([this] { static_cast<void>(names_in(*storage_, "packs/link/deep")); }),
                    HasSubstr("is a symbolic link"));
        fs::remove(link);
    }
    EXPECT_EQ(names_in(*storage_), Names{kName.text()});
}

TEST_F(LocalStore, MayItselfBeALink) {
    const fs::path link = folder_.path() / "link";
    fs::create_directory_symlink(root_, link);
    EXPECT_EQ(open_local(link, CreatePlace::no)->put(kName, as_bytes("x"), {}), PutResult::created);
    EXPECT_EQ(names_in(*storage_), Names{kName.text()});
}

TEST_F(LocalStore, ListsOnWhileFoldersVanish) {
    storage_->put(ObjectName("a/1"), {}, {});
    storage_->put(ObjectName("b/1"), {}, {});
    storage_->put(ObjectName("c/1"), {}, {});
    Names visited;
    storage_->list({},
                   [&](const ObjectInfo& info) {
                       visited.insert(info.name.text());
                       fs::remove_all(root_ / "b");
                   },
                   {});
    EXPECT_EQ(visited, (Names{"a/1", "c/1"}));
}

TEST_F(LocalStore, MakesAFolderAgainThatSomebodyRemoved) {
    storage_->put(kName, {}, {});
    storage_->remove(kName, {});
    fs::remove_all(root_ / "packs");
    fs::remove_all(root_ / ".tmp");
    EXPECT_EQ(storage_->put(kName, as_bytes("again"), {}), PutResult::created);
    EXPECT_EQ(names_in(*storage_), Names{kName.text()});
}

TEST_F(LocalStore, ReadsWhatIsLeftOfAnObjectThatWasCutOff) {
    storage_->put(kName, as_bytes("0123456789"), {});
    fs::resize_file(root_ / kName.text(), 4);
    EXPECT_EQ(as_text(storage_->get(kName, {}).value()), "0123");
    EXPECT_EQ(as_text(storage_->get_range(kName, {2, 5}, {}).value()), "23");
}

}  // namespace
}  // namespace dbbackup
