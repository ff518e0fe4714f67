#include "pipeline/whole_packer.hpp"

#include <optional>
#include <utility>

namespace dbbackup {

WholePacker::WholePacker() : stored_(make_compressor(Codec::stored, 0)) {}

PackedChunk WholePacker::pack(const ChunkId& id, BytesView content, Codec codec, int level) {
    if (!whole_ || whole_->codec() != codec || level_ != level) {
        whole_ = make_compressor(codec, level);
        level_ = level;
    }
    PackedChunk packed{{id, static_cast<std::uint32_t>(content.size()), codec, 0, 0, {}}, {}};
    std::optional<Bytes> bytes = whole_->compress(content, {}, {}, content.size());
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
