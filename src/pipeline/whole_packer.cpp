#include "pipeline/whole_packer.hpp"

#include "base/units.hpp"

#include <optional>
#include <utility>

namespace dbbackup {
namespace {

/// Smaller contents cost too little time to predict what takes less, and are hard to predict: what
/// is said of each column weighs more (docs/decisions/0014).
constexpr std::size_t kComparedBytesMax = 64_KiB;

}  // namespace

WholePacker::WholePacker() : stored_(make_compressor(Codec::stored, 0)) {}

std::optional<Bytes> WholePacker::pack_with(Codec codec, BytesView content, int level,
                                            std::size_t bytes_max) {
    if (level_ != level) {
        others_.clear();
        level_ = level;
    }
    std::unique_ptr<Compressor>& compressor = others_[codec];
    if (!compressor) {
        compressor = make_compressor(codec, level);
    }
    return compressor->compress(content, {}, {}, bytes_max);
}

PackedChunk WholePacker::pack(const ChunkId& id, BytesView content, Codec codec, int level) {
    PackedChunk packed{{id, static_cast<std::uint32_t>(content.size()), codec, 0, 0, {}}, {}};
    std::optional<Bytes> bytes;
    if (codec != Codec::zstd_columns) {
        bytes = pack_with(codec, content, level, content.size());
    } else if (content.size() < kComparedBytesMax) {
        packed.form.codec = Codec::zstd;
        bytes = pack_with(Codec::zstd, content, level, content.size());
        const std::size_t bytes_max = bytes ? bytes->size() : content.size();
        if (std::optional<Bytes> columns =
                pack_with(Codec::zstd_columns, content, level, bytes_max)) {
            packed.form.codec = Codec::zstd_columns;
            bytes = std::move(columns);
        }
    } else {
        packed.form.codec = has_columns(content) ? Codec::zstd_columns : Codec::zstd;
        bytes = pack_with(packed.form.codec, content, level, content.size());
    }
    if (!bytes) {
        packed.form.codec = Codec::stored;
        bytes = stored_->compress(content, {}, {}, content.size());
    }
    packed.bytes = std::move(bytes.value());
    return packed;
}

Codec root_codec(const ChunkCopy& copy) {
    const ChunkCopy* root = &copy;
    while (!root->bases.empty()) {
        root = root->bases.front().get();
    }
    return root->codec;
}

}  // namespace dbbackup
