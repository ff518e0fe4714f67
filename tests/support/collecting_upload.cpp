#include "support/collecting_upload.hpp"

#include "storage/operation.hpp"

#include <utility>

namespace dbbackup {

CollectingUpload::CollectingUpload(Storage& storage, ObjectName name)
    : storage_(storage), name_(std::move(name)) {}

void CollectingUpload::write(BytesView piece, std::stop_token stop) {
    has_failed_ = stop.stop_requested();
    throw_if_stopped(stop);
    content_.insert(content_.end(), piece.begin(), piece.end());
}

PutResult CollectingUpload::commit(std::stop_token stop) {
    if (has_failed_) {
        throw unfinished_write(name_);
    }
    if (!result_) {
        result_ = storage_.put(name_, content_, std::move(stop));
    }
    return *result_;
}

}  // namespace dbbackup
