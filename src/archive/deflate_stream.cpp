#include "archive/deflate_stream.hpp"

#include "base/error.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <utility>

namespace dbbackup {
namespace {

constexpr int kLevelDefault = 6;
/// How far deflate looks back. Source: RFC 1951, section 2.
constexpr std::size_t kWindowBytes = 32_KiB;
/// Negative: raw deflate, without header and checksum. Source: zlib.h, deflateInit2().
constexpr int kRawWindowBits = -15;
constexpr int kMemoryLevel = 8;
/// What waits and is worked on, so that no worker idles while another one writes.
constexpr std::uint64_t kBlocksPerJob = 4;

std::uint32_t crc_of(BytesView content) {
    return static_cast<std::uint32_t>(
        crc32(0, content.data(), static_cast<unsigned>(content.size())));
}

}  // namespace

/// The deflate state of one thread.
class DeflateStream::Worker {
public:
    explicit Worker(int level) {
        const int status = deflateInit2(&stream_, level == 0 ? kLevelDefault : level, Z_DEFLATED,
                                        kRawWindowBits, kMemoryLevel, Z_DEFAULT_STRATEGY);
        if (status != Z_OK) {
            throw Error(fmt::format("cannot start deflate: {}", zError(status)));
        }
    }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    ~Worker() { deflateEnd(&stream_); }

    Packed pack(const Block& block) {
        deflateReset(&stream_);
        if (!block.dictionary.empty()) {
            deflateSetDictionary(&stream_, block.dictionary.data(),
                                 static_cast<unsigned>(block.dictionary.size()));
        }
        Packed packed;
        packed.plain_bytes = block.content.size();
        packed.crc = block.content.empty() ? 0 : crc_of(block.content);
        // Room for the empty block of a flush too, so that one call is enough.
        packed.content.resize(deflateBound(&stream_, block.content.size()) + kFlushBytes);
        std::uint8_t none = 0;  // zlib takes no null pointers, not even for 0 bytes
        stream_.next_in =
            block.content.empty() ? &none : const_cast<std::uint8_t*>(block.content.data());
        stream_.avail_in = static_cast<unsigned>(block.content.size());
        stream_.next_out = packed.content.data();
        stream_.avail_out = static_cast<unsigned>(packed.content.size());
        const int status = deflate(&stream_, block.is_last ? Z_FINISH : Z_SYNC_FLUSH);
        if (status != (block.is_last ? Z_STREAM_END : Z_OK) || stream_.avail_in != 0 ||
            stream_.avail_out == 0) {
            throw Error(fmt::format("deflate of a block failed: {}", zError(status)));
        }
        packed.content.resize(packed.content.size() - stream_.avail_out);
        return packed;
    }

private:
    static constexpr std::size_t kFlushBytes = 16;
    z_stream stream_{};
};

DeflateStream::DeflateStream(ByteSink& sink, int level, unsigned jobs, std::stop_token stop)
    : workers_(
          std::max(jobs, 1U), kBlockBytes * kBlocksPerJob * std::max(jobs, 1U),
          [this](const Block& block, unsigned worker) { return states_[worker]->pack(block); },
          [this, &sink](Packed packed) {
              sums_.crc = static_cast<std::uint32_t>(
                  crc32_combine(sums_.crc, packed.crc, static_cast<z_off_t>(packed.plain_bytes)));
              sums_.plain_bytes += packed.plain_bytes;
              sums_.packed_bytes += packed.content.size();
              sink.write(packed.content);
          },
          std::move(stop)) {
    // The workers wait for the first push, which comes after this.
    for (unsigned job = 0; job < std::max(jobs, 1U); ++job) {
        states_.push_back(std::make_unique<Worker>(level));
    }
}

DeflateStream::~DeflateStream() = default;

void DeflateStream::write(BytesView content) {
    while (!content.empty()) {
        // A full block waits for what follows: the last one is made otherwise.
        if (block_.size() == kBlockBytes) {
            push(false);
        }
        const std::size_t taken = std::min(content.size(), kBlockBytes - block_.size());
        block_.reserve(kBlockBytes);
        block_.insert(block_.end(), content.begin(),
                      content.begin() + static_cast<std::ptrdiff_t>(taken));
        content = content.subspan(taken);
    }
}

void DeflateStream::push(bool is_last) {
    Block block;
    block.dictionary = std::move(dictionary_);
    block.is_last = is_last;
    if (!is_last) {
        dictionary_ = Bytes(block_.end() - static_cast<std::ptrdiff_t>(kWindowBytes), block_.end());
    }
    const std::uint64_t bytes = block_.size();
    block.content = std::exchange(block_, {});
    workers_.push(std::move(block), bytes);
}

DeflateSums DeflateStream::finish() {
    push(true);
    workers_.finish();
    return sums_;
}

}  // namespace dbbackup
