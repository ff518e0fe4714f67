#include "repository/chunk_reader.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "repository_place.hpp"
#include "support/faulty_storage.hpp"
#include "support/temporary_folder.hpp"
#include "sys/file.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace dbbackup {
namespace {

class ChunkReaderTest : public testing::TestWithParam<Encryption> {
protected:
    ChunkReaderTest() : place_(GetParam()) {
        const auto run = place_.writer();
        whole_ = place_.add(*run, "the base");
        const Bytes content = page_like(1, 5000);
        const Bytes base(as_bytes("the base").begin(), as_bytes("the base").end());
        const BytesView view(base);
        const auto packed = make_compressor(Codec::zstd_delta, 0)
                                ->compress(content, std::span(&view, 1), {}, content.size());
        ChunkForm form;
        form.id = place_.repository->keys().chunk_id(content);
        form.plain_bytes = static_cast<std::uint32_t>(content.size());
        form.codec = Codec::zstd_delta;
        delta_ = run->add(form, packed.value(), {whole_});
        run->flush();
    }

    [[nodiscard]] Bytes read(const ChunkCopy& copy) {
        ChunkReader reader(place_.repository->storage(), place_.repository->keys());
        return reader.read(copy, {});
    }
    [[nodiscard]] std::string problem(const ChunkCopy& copy) {
        try {
            static_cast<void>(read(copy));
            return "";
        } catch (const CorruptionError& error) {
            return error.what();
        }
    }
    [[nodiscard]] ObjectName pack() const { return pack_object_name(whole_->pack->name); }

    RepositoryPlace place_;
    ChunkCopyPtr whole_;
    ChunkCopyPtr delta_;
};

INSTANTIATE_TEST_SUITE_P(Encryptions, ChunkReaderTest,
                         testing::Values(Encryption::none, Encryption::keyfile), encryption_name);

TEST_P(ChunkReaderTest, GivesTheBytesOfWholeChunksAndDeltas) {
    EXPECT_EQ(as_text(read(*whole_)), "the base");
    EXPECT_EQ(read(*delta_), page_like(1, 5000));
}

TEST_P(ChunkReaderTest, ServesSeveralThreads) {
    ChunkReader reader(place_.repository->storage(), place_.repository->keys());
    std::atomic<int> wrong = 0;
    {
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < 4; ++thread) {
            threads.emplace_back([&] {
                for (int round = 0; round < 50; ++round) {
                    wrong += reader.read(*delta_, {}) == page_like(1, 5000) ? 0 : 1;
                }
            });
        }
    }
    EXPECT_EQ(wrong, 0);
}

TEST_P(ChunkReaderTest, NamesThePackThatIsMissing) {
    place_.disk.remove(pack(), {});
    EXPECT_EQ(problem(*whole_), pack().text() + " is missing");
    EXPECT_EQ(problem(*delta_), pack().text() + " is missing");
}

TEST_P(ChunkReaderTest, NamesThePackThatIsCutOff) {
    place_.disk.damage(pack(), [this](Bytes& content) {
        content.resize(delta_->offset_bytes + delta_->sealed_bytes - 1);
    });
    EXPECT_EQ(problem(*whole_), "");
    EXPECT_EQ(problem(*delta_),
              pack().text() + " is damaged: chunk 1 is cut off: the object is too short");
}

TEST_P(ChunkReaderTest, NamesThePackThatWasChanged) {
    place_.disk.damage(pack(), [this](Bytes& content) { content[whole_->offset_bytes] ^= 1U; });
    EXPECT_EQ(problem(*whole_),
              pack().text() + " is damaged: chunk 0 is not what was sealed there");
    EXPECT_EQ(problem(*delta_), problem(*whole_)) << "a damaged base is told by its own name";
}

