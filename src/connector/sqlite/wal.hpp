#pragma once

/// @file
/// The write-ahead log as one view sees it: which frame holds which page, and the proof that the
/// frames belong to that view.
///
/// Source: https://www.sqlite.org/walformat.html, sections 1 and 2, and `struct WalIndexHdr` and
/// `struct WalCkptInfo` in wal.c of SQLite 3.40.

#include "connector/sqlite/database.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace dbbackup::sqlite {

inline constexpr std::size_t kWalIndexHeaderBytes = 48;
inline constexpr std::uint64_t kWalHeaderBytes = 32;
inline constexpr std::uint64_t kWalFrameHeaderBytes = 24;

/// One state of the log: what the header of the wal-index (the -shm file) says about it. Two equal
/// headers are one and the same state, because every commit counts `iChange` up.
struct WalState {
    std::array<std::uint8_t, kWalIndexHeaderBytes> raw{};

    [[nodiscard]] std::uint32_t frame_count() const noexcept;  ///< mxFrame
    [[nodiscard]] std::uint32_t page_count() const noexcept;   ///< nPage
    [[nodiscard]] std::uint32_t page_bytes() const noexcept;   ///< szPage
    /// Checksum of the last frame, in the big-endian form in which the frame stores it.
    [[nodiscard]] std::array<std::uint8_t, 8> last_checksum() const noexcept;
    /// As the log's own header and every frame store them.
    [[nodiscard]] std::array<std::uint8_t, 8> salts() const noexcept;
    friend bool operator==(const WalState&, const WalState&) = default;
};

/// Reads the state from the first 96 bytes of a wal-index. Nothing when its two copies differ or
/// the checksum is wrong, which means that a writer is just changing it.
[[nodiscard]] std::optional<WalState> read_wal_state(const volatile std::uint32_t* index);

/// The shared memory of the wal-index, as far as this connection has it mapped.
class WalIndex {
public:
    /// Whether there is shared memory: not for a user who may not write it, when no program that
    /// may has it open.
    [[nodiscard]] static bool is_shared(const FileHandle& database_file);
    /// @throws SourceError when there is no shared memory (heap memory, read-only folder).
    explicit WalIndex(const FileHandle& database_file);

    [[nodiscard]] std::optional<WalState> state() const;
    /// How many frames were already copied into the database file (nBackfill).
    [[nodiscard]] std::uint32_t copied_frames() const;

private:
    FileHandle file_;
    const volatile std::uint32_t* index_ = nullptr;
};

/// The frames 1 to `frame_count` of one log, for as long as a read mark keeps it from being
/// started over. One thread at a time.
class WalFrames {
public:
    /// Reads every frame's header and remembers the newest frame of each page: eight bytes a page.
    /// @throws SourceError when salts, page numbers or the last checksum are not those of `state`.
    WalFrames(FileHandle log, const WalState& state, std::stop_token stop);

    /// The newest frame of the 1-based page `number`, or nothing.
    [[nodiscard]] std::optional<std::uint32_t> find(std::uint32_t number) const;
    /// Calls `visit(page number, frame)` for the pages from `first` to `last`, in order.
    template <class Visit>
    void visit_range(std::uint32_t first, std::uint32_t last, const Visit& visit) const {
        for (auto entry = lower_bound(first); entry != pages_.end() && entry->first <= last;
             ++entry) {
            visit(entry->first, entry->second);
        }
    }
    /// Reads one page and checks afterwards that the frame is still that page's.
    void read(std::uint32_t frame, std::uint32_t number, std::span<std::uint8_t> out) const;
    /// @throws SourceError unless the log still is the one that `state` describes.
    void check_held() const;
    [[nodiscard]] std::size_t page_count() const noexcept { return pages_.size(); }

private:
    using Entry = std::pair<std::uint32_t, std::uint32_t>;  // page number, frame
    [[nodiscard]] std::vector<Entry>::const_iterator lower_bound(std::uint32_t number) const;
    [[nodiscard]] std::uint64_t offset_of(std::uint32_t frame) const noexcept;
    void keep_newest();

    FileHandle log_;
    WalState state_;
    std::uint32_t page_bytes_;
    std::vector<Entry> pages_;  // sorted by page number, one entry a page
};

}  // namespace dbbackup::sqlite
