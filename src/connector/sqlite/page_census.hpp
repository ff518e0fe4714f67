#pragma once

/// @file
/// How many pages each b-tree of a stored database takes, and how many rows are in it.
///
/// Data path: storage -> unpacker -> [page_census] -> table_sizes. SQLite itself would tell the
/// same (dbstat), but visits pages tree by tree: of an index whose pages are scattered, each would
/// cost the chunk around it. Here all trees are walked at once, in sweeps over the file.
/// Source: https://www.sqlite.org/fileformat2.html, sections 1.5 to 1.7.

#include "connector/connector.hpp"
#include "connector/contents.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

namespace dbbackup::sqlite {

/// One b-tree.
struct TreeCount {
    std::uint64_t pages = 0;  ///< With those that the ends of long rows overflow to.
    std::uint64_t rows = 0;
    std::optional<Untold> untold;  ///< Then the counts are worthless.
};

/// @param roots Page numbers; the first page is 1.
/// @return One for each root. Damage spoils only the trees that it is in.
/// @throws SourceError (source_corrupt) when trees run into one another; what the stream throws
/// that is no CorruptionError.
[[nodiscard]] std::vector<TreeCount> count_pages(StreamReader& stream,
                                                 std::span<const std::uint32_t> roots,
                                                 std::stop_token stop);

}  // namespace dbbackup::sqlite
