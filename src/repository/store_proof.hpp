#pragma once

/// @file
/// The proof that a store can hold a repository, which `init` asks for.

#include "storage/object_name.hpp"
#include "storage/storage.hpp"

#include <stop_token>

namespace dbbackup {

/// A store that lets a second writer replace an object can lose any snapshot, so it is refused.
/// @throws RepositoryError (code "store_unsafe"), StorageError.
void prove_create_if_absent(Storage& storage, std::stop_token stop);

/// Whether this is what an interrupted `Repository::init` may leave of its proof. It means nothing
/// to anybody.
[[nodiscard]] bool is_init_probe(const ObjectName& name);

}  // namespace dbbackup
