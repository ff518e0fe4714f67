#pragma once

/// @file
/// Which databases a source is that is several: the files of a list, or those of a folder.

#include "config/name_pattern.hpp"
#include "connector/connector.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup::sqlite {

/// The first bytes of every database file that is not empty.
/// Source: https://www.sqlite.org/fileformat2.html, section 1.3.1.
inline constexpr std::string_view kMagic("SQLite format 3\0", 16);

/// Whether the file begins like a database. Opens and closes it, which lets go of all locks that
/// this process has on it (see `FileHandle`): only for files that it has not open.
/// @throws FileError.
[[nodiscard]] bool begins_like_database(const std::filesystem::path& path);

/// One of several databases.
struct SetMember {
    std::string name;  ///< Its path from the folder that all have in common; its stream's name.
    std::filesystem::path path;
    std::uint64_t size_bytes = 0;
};

/// Several databases as one source.
struct DatabaseSet {
    std::vector<SetMember> members;  ///< By name.
    std::vector<std::string> notes;  ///< What was passed over and need not be here.
    std::vector<std::string>
        lost;  ///< What should be here and cannot be: the source is incomplete.
    /// A folder is looked through each time: databases may come and go. A list is exact.
    bool is_folder = false;
    /// Patterns that name no file here: if they name a table, they are refused.
    std::vector<NamePattern> unmatched;
    std::string identity;  ///< See docs/cli.md, "Several databases".
    std::string suggested_name;
    std::vector<std::string> former_identities;

    [[nodiscard]] std::uint64_t size_bytes() const;
};

/// Whether a source is several databases.
[[nodiscard]] bool is_set(const SourceOptions& options);

/// "sqlite-my-app" for "My App": what a name of a source may consist of.
[[nodiscard]] std::string suggested_name(std::string_view stem);

/// Looks for the databases of a source that is several, without opening them as such.
/// @throws SourceError (source_missing) for a file or folder that is not there or a folder without
/// databases; ConfigError for a file that is given twice, patterns beside a list
/// (selection_not_supported), or patterns that leave nothing (selection_empty).
[[nodiscard]] DatabaseSet find_databases(const SourceOptions& options);

}  // namespace dbbackup::sqlite
