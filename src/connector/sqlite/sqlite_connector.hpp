#pragma once

/// @file
/// SQLite as a source and as a target. The way in: `make_sqlite_connector`.

#include "base/clock.hpp"
#include "connector/connector.hpp"

#include <memory>

namespace dbbackup {

/// @param options Its `database` is the path of the file; only used as a source is it needed.
/// @param clock Borrowed; outlives the connector and its sessions. Decides only whether a file's
/// timestamps are old enough to be trusted.
[[nodiscard]] std::unique_ptr<Connector> make_sqlite_connector(SourceOptions options,
                                                               const Clock& clock);

/// With the machine's own clock.
[[nodiscard]] std::unique_ptr<Connector> make_sqlite_connector(SourceOptions options);

}  // namespace dbbackup
