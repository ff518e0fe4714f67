#pragma once

/// @file
/// Between a list of chunks and the workers that read them: hands items on in groups, after the
/// reader was told what each group needs.

#include "base/units.hpp"
#include "repository/chunk_reader.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

namespace dbbackup {

/// Where reading costs requests, those of many chunks are then made at once, for neighbours
/// together; else each item is handed on as it comes. Not thread-safe.
template <class Item>
class ExpectedItems {
public:
    /// @param pass_on Takes the item and what it weighs in bytes: what is fetched ahead for it, and
    /// what it holds itself.
    ExpectedItems(ChunkReader& reader, std::function<void(Item, std::uint64_t)> pass_on)
        : reader_(reader), pass_on_(std::move(pass_on)) {}

    /// What may wait inside of the workers: so much of items alone, or what is fetched ahead for
    /// them too.
    [[nodiscard]] static std::uint64_t inside_bytes_max(const ChunkReader& reader,
                                                        std::uint64_t items_bytes_max) {
        return reader.reads_ahead() ? PackWindows::kExpectedBytesMax - kGroupBytes
                                    : items_bytes_max;
    }

    /// An item that holds nothing but places: it weighs what they do, or what is fetched for them.
    /// @param chunks What the item needs.
    void add(Item item, std::span<const ChunkCopyPtr> chunks) {
        std::uint64_t places_bytes = 0;
        if (!reader_.reads_ahead()) {
            for (const ChunkCopyPtr& chunk : chunks) {
                places_bytes += chunk->plain_bytes;
            }
        }
        add(std::move(item), chunks, places_bytes);
    }

    /// @param chunks What the item needs; may be empty.
    /// @param held_bytes What it holds until it has been delivered.
    void add(Item item, std::span<const ChunkCopyPtr> chunks, std::uint64_t held_bytes) {
        if (!reader_.reads_ahead()) {
            pass_on_(std::move(item), held_bytes);
            return;
        }
        std::uint64_t needed = 0;
        for (const ChunkCopyPtr& chunk : chunks) {
            needed += needed_bytes(*chunk);
        }
        chunks_.insert(chunks_.end(), chunks.begin(), chunks.end());
        group_.emplace_back(std::move(item), needed + held_bytes);
        needed_bytes_ += needed;
        held_bytes_ += held_bytes;
        // Nothing waits that nothing is fetched for, unless it has to keep its place.
        if (chunks_.empty() || needed_bytes_ >= kGroupBytes || held_bytes_ >= kGroupHeldBytes ||
            group_.size() >= kGroupItemsMax) {
            flush();
        }
    }

    /// Hands on what still waits here.
    void flush() {
        if (!chunks_.empty()) {
            reader_.expect(chunks_);
        }
        chunks_.clear();
        needed_bytes_ = held_bytes_ = 0;
        for (auto& [item, bytes] : std::exchange(group_, {})) {
            pass_on_(std::move(item), bytes);
        }
    }

private:
    /// Of one group: what is fetched for it, and what its items hold.
    static constexpr std::uint64_t kGroupBytes = 4_MiB;
    static constexpr std::uint64_t kGroupHeldBytes = 8_MiB;
    static constexpr std::size_t kGroupItemsMax = 4096;

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
    std::uint64_t needed_bytes_ = 0;
    std::uint64_t held_bytes_ = 0;
};

}  // namespace dbbackup
