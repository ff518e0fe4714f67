#include "engine/collection_view.hpp"

#include "engine/compaction_plan.hpp"
#include "engine/pack_choice.hpp"
#include "prune_fixture.hpp"
#include "support/temporary_folder.hpp"

#include <filesystem>

namespace dbbackup {
namespace {

/// What a collection would do, as it depends on where its tables are kept.
class TablesTest : public PruneTest {
protected:
    /// Deltas of several depths, packs that hold little that is needed, and dead ones.
    void store_history() {
        for (int round = 0; round < 8; ++round) {
            take();
        }
        take_alone(1);
        take_alone(2);
    }

    static PruneOptions options(std::uint64_t memory_bytes_max) {
        PruneOptions options = compacting_prune(keep_newest(2));
        options.compaction.unused_part_max = 0;
        options.compaction.rebases = true;
        options.table_memory_bytes_max = memory_bytes_max;
        return options;
    }

    /// One line for each thing that is chosen, in order.
    static std::vector<std::string> choice(const CollectionView& view,
                                           const PruneOptions& options) {
        std::vector<std::string> lines;
        for (const PackName& pack : PackChoice(view).candidates()) {
            lines.push_back("goes: " + pack.text());
        }
        const CompactionPlan plan = plan_compaction(view, options.compaction);
        for (const PackName& pack : plan.emptied) {
            lines.push_back("is emptied: " + pack.text());
        }
        for (const Move& move : plan.moves) {
            lines.push_back("moves: " + std::to_string(move.pack) + " " +
                            view.directories->chunk(move.record).id.text());
        }
        for (const Rewrite& rewrite : plan.rewrites) {
            ChosenCopies::Known known;
            const ChunkCopyPtr copy = plan.copies->full(rewrite.chunk, known);
            lines.push_back("is rewritten: " + copy->id.text() + " " +
                            std::to_string(rewrite.depth));
        }
        return lines;
    }
};

TEST_F(TablesTest, InFilesTellTheSameAsInMemory) {
    store_history();
    const TemporaryFolder folder;
    OpenOptions open;
    open.index_folder = folder.path() / "cache";
    Log log;
    const auto repository = Repository::open(std::make_unique<FaultyStorage>(disk_, Faults{}),
                                             sample_unlock(), open, log, {});
    const PruneOptions in_memory = options(ScratchSpace::kMemoryBytesMax);
    const PruneOptions in_files = options(0);
    CollectionViewReader reader(*repository, in_memory);
    const CollectionView view = reader.read({});
    EXPECT_EQ(reader.scratch().file_bytes(), 0U);
    EXPECT_FALSE(std::filesystem::exists(*open.index_folder));
    CollectionViewReader file_reader(*repository, in_files);
    for (int reading = 0; reading < 2; ++reading) {
        const CollectionView file_view = file_reader.read({});
        EXPECT_EQ(file_reader.scratch().memory_bytes(), 0U);
        EXPECT_GT(file_reader.scratch().file_bytes(), 0U);
        const std::vector<std::string> lines = choice(file_view, in_files);
        EXPECT_EQ(lines, choice(view, in_memory));
        EXPECT_GT(lines.size(), 10U);
    }
    const std::filesystem::path own = *open.index_folder / repository->id();
    EXPECT_TRUE(std::filesystem::is_directory(own)) << "beside the local index";
    EXPECT_TRUE(std::filesystem::is_empty(own));
}

TEST_F(TablesTest, ACollectionWithTablesInFilesKeepsWhatIsNeeded) {
    store_history();
    const PruneReport said = [this] {
        PruneOptions dry = options(0);
        dry.is_dry_run = true;
        return prune(disk_, dry);
    }();
    const PruneReport done = prune(disk_, options(0));
    EXPECT_EQ(said.packs_removed, done.packs_removed);
    EXPECT_GT(done.bytes_compacted, 0U);
    expect_clean();
}

}  // namespace
}  // namespace dbbackup
