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
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>

namespace dbbackup {

/// Thread-safe. What is fetched at the same time by several threads is fetched once.
///
/// Where each reading costs a request, large pieces go through windows too, and windows grow while
/// a pack is read from one end towards the other: a restore then fetches a few large parts of each
/// pack, and who looks at single chunks fetches little more than these.
class PackWindows {
public:
    static constexpr std::uint64_t kWindowBytes = 256_KiB;
    /// What windows grow to where the storage is not local.
    static constexpr std::uint64_t kGrownWindowBytes = 8_MiB;
    /// Of a local storage larger pieces are fetched by themselves: little would be saved.
    static constexpr std::uint64_t kPieceBytesMax = 64_KiB;
    /// All windows together; where the storage is not local four times as much.
    static constexpr std::uint64_t kKeptBytesMax = 16_MiB;

    explicit PackWindows(Storage& storage)
        : storage_(storage), is_local_(storage.capabilities().is_local) {}

    /// As `Storage::get_range` of the pack: nothing when there is none, and less than `range` asks
    /// for where it ends. What was read before may be given although the pack has gone since.
    [[nodiscard]] std::optional<Bytes> read(const PackName& pack, ByteRange range,
                                            std::stop_token stop);

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

        [[nodiscard]] bool covers(const PackName& wanted, const ByteRange& range) const;
    };
    /// How far a pack was read, and in what steps.
    struct Progress {
        PackName pack;
        std::uint64_t begin_bytes = 0;  ///< Of the last window.
        std::uint64_t end_bytes = 0;
        std::uint64_t step_bytes = 0;
    };

    [[nodiscard]] std::optional<Window> find(const PackName& pack, const ByteRange& range);
    [[nodiscard]] Window next_window(const PackName& pack, const ByteRange& range);
    void keep(const Window& window);
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
};

}  // namespace dbbackup
