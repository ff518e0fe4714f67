#include "repository/pack_windows.hpp"

#include "base/error.hpp"
#include "repository/pack.hpp"

#include <algorithm>
#include <exception>
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
    while (!window) {
        const auto covers = [&](const Window& each) { return each.covers(pack, range); };
        if (std::ranges::none_of(on_their_way_, covers)) {
            break;
        }
        if (!fetched_.wait(lock, stop, [&] {
                window = find(pack, range);
                return window || std::ranges::none_of(on_their_way_, covers);
            })) {
            throw Cancelled();
        }
    }
    if (!window) {
        window = next_window(pack, range);
        const auto announced = on_their_way_.insert(on_their_way_.end(), *window);
        lock.unlock();
        std::optional<Bytes> content;
        std::exception_ptr failure;
        try {
            content = fetch(pack, {window->offset_bytes, window->length_bytes}, std::move(stop));
        } catch (...) {
            failure = std::current_exception();
        }
        lock.lock();
        on_their_way_.erase(announced);
        if (content) {
            window->content = std::make_shared<const Bytes>(std::move(*content));
            keep(*window);
        }
        fetched_.notify_all();
        if (failure) {
            std::rethrow_exception(failure);
        }
        if (!window->content) {
            return std::nullopt;
        }
    }
    lock.unlock();
    return part_of(*window->content, range.offset_bytes - window->offset_bytes, range.length_bytes);
}

std::optional<Bytes> PackWindows::fetch(const PackName& pack, ByteRange range,
                                        std::stop_token stop) {
    std::optional<Bytes> content =
        storage_.get_range(pack_object_name(pack), range, std::move(stop));
    bytes_fetched_ += content ? content->size() : 0;
    return content;
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
    return {pack, begin, end - begin, nullptr};
}

void PackWindows::keep(const Window& window) {
    const std::uint64_t bytes_max = is_local_ ? kKeptBytesMax : 4 * kKeptBytesMax;
    windows_.push_front(window);
    kept_bytes_ += window.content->size();
    while (kept_bytes_ > bytes_max && windows_.size() > 1) {
        kept_bytes_ -= windows_.back().content->size();
        windows_.pop_back();
    }
}

}  // namespace dbbackup
