#include "repository/sealed_cache.hpp"

#include "base/units.hpp"
#include "support/sample_data.hpp"
#include "support/temporary_folder.hpp"
#include "sys/file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

namespace dbbackup {
namespace {

class SealedCacheTest : public testing::Test {
protected:
    void remember(const std::string& name, const Bytes& head, std::size_t names_in_use = 10) {
        SealedCache cache(file_);
        static_cast<void>(cache.find(name));  // As the repository does: look first, then add.
        cache.add(name, head);
        cache.save(names_in_use);
    }
    [[nodiscard]] Bytes find(const std::string& name) const {
        SealedCache cache(file_);
        const BytesView head = cache.find(name);
        return {head.begin(), head.end()};
    }
    void change_file(const std::function<void(Bytes&)>& change) {
        Bytes content = read_file(file_, 1_MiB).value();
        change(content);
        replace_file(file_, content, 0600);
    }

    TemporaryFolder folder_;
    const std::filesystem::path file_ = folder_.path() / "deep" / "er" / "manifest-heads";
    const Bytes one_ = noise(1, 300);
    const Bytes two_ = noise(2, 70'000);
};

TEST_F(SealedCacheTest, RemembersHeadsFromRunToRun) {
    remember("manifests/a/1", one_);
    remember("manifests/a/2", two_);
    EXPECT_EQ(find("manifests/a/1"), one_);
    EXPECT_EQ(find("manifests/a/2"), two_);
    EXPECT_TRUE(find("manifests/a/3").empty());
}

TEST_F(SealedCacheTest, WithoutAFileKeepsNothing) {
    SealedCache cache(std::nullopt);
    EXPECT_TRUE(cache.find("manifests/a/1").empty());
    cache.add("manifests/a/1", one_);
    cache.save(1);
}

TEST_F(SealedCacheTest, TwoProcessesAppendToOneFile) {
    SealedCache left(file_);
    SealedCache right(file_);
    EXPECT_TRUE(left.find("manifests/a/1").empty());
    EXPECT_TRUE(right.find("manifests/a/2").empty());
    left.add("manifests/a/1", one_);
    right.add("manifests/a/2", two_);
    left.save(2);
    right.save(2);
    EXPECT_EQ(find("manifests/a/1"), one_);
    EXPECT_EQ(find("manifests/a/2"), two_);
}

TEST_F(SealedCacheTest, ATornTailIsIgnoredAndRepaired) {
    remember("manifests/a/1", one_);
    for (const std::size_t cut : {1U, 100U, 305U}) {
        remember("manifests/a/2", one_);
        change_file([cut](Bytes& content) { content.resize(content.size() - cut); });
        EXPECT_TRUE(find("manifests/a/2").empty()) << cut << " bytes cut off";
        remember("manifests/a/3", two_);
        EXPECT_EQ(find("manifests/a/3"), two_) << "what came after the torn entry is lost";
    }
}

TEST_F(SealedCacheTest, AnyBytesAreIgnored) {
    std::filesystem::create_directories(file_.parent_path());
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        replace_file(file_, noise(seed, seed * 7), 0600);
        EXPECT_TRUE(find("manifests/a/1").empty());
    }
    replace_file(file_, Bytes(5, 0xff), 0600);
    EXPECT_TRUE(find("manifests/a/1").empty());
}

TEST_F(SealedCacheTest, IsRewrittenWhenMostOfItIsOfNoUse) {
    for (int round = 0; round < 150; ++round) {
        remember("manifests/a/" + std::to_string(round), one_, 10);
    }
    EXPECT_LT(std::filesystem::file_size(file_), 130 * (one_.size() + 30));
    EXPECT_EQ(find("manifests/a/149"), one_);
}

TEST_F(SealedCacheTest, AFolderThatCannotBeMadeIsNoError) {
    replace_file(folder_.path() / "deep", one_, 0600);
    remember("manifests/a/1", one_);
    EXPECT_TRUE(find("manifests/a/1").empty());
}

}  // namespace
}  // namespace dbbackup
