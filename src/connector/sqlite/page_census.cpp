#include "connector/sqlite/page_census.hpp"

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <limits>
#include <queue>
#include <utility>

namespace dbbackup::sqlite {
namespace {

constexpr std::size_t kFileHeaderBytes = 100;
constexpr std::size_t kReservedBytesAt = 20;
/// Pages that are known and not read yet: 32 MiB of them. An inner page is put off while there are
/// more, for it only brings others.
constexpr std::size_t kWaitingMax = std::size_t{4} << 20U;
/// What was read last is at hand: a reader keeps the chunks that it decoded. Half of what ours
/// does.
constexpr std::uint64_t kAtHandBytes = 24_MiB;
/// No page holds a cell of less.
constexpr std::uint32_t kUsableBytesMin = 480;

/// What the page says is impossible.
class BadPage final : public std::exception {};

std::uint32_t big_endian(BytesView bytes, std::size_t at, std::size_t count) {
    if (at > bytes.size() || bytes.size() - at < count) {
        throw BadPage();
    }
    std::uint32_t value = 0;
    for (std::size_t index = 0; index < count; ++index) {
        value = value << 8U | bytes[at + index];
    }
    return value;
}

/// Source: "A variable-length integer", section 1.6.
std::uint64_t varint(BytesView bytes, std::size_t at) {
    constexpr std::size_t kBytesMax = 9;
    std::uint64_t value = 0;
    for (std::size_t index = 0; index < kBytesMax; ++index) {
        const std::uint32_t byte = big_endian(bytes, at + index, 1);
        if (index + 1 == kBytesMax) {
            return value << 8U | byte;
        }
        value = value << 7U | (byte & 0x7fU);
        if ((byte & 0x80U) == 0) {
            break;
        }
    }
    return value;
}

/// The four kinds of pages. Source: section 1.6, "The one-byte flag".
enum class PageType : std::uint8_t { inner_index = 2, inner_table = 5, index = 10, table = 13 };

bool is_inner(PageType type) {
    return type == PageType::inner_index || type == PageType::inner_table;
}
bool is_of_index(PageType type) { return type == PageType::inner_index || type == PageType::index; }

/// Known and not read yet.
struct Place {
    std::uint32_t page = 0;
    std::uint32_t tree = 0;
    friend auto operator<=>(const Place&, const Place&) = default;
};

/// Gives pages in sweeps over the file, up and down, so that a chunk is decoded about once in each,
/// however the pages of a tree are scattered.
class Sweep {
public:
    explicit Sweep(std::uint32_t page_bytes)
        : at_hand_(static_cast<std::uint32_t>(kAtHandBytes / std::max(page_bytes, 1U))) {}

    void add(Place place) {
        if (place.page >= at_) {
            above_.push(place);
        } else {
            below_.push(place);
        }
    }
    void put_off(Place place) { later_.push_back(place); }
    [[nodiscard]] bool is_full() const { return above_.size() + below_.size() > kWaitingMax; }

    [[nodiscard]] std::optional<Place> next() {
        if (above_.empty() && below_.empty()) {
            // Not all, or nothing would be left but inner pages that are put off again.
            for (std::size_t count = 0; !later_.empty() && count < kWaitingMax / 2; ++count) {
                add(later_.back());
                later_.pop_back();
            }
        }
        if (above_.empty() && below_.empty()) {
            return std::nullopt;
        }
        // Pages just behind first: inner pages of a table that grew come after half of their own.
        if (is_upward_ && !below_.empty() && at_ - below_.top().page <= at_hand_) {
            return taken(below_);
        }
        if (!is_upward_ && !above_.empty() && above_.top().page - at_ <= at_hand_) {
            return taken(above_);
        }
        is_upward_ = is_upward_ ? !above_.empty() : below_.empty();
        const Place place = is_upward_ ? taken(above_) : taken(below_);
        at_ = place.page;
        return place;
    }

private:
    template <class Queue>
    static Place taken(Queue& queue) {
        const Place place = queue.top();
        queue.pop();
        return place;
    }

    std::uint32_t at_hand_;  ///< Pages.
    std::priority_queue<Place, std::vector<Place>, std::greater<>> above_;
    std::priority_queue<Place> below_;
    std::vector<Place> later_;
    std::uint32_t at_ = 0;
    bool is_upward_ = true;
};

class Census {
public:
    Census(StreamReader& stream, std::span<const std::uint32_t> roots, std::stop_token stop)
        : stream_(stream),
          stop_(std::move(stop)),
          page_bytes_(stream.stream().page_bytes),
          counts_(roots.size()),
          are_indexes_(roots.size()),
          sweep_(page_bytes_) {
        if (page_bytes_ < kUsableBytesMin) {
            throw corrupt("its pages are too small");
        }
        page_count_ = stream.stream().size_bytes / page_bytes_;
        if (page_count_ == 0) {
            throw corrupt("it has no page");
        }
        Bytes header(kFileHeaderBytes);
        stream.read_at(0, header, stop_);
        usable_bytes_ = page_bytes_ - header[kReservedBytesAt];
        if (usable_bytes_ < kUsableBytesMin) {
            throw corrupt("its pages have no room");
        }
        for (std::size_t tree = 0; tree < roots.size(); ++tree) {
            roots_.push_back({roots[tree], static_cast<std::uint32_t>(tree)});
            sweep_.add(roots_.back());
        }
    }

