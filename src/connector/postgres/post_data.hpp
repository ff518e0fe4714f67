#pragma once

/// @file
/// In which order the definitions are made that come after the rows: what several processes may
/// make at once, and what must come after it, one by one. Pure.
///
/// Data path: restore -> [indexes, keys] -> finish.

#include "connector/postgres/toc.hpp"

#include <span>
#include <string_view>
#include <vector>

namespace dbbackup::postgres {

/// Is in every archive in which an index of a partition becomes a part of one of the whole table.
inline constexpr std::string_view kIndexAttach = "INDEX ATTACH";

/// Ids, in the order of the archive.
struct PostDataOrder {
    std::vector<int> at_once;     ///< Indexes and keys of tables; they need nothing of the others.
    std::vector<int> one_by_one;  ///< Everything else after the rows. Comes second.
};

/// pg_restore with several processes attaches indexes of partitions while it builds others of the
/// same tables, and a server calls some of that a deadlock. Not here: what is made at once locks
/// one table, or two that are in no partitioned one.
/// @param ids Of the archive, in its order: what is to be made, before the rows and after them.
[[nodiscard]] PostDataOrder post_data_order(const Toc& toc, std::span<const int> ids);

/// The same where nothing is in partitions: pg_restore itself knows what needs what.
/// @param ids As above. What comes before the rows must not be in a list for what comes after them:
/// pg_restore would take a comment that stands behind it for one of that.
[[nodiscard]] PostDataOrder all_at_once(const PostDataOrder& order, std::span<const int> ids);

}  // namespace dbbackup::postgres
