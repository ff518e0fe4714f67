#pragma once

/// @file
/// Repairs of sample repositories.

#include "engine/repair.hpp"
#include "storage/storage.hpp"

#include <string>

namespace dbbackup {

/// A repair of every byte, which may remove what it may remove.
[[nodiscard]] RepairOptions repair_of_data();

/// Repairs through a repository object of its own, as a new process would.
RepairReport repair(Storage& storage, const RepairOptions& options = repair_of_data());

/// The findings that are not harmless, one line each; "" when all is well.
[[nodiscard]] std::string harm_text(const VerifyReport& report);

}  // namespace dbbackup
