#pragma once

/// @file
/// Reads small pieces of packs, and keeps what lies around them: what one run stored of
/// neighbouring places stands side by side in its packs, and is wanted one after the other.
///
/// Data path: storage -> [pack windows] -> chunk reader.

#include "base/guarded.hpp"
#include "base/units.hpp"
#include "repository/ids.hpp"
#include "storage/storage.hpp"

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <stop_token>

namespace dbbackup {

/// Thread-safe. Keeps at most `kWindowsMax` windows of a little more than `kWindowBytes`.
class PackWindows {
public:
    static constexpr std::uint64_t kWindowBytes = 256_KiB;
    static constexpr std::size_t kWindowsMax = 64;
    /// Larger pieces are fetched by themselves: little would be saved.
    static constexpr std::uint64_t kPieceBytesMax = 64_KiB;

    explicit PackWindows(Storage& storage) : storage_(storage) {}

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
        std::uint64_t length_bytes =
            0;  ///< As it was asked for; `content` ends where the pack does.
        std::shared_ptr<const Bytes> content;  ///< Shared with who copies from it meanwhile.
    };

    [[nodiscard]] std::optional<Window> find(const PackName& pack, const ByteRange& range);
    void keep(const Window& window);
    [[nodiscard]] std::optional<Bytes> fetch(const PackName& pack, ByteRange range,
                                             std::stop_token stop);

    Storage& storage_;
    std::atomic<std::uint64_t> bytes_fetched_{0};
    Guarded<std::list<Window>> windows_;  ///< Newest first.
};

}  // namespace dbbackup
