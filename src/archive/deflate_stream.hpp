#pragma once

/// @file
/// One raw deflate stream (RFC 1951) made by several threads, as pigz does it: blocks are
/// compressed side by side, each with the 32 KiB before it as its dictionary, and end at a byte so
/// that they can be joined. Any inflate reads the result; it is a fraction of a percent larger.

#include "archive/byte_sink.hpp"
#include "base/units.hpp"
#include "pipeline/ordered_workers.hpp"

#include <cstdint>
#include <memory>
#include <stop_token>
#include <vector>

namespace dbbackup {

/// What a deflate stream came to.
struct DeflateSums {
    std::uint64_t plain_bytes = 0;
    std::uint64_t packed_bytes = 0;
    std::uint32_t crc = 0;  ///< CRC-32 of the plain bytes, as gzip and zip keep it.
};

/// Not thread-safe. Holds some blocks for each job.
class DeflateStream {
public:
    /// Large enough that the ends of blocks cost little, small enough that short streams use
    /// several threads too.
    static constexpr std::size_t kBlockBytes = 512_KiB;

    /// @param sink Borrowed; gets only the deflate stream, without a header.
    /// @param level 1 to 9; 0: the default. @param jobs Threads, at least 1.
    DeflateStream(ByteSink& sink, int level, unsigned jobs, std::stop_token stop);
    DeflateStream(const DeflateStream&) = delete;
    DeflateStream& operator=(const DeflateStream&) = delete;
    ~DeflateStream();

    /// @throws what the sink throws; Cancelled.
    void write(BytesView content);
    /// Ends the stream; everything was given to the sink then. @throws as write.
    [[nodiscard]] DeflateSums finish();

private:
    class Worker;
    struct Block {
        Bytes content;
        Bytes dictionary;
        bool is_last = false;
    };
    struct Packed {
        Bytes content;
        std::uint64_t plain_bytes = 0;
        std::uint32_t crc = 0;
    };

    void push(bool is_last);

    Bytes block_;       ///< What is not a whole block yet.
    Bytes dictionary_;  ///< The end of the block before it.
    DeflateSums sums_;
    std::vector<std::unique_ptr<Worker>> states_;  ///< One for each thread.
    OrderedWorkers<Block, Packed> workers_;        ///< Last: joined before what it uses goes.
};

}  // namespace dbbackup
