#include "repository/pack_writer.hpp"

#include "base/error.hpp"
#include "repository/index_objects.hpp"
#include "repository_place.hpp"
#include "storage/listing.hpp"
#include "support/faulty_storage.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <map>

namespace dbbackup {
namespace {

/// Sealed bytes are all that counts here; that they decode is the chunk reader's test.
class PackWriterTest : public testing::TestWithParam<Encryption> {
protected:
    PackWriterTest() : place_(GetParam()) {}

    static ChunkForm form_of(const Repository& repository, BytesView content) {
        ChunkForm form;
        form.id = repository.keys().chunk_id(content);
        form.plain_bytes = static_cast<std::uint32_t>(content.size());
        return form;
    }
    void add(PackWriter& writer, BytesView content) {
        writer.add(form_of(*place_.repository, content), content);
    }
    [[nodiscard]] std::size_t count(const std::string& folder) {
        return names_below(place_.disk, folder, {}).size();
    }
    /// What all index objects say.
    std::map<PackName, IndexedPack> indexed() {
        std::map<PackName, IndexedPack> packs;
        for (const ObjectName& name : names_below(place_.disk, "indexes", {})) {
            const auto index = read_index_object(*place_.repository, name, {});
            for (IndexedPack& pack : index->packs) {
                packs.emplace(pack.name, std::move(pack));
            }
        }
        return packs;
    }

    RepositoryPlace place_;
};

INSTANTIATE_TEST_SUITE_P(Encryptions, PackWriterTest,
                         testing::Values(Encryption::none, Encryption::keyfile), encryption_name);

TEST_P(PackWriterTest, PacksAreDurableAfterAFlushAndNamedAfterAClose) {
    PackWriter writer(*place_.repository, {});
    add(writer, as_bytes("one"));
    add(writer, as_bytes("two"));
    EXPECT_EQ(count("packs"), 0U);
    writer.flush();
    EXPECT_EQ(count("packs"), 1U);
    EXPECT_EQ(count("indexes"), 0U);
    add(writer, as_bytes("three"));
    writer.flush();
    const std::uint64_t bytes = writer.bytes_stored();
    const std::vector<PackName> closed = writer.close();
    ASSERT_EQ(closed.size(), 2U);
    EXPECT_EQ(writer.bytes_stored(), bytes);
    EXPECT_EQ(count("indexes"), 1U);
    const auto named = indexed();
    ASSERT_EQ(named.size(), 2U);
    EXPECT_EQ(bytes, named.at(closed[0]).bytes + named.at(closed[1]).bytes);
    for (const auto& [name, pack] : named) {
        const Bytes content = place_.disk.get(pack_object_name(name), {}).value();
        EXPECT_EQ(content.size(), pack.bytes);
        const auto entries = read_pack_directory(place_.repository->keys(), name, content);
        ASSERT_EQ(entries.size(), pack.entries.size());
        for (std::size_t at = 0; at < entries.size(); ++at) {
            EXPECT_EQ(entries[at].form.id, pack.entries[at].form.id);
            EXPECT_EQ(entries[at].offset_bytes, pack.entries[at].offset_bytes);
        }
    }
}

TEST_P(PackWriterTest, NoPackIsLargerThanPacksMayBe) {
    PackWriter writer(*place_.repository, {});
    for (std::uint64_t seed = 0; seed < 9; ++seed) {
        add(writer, noise(seed, 4_MiB));
    }
    writer.flush();
    std::size_t chunks = 0;
    EXPECT_EQ(writer.close().size(), 3U);
    for (const auto& [name, pack] : indexed()) {
        EXPECT_LE(pack.bytes, kPackBytesMax);
        chunks += pack.entries.size();
    }
    EXPECT_EQ(chunks, 9U);
    EXPECT_EQ(count("packs"), 3U);
}

TEST_P(PackWriterTest, WritesNothingForNothing) {
    const auto before = place_.disk.contents();
    PackWriter writer(*place_.repository, {});
    writer.flush();
    EXPECT_TRUE(writer.close().empty());
    EXPECT_EQ(writer.bytes_stored(), 0U);
    EXPECT_EQ(place_.disk.contents(), before);
}

TEST_P(PackWriterTest, NamesWhatIsDurableOfAFailedRun) {
    std::atomic<int> packs{0};
    Faults faults;
    faults.before = [&packs](const StorageCall& call) {
        if (call.name.starts_with("packs/") && ++packs > 1) {
            throw StorageError("the disk is full");
        }
    };
    const std::unique_ptr<Repository> repository = Repository::open(
        std::make_unique<FaultyStorage>(place_.disk, faults), sample_unlock(), {}, place_.log, {});
    PackWriter writer(*repository, {});
    writer.add(form_of(*repository, as_bytes("one")), as_bytes("one"));
    writer.flush();
    writer.add(form_of(*repository, as_bytes("two")), as_bytes("two"));
    EXPECT_THROW(writer.flush(), StorageError);
    EXPECT_THROW(writer.flush(), StorageError);
    ASSERT_EQ(writer.close().size(), 1U);
    EXPECT_EQ(indexed().begin()->second.entries.front().form.id,
              repository->keys().chunk_id(as_bytes("one")));
    EXPECT_EQ(count("packs"), 1U);
}

TEST_P(PackWriterTest, EndsWhenTheStopTokenFires) {
    std::stop_source stop;
    PackWriter writer(*place_.repository, stop.get_token());
    add(writer, as_bytes("one"));
    stop.request_stop();
    EXPECT_THROW(writer.flush(), Cancelled);
    EXPECT_EQ(count("packs"), 0U);
}

}  // namespace
}  // namespace dbbackup
