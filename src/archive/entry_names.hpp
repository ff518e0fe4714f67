#pragma once

/// @file
/// Names that files have inside a zip archive: safe to unpack anywhere, by anything.

#include <set>
#include <string>
#include <string_view>

namespace dbbackup {

/// Whether `name` is a relative path of plain parts: no "..", no backslash, no drive, no control
/// character, valid UTF-8, at most 1000 bytes.
[[nodiscard]] bool is_safe_entry_name(std::string_view name);

/// Gives each database of an archive a name of its own. Not thread-safe.
class EntryNames {
public:
    /// @param taken A name that no database gets.
    explicit EntryNames(std::string taken) : taken_{std::move(taken)} {}

    /// `wanted` itself where that is safe and free; else what is left of it, told apart by a
    /// number.
    [[nodiscard]] std::string unique(std::string_view wanted);

private:
    std::set<std::string> taken_;
};

}  // namespace dbbackup
