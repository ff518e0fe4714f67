#pragma once

/// @file
/// Example: a folder of CSV files as a database; see docs/extending/connector.md.

#include "connector/connector.hpp"

#include <memory>

namespace dbbackup {

/// Every file "*.csv" in `options.database` is a table of lines. Programs replace such a file by
/// renaming a new one over it; one that is written in place while it is read fails the backup.
[[nodiscard]] std::unique_ptr<Connector> make_csv_connector(SourceOptions options);

}  // namespace dbbackup
