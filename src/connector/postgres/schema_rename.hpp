#pragma once

/// @file
/// A schema restored under another name beside the one that has its name: while it is restored,
/// that one has a passing name, which nobody else sees.

#include "connector/postgres/chosen_parts.hpp"
#include "connector/postgres/connection.hpp"

#include <string>
#include <vector>

namespace dbbackup::postgres {

/// In the connection's transaction. One thread at a time.
class SchemaRename {
public:
    /// Makes room under the old names. Extensions that are in one of these schemas and that chosen
    /// entries need are moved along until `finish`.
    SchemaRename(Connection& connection, const ChosenParts& parts);
    /// Gives what was made its new names, and what was there its own.
    void finish();

private:
    void lend_extensions(const ChosenParts& parts, const std::string& schema,
                         const std::string& passing);

    Connection& connection_;
    std::vector<std::string> at_end_;
};

}  // namespace dbbackup::postgres
