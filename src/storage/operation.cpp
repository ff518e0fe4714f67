#include "storage/operation.hpp"

namespace dbbackup {

std::string_view operation_name(StorageOperation operation) noexcept {
    switch (operation) {
        case StorageOperation::put: return "put";
        case StorageOperation::get: return "get";
        case StorageOperation::get_range: return "get_range";
        case StorageOperation::size_bytes: return "size_bytes";
        case StorageOperation::list: return "list";
        case StorageOperation::remove: return "remove";
        case StorageOperation::begin_upload: return "begin_upload";
        case StorageOperation::write: return "write";
        case StorageOperation::commit: return "commit";
        case StorageOperation::end_abandoned_uploads: return "end_abandoned_uploads";
    }
    return "unknown";
}

bool is_write(StorageOperation operation) noexcept {
    switch (operation) {
        case StorageOperation::put:
        case StorageOperation::remove:
        case StorageOperation::begin_upload:
        case StorageOperation::write:
        case StorageOperation::commit:
        case StorageOperation::end_abandoned_uploads: return true;
        case StorageOperation::get:
        case StorageOperation::get_range:
        case StorageOperation::size_bytes:
        case StorageOperation::list: return false;
    }
    return true;
}

}  // namespace dbbackup
