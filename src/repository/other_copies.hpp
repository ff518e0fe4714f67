#pragma once

/// @file
/// Where else a chunk lies, when the pack that a snapshot names has gone: a collector may remove a
/// pack as soon as all that it holds lies in others too (docs/protocol.md, "Reading").

#include "repository/chunk_index.hpp"
#include "repository/repository.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>

namespace dbbackup {

/// Which missing packs are made up for by others: those that a collector removed, or any. A backup
/// must notice what got lost, and store it again.
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

private:
    void look(const PackName& missing, std::stop_token stop);
    [[nodiscard]] bool may_find(const PackName& missing) const;

    Repository& repository_;
    Elsewhere elsewhere_;
    std::mutex mutex_;
    std::unique_ptr<ChunkIndex> index_;
    std::set<PackName> removed_;
    unsigned looks_ = 0;  ///< How often `index_` was made.
};

}  // namespace dbbackup
