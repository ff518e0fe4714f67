#pragma once

/// @file
/// Between a list of chunks and the workers that read them: hands items on in groups, after the
/// reader was told what each group needs.

#include "base/units.hpp"
#include "repository/chunk_reader.hpp"

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace dbbackup {

/// Where reading costs requests, those of many chunks are then made at once, for neighbours
/// together; else each item is handed on as it comes.
template <class Item>
class ExpectedItems {
public:
    /// @param pass_on Takes the item and what it weighs.
    ExpectedItems(ChunkReader& reader, std::function<void(Item, std::uint64_t)> pass_on)
        : reader_(reader), pass_on_(std::move(pass_on)) {}

    /// What may wait inside of the workers: places alone, or what is fetched ahead for them.
    [[nodiscard]] static std::uint64_t inside_bytes_max(const ChunkReader& reader,
                                                        std::uint64_t places_bytes_max) {
        return reader.reads_ahead() ? PackWindows::kExpectedBytesMax - kGroupBytes
                                    : places_bytes_max;
    }

    /// @param chunk What the item needs.
    void add(Item item, const ChunkCopyPtr& chunk) {
        if (!reader_.reads_ahead()) {
            pass_on_(std::move(item), chunk->plain_bytes);
            return;
        }
        const std::uint64_t bytes = needed_bytes(*chunk);
        group_.emplace_back(std::move(item), bytes);
        chunks_.push_back(chunk);
        group_bytes_ += bytes;
        if (group_bytes_ >= kGroupBytes) {
            flush();
        }
    }

    /// Hands on what still waits here.
    void flush() {
        reader_.expect(chunks_);
        for (auto& [item, bytes] : group_) {
            pass_on_(std::move(item), bytes);
        }
        group_.clear();
        chunks_.clear();
        group_bytes_ = 0;
    }

private:
    static constexpr std::uint64_t kGroupBytes = 4_MiB;

    static std::uint64_t needed_bytes(const ChunkCopy& copy) {
        std::uint64_t bytes = copy.sealed_bytes;
        for (const ChunkCopyPtr& base : copy.bases) {
            bytes += needed_bytes(*base);
        }
        return bytes;
    }

    ChunkReader& reader_;
    std::function<void(Item, std::uint64_t)> pass_on_;
    std::vector<std::pair<Item, std::uint64_t>> group_;
    std::vector<ChunkCopyPtr> chunks_;
    std::uint64_t group_bytes_ = 0;
};

}  // namespace dbbackup
