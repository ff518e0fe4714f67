#pragma once

/// @file
/// Where else a chunk lies, when the pack that a snapshot names has gone: a collector may remove a
/// pack as soon as all that it holds lies in others too (docs/protocol.md, "Reading"). Or when that
/// pack is damaged: what is backed up again after that lies in another.

#include "repository/chunk_index.hpp"
#include "repository/repository.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <vector>

namespace dbbackup {

/// Which missing and damaged packs are made up for by others: those that a collector removed or
/// that are recorded as damaged, or any. A backup must notice what got lost, and store it again.
enum class Elsewhere : std::uint8_t { removed_packs, any_pack };

/// Reads all indexes when it is first asked, and again when what they say has gone too.
/// Thread-safe.
class OtherCopies {
public:
    /// @param repository Borrowed.
    OtherCopies(Repository& repository, Elsewhere elsewhere)
        : repository_(repository), elsewhere_(elsewhere) {}

    /// A copy of the chunk whose whole closure lay in packs that were there when this looked; null
    /// when there is none.
    /// @param missing The pack that the chunk or one of its bases was said to lie in.
    /// @param tried How many answers for this chunk have turned out to be gone as well.
    [[nodiscard]] ChunkCopyPtr find(const ChunkId& id, const PackName& missing, unsigned tried,
                                    std::stop_token stop);

    /// The same for a chunk that damaged packs do not give.
    /// @param bad The packs that have been tried; no part of the copy lies there.
    [[nodiscard]] ChunkCopyPtr find_apart_from(const std::set<PackName>& bad, const ChunkId& id,
                                               std::stop_token stop);

private:
    /// Packs that are there, and of those the ones that an answer must not lie in.
    struct Admitted {
        std::vector<PackName> present;  ///< Sorted.
        std::set<PackName> bad;         ///< Of the question that is being answered.
        std::set<PackName> recorded;    ///< As damaged: only where no other pack has it.
        bool are_recorded_in = false;
    };

    void look(const PackName& missing, std::stop_token stop);
    void load(std::stop_token stop);
    /// @pre There is an index.
    [[nodiscard]] ChunkCopyPtr ask(const ChunkId& id, const std::set<PackName>& bad);
    [[nodiscard]] bool may_find(const PackName& missing) const;

    Repository& repository_;
    Elsewhere elsewhere_;
    std::mutex mutex_;
    std::unique_ptr<ChunkIndex> index_;
    /// Shared with the function that `index_` asks.
    std::shared_ptr<Admitted> admitted_ = std::make_shared<Admitted>();
    std::set<PackName> removed_;
    unsigned looks_ = 0;  ///< How often `index_` was made.
};

}  // namespace dbbackup
