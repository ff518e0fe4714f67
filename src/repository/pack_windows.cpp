#include "repository/pack_windows.hpp"

#include "repository/pack.hpp"

#include <algorithm>

namespace dbbackup {
namespace {

/// Bytes [offset, offset + length) of `content`, as far as there are any.
Bytes part_of(BytesView content, std::uint64_t offset, std::uint64_t length) {
    const BytesView rest = content.subspan(std::min<std::uint64_t>(offset, content.size()));
    const BytesView part = rest.first(std::min<std::uint64_t>(length, rest.size()));
    return {part.begin(), part.end()};
}

}  // namespace

std::optional<Bytes> PackWindows::read(const PackName& pack, ByteRange range,
                                       std::stop_token stop) {
    if (range.length_bytes > kPieceBytesMax) {
        return fetch(pack, range, std::move(stop));
    }
    std::optional<Window> window = find(pack, range);
    if (!window) {
        const std::uint64_t begin = range.offset_bytes / kWindowBytes * kWindowBytes;
        const std::uint64_t end =
            std::max(begin + kWindowBytes, range.offset_bytes + range.length_bytes);
        std::optional<Bytes> content = fetch(pack, {begin, end - begin}, std::move(stop));
        if (!content) {
            return std::nullopt;
        }
        window = {pack, begin, end - begin, std::make_shared<const Bytes>(std::move(*content))};
        keep(*window);
    }
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
    windows_.with([&pack](std::list<Window>& windows) {
        windows.remove_if([&pack](const Window& each) { return each.pack == pack; });
    });
}

std::optional<PackWindows::Window> PackWindows::find(const PackName& pack, const ByteRange& range) {
    return windows_.with([&](std::list<Window>& windows) -> std::optional<Window> {
        const auto found = std::find_if(windows.begin(), windows.end(), [&](const Window& each) {
            return each.pack == pack && each.offset_bytes <= range.offset_bytes &&
                   range.offset_bytes + range.length_bytes <= each.offset_bytes + each.length_bytes;
        });
        if (found == windows.end()) {
            return std::nullopt;
        }
        windows.splice(windows.begin(), windows, found);
        return windows.front();
    });
}

void PackWindows::keep(const Window& window) {
    windows_.with([&](std::list<Window>& windows) {
        windows.push_front(window);
        if (windows.size() > kWindowsMax) {
            windows.pop_back();
        }
    });
}

}  // namespace dbbackup
