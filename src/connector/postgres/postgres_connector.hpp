#pragma once

/// @file
/// The connector for PostgreSQL.

#include "connector/connector.hpp"

#include <memory>

namespace dbbackup {

/// @throws ConfigError when the options do not say how to reach one database.
[[nodiscard]] std::unique_ptr<Connector> make_postgres_connector(SourceOptions options);

}  // namespace dbbackup
