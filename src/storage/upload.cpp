#include "storage/upload.hpp"

#include <fmt/format.h>

namespace dbbackup {

StorageError unfinished_write(const ObjectName& name) {
    return StorageError(fmt::format("cannot store {}: a piece of it was not written", name.text()));
}

}  // namespace dbbackup
