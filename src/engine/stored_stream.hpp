#pragma once

/// @file
/// Reads one stored stream: all of it in parallel, or any part of it.
///
/// Data path: storage -> [unpacker: fetch, unseal, decompress, check] -> connector.

#include "connector/connector.hpp"
#include "engine/lost_ranges.hpp"
#include "engine/progress.hpp"
#include "engine/segment_lists.hpp"

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace dbbackup {

/// What to say of chunks that are authentic but do not add up to the fingerprint of their pages.
[[nodiscard]] std::string wrong_pages_text(const StoredStream& stream, const SegmentRange& range);

/// Everything is borrowed. Thread-safe.
class StoredStreamReader final : public StreamReader {
public:
    /// @param lost Null: damage is thrown. Else, of a stream of pages, zeros are given in the place
    /// of what cannot be had, and this is told.
    StoredStreamReader(const StreamContents& stream, ChunkReader& reader,
                       const Fingerprinter& fingerprinter, unsigned jobs, Progress& progress,
                       LostRanges* lost = nullptr);

    [[nodiscard]] const StoredStream& stream() const override { return stream_.stream; }
    void read_at(std::uint64_t offset, std::span<std::uint8_t> out, std::stop_token stop) override;
    void read_all(const std::function<void(std::uint64_t offset, BytesView bytes)>& visit,
                  std::stop_token stop) override;
    /// As `read_all`, but the parts come in order, one at a time (not always on the same thread),
    /// and each is proven before it is given: for what cannot be taken back. Damage is thrown.
    void read_in_order(const std::function<void(BytesView bytes)>& visit, std::stop_token stop);

private:
    class SegmentProof;
    enum class Order : bool { any, of_stream };
    struct Decoded {
        std::uint64_t offset = 0;
        Bytes content;
    };
    using DecodedPtr = std::shared_ptr<const Decoded>;
    /// Where bytes come from.
    struct Place {
        std::uint64_t offset = 0;
        std::uint64_t bytes = 0;
        ChunkCopyPtr chunk;  ///< Null: it is lost and may be.
    };

    void read(Order order, const std::function<void(std::uint64_t offset, BytesView bytes)>& visit,
              std::stop_token stop);
    /// Gives each chunk in order, with the last one of a segment also that; zeros in the place of
    /// lists that are lost and may be. @return Where the stream ends.
    template <class Take, class Visit>
    std::uint64_t for_each_chunk(const Take& take, const Visit& give_zeros,
                                 const std::stop_token& stop);
    /// One list; null when it is lost and may be. @param begin Where it begins in the stream.
    const std::vector<StoredSegment>* list_at(SegmentLists& lists, std::size_t index,
                                              std::uint64_t begin, const std::stop_token& stop);
    /// Nothing when the chunk is lost and may be.
    std::optional<Bytes> read_chunk(const ChunkCopy& chunk, std::uint64_t offset, Proof proof,
                                    const std::stop_token& stop);
    DecodedPtr chunk_at(std::uint64_t offset, const std::stop_token& stop);
    /// Null when it is none of those that are kept. Both need the lock.
    DecodedPtr recent_at(std::uint64_t offset);
    Place place_of(std::uint64_t offset, const std::stop_token& stop);
    Decoded decode(const Place& place, const std::stop_token& stop);

    const StreamContents& stream_;
    ChunkReader& reader_;
    const Fingerprinter& fingerprinter_;
    unsigned jobs_;
    Progress& progress_;
    LostRanges* lost_;
    std::uint64_t recent_bytes_max_;
    std::mutex mutex_;  ///< Guards what random access keeps.
    SegmentLists lists_;
    std::list<DecodedPtr> recent_;    ///< Newest first.
    std::uint64_t recent_bytes_ = 0;  ///< The sum of their sizes.
};

}  // namespace dbbackup
