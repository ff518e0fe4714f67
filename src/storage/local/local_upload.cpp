#include "storage/local/local_upload.hpp"

#include "base/units.hpp"

#include <utility>

namespace dbbackup {
namespace {

constexpr std::size_t kStepBytes = 1_MiB;

}  // namespace

LocalUpload::LocalUpload(ObjectName name, std::unique_ptr<PendingFile> pending, Store store)
    : PartedUpload(std::move(name), {.bytes_min = kStepBytes, .count_max = 0}),
      pending_(std::move(pending)),
      store_(std::move(store)) {}

void LocalUpload::send_part(BytesView part, const std::stop_token& /*stop*/) {
    try {
        pending_->write_at(sent_bytes(), part);
    } catch (const FileError& error) {
        throw store_.explain(error);
    }
}

PutResult LocalUpload::finish(BytesView rest, const std::stop_token& stop) {
    try {
        if (!pending_->is_published()) {
            pending_->write_at(sent_bytes(), rest);
            pending_->sync();
        }
        return store_.publish(*pending_, stop);
    } catch (const FileError& error) {
        throw store_.explain(error);
    }
}

}  // namespace dbbackup
