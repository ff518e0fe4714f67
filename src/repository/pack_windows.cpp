#include "repository/pack_windows.hpp"

#include "base/error.hpp"
#include "repository/pack.hpp"

#include <algorithm>
#include <exception>
#include <ranges>
#include <utility>

namespace dbbackup {
namespace {

/// Bytes [offset, offset + length) of `content`, as far as there are any.
Bytes part_of(BytesView content, std::uint64_t offset, std::uint64_t length) {
    const BytesView rest = content.subspan(std::min<std::uint64_t>(offset, content.size()));
    const BytesView part = rest.first(std::min<std::uint64_t>(length, rest.size()));
    return {part.begin(), part.end()};
}

/// Of so many packs it is known how far they were read.
constexpr std::size_t kProgressMax = 64;
/// Who goes on no further behind the last window than this reads the pack in order.
constexpr std::uint64_t kGapBytesMax = PackWindows::kWindowBytes;

}  // namespace

bool PackWindows::Window::covers(const PackName& wanted, const ByteRange& range) const {
    return pack == wanted && offset_bytes <= range.offset_bytes &&
           range.offset_bytes + range.length_bytes <= offset_bytes + length_bytes;
}

std::optional<Bytes> PackWindows::read(const PackName& pack, ByteRange range,
                                       std::stop_token stop) {
    const std::uint64_t piece_bytes_max = is_local_ ? kPieceBytesMax : kGrownWindowBytes;
    if (range.length_bytes > piece_bytes_max) {
        return fetch(pack, range, std::move(stop));
    }
    std::unique_lock lock(mutex_);
    std::optional<Window> window = find(pack, range);
    while (!window && is_on_its_way(pack, range)) {
        if (!fetched_.wait(lock, stop, [&] {
                window = find(pack, range);
                return window || !is_on_its_way(pack, range);
            })) {
            throw Cancelled();
        }
    }
    if (!window) {
        const auto expected = find_expected(pack, range);
        window = fetch_window(
            expected != expected_.end() ? take_expected(expected) : next_window(pack, range), lock,
            std::move(stop));
        if (!window) {
            return std::nullopt;
        }
    }
    note_read(pack, range);
    lock.unlock();
    return part_of(*window->content, range.offset_bytes - window->offset_bytes, range.length_bytes);
}

void PackWindows::note_read(const PackName& pack, const ByteRange& range) {
    const auto read = std::ranges::find_if(
        windows_, [&](const Window& each) { return each.covers(pack, range); });
    if (read != windows_.end()) {
        read->unread_bytes -= std::min(read->unread_bytes, range.length_bytes);
    }
}

bool PackWindows::is_on_its_way(const PackName& pack, const ByteRange& range) const {
    return std::ranges::any_of(on_their_way_,
                               [&](const Window& each) { return each.covers(pack, range); });
}

std::optional<PackWindows::Window> PackWindows::fetch_window(Window window,
                                                             std::unique_lock<std::mutex>& lock,
                                                             std::stop_token stop) {
    const auto announced = on_their_way_.insert(on_their_way_.end(), window);
    lock.unlock();
    std::optional<Bytes> content;
    std::exception_ptr failure;
    try {
        content = fetch(window.pack, {window.offset_bytes, window.length_bytes}, std::move(stop));
    } catch (...) {
        failure = std::current_exception();
    }
    lock.lock();
    window.unread_bytes = announced->unread_bytes;
    on_their_way_.erase(announced);
    if (content) {
        window.content = std::make_shared<const Bytes>(std::move(*content));
        keep(window);
    }
    fetched_.notify_all();
    if (failure) {
        std::rethrow_exception(failure);
    }
    return window.content ? std::optional(std::move(window)) : std::nullopt;
}

void PackWindows::expect(std::span<const PackPiece> pieces) {
    if (is_local_) {
        return;
    }
    const std::lock_guard lock(mutex_);
    for (const auto& [pack, range] : pieces) {
        if (note_expected(pack, range) || range.length_bytes > kExpectedPartBytes ||
            expected_bytes_ + range.length_bytes > kExpectedBytesMax) {
            continue;
        }
        const auto [piece, is_new] = expected_.try_emplace(
            {pack, range.offset_bytes}, Expected{range.length_bytes, next_turn_});
        if (is_new) {
            turns_.emplace(next_turn_++, piece->first);
            expected_bytes_ += range.length_bytes;
        }
    }
    while (!expected_.empty() && fetchers_.size() < kFetchers) {
        fetchers_.emplace_back(
            [this](const std::stop_token& ended) { fetch_what_is_expected(ended); });
    }
    is_expected_.notify_all();
}

bool PackWindows::note_expected(const PackName& pack, const ByteRange& range) {
    if (find(pack, range)) {
        windows_.front().unread_bytes += range.length_bytes;
        return true;
    }
    const auto coming = std::ranges::find_if(
        on_their_way_, [&](const Window& each) { return each.covers(pack, range); });
    if (coming != on_their_way_.end()) {
        coming->unread_bytes += range.length_bytes;
        return true;
    }
    return false;
}

void PackWindows::fetch_what_is_expected(const std::stop_token& ended) {
    std::unique_lock lock(mutex_);
    while (is_expected_.wait(lock, ended, [this] { return !expected_.empty(); })) {
        try {
            const auto next = expected_.find(turns_.begin()->second);
            static_cast<void>(fetch_window(take_expected(next), lock, ended));
        } catch (const std::exception&) {
            // Whoever reads it fetches it anew, and tells what is wrong with it.
        }
    }
}

/// One that begins where the range does and holds all of it.
PackWindows::ExpectedPieces::iterator PackWindows::find_expected(const PackName& pack,
                                                                 const ByteRange& range) {
    const auto piece = expected_.find({pack, range.offset_bytes});
    return piece != expected_.end() && piece->second.length_bytes >= range.length_bytes
               ? piece
               : expected_.end();
}

PackWindows::Window PackWindows::take_expected(ExpectedPieces::iterator piece) {
    Window window{piece->first.first, piece->first.second, 0, nullptr, 0};
    const auto here = [&] { return expected_.lower_bound({window.pack, window.offset_bytes}); };
    while (join_expected(here(), window)) {
    }
    while (here() != expected_.begin() && join_expected(std::prev(here()), window)) {
    }
    // What follows a few small pieces will be expected next: as much as is read at a time anyway.
    window.length_bytes = std::max(window.length_bytes, kWindowBytes);
    return window;
}

bool PackWindows::join_expected(ExpectedPieces::iterator piece, Window& window) {
    if (piece == expected_.end() || piece->first.first != window.pack) {
        return false;
    }
    const std::uint64_t window_end = window.offset_bytes + window.length_bytes;
    const std::uint64_t piece_end = piece->first.second + piece->second.length_bytes;
    const std::uint64_t begin = std::min(window.offset_bytes, piece->first.second);
    const std::uint64_t end = std::max(window_end, piece_end);
    if (piece->first.second > window_end + kGapBytesMax ||
        piece_end + kGapBytesMax < window.offset_bytes || end - begin > kExpectedPartBytes) {
        return false;
    }
    window.offset_bytes = begin;
    window.length_bytes = end - begin;
    window.unread_bytes += piece->second.length_bytes;
    expected_bytes_ -= piece->second.length_bytes;
    turns_.erase(piece->second.turn);
    expected_.erase(piece);
    return true;
}

std::optional<Bytes> PackWindows::fetch(const PackName& pack, ByteRange range,
                                        std::stop_token stop) {
    std::optional<Bytes> content =
        storage_.get_range(pack_object_name(pack), range, std::move(stop));
    bytes_fetched_ += content ? content->size() : 0;
    return content;
}

void PackWindows::give(const PackName& pack, std::uint64_t offset_bytes, BytesView content) {
    const std::lock_guard lock(mutex_);
    if (!find(pack, {offset_bytes, content.size()})) {
        keep({pack, offset_bytes, content.size(),
              std::make_shared<const Bytes>(content.begin(), content.end()), 0});
    }
}

std::optional<Bytes> PackWindows::find_read(const PackName& pack, ByteRange range) {
    const std::lock_guard lock(mutex_);
    const std::optional<Window> window = find(pack, range);
    return window
               ? std::optional(part_of(*window->content, range.offset_bytes - window->offset_bytes,
                                       range.length_bytes))
               : std::nullopt;
}

void PackWindows::forget(const PackName& pack) {
    const std::lock_guard lock(mutex_);
    for (auto each = windows_.begin(); each != windows_.end();) {
        if (each->pack == pack) {
            kept_bytes_ -= each->content->size();
            each = windows_.erase(each);
        } else {
            ++each;
        }
    }
}

std::optional<PackWindows::Window> PackWindows::find(const PackName& pack, const ByteRange& range) {
    const auto found = std::ranges::find_if(
        windows_, [&](const Window& each) { return each.covers(pack, range); });
    if (found == windows_.end()) {
        return std::nullopt;
    }
    windows_.splice(windows_.begin(), windows_, found);
    return windows_.front();
}

/// Around the range where nothing is known of what comes next; behind the last window and twice as
/// large where the pack is read in order.
PackWindows::Window PackWindows::next_window(const PackName& pack, const ByteRange& range) {
    const auto known = std::ranges::find(progress_, pack, &Progress::pack);
    const bool is_in_order = !is_local_ && known != progress_.end() &&
                             known->begin_bytes <= range.offset_bytes &&
                             range.offset_bytes <= known->end_bytes + kGapBytesMax;
    std::uint64_t begin = range.offset_bytes;
    std::uint64_t step = kWindowBytes;
    if (is_in_order) {
        step = std::min(2 * known->step_bytes, kGrownWindowBytes);
    } else if (range.length_bytes <= kPieceBytesMax) {
        begin = begin / kWindowBytes * kWindowBytes;
    }
    const std::uint64_t end = std::max(begin + step, range.offset_bytes + range.length_bytes);
    if (known != progress_.end()) {
        progress_.erase(known);
    }
    progress_.push_front({pack, begin, end, std::max(step, range.length_bytes)});
    if (progress_.size() > kProgressMax) {
        progress_.pop_back();
    }
    return {pack, begin, end - begin, nullptr, 0};
}

void PackWindows::keep(const Window& window) {
    const std::uint64_t bytes_max = is_local_ ? kKeptBytesMax : 3 * kKeptBytesMax;
    windows_.push_front(window);
    kept_bytes_ += window.content->size();
    while (kept_bytes_ > bytes_max && windows_.size() > 1) {
        const auto superfluous = most_superfluous();
        kept_bytes_ -= superfluous->content->size();
        windows_.erase(superfluous);
    }
}

std::list<PackWindows::Window>::iterator PackWindows::most_superfluous() {
    const auto is_read = [](const Window& each) { return each.unread_bytes == 0; };
    const auto last_read = std::ranges::find_if(windows_ | std::views::reverse, is_read);
    return std::prev(last_read == std::ranges::rend(windows_) ? windows_.end() : last_read.base());
}

}  // namespace dbbackup
