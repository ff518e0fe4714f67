#pragma once

/// @file
/// What a snapshot says about a SQLite database beyond its pages, as JSON: for people (`show`) and
/// for restoring (owner and mode of the file).

#include "base/units.hpp"
#include "connector/sqlite/view.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dbbackup::sqlite {

/// The most that the definition of one database says of its tables.
inline constexpr std::uint64_t kObjectsBytesMax = 1_MiB;

/// Who may use the file.
struct Ownership {
    std::uint32_t owner = 0;
    std::uint32_t group = 0;
    std::uint32_t mode = 0;  ///< Permission bits.
};

/// Page size, encoding, modes, ownership, and tables, indexes, views and triggers with their SQL,
/// at most `objects_bytes_max` of them, about.
[[nodiscard]] std::string definition_of(View& view,
                                        std::uint64_t objects_bytes_max = kObjectsBytesMax);

/// Nothing when the definition does not say.
[[nodiscard]] std::optional<Ownership> ownership_in(std::string_view definition);

}  // namespace dbbackup::sqlite
