#include "storage/parted_upload.hpp"

#include "storage/operation.hpp"

#include <algorithm>
#include <utility>

namespace dbbackup {

PartedUpload::PartedUpload(ObjectName name, std::size_t part_bytes)
    : name_(std::move(name)), part_bytes_(part_bytes) {}

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
            send_part(part_, stop);
            sent_bytes_ += part_.size();
            part_.clear();
        }
        const BytesView taken = piece.subspan(
            taken_bytes_, std::min(part_bytes_ - part_.size(), piece.size() - taken_bytes_));
        part_.insert(part_.end(), taken.begin(), taken.end());
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
        result_ = finish(part_, stop);
    }
    return *result_;
}

}  // namespace dbbackup
