#pragma once

/// @file
/// Whether this program understands a repository well enough to delete anything in it.

#include "repository/repository.hpp"

#include <stop_token>

namespace dbbackup {

/// @throws RepositoryError (code "unknown_feature" or "unknown_object") when something may be
/// needed in a way that this program does not know; CorruptionError, StorageError.
void check_collectable(Repository& repository, std::stop_token stop);

}  // namespace dbbackup
