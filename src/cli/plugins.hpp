#pragma once

/// @file
/// What this build can talk to.

#include "base/log.hpp"
#include "connector/connector.hpp"
#include "storage/registry.hpp"

#include <functional>
#include <map>
#include <memory>

namespace dbbackup {

/// Makes the connector of one kind of database. Reads nothing yet.
using ConnectorFactory = std::function<std::unique_ptr<Connector>(SourceOptions options)>;

/// Built once in `main`, not changed afterwards.
struct Plugins {
    StorageRegistry storages;
    std::map<DatabaseType, ConnectorFactory> connectors;
};

/// Every plug-in of this build.
/// @param log Borrowed by the storages that the registry opens.
[[nodiscard]] Plugins make_plugins(Log& log);

}  // namespace dbbackup
