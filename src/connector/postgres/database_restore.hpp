#pragma once

/// @file
/// The restore of one database: built under a passing name, and given its own when it is whole.
///
/// Data path: storage -> unpacker -> restore -> [database restore].

#include "connector/connector.hpp"
#include "connector/postgres/catalogue.hpp"
#include "connector/postgres/chosen_parts.hpp"
#include "connector/postgres/connection_info.hpp"
#include "connector/postgres/early_indexes.hpp"
#include "connector/postgres/post_data.hpp"
#include "connector/postgres/restore_steps.hpp"
#include "connector/postgres/roles.hpp"
#include "connector/postgres/schema_definition.hpp"
#include "connector/postgres/some_rows.hpp"
#include "connector/postgres/table_loader.hpp"
#include "connector/postgres/target_database.hpp"
#include "connector/postgres/tools.hpp"
#include "connector/postgres/unchecked_keys.hpp"
#include "connector/postgres/whole_restore.hpp"

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace dbbackup::postgres {

/// One thread at a time. The destructor drops what was made, unless `finish` returned.
class DatabaseRestore final : public WholeRestore {
public:
    /// Looks at the target; makes nothing.
    /// @param name The name that the database will get.
    /// @param request, globals Borrowed. The script of all roles; used with `makes_roles`.
    DatabaseRestore(const ConnectionInfo& server, std::string name, DatabaseProperties properties,
                    const RestoreRequest& request, const std::string& globals,
                    std::stop_token stop);

    [[nodiscard]] const TargetDatabase& target() const { return target_; }

    /// @throws ConfigError (code "target_not_empty") where something is there that must stay.
    void refuse_filled() const;
    /// @throws ConfigError (code "target_lacks") for what the server does not have and the restore
    /// does not make.
    void refuse_lacks(const Requirements& required);
    /// Before `apply`: only the request's selection is restored.
    /// @param streams Of this database. @throws ConfigError as `ChosenParts` and `refuse_lacks`.
    void choose(StreamReader& schema, const std::vector<StoredStream>& streams,
                const std::stop_token& stop);
    /// What was chosen; nothing for the whole database.
    [[nodiscard]] const std::optional<ChosenParts>& chosen() const { return chosen_; }
    void apply(StreamReader& stream, std::stop_token stop) override;
    /// Whole tables.
    [[nodiscard]] bool may_be_beside(const StoredStream& stream) const override;
    void apply_together(StreamGroup& group, std::stop_token stop) override;
    [[nodiscard]] RestoreReport finish(const Fingerprinter& fingerprinter,
                                       std::stop_token stop) override;
    [[nodiscard]] std::string left() const override;

private:
    /// Makes the database, if the server has what it needs. @param first Its first stream.
    SchemaDefinition create(const StreamReader& first, const std::stop_token& stop);
    void prepare(StreamReader& schema, std::stop_token stop);
    [[nodiscard]] bool needs_roles() const {
        return request_.keeps_owners || request_.keeps_privileges;
    }
    /// Those that are needed and not there, if that is asked.
    void make_roles(const Requirements& required);
    void leave_out_keys(const std::stop_token& stop);
    void load_some_rows(StreamReader& stream, const TableCondition& condition,
                        std::stop_token stop);
    void tell_rows(const std::string& stream, std::uint64_t rows);
    void restore_sequences(StreamReader& stream, std::stop_token stop);
    /// @param processes Of pg_restore, at most.
    void run_section(std::string_view section, unsigned processes, const std::stop_token& stop);
    /// Nothing is known of an archive that is laid out in a later way.
    void order_post_data();
    void make_post_data(const std::stop_token& stop);
    void load_script(const std::string& script, const std::stop_token& stop);
    void make_unchecked_keys(const std::stop_token& stop);

    DatabaseProperties properties_;
    TargetDatabase target_;
    const RestoreRequest& request_;
    const std::string& globals_;
    std::optional<ChosenParts> chosen_;
    SomeRows some_rows_{true};
    std::vector<StoredStream> tables_;  ///< That were loaded.
    std::vector<std::string> views_;    ///< Materialized, to be filled.
    std::vector<ForeignKey> unchecked_keys_;
    ToolFinder tools_;
    RestoreReport report_;
    std::optional<ArchiveFile> schema_;
    std::optional<ConnectionInfo> made_;
    std::optional<PostDataOrder> post_data_;
    std::optional<EarlyIndexes> indexes_;
    std::optional<TableLoader> loader_;  ///< Uses `made_`.
};

}  // namespace dbbackup::postgres
