#include "engine/stored_stream.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "engine/expected_items.hpp"
#include "pipeline/ordered_workers.hpp"
#include "repository/pack.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <utility>

namespace dbbackup {
namespace {

/// How far the quickest worker may be ahead of the slowest. Only places wait, so it costs no
/// memory: the bytes of a chunk are there while one worker has it.
constexpr std::uint64_t kInsideBytesPerJob = 64_MiB;
/// The same where decoded chunks wait for their turn.
constexpr std::uint64_t kWaitingBytesPerJob = 8_MiB;
/// Decoded chunks kept for random access to pages: a b-tree walk comes back to the same few, and
/// rows that an index names come from many.
constexpr std::uint64_t kRecentBytesMax = 48_MiB;
/// The same of what is read from one end to the other, on each thread.
constexpr std::uint64_t kRecentBytesPerJob = kChunkPlainBytesMax;
/// What a lost list covers is given in pieces: whole pages of every size.
constexpr std::uint64_t kZerosBytes = 1_MiB;

}  // namespace

StoredStreamReader::StoredStreamReader(const StreamContents& stream, ChunkReader& reader,
                                       const Fingerprinter& fingerprinter, unsigned jobs,
                                       Progress& progress, LostRanges* lost)
    : stream_(stream),
      reader_(reader),
      fingerprinter_(fingerprinter),
      jobs_(jobs),
      progress_(progress),
      // Only of pages does it matter where each one stands: rows are a sequence.
      lost_(stream.stream.kind == StreamKind::pages ? lost : nullptr),
      recent_bytes_max_(stream.stream.kind == StreamKind::pages ? kRecentBytesMax
                                                                : kRecentBytesPerJob * (jobs + 1)),
      lists_(stream, reader) {}

std::string wrong_pages_text(const StoredStream& stream, const SegmentRange& range) {
    return fmt::format(
        "pages {} to {} of stream '{}' are not those that were read from the database",
        range.first_page, range.first_page + range.page_count - 1, stream.name);
}

void StoredStreamReader::read_at(std::uint64_t offset, std::span<std::uint8_t> out,
                                 std::stop_token stop) {
    if (offset > stream_.stream.size_bytes || out.size() > stream_.stream.size_bytes - offset) {
        throw Error("a read beyond the end of a stored stream");
    }
    while (!out.empty()) {
        const DecodedPtr chunk = chunk_at(offset, stop);
        const auto at = static_cast<std::size_t>(offset - chunk->offset);
        const std::size_t count = std::min(out.size(), chunk->content.size() - at);
        std::memcpy(out.data(), chunk->content.data() + at, count);
        out = out.subspan(count);
        offset += count;
    }
}

StoredStreamReader::DecodedPtr StoredStreamReader::recent_at(std::uint64_t offset) {
    const auto found = std::ranges::find_if(recent_, [offset](const DecodedPtr& chunk) {
        return offset >= chunk->offset && offset - chunk->offset < chunk->content.size();
    });
    if (found == recent_.end()) {
        return nullptr;
    }
    recent_.splice(recent_.begin(), recent_, found);
    return recent_.front();
}

StoredStreamReader::DecodedPtr StoredStreamReader::chunk_at(std::uint64_t offset,
                                                            const std::stop_token& stop) {
    Place place;
    {
        const std::lock_guard lock(mutex_);
        if (DecodedPtr recent = recent_at(offset)) {
            return recent;
        }
        place = place_of(offset, stop);
    }
    // Each of several readers decodes what it is at.
    auto decoded = std::make_shared<Decoded>(decode(place, stop));
    const std::lock_guard lock(mutex_);
    if (DecodedPtr recent = recent_at(offset)) {
        return recent;  // Another was quicker, and has counted it.
    }
    recent_.push_front(decoded);
    recent_bytes_ += decoded->content.size();
    progress_.bytes_done += decoded->content.size();
    while (recent_bytes_ > recent_bytes_max_ && recent_.size() > 1) {
        recent_bytes_ -= recent_.back()->content.size();
        recent_.pop_back();
    }
    return decoded;
}

const std::vector<StoredSegment>* StoredStreamReader::list_at(SegmentLists& lists,
                                                              std::size_t index,
                                                              std::uint64_t begin,
                                                              const std::stop_token& stop) {
    try {
        return &lists.list(index, stop);
    } catch (const CorruptionError& error) {
        if (lost_ == nullptr) {
            throw;
        }
        lost_->add(stream_.stream, begin, stream_.lists[index].bytes, true,
                   fmt::format("a segment list: {}", error.what()));
        return nullptr;
    }
}

std::optional<Bytes> StoredStreamReader::read_chunk(const ChunkCopy& chunk, std::uint64_t offset,
                                                    Proof proof, const std::stop_token& stop) {
    try {
        return reader_.read(chunk, stop, lost_ == nullptr ? proof : Proof::chunk_id);
    } catch (const CorruptionError& error) {
        if (lost_ == nullptr) {
            throw;
        }
        lost_->add(stream_.stream, offset, chunk.plain_bytes, true, error.what());
        return std::nullopt;
    }
}

StoredStreamReader::Place StoredStreamReader::place_of(std::uint64_t offset,
                                                       const std::stop_token& stop) {
    std::uint64_t start = 0;
    for (std::size_t index = 0; index < lists_.count(); ++index) {
        if (offset >= start + stream_.lists[index].bytes) {
            start += stream_.lists[index].bytes;
            continue;
        }
        const std::vector<StoredSegment>* const segments = list_at(lists_, index, start, stop);
        if (segments == nullptr) {
            const std::uint64_t piece = start + (offset - start) / kZerosBytes * kZerosBytes;
            const std::uint64_t end = start + stream_.lists[index].bytes;
            return {piece, std::min(kZerosBytes, end - piece), nullptr};
        }
        for (const StoredSegment& segment : *segments) {
            if (offset >= start + segment.bytes) {
                start += segment.bytes;
                continue;
            }
            for (const ChunkCopyPtr& chunk : segment.chunks) {
                if (offset < start + chunk->plain_bytes) {
                    return {start, chunk->plain_bytes, chunk};
                }
                start += chunk->plain_bytes;
            }
        }
        break;
    }
    throw CorruptionError(fmt::format("the segment lists of stream '{}' do not reach byte {}",
                                      stream_.stream.name, offset));
}

StoredStreamReader::Decoded StoredStreamReader::decode(const Place& place,
                                                       const std::stop_token& stop) {
    std::optional<Bytes> plain;
    if (place.chunk) {
        plain = read_chunk(*place.chunk, place.offset, Proof::chunk_id, stop);
    }
    return {place.offset, plain ? std::move(*plain) : Bytes(place.bytes)};
}

/// Restores pages at the speed of their fingerprints, several times that of chunk ids, and proves
/// more: also that each page stands where it stood.
class StoredStreamReader::SegmentProof {
public:
    SegmentProof(const StoredStream& stream, ChunkReader& reader, LostRanges* lost,
                 std::stop_token stop)
        : stream_(stream), reader_(reader), lost_(lost), stop_(std::move(stop)) {}