    std::vector<TreeCount> take() {
        Bytes page(page_bytes_);
        while (const std::optional<Place> place = sweep_.next()) {
            TreeCount& count = counts_[place->tree];
            if (count.untold) {
                continue;
            }
            try {
                visit(*place, page);
            } catch (const BadPage&) {
                count.untold = {
                    Fault::source,
                    fmt::format("page {} of the stored database is damaged", place->page)};
            } catch (const CorruptionError& error) {
                count.untold = {Fault::repository, error.what()};
            }
        }
        return std::move(counts_);
    }

private:
    static SourceError corrupt(std::string_view why) {
        return explained<SourceError>(
            fmt::format("the tables of the database in the snapshot cannot be told: {}", why),
            "Restore the snapshot whole and repair it.", "source_corrupt");
    }

    void visit(Place place, Bytes& page) {
        if (place.page == 0 || place.page > page_count_) {
            throw BadPage();
        }
        stream_.read_at(std::uint64_t{place.page - 1} * page_bytes_, page, stop_);
        const std::size_t header = place.page == 1 ? kFileHeaderBytes : 0;
        const auto type = static_cast<PageType>(page[header]);
        if (!is_inner(type) && type != PageType::index && type != PageType::table) {
            throw BadPage();
        }
        if (is_inner(type) && sweep_.is_full()) {
            sweep_.put_off(place);
            return;
        }
        if (roots_[place.tree].page == place.page) {
            are_indexes_[place.tree] = is_of_index(type);
        } else if (are_indexes_[place.tree] != is_of_index(type)) {
            throw BadPage();
        }
        if (++pages_ > page_count_) {  // A ring of pages would never end.
            throw corrupt("pages are in more than one place");
        }
        count(place.tree, type, BytesView(page).first(usable_bytes_), header);
    }

    void count(std::uint32_t tree, PageType type, BytesView page, std::size_t header) {
        constexpr std::size_t kHeaderBytes = 8;
        constexpr std::size_t kChildBytes = 4;
        TreeCount& sum = counts_[tree];
        sum.pages += 1;
        const std::uint32_t cells = big_endian(page, header + 3, 2);
        const std::size_t pointers = header + kHeaderBytes + (is_inner(type) ? kChildBytes : 0);
        if (type != PageType::inner_table) {
            sum.rows += cells;
        }
        if (is_inner(type)) {
            sweep_.add({big_endian(page, header + kHeaderBytes, kChildBytes), tree});
        }
        for (std::uint32_t cell = 0; cell < cells; ++cell) {
            std::size_t at = big_endian(page, pointers + std::size_t{2} * cell, 2);
            if (is_inner(type)) {
                sweep_.add({big_endian(page, at, kChildBytes), tree});
                at += kChildBytes;
            }
            if (type != PageType::inner_table) {
                sum.pages += overflow_pages(varint(page, at), is_of_index(type));
            }
        }
        if (sum.pages > page_count_) {
            throw BadPage();
        }
    }

    /// How many pages the end of a payload takes. Source: section 1.6, "cell payload overflow".
    [[nodiscard]] std::uint64_t overflow_pages(std::uint64_t payload, bool is_index) const {
        const std::uint64_t usable = usable_bytes_;
        const std::uint64_t whole = is_index ? (usable - 12) * 64 / 255 - 23 : usable - 35;
        if (payload <= whole) {
            return 0;
        }
        if (payload / usable > page_count_) {
            throw BadPage();
        }
        const std::uint64_t least = (usable - 12) * 32 / 255 - 23;
        const std::uint64_t fitting = least + (payload - least) % (usable - 4);
        const std::uint64_t local = fitting <= whole ? fitting : least;
        return (payload - local + usable - 5) / (usable - 4);
    }

    StreamReader& stream_;
    std::stop_token stop_;
    std::uint32_t page_bytes_;
    std::uint32_t usable_bytes_ = 0;
    std::uint64_t page_count_ = 0;
    std::uint64_t pages_ = 0;  ///< Visited, of all trees.
    std::vector<Place> roots_;
    std::vector<TreeCount> counts_;
    std::vector<bool> are_indexes_;
    Sweep sweep_;
};

}  // namespace

std::vector<TreeCount> count_pages(StreamReader& stream, std::span<const std::uint32_t> roots,
                                   std::stop_token stop) {
    return Census(stream, roots, std::move(stop)).take();
}

}  // namespace dbbackup::sqlite
