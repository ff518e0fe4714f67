#include "pipeline/sealer.hpp"

#include "repository/collector_records.hpp"
#include "support/crashing_storage.hpp"
#include "support/memory_storage.hpp"
#include "support/sample_backup.hpp"
#include "support/sample_data.hpp"

#include <gtest/gtest.h>

namespace dbbackup {
namespace {

constexpr std::uint32_t kPage = 4096;
const SourceId kSource(16, 'a');

/// One repository; each `Run` is one writer with one sealer.
class SealerTest : public testing::Test {
protected:
    SealerTest() {
        make_repository(disk_);
        repository_ = open_repository(disk_);
    }

    class Run {
    public:
        Run(SealerTest& test, SealOptions options)
            : writer(*test.repository_, test.clock_, "backup", kSource, {}),
              reader(test.repository_->storage(), test.repository_->keys()),
              sealer(test.repository_->keys(), writer, reader, options, counts, test.log_, {}) {}

        /// Seals and stores one chunk.
        ChunkCopyPtr store(Bytes content, ChunkCopyPtr parent = nullptr,
                           std::optional<PagesProof> proof = std::nullopt) {
            ChunkCopyPtr copy = sealer.seal({.content = std::move(content),
                                             .parent = std::move(parent),
                                             .aligned_unit_bytes = kPage,
                                             .parent_proof = proof});
            writer.flush();
            return copy;
        }

        SnapshotWriter writer;
        ChunkReader reader;
        SealCounts counts;
        Sealer sealer;
    };

    ChunkCopyPtr store(Bytes content, ChunkCopyPtr parent = nullptr, SealOptions options = {}) {
        return Run(*this, options).store(std::move(content), std::move(parent));
    }

    /// As if memory had failed when the chunk was named: it decodes to other bytes than its id's.
    ChunkCopyPtr store_misnamed(const Bytes& content) {
        Run run(*this, {});
        ChunkForm form{repository_->keys().chunk_id(as_bytes("something else")),
                       static_cast<std::uint32_t>(content.size()),
                       Codec::stored,
                       0,
                       0,
                       {}};
        ChunkCopyPtr copy = run.writer.add(std::move(form), content, {});
        run.writer.flush();
        return copy;
    }

    /// What a segment that is this one chunk holds of it.
    PagesProof proof_of(const Bytes& content, std::uint64_t first_page = 9) {
        return {first_page,
                repository_->keys().fingerprinter().of_pages(content, kPage, first_page)};
    }

    Bytes read(const ChunkCopyPtr& copy) {
        return ChunkReader(repository_->storage(), repository_->keys()).read(*copy, {});
    }

    void condemn(const ChunkCopyPtr& copy) {
        const ObjectName name("condemned/" + new_run_id());
        disk_.put(name, encode_marker(repository_->keys(), name, {copy->pack->name}), {});
    }

    static Bytes with_changed_page(Bytes content, std::size_t page) {
        const Bytes changed = page_like(1000 + page, kPage);
        std::copy(changed.begin(), changed.end(),
                  content.begin() + static_cast<std::ptrdiff_t>(page * kPage));
        return content;
    }

