#pragma once

/// @file
/// Part of `verify`: what is known about each pack, by its listing or by reading it.

#include "engine/findings.hpp"
#include "engine/progress.hpp"
#include "repository/chunk_copy.hpp"
#include "repository/repository.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup {

/// `read_all` first, if at all; then the questions, which are thread-safe.
class PackCheck {
public:
    /// @param sizes All packs there are. Borrowed.
    PackCheck(Repository& repository, const std::map<PackName, std::uint64_t>& sizes,
              Findings& findings);

    /// Reads every pack: its name is the hash of its bytes, its directory describes it, and each
    /// of its chunks is what was sealed there.
    void read_all(unsigned jobs, Progress& progress, std::stop_token stop);

    /// Why this copy cannot be read, as far as is known; nothing if it can.
    [[nodiscard]] std::optional<std::string> problem_of(const ChunkCopy& copy) const;
    /// Whether the pack of this copy is not there at all.
    [[nodiscard]] bool is_missing(const ChunkCopy& copy) const {
        return !sizes_.contains(copy.pack->name);
    }
    /// Whether `read_all` decoded this very chunk and found its id right.
    [[nodiscard]] bool is_proven(const ChunkCopy& copy) const;

private:
    struct Read {
        /// By ordinal: a sum over id and place of what was proven, or 0. Eight bytes a chunk, as
        /// there may be very many.
        std::vector<std::uint64_t> proven;
        std::set<std::uint32_t> damaged;
    };

    [[nodiscard]] Read read(const PackName& pack, std::stop_token stop);
    void check_chunks(const PackName& pack, BytesView content, Read& result);

    Repository& repository_;
    const std::map<PackName, std::uint64_t>& sizes_;
    Findings& findings_;
    std::map<PackName, Read> reads_;
};

}  // namespace dbbackup
