#pragma once

/// @file
/// What `doctor` tells about a PostgreSQL server: whether a backup can be taken there, by which
/// programs, of what, and what would make it better.

#include "connector/examination.hpp"
#include "connector/postgres/connection_info.hpp"

#include <stop_token>
#include <vector>

namespace dbbackup::postgres {

/// Reads catalogs and settings only.
/// @throws ServerError when the server can't be reached.
[[nodiscard]] std::vector<Check> examine_server(const ConnectionInfo& info,
                                                const SourceOptions& options, std::stop_token stop);

}  // namespace dbbackup::postgres
