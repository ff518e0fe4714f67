#pragma once

/// @file
/// Reads small pieces of packs, and keeps what lies around them: what one run stored of
/// neighbouring places stands side by side in its packs, and is wanted one after the other.
///
/// Data path: storage -> [pack windows] -> chunk reader.

#include "base/units.hpp"
#include "repository/ids.hpp"
#include "storage/storage.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

namespace dbbackup {

/// A part of a pack.
struct PackPiece {
    PackName pack;
    ByteRange range;
};

/// Thread-safe. What is fetched at the same time by several threads is fetched once.
///
/// Where each reading costs a request, large pieces go through windows too, and windows grow while
/// a pack is read from one end towards the other: a restore then fetches a few large parts of each
/// pack, and who looks at single chunks fetches little more than these. Who knows what it is going
/// to read says so, and does not wait for one request after the other.
class PackWindows {
public:
    static constexpr std::uint64_t kWindowBytes = 256_KiB;
    /// What windows grow to where the storage is not local.
    static constexpr std::uint64_t kGrownWindowBytes = 8_MiB;
    /// Of a local storage larger pieces are fetched by themselves: little would be saved.
    static constexpr std::uint64_t kPieceBytesMax = 64_KiB;
    /// All windows together; where the storage is not local three times as much: all that may be
    /// expected at a time, and half as much again.
    static constexpr std::uint64_t kKeptBytesMax = 16_MiB;

    /// So much may be expected at a time, and is fetched in so large parts by so many threads.
    static constexpr std::uint64_t kExpectedBytesMax = 32_MiB;
    static constexpr std::uint64_t kExpectedPartBytes = 4_MiB;
    static constexpr unsigned kFetchers = 8;

    explicit PackWindows(Storage& storage)
        : storage_(storage), is_local_(storage.capabilities().is_local) {}

    /// False: nothing is fetched before it is read, for reading costs no request.
    [[nodiscard]] bool reads_ahead() const noexcept { return !is_local_; }

    /// Begins to fetch what `read` is going to ask for: several parts at the same time, each of all
    /// that stands close together. Never waits. Too much at a time, and what cannot be had, is left
    /// to `read`.
    void expect(std::span<const PackPiece> pieces);

    /// As `Storage::get_range` of the pack: nothing when there is none, and less than `range` asks
    /// for where it ends. What was read before may be given although the pack has gone since.
    [[nodiscard]] std::optional<Bytes> read(const PackName& pack, ByteRange range,
                                            std::stop_token stop);

    /// What is known of a pack from elsewhere, and is as good as read.
    void give(const PackName& pack, std::uint64_t offset_bytes, BytesView content);
    /// What was read or given and is still kept.
    [[nodiscard]] std::optional<Bytes> find_read(const PackName& pack, ByteRange range);

    /// Drops what was read of a pack: when it turns out to be damaged, the next reading may be
    /// right.
    void forget(const PackName& pack);

    [[nodiscard]] std::uint64_t bytes_fetched() const noexcept { return bytes_fetched_; }

private:
    struct Window {
        PackName pack;
        std::uint64_t offset_bytes = 0;
        /// As it was asked for; `content` ends where the pack does.
        std::uint64_t length_bytes = 0;
        std::shared_ptr<const Bytes> content;  ///< Shared with who copies from it meanwhile.
        std::uint64_t unread_bytes = 0;        ///< That are expected and were not asked for yet.

        [[nodiscard]] bool covers(const PackName& wanted, const ByteRange& range) const;
    };
    /// How far a pack was read, and in what steps.
    struct Progress {
        PackName pack;
        std::uint64_t begin_bytes = 0;  ///< Of the last window.
        std::uint64_t end_bytes = 0;
        std::uint64_t step_bytes = 0;
    };

    struct Expected {
        std::uint64_t length_bytes = 0;
        std::uint64_t turn = 0;
    };
    using Place = std::pair<PackName, std::uint64_t>;  ///< A pack and an offset in it.
    using ExpectedPieces = std::map<Place, Expected>;

    /// Whether it is there or on its way; then it is not given up before it was read.
    [[nodiscard]] bool note_expected(const PackName& pack, const ByteRange& range);
    void note_read(const PackName& pack, const ByteRange& range);
    [[nodiscard]] bool is_on_its_way(const PackName& pack, const ByteRange& range) const;
    [[nodiscard]] ExpectedPieces::iterator find_expected(const PackName& pack,
                                                         const ByteRange& range);
    /// Takes the piece, and what is expected around it, out of what is expected.
    [[nodiscard]] Window take_expected(ExpectedPieces::iterator piece);
    /// Moves a neighbour into `window` if that leaves it small enough.
    [[nodiscard]] bool join_expected(ExpectedPieces::iterator piece, Window& window);
    /// Fetches it with `lock` released. Nothing: there is no such pack.
    [[nodiscard]] std::optional<Window> fetch_window(Window window,
                                                     std::unique_lock<std::mutex>& lock,
                                                     std::stop_token stop);
    void fetch_what_is_expected(const std::stop_token& ended);
    [[nodiscard]] std::optional<Window> find(const PackName& pack, const ByteRange& range);
    [[nodiscard]] Window next_window(const PackName& pack, const ByteRange& range);
    void keep(const Window& window);
    /// What was kept longest of that which nobody expects to read any more; else of all.
    [[nodiscard]] std::list<Window>::iterator most_superfluous();
    [[nodiscard]] std::optional<Bytes> fetch(const PackName& pack, ByteRange range,
                                             std::stop_token stop);

    Storage& storage_;
    const bool is_local_;
    std::atomic<std::uint64_t> bytes_fetched_{0};

    std::mutex mutex_;  ///< Guards the members below.
    std::condition_variable_any fetched_;
    std::list<Window> windows_;       ///< Newest first.
    std::uint64_t kept_bytes_ = 0;    ///< In `windows_`.
    std::list<Window> on_their_way_;  ///< Without content.
    std::list<Progress> progress_;    ///< Newest first.
    ExpectedPieces expected_;
    std::map<std::uint64_t, Place> turns_;  ///< Of `expected_`.
    std::uint64_t next_turn_ = 0;
    std::uint64_t expected_bytes_ = 0;
    std::condition_variable_any is_expected_;
    std::vector<std::jthread> fetchers_;  ///< Last: joined before anything that they use goes.
};

}  // namespace dbbackup
