#pragma once

/// @file
/// What stores may know of a repository's objects.

#include "storage/object_rules.hpp"

namespace dbbackup {

/// What lasts, and so is locked, are `config`, `keys/`, `manifests/`, `indexes/` and `packs/`: all
/// that a restore needs. Everything else comes and goes with runs, or has to go some day. Packs are
/// what takes space.
[[nodiscard]] ObjectRules repository_object_rules();

}  // namespace dbbackup
