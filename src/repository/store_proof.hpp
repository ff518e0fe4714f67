#pragma once

/// @file
/// The proof that a store can hold a repository, which `init` asks for, and that it can be written
/// now, which `doctor` asks for.

#include "storage/object_name.hpp"
#include "storage/storage.hpp"

#include <chrono>
#include <optional>
#include <stop_token>

namespace dbbackup {

/// A store that lets a second writer replace an object can lose any snapshot, so it is refused.
/// @throws RepositoryError (code "store_unsafe"), StorageError.
void prove_create_if_absent(Storage& storage, std::stop_token stop);

/// What a store did with an object that was put to try it.
struct WriteTrial {
    /// When it was stored, by the store's own clock; nothing where a listing does not show it yet.
    std::optional<std::chrono::sys_seconds> stored_at;
    bool is_removed = false;  ///< False: it may not be removed, now or by these credentials.
};

/// Puts an object that means nothing, looks at it, and removes it where that is allowed.
/// @throws StorageError when it may not be put.
[[nodiscard]] WriteTrial try_write(Storage& storage, const std::stop_token& stop);

/// Whether this is what an interrupted `Repository::init` or a trial may leave. It means nothing to
/// anybody.
[[nodiscard]] bool is_init_probe(const ObjectName& name);

}  // namespace dbbackup
