#pragma once

/// @file
/// The restore of one database: built under a passing name, and given its own when it is whole.
///
/// Data path: storage -> unpacker -> restore -> [database restore].

#include "connector/connector.hpp"
#include "connector/postgres/catalogue.hpp"
#include "connector/postgres/connection_info.hpp"
#include "connector/postgres/roles.hpp"
#include "connector/postgres/table_loader.hpp"
#include "connector/postgres/target_database.hpp"
#include "sys/memory_file.hpp"

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup::postgres {

/// Reads the whole stream, in order.
void read_whole(StreamReader& stream, const std::function<void(BytesView part)>& take,
                const std::stop_token& stop);

/// One thread at a time. The destructor drops what was made, unless `finish` returned.
class DatabaseRestore {
public:
    /// Looks at the target; makes nothing.
    /// @param name The name that the database will get.
    /// @param request, globals Borrowed. The script of all roles; used with `makes_roles`.
    DatabaseRestore(const ConnectionInfo& server, std::string name, DatabaseProperties properties,
                    const RestoreRequest& request, const std::string& globals,
                    std::stop_token stop);

    [[nodiscard]] const TargetDatabase& target() const { return target_; }
    [[nodiscard]] const DatabaseProperties& properties() const { return properties_; }

    /// Any stream of this database, in the order of the manifest: the schema comes first.
    void apply(StreamReader& stream, std::stop_token stop);
    /// Makes indexes and constraints, verifies if asked, and gives the database its name.
    [[nodiscard]] RestoreReport finish(const Fingerprinter& fingerprinter, std::stop_token stop);

private:
    void prepare(StreamReader& schema, std::stop_token stop);
    /// Finds what is missing before anything is made, and makes the roles if asked.
    void require(const Requirements& required);
    void set_sequences(StreamReader& stream, std::stop_token stop);
    void run_section(std::string_view section, std::stop_token stop);
    void run_script(const std::string& script, std::stop_token stop);
    [[nodiscard]] bool has_partitioned_indexes(std::stop_token stop);
    void fill_views(std::stop_token stop);

    DatabaseProperties properties_;
    TargetDatabase target_;
    const RestoreRequest& request_;
    const std::string& globals_;
    std::vector<StoredStream> tables_;  ///< That were loaded.
    std::vector<std::string> views_;    ///< Materialized, to be filled.
    RestoreReport report_;
    std::optional<MemoryFile> schema_;
    std::optional<ConnectionInfo> made_;
    std::optional<TableLoader> loader_;  ///< Uses `made_`.
};

}  // namespace dbbackup::postgres
