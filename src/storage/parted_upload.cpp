#include "storage/parted_upload.hpp"

#include "base/units.hpp"
#include "storage/operation.hpp"

#include <algorithm>
#include <utility>

namespace dbbackup {

namespace {

/// More of a part than this is in a file.
constexpr std::uint64_t kMemoryBytesMax = 32_MiB;

}  // namespace

std::size_t part_bytes(const PartSizes& sizes, std::uint64_t sent_bytes) {
    // With n parts and shares of 8/n, the first eighth of them is of the least size, and each later
    // one makes the object larger by the factor 1 + 8/n: all of them together by e^7.
    constexpr std::uint32_t kShare = 8;
    if (sizes.count_max == 0) {
        return sizes.bytes_min;
    }
    const std::uint64_t share = sent_bytes / (sizes.count_max / kShare);
    return std::clamp<std::size_t>((share + 1_MiB - 1) / 1_MiB * 1_MiB, sizes.bytes_min,
                                   sizes.bytes_max);
}

PartedUpload::PartedUpload(ObjectName name, const PartSizes& sizes)
    : name_(std::move(name)),
      sizes_(sizes),
      part_bytes_(sizes.bytes_min),
      scratch_(temporary_folders(), no_log_, kMemoryBytesMax),
      part_(scratch_) {}

void PartedUpload::write(BytesView piece, std::stop_token stop) {
    if (piece_bytes_.value_or(piece.size()) != piece.size()) {
        throw unfinished_write(name_);
    }
    piece_bytes_ = piece.size();
    throw_if_stopped(stop);
    part_.reserve(part_bytes_);
    while (taken_bytes_ < piece.size()) {
        if (part_.size() == part_bytes_) {
            throw_if_stopped(stop);
            send_part(part_.span(), stop);
            sent_bytes_ += part_.size();
            part_.truncate(0);
            part_bytes_ = part_bytes(sizes_, sent_bytes_);
            part_.reserve(part_bytes_);
        }
        const BytesView taken = piece.subspan(
            taken_bytes_, std::min(part_bytes_ - part_.size(), piece.size() - taken_bytes_));
        part_.append(taken);
        taken_bytes_ += taken.size();
    }
    piece_bytes_.reset();
    taken_bytes_ = 0;
}

PutResult PartedUpload::commit(std::stop_token stop) {
    if (piece_bytes_) {
        throw unfinished_write(name_);
    }
    throw_if_stopped(stop);
    if (!result_) {
        result_ = finish(part_.span(), stop);
    }
    return *result_;
}

}  // namespace dbbackup
