#pragma once

/// @file
/// Numbers that depend on a name, so that many jobs on many hosts do not all begin at once. Pure.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dbbackup {

/// The same on every machine and in every version. @param which Several numbers of one name, each
/// as if it were thrown by itself.
[[nodiscard]] std::uint64_t spread_of(std::string_view name, std::size_t which);

}  // namespace dbbackup
