#pragma once

/// @file
/// What belongs to no database but to the server: roles, memberships, tablespaces.

#include "base/bytes.hpp"
#include "connector/postgres/connection_info.hpp"
#include "connector/postgres/tools.hpp"

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup::postgres {

/// Gives the script of `pg_dumpall --globals-only`, equal each time while nothing changes.
/// @param info Of any database of the server. @param tools Finds pg_dumpall.
/// @return warnings: what the role may not read.
/// @throws SourceError.
[[nodiscard]] std::vector<std::string> dump_globals(const ConnectionInfo& info, ToolFinder& tools,
                                                    const std::function<void(BytesView part)>& take,
                                                    const std::stop_token& stop);

}  // namespace dbbackup::postgres