    MemoryStorage disk_;
    FakeClock clock_;
    Log log_;
    std::unique_ptr<Repository> repository_;
    const Bytes monday_ = page_like(1, 64 * kPage);
    const Bytes tuesday_ = with_changed_page(monday_, 7);
};

constexpr SealOptions kFull{{}, HeldAs::whole_only, false};

TEST_F(SealerTest, StoresANewChunkWhole) {
    Run run(*this, {});
    const ChunkCopyPtr copy = run.store(monday_);
    EXPECT_EQ(copy->codec, Codec::zstd);
    EXPECT_EQ(copy->depth, 0);
    EXPECT_LT(copy->sealed_bytes, monday_.size() / 2);
    EXPECT_EQ(run.counts.stored_whole, 1U);
    EXPECT_EQ(read(copy), monday_);
}

/// Rows of a table, as COPY gives them.
Bytes table_like(std::size_t rows) {
    std::string text;
    for (std::size_t row = 0; row < rows; ++row) {
        text += std::to_string(row) + "\tcustomer " + std::to_string(row * 7919 % 1009) +
                "\t2026-01-0" + std::to_string(row % 9 + 1) + "\n";
    }
    return copy_of(as_bytes(text));
}

TEST_F(SealerTest, StoresRowsColumnByColumn) {
    const auto codec_of = [this](Bytes content, StreamKind kind, SealOptions options) {
        Run run(*this, options);
        const ChunkCopyPtr copy =
            run.sealer.seal({.content = content, .parent = nullptr, .kind = kind});
        run.writer.flush();
        EXPECT_EQ(read(copy), content);
        return copy->codec;
    };
    EXPECT_EQ(codec_of(table_like(20'000), StreamKind::rows, {}), Codec::zstd_columns);
    EXPECT_EQ(codec_of(table_like(20'001), StreamKind::opaque, {}), Codec::zstd);
    EXPECT_EQ(codec_of(table_like(20'002), StreamKind::rows, {{CompressionKind::zstd, 3}}),
              Codec::zstd_columns);
    EXPECT_EQ(codec_of(table_like(20'003), StreamKind::rows, {{CompressionKind::gzip, 0}}),
              Codec::gzip);
    EXPECT_EQ(codec_of(table_like(20'004), StreamKind::rows, {{CompressionKind::none, 0}}),
              Codec::stored);
    // Of small contents whatever takes less; of large ones zstd where there are no columns.
    EXPECT_EQ(codec_of(table_like(200), StreamKind::rows, {}), Codec::zstd_columns);
    EXPECT_EQ(codec_of(copy_of(as_bytes("a\tb\tc\td\te\na\tb\tc\td\te\na\tb\tc\td\te\n")),
                       StreamKind::rows, {}),
              Codec::zstd);
    EXPECT_EQ(codec_of(page_like(3, 64 * kPage), StreamKind::rows, {}), Codec::zstd);
}

TEST_F(SealerTest, PrefersADeltaForRows) {
    const Bytes before = table_like(20'000);
    Bytes after = before;
    after[5000] ^= 1U;
    Run run(*this, {});
    const ChunkCopyPtr parent =
        run.sealer.seal({.content = before, .parent = nullptr, .kind = StreamKind::rows});
    run.writer.flush();
    const ChunkCopyPtr copy =
        run.sealer.seal({.content = after, .parent = parent, .kind = StreamKind::rows});
    run.writer.flush();
    EXPECT_EQ(copy->codec, Codec::zstd_delta);
    EXPECT_EQ(read(copy), after);
}

/// Wherever the storage dies: no pack with such a chunk without the feature that tells of it.
TEST_F(SealerTest, AnnouncesColumnsBeforeTheyAreStored) {
    const ObjectName feature("features/zstd-columns");
    bool is_through = false;
    for (std::uint32_t survived = 0; !is_through; ++survived) {
        SCOPED_TRACE(survived);
        MemoryStorage disk;
        make_repository(disk);
        CrashingStorage dying(disk, survived);
        try {
            const auto repository = open_repository(dying);
            SnapshotWriter writer(*repository, clock_, "backup", kSource, {});
            ChunkReader reader(repository->storage(), repository->keys());
            SealCounts counts;
            Sealer sealer(repository->keys(), writer, reader, {}, counts, log_, {});
            static_cast<void>(sealer.seal(
                {.content = table_like(20'000), .parent = nullptr, .kind = StreamKind::rows}));
            writer.flush();
            is_through = true;
        } catch (const StorageError&) {
            EXPECT_FALSE(is_through);
        }
        bool has_pack = false;
        for (const auto& [name, content] : disk.contents()) {
            has_pack = has_pack || name.starts_with("packs/");
        }
        EXPECT_TRUE(!has_pack || disk.size_bytes(feature, {}).has_value());
        EXPECT_TRUE(has_pack || !is_through);
    }
}

TEST_F(SealerTest, StoresADeltaOnTheParentsChunk) {
    const ChunkCopyPtr parent = store(monday_);
    Run run(*this, {});
    const ChunkCopyPtr copy = run.store(tuesday_, parent);
    EXPECT_EQ(copy->codec, Codec::zstd_delta);
    EXPECT_EQ(copy->depth, 1);
    EXPECT_EQ(copy->generation, 1U);
    EXPECT_EQ(copy->bases, std::vector<ChunkCopyPtr>{parent});
    EXPECT_LT(copy->sealed_bytes, parent->sealed_bytes / 10);
    EXPECT_EQ(run.counts.stored_delta, 1U);
    EXPECT_EQ(read(copy), tuesday_);
}

TEST_F(SealerTest, StoresWholeWhatHasChangedTooMuch) {
    const ChunkCopyPtr parent = store(monday_);
    const Bytes other = page_like(2, monday_.size());
    const ChunkCopyPtr copy = store(other, parent);
    EXPECT_EQ(copy->depth, 0);
    EXPECT_EQ(copy->generation, 0U);
    EXPECT_EQ(read(copy), other);
}

TEST_F(SealerTest, ReusesTheParentsChunkWithoutLookingFurther) {
    const ChunkCopyPtr parent = store(monday_);
    Run run(*this, {});
    EXPECT_EQ(run.store(monday_, parent), parent);
    EXPECT_EQ(run.counts.reused, 1U);
    EXPECT_EQ(run.writer.bytes_added(), 0U);
}

TEST_F(SealerTest, ReusesWhatAnotherRunStored) {
    const ChunkCopyPtr earlier = store(monday_);
    Run run(*this, {});
    const ChunkCopyPtr found = run.store(monday_);
    EXPECT_EQ(found->pack->name, earlier->pack->name);
    EXPECT_EQ(run.counts.reused, 1U);
}

TEST_F(SealerTest, ReusesWhatThisRunStored) {
    Run run(*this, {});
    const ChunkCopyPtr first = run.sealer.seal({monday_, nullptr, kPage});
    EXPECT_EQ(run.sealer.seal({monday_, nullptr, kPage}), first);
    EXPECT_EQ(run.counts.reused, 1U);
}

TEST_F(SealerTest, AFullMakesNoDelta) {
    const ChunkCopyPtr parent = store(monday_);
    const ChunkCopyPtr copy = store(tuesday_, parent, kFull);
    EXPECT_EQ(copy->depth, 0);
    EXPECT_EQ(read(copy), tuesday_);
}

TEST_F(SealerTest, AFullStoresWholeWhatIsHeldOnlyAsADelta) {
    const ChunkCopyPtr parent = store(monday_);
    const ChunkCopyPtr delta = store(tuesday_, parent);
    ASSERT_EQ(delta->depth, 1);

    Run full(*this, kFull);
    EXPECT_EQ(full.store(tuesday_, delta)->depth, 0) << "not even as the parent's own chunk";
    EXPECT_EQ(full.counts.stored_whole, 1U);
    const ChunkCopyPtr again = full.store(monday_);
    EXPECT_EQ(again->pack->name, parent->pack->name) << "what is held whole is reused";
    EXPECT_EQ(full.counts.reused, 1U);
}

TEST_F(SealerTest, ADamagedBaseCostsOnlyTheDelta) {
    const ChunkCopyPtr parent = store(monday_);
    disk_.damage(pack_object_name(parent->pack->name), [&](Bytes& pack) { pack[100] ^= 1U; });
    const ChunkCopyPtr copy = store(tuesday_, parent);
    EXPECT_EQ(copy->depth, 0);
    EXPECT_EQ(read(copy), tuesday_);
}

TEST_F(SealerTest, ABaseOfOtherBytesThanItsIdNamesCostsOnlyTheDelta) {
    const ChunkCopyPtr parent = store_misnamed(monday_);
    Run run(*this, {});
    const ChunkCopyPtr copy = run.store(tuesday_, parent);
    EXPECT_EQ(copy->depth, 0);
    EXPECT_EQ(read(copy), tuesday_);
    EXPECT_FALSE(run.writer.provides(parent)) << "its pack is not trusted any more";
}

TEST_F(SealerTest, ABaseThatItsPagesProveIsNotHashed) {
    const ChunkCopyPtr parent = store_misnamed(monday_);
    EXPECT_EQ(Run(*this, {}).store(tuesday_, parent, proof_of(monday_))->depth, 1);
}

TEST_F(SealerTest, ABaseThatItsPagesDoNotProveIsHashed) {
    const ChunkCopyPtr misnamed = store_misnamed(monday_);
    Run run(*this, {});
    const ChunkCopyPtr copy = run.store(tuesday_, misnamed, proof_of(tuesday_));
    EXPECT_EQ(copy->depth, 0);
    EXPECT_FALSE(run.writer.provides(misnamed));

    const ChunkCopyPtr parent = store(monday_);
    const Bytes wednesday = with_changed_page(monday_, 8);
    PagesProof elsewhere = proof_of(monday_);
    ++elsewhere.first_page;
    EXPECT_EQ(Run(*this, {}).store(wednesday, parent, elsewhere)->depth, 1)
        << "the id says that the base is good";
}

TEST_F(SealerTest, ABaseThatIsNotTheParentItselfIsHashed) {
    const ChunkCopyPtr root = store_misnamed(monday_);
    ChunkCopyPtr parent = root;
    Bytes content = monday_;
    for (std::size_t version = 1; version < 16; ++version) {
        const PagesProof proof = proof_of(content);
        content = with_changed_page(content, version);
        parent = Run(*this, {}).store(content, parent, proof);
        ASSERT_EQ(parent->generation, version);
    }
    const Bytes last = with_changed_page(content, 16);  // its base would be the root
    Run run(*this, {});
    EXPECT_EQ(run.store(last, parent, proof_of(content))->depth, 0);
    EXPECT_FALSE(run.writer.provides(root));
}

TEST_F(SealerTest, ABaseThatHasGoneCostsOnlyTheDelta) {
    const ChunkCopyPtr parent = store(monday_);
    disk_.remove(pack_object_name(parent->pack->name), {});
    const ChunkCopyPtr copy = store(tuesday_, parent);
    EXPECT_EQ(copy->depth, 0);
    EXPECT_EQ(read(copy), tuesday_);
}

TEST_F(SealerTest, ACondemnedBaseIsNotUsed) {
    const ChunkCopyPtr parent = store(monday_);
    condemn(parent);
    EXPECT_EQ(store(tuesday_, parent)->depth, 0);
    const ChunkCopyPtr again = store(monday_, parent);
    EXPECT_NE(again->pack->name, parent->pack->name) << "a condemned chunk provides nothing";
}

/// The same content elsewhere in the source is being stored anew meanwhile: its pack has no name.
TEST_F(SealerTest, ABaseThatThisRunHasNotStoredYetCostsOnlyTheDelta) {
    const ChunkCopyPtr parent = store(monday_);
    condemn(parent);
    Run run(*this, {});
    const ChunkCopyPtr base = run.sealer.seal({.content = monday_, .parent = parent});
    ASSERT_FALSE(base->pack->is_stored);
    const ChunkToSeal changed{.content = tuesday_, .parent = parent, .aligned_unit_bytes = kPage};
    EXPECT_EQ(run.sealer.name(changed).base, nullptr);
    EXPECT_EQ(run.sealer.seal(changed)->depth, 0);
    EXPECT_TRUE(run.writer.distrusted().empty()) << "nothing of the repository is damaged";
    run.writer.flush();
    const ChunkCopyPtr later = run.store(with_changed_page(monday_, 9), parent);
    EXPECT_EQ(later->bases, std::vector<ChunkCopyPtr>{base});
}

TEST_F(SealerTest, ADeltaOnACondemnedBaseIsNotReused) {
    const ChunkCopyPtr parent = store(monday_);
    const ChunkCopyPtr delta = store(tuesday_, parent);
    condemn(parent);
    const ChunkCopyPtr again = store(tuesday_, delta);
    EXPECT_NE(again->pack->name, delta->pack->name);
    EXPECT_EQ(again->depth, 0);
}

TEST_F(SealerTest, KeepsBytesThatDoNotCompressAsTheyAre) {
    std::uint64_t seed = 3;
    for (const char* compression : {"zstd", "gzip", "none"}) {
        const Bytes content = noise(seed++, 50'000);
        const ChunkCopyPtr copy =
            store(content, nullptr, {Compression::parse(compression).value(), {}, true});
        EXPECT_EQ(copy->codec, Codec::stored) << compression;
        EXPECT_EQ(read(copy), content);
    }
}

TEST_F(SealerTest, TakesTheCodecThatWasAskedFor) {
    const ChunkCopyPtr gzip = store(monday_, nullptr, {Compression::parse("gzip:6").value()});
    EXPECT_EQ(gzip->codec, Codec::gzip);
    EXPECT_EQ(read(gzip), monday_);
    const ChunkCopyPtr none = store(tuesday_, nullptr, {Compression::parse("none").value()});
    EXPECT_EQ(none->codec, Codec::stored);
    EXPECT_EQ(read(none), tuesday_);
}

TEST_F(SealerTest, VersionsOfOnePlaceStayShallowAndReadable) {
    std::vector<std::pair<ChunkCopyPtr, Bytes>> versions;
    Bytes content = monday_;
    ChunkCopyPtr parent = store(content);
    for (std::size_t round = 0; round < 70; ++round) {
        content = with_changed_page(content, round * 13 % 64);
        content[round] ^= 0xffU;
        parent = store(content, parent);
        EXPECT_LE(parent->depth, kDepthMax);
        versions.emplace_back(parent, content);
    }
    for (const auto& [copy, expected] : versions) {
        EXPECT_EQ(read(copy), expected);
    }
}

}  // namespace
}  // namespace dbbackup
