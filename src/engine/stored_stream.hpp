#pragma once

/// @file
/// Reads one stored stream: all of it in parallel, or any part of it.
///
/// Data path: storage -> [unpacker: fetch, unseal, decompress, check] -> connector.

#include "connector/connector.hpp"
#include "engine/progress.hpp"
#include "engine/segment_lists.hpp"

#include <cstdint>
#include <list>
#include <mutex>
#include <string>

namespace dbbackup {

/// What to say of chunks that are authentic but do not add up to the fingerprint of their pages.
[[nodiscard]] std::string wrong_pages_text(const StoredStream& stream, const SegmentRange& range);

/// Everything is borrowed. Thread-safe.
class StoredStreamReader final : public StreamReader {
public:
    StoredStreamReader(const StreamContents& stream, ChunkReader& reader,
                       const Fingerprinter& fingerprinter, unsigned jobs, Progress& progress);

    [[nodiscard]] const StoredStream& stream() const override { return stream_.stream; }
    void read_at(std::uint64_t offset, std::span<std::uint8_t> out, std::stop_token stop) override;
    void read_all(const std::function<void(std::uint64_t offset, BytesView bytes)>& visit,
                  std::stop_token stop) override;

private:
    class SegmentProof;
    struct Decoded {
        std::uint64_t offset = 0;
        Bytes content;
    };

    const Decoded& chunk_at(std::uint64_t offset, std::stop_token stop);
    Decoded decode_at(std::uint64_t offset, std::stop_token stop);

    const StreamContents& stream_;
    ChunkReader& reader_;
    const Fingerprinter& fingerprinter_;
    unsigned jobs_;
    Progress& progress_;
    std::mutex mutex_;  ///< Guards what random access keeps.
    SegmentLists lists_;
    std::list<Decoded> recent_;       ///< Newest first.
    std::uint64_t recent_bytes_ = 0;  ///< The sum of their sizes.
};

}  // namespace dbbackup
