#pragma once

/// @file
/// Example: a store that keeps all objects in one folder; see docs/extending/store.md.

#include "storage/registry.hpp"

#include <memory>

namespace dbbackup {

/// "flat://srv/backup" is the folder /srv/backup. "packs/ab/abcd" is the file "packs+ab+abcd" in
/// it.
/// @return nothing when it is missing and `create` is `no`. @throws StorageError.
[[nodiscard]] std::unique_ptr<Storage> make_flat_storage(const StorageUrl& url, CreatePlace create);

}  // namespace dbbackup
