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
    }
    return "unknown";
}

bool is_write(StorageOperation operation) noexcept {
    return operation == StorageOperation::put || operation == StorageOperation::remove;
}

}  // namespace dbbackup
