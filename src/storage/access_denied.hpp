#pragma once

/// @file
/// Objects that may not be read: whoever looks at all of them tells of each and goes on.

#include "base/error.hpp"

#include <string_view>

namespace dbbackup {

/// The code of the `StorageError` for what the permissions of the store do not allow.
inline constexpr std::string_view kAccessDenied = "access_denied";

/// What is wrong with one object, while others may be well: it is damaged, or may not be read. To
/// be called in the catch block of `error`; rethrows everything else.
[[nodiscard]] inline CorruptionError damage_of(const Error& error) {
    if (const auto* const damage = dynamic_cast<const CorruptionError*>(&error)) {
        return *damage;
    }
    if (error.code() != kAccessDenied) {
        throw;
    }
    return explained<CorruptionError>(error.what(), error.hint(), error.code());
}

}  // namespace dbbackup
