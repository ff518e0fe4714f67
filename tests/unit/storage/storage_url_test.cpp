#include "base/error.hpp"
#include "storage/registry.hpp"
#include "support/memory_storage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace dbbackup {
namespace {

/// Everything that a person would see of the error.
std::string refusal(std::string_view text) {
    try {
        const StorageUrl url = StorageUrl::parse(text);
        return "taken as " + url.scheme + " " + url.path;
    } catch (const ConfigError& error) {
        EXPECT_FALSE(error.hint().empty()) << text;
        EXPECT_EQ(error.code(), "bad_repository_url");
        std::string all = std::string(error.what()) + " | " + error.hint();
        for (const std::string& context : error.context()) {
            all += " | " + context;
        }
        return all;
    }
}

std::string path_of(std::string_view text) {
    const StorageUrl url = StorageUrl::parse(text);
    EXPECT_EQ(url.scheme, "file") << text;
    EXPECT_TRUE(url.query.empty()) << text;
    return url.path;
}

TEST(StorageUrl, TakesAPlainPathLiterally) {
    EXPECT_EQ(path_of("/srv/backups"), "/srv/backups");
    EXPECT_EQ(path_of("/srv/backups///"), "/srv/backups");
    EXPECT_EQ(path_of("/"), "/");
    EXPECT_EQ(path_of("/odd%20name?x=1#y"), "/odd%20name?x=1#y");
    EXPECT_EQ(path_of("/with:colon/a@b://c"), "/with:colon/a@b:/c");
    EXPECT_EQ(path_of("/a/./b//c"), "/a/b/c");
    EXPECT_EQ(path_of("/a/link/../b"), "/a/link/../b") << "what '..' means depends on links";
}

TEST(StorageUrl, MakesRelativePathsAbsolute) {
    const std::string here = std::filesystem::current_path().string();
    EXPECT_EQ(path_of("backups"), here + "/backups");
    EXPECT_EQ(path_of("./backups/"), here + "/backups");
    EXPECT_EQ(path_of("./s3:bucket"), here + "/s3:bucket");
    EXPECT_EQ(path_of("~/backups"), here + "/~/backups") << "'~' is the shell's business";
}

TEST(StorageUrl, ReadsFileUrls) {
    EXPECT_EQ(path_of("file:///srv/backups/"), "/srv/backups");
    EXPECT_EQ(path_of("file://localhost/srv"), "/srv");
    EXPECT_EQ(path_of("FILE:///srv/my%20backups%3F"), "/srv/my backups?");
}

TEST(StorageUrl, ReadsBucketsAndParameters) {
    const StorageUrl url = StorageUrl::parse(
        "S3://acme-backups/prod/a%2Fb+c/"
        "?endpoint=http%3A%2F%2F127.0.0.1:9000&region=us-east-1&x&&y=");
    EXPECT_EQ(url.scheme, "s3");
    EXPECT_EQ(url.path, "acme-backups/prod/a/b+c");
    const std::map<std::string, std::string> query = {
        {"endpoint", "http://127.0.0.1:9000"}, {"region", "us-east-1"}, {"x", ""}, {"y", ""}};
    EXPECT_EQ(url.query, query);
    EXPECT_EQ(StorageUrl::parse("s3://b?endpoint=http://h:1/p").query.at("endpoint"),
              "http://h:1/p");
    EXPECT_EQ(StorageUrl::parse("s3://bucket").path, "bucket");
}

TEST(StorageUrl, SaysWhatIsWrong) {
    using testing::HasSubstr;
    EXPECT_THAT(refusal(""), HasSubstr("empty text"));
    EXPECT_THAT(refusal(std::string_view("/a\0b", 4)), HasSubstr("zero byte"));
    EXPECT_THAT(refusal("file:///a%2"), HasSubstr("'%'"));
    EXPECT_THAT(refusal("file:///a%zz"), HasSubstr("'%'"));
    EXPECT_THAT(refusal("file:///a%00b"), HasSubstr("'%'"));
    EXPECT_THAT(refusal("s3://b?x=%"), HasSubstr("'%'"));
    EXPECT_THAT(refusal("file://server/share"), HasSubstr("absolute path on this machine"));
    EXPECT_THAT(refusal("file://"), HasSubstr("absolute path on this machine"));
    EXPECT_THAT(refusal("s3://"), HasSubstr("names no bucket"));
    EXPECT_THAT(refusal("s3:///prefix"), HasSubstr("names no bucket"));
    EXPECT_THAT(refusal("s3://bucket/a#b"), HasSubstr("'#'"));
    EXPECT_THAT(refusal("s3://bucket?a=1&a=2"), HasSubstr("'a' twice"));
    EXPECT_THAT(refusal("s3:bucket/prefix"), HasSubstr("'//' does not follow"));
    EXPECT_THAT(refusal("1s3://bucket"), HasSubstr("'//' does not follow"));
    EXPECT_THAT(refusal("://bucket"), HasSubstr("'//' does not follow"));
}

TEST(StorageUrl, RefusesCredentialsAndNeverShowsThem) {
    for (const char* text :
         {"s3://user:hunter2@bucket/prefix", "s3://hunter2@bucket", "s3://user:hunter2/x@bucket",
          "s3://user:hunter2?x@bucket", "user:hunter2@bucket/prefix", "user:hunter2@h://bucket",
          "s3://bucket?secret_key=hunter2", "s3://bucket?Password=hunter2",
          "az://box/p?sv=2024&sig=hunter2", "gs://b?access_token=hunter2",
          "s3://bucket?aws%5Fsecret=hunter2", "file://user:hunter2@host/x"}) {
        const std::string shown = refusal(text);
        EXPECT_EQ(shown.find("hunter2"), std::string::npos) << shown;
        EXPECT_EQ(shown.find("taken"), std::string::npos) << shown;
    }
}

TEST(StorageRegistry, OpensByScheme) {
    StorageRegistry registry;
    std::string opened;
    registry.add("file", [&opened](const StorageUrl& url, CreatePlace create) {
        opened = url.path + (create == CreatePlace::yes ? " make" : " find");
        return std::unique_ptr<Storage>();
    });
    registry.add("s3", nullptr);
    EXPECT_EQ(registry.open("/srv", CreatePlace::yes), nullptr);
    EXPECT_EQ(opened, "/srv make");
    EXPECT_EQ(registry.open("file:///srv", CreatePlace::no), nullptr);
    EXPECT_EQ(opened, "/srv find");
    EXPECT_EQ(registry.schemes(), (std::vector<std::string>{"file", "s3"}));
}

TEST(StorageRegistry, DecoratesWhatItOpensWithinLimits) {
    MemoryStorage memory;
    StorageRegistry registry;
    registry.add("file", [&memory](const StorageUrl& url, CreatePlace) {
        return url.path == "/none" ? nullptr : memory.handle();
    });
    std::vector<std::optional<std::uint64_t>> limits;
    registry.decorate([&limits](std::unique_ptr<Storage> storage, const StorageLimits& given) {
        EXPECT_NE(storage, nullptr);
        limits.push_back(given.bytes_per_s);
        return storage;
    });
    EXPECT_NE(registry.open("/srv", CreatePlace::no), nullptr);
    EXPECT_NE(registry.open("/srv", CreatePlace::yes, {.bytes_per_s = 5}), nullptr);
    EXPECT_EQ(registry.open("/none", CreatePlace::no), nullptr);
    EXPECT_EQ(limits, (std::vector<std::optional<std::uint64_t>>{std::nullopt, 5}));
}

TEST(StorageRegistry, HandsLocksToStoresThatHaveThem) {
    StorageRegistry registry;
    std::string opened;
    const auto factory = [&opened](const StorageUrl& url, CreatePlace) {
        opened = url.query.contains("object_lock") ? url.query.at("object_lock") : "";
        return std::unique_ptr<Storage>();
    };
    registry.add("file", factory);
    registry.add("s3", factory);
    const StorageLimits limits{
        .bytes_per_s = {}, .object_lock = ObjectLock{LockMode::governance, std::chrono::days(30)}};
    (void)registry.open("s3://b", CreatePlace::no, limits);
    EXPECT_EQ(opened, "governance:30");
    (void)registry.open("s3://b?object_lock=compliance:7", CreatePlace::no, limits);
    EXPECT_EQ(opened, "compliance:7");
    try {
        (void)registry.open("/srv", CreatePlace::no, limits);
        FAIL() << "a folder was opened with locks";
    } catch (const ConfigError& error) {
        EXPECT_EQ(error.code(), "object_lock_unsupported");
    }
}

TEST(StorageRegistry, HandsAuthoritiesToObjectStores) {
    StorageRegistry registry;
    std::string opened;
    const auto factory = [&opened](const StorageUrl& url, CreatePlace) {
        opened = url.query.contains("ca_file") ? url.query.at("ca_file") : "";
        return std::unique_ptr<Storage>();
    };
    registry.add("file", factory);
    registry.add("gs", factory);
    const StorageLimits limits{.bytes_per_s = {}, .object_lock = {}, .ca_file = "/ca"};
    (void)registry.open("gs://b", CreatePlace::no, limits);
    EXPECT_EQ(opened, "/ca");
    (void)registry.open("gs://b?ca_file=/own", CreatePlace::no, limits);
    EXPECT_EQ(opened, "/own");
    (void)registry.open("/srv", CreatePlace::no, limits);
    EXPECT_EQ(opened, "") << "a folder has no server";
}

TEST(StorageRegistry, NamesTheSchemesItKnows) {
    StorageRegistry registry;
    registry.add("file", nullptr);
    registry.add("s3", nullptr);
    try {
        static_cast<void>(registry.open("ftp://host/x", CreatePlace::no));
        FAIL() << "an unknown scheme was opened";
    } catch (const ConfigError& error) {
        EXPECT_STREQ(error.what(), "unknown repository scheme 'ftp'");
        EXPECT_EQ(error.hint(), "Use a path or one of: file, s3.");
        EXPECT_EQ(error.code(), "unknown_scheme");
    }
}

TEST(StorageRegistry, SaysWhichStoreIsNotBuiltIn) {
    StorageRegistry registry;
    registry.add("file", nullptr);
    try {
        static_cast<void>(registry.open("gs://bucket/x", CreatePlace::no));
        FAIL() << "a store that is not there was opened";
    } catch (const ConfigError& error) {
        EXPECT_STREQ(error.what(), "the store gcs (gs://) is not built in yet");
        EXPECT_EQ(error.hint(), "Use a path or one of: file.");
        EXPECT_EQ(error.code(), "not_built_in");
    }
}

TEST(StorageUrl, KnowsTheKindOfStore) {
    EXPECT_EQ(StorageUrl::parse("/srv").type(), StorageType::local);
    EXPECT_EQ(StorageUrl::parse("FILE:///srv").type(), StorageType::local);
    EXPECT_EQ(StorageUrl::parse("s3://bucket").type(), StorageType::s3);
    EXPECT_EQ(StorageUrl::parse("gs://bucket/p").type(), StorageType::gcs);
    EXPECT_EQ(StorageUrl::parse("az://container/p").type(), StorageType::azure);
    EXPECT_EQ(StorageUrl::parse("toy://x").type(), std::nullopt);
    for (const std::string_view word : EnumWords<StorageType>::words) {
        const StorageType type = value_of<StorageType>(word).value();
        const StorageUrl url{std::string(scheme_of(type)), "x", {}};
        EXPECT_EQ(url.type(), type) << word;
    }
}

}  // namespace
}  // namespace dbbackup
