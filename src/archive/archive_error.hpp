#pragma once

/// @file
/// What is said of an archive that is not what was made.

#include "base/error.hpp"

#include <string>
#include <utility>

namespace dbbackup {

/// Code "archive_damaged". @param message Names what is wrong with which part.
[[nodiscard]] inline CorruptionError archive_damaged(std::string message) {
    return explained<CorruptionError>(std::move(message),
                                      "Get the archive again from where it was made or kept.",
                                      "archive_damaged");
}

}  // namespace dbbackup