TEST_P(ChunkReaderTest, RefusesAPlaceThatHoldsAnotherChunk) {
    ChunkCopy wrong = *whole_;
    wrong.id.bytes[0] ^= 1U;
    EXPECT_NE(problem(wrong), "");
    wrong = *whole_;
    wrong.plain_bytes += 1;
    EXPECT_NE(problem(wrong), "");
    wrong = *delta_;
    wrong.bases.clear();
    EXPECT_NE(problem(wrong), "");
}

TEST_P(ChunkReaderTest, FindsAChunkThatWasSealedWithAnotherId) {
    const auto run = place_.writer();
    ChunkForm form;
    form.id = whole_->id;
    form.id.bytes[5] ^= 1U;
    form.plain_bytes = 5;
    const ChunkCopyPtr lie = run->add(form, as_bytes("other"), {});
    run->flush();
    EXPECT_EQ(problem(*lie),
              pack_object_name(lie->pack->name).text() +
                  " is damaged: chunk 0 does not decode to the bytes it was made from");
}

TEST_P(ChunkReaderTest, FindsAChunkThatDoesNotDecompress) {
    const auto run = place_.writer();
    ChunkForm form;
    form.id.bytes.fill(7);
    form.plain_bytes = 50;
    form.codec = Codec::zstd;
    const ChunkCopyPtr garbage = run->add(form, as_bytes("no frame of zstd"), {});
    run->flush();
    EXPECT_EQ(problem(*garbage), pack_object_name(garbage->pack->name).text() +
                                     " is damaged: chunk 0 does not decompress");
}

/// A store where each reading costs a request, and a folder for what is kept of it.
class KeptChunks : public testing::TestWithParam<Encryption> {
protected:
    KeptChunks() : place_(GetParam(), {.capabilities = {.is_local = false, .listing_delay = {}}}) {
        const auto run = place_.writer();
        list_ = place_.add(*run, "a segment list");
        run->flush();
    }

    /// As a run of its own does, that may say before what it is going to read.
    /// @return The requests that it took.
    std::size_t read_list(bool is_expected = false) {
        std::atomic<std::size_t> requests = 0;
        Faults faults;
        faults.before = [&](const StorageCall&) { ++requests; };
        Log silent;
        const auto repository =
            Repository::open(std::make_unique<FaultyStorage>(place_.disk, std::move(faults)),
                             sample_unlock(), {.cache_folder = folder_.path()}, silent, {});
        const std::size_t before = requests;
        ChunkReader reader(*repository, Elsewhere::removed_packs);
        if (is_expected) {
            reader.expect({&list_, 1});
        }
        EXPECT_EQ(as_text(reader.read_kept(*list_, {})), "a segment list");
        return requests - before;
    }
    [[nodiscard]] std::filesystem::path file() const {
        return folder_.path() / place_.repository->id() / "segment-lists";
    }

    TemporaryFolder folder_;
    RepositoryPlace place_;
    ChunkCopyPtr list_;
};

INSTANTIATE_TEST_SUITE_P(Encryptions, KeptChunks,
                         testing::Values(Encryption::none, Encryption::keyfile), encryption_name);

TEST_P(KeptChunks, AreReadOnce) {
    EXPECT_EQ(read_list(), 1U);
    EXPECT_EQ(read_list(), 0U);
    EXPECT_EQ(read_list(true), 0U) << "nor fetched ahead";
    std::filesystem::remove(file());
    EXPECT_EQ(read_list(true), 1U);
}

TEST_P(KeptChunks, AreNotBelievedWhenTheFileIsDamaged) {
    read_list();
    Bytes content = read_file(file(), 1_MiB).value();
    content.back() ^= 1U;
    replace_file(file(), content, 0600);
    EXPECT_EQ(read_list(), 1U);
    EXPECT_EQ(read_list(), 0U) << "it was replaced";
}

TEST_P(KeptChunks, AreSealed) {
    read_list();
    const Bytes content = read_file(file(), 1_MiB).value();
    const bool is_readable = as_text(content).find("a segment list") != std::string_view::npos;
    EXPECT_EQ(is_readable, GetParam() == Encryption::none);
}

}  // namespace
}  // namespace dbbackup