    /// Chunks come in stream order; `ended` is their segment with the last of its chunks.
    /// @param chunk Nothing: it is lost, and so there is nothing to compare the segment with.
    void add(const std::optional<Fingerprint>& chunk, const std::optional<StoredSegment>& ended) {
        sum_ += chunk.value_or(Fingerprint());
        has_all_ = has_all_ && chunk;
        if (!ended) {
            return;
        }
        const bool is_right = std::exchange(sum_, {}) == ended->fingerprint;
        if (std::exchange(has_all_, true) && !is_right) {
            fail(*ended);
        }
    }

private:
    /// Names the chunk that is not what it should be, if it is one.
    void fail(const StoredSegment& segment) {
        if (lost_ != nullptr) {  // Each chunk was proven.
            lost_->add(stream_, segment.range.first_page * stream_.page_bytes, segment.bytes, false,
                       "each chunk is what was stored, but not all are the right ones");
            return;
        }
        for (const ChunkCopyPtr& chunk : segment.chunks) {
            static_cast<void>(reader_.read(*chunk, stop_));
        }
        throw explained<CorruptionError>(
            wrong_pages_text(stream_, segment.range),
            "Restore another snapshot: the memory of the machine that took this one was at fault, "
            "or the program; please report it.");
    }

    const StoredStream& stream_;
    ChunkReader& reader_;
    LostRanges* lost_;
    std::stop_token stop_;
    Fingerprint sum_;
    bool has_all_ = true;
};

void StoredStreamReader::read_all(
    const std::function<void(std::uint64_t offset, BytesView bytes)>& visit, std::stop_token stop) {
    read(Order::any, visit, std::move(stop));
}

void StoredStreamReader::read_in_order(const std::function<void(BytesView bytes)>& visit,
                                       std::stop_token stop) {
    read(
        Order::of_stream, [&visit](std::uint64_t, BytesView bytes) { visit(bytes); },
        std::move(stop));
}

template <class Take, class Visit>
std::uint64_t StoredStreamReader::for_each_chunk(const Take& take, const Visit& give_zeros,
                                                 const std::stop_token& stop) {
    SegmentLists lists(stream_, reader_);
    lists.expect();
    std::uint64_t offset = 0;
    for (std::size_t index = 0; index < lists.count(); ++index) {
        const std::vector<StoredSegment>* const segments = list_at(lists, index, offset, stop);
        if (segments == nullptr) {
            const std::uint64_t end = offset + stream_.lists[index].bytes;
            for (; offset < end; offset = std::min(end, offset + kZerosBytes)) {
                give_zeros(offset, Bytes(std::min(kZerosBytes, end - offset)));
            }
            continue;
        }
        for (const StoredSegment& segment : *segments) {
            for (const ChunkCopyPtr& chunk : segment.chunks) {
                // By place: a segment may use one chunk several times.
                const bool is_last = &chunk == &segment.chunks.back();
                take(offset, chunk, is_last ? &segment : nullptr);
                offset += chunk->plain_bytes;
            }
        }
    }
    return offset;
}

void StoredStreamReader::read(
    Order order, const std::function<void(std::uint64_t offset, BytesView bytes)>& visit,
    std::stop_token stop) {
    struct Item {
        std::uint64_t offset;
        ChunkCopyPtr chunk;
        std::optional<StoredSegment> ended;
    };
    struct Checked {
        std::optional<Fingerprint> fingerprint;
        std::optional<StoredSegment> ended;
        std::uint64_t offset = 0;
        Bytes content = {};  ///< Empty where order does not matter.
    };
    const bool is_in_order = order == Order::of_stream;
    const StoredStream& stream = stream_.stream;
    const bool has_pages = stream.kind == StreamKind::pages;
    SegmentProof proof(stream, reader_, lost_, stop);
    // A fingerprint proves a whole segment, which is too late for what is given before its end.
    const Proof chunk_proof = has_pages && !is_in_order ? Proof::caller : Proof::chunk_id;
    OrderedWorkers<Item, Checked> workers(
        jobs_,
        ExpectedItems<Item>::inside_bytes_max(
            reader_, (is_in_order ? kWaitingBytesPerJob : kInsideBytesPerJob) * jobs_),
        [&](Item item, unsigned) {
            std::optional<Bytes> found = read_chunk(*item.chunk, item.offset, chunk_proof, stop);
            Bytes bytes = found ? std::move(*found) : Bytes(item.chunk->plain_bytes);
            Checked checked{{}, std::move(item.ended), item.offset};
            if (has_pages && found) {
                checked.fingerprint = fingerprinter_.of_pages(bytes, stream.page_bytes,
                                                              item.offset / stream.page_bytes);
            }
            if (is_in_order) {
                checked.content = std::move(bytes);
            } else {
                visit(item.offset, bytes);
                progress_.bytes_done += bytes.size();
            }
            return checked;
        },
        [&](const Checked& checked) {
            if (has_pages) {
                proof.add(checked.fingerprint, checked.ended);
            }
            if (is_in_order) {
                visit(checked.offset, checked.content);
                progress_.bytes_done += checked.content.size();
            }
        },
        stop);
    ExpectedItems<Item> items(reader_, [&workers](Item item, std::uint64_t bytes) {
        workers.push(std::move(item), bytes);
    });
    const std::uint64_t size_bytes = for_each_chunk(
        [&](std::uint64_t offset, const ChunkCopyPtr& chunk, const StoredSegment* ended) {
            Item item{offset, chunk, ended != nullptr ? std::optional(*ended) : std::nullopt};
            if (is_in_order) {  // Decoded bytes wait there.
                items.add(std::move(item), std::span(&chunk, 1), chunk->plain_bytes);
            } else {
                items.add(std::move(item), std::span(&chunk, 1));
            }
        },
        visit, stop);
    items.flush();
    workers.finish();
    if (size_bytes != stream.size_bytes) {
        throw CorruptionError(fmt::format("stream '{}' has {} bytes instead of {}", stream.name,
                                          size_bytes, stream.size_bytes));
    }
}

}  // namespace dbbackup
