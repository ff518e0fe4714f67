#pragma once

/// @file
/// Restoring chosen tables, into a new database or into one that is there, by reading only the
/// pages that they need.
///
/// Data path: storage -> unpacker -> stored_database -> [restore_tables] -> SQLite -> target.

#include "connector/connector.hpp"
#include "connector/sqlite/companions.hpp"
#include "connector/sqlite/database.hpp"
#include "connector/sqlite/stand_in_collations.hpp"
#include "connector/sqlite/stored_database.hpp"
#include "connector/sqlite/table_choice.hpp"
#include "connector/sqlite/table_loader.hpp"
#include "connector/sqlite/target.hpp"
#include "sys/unfinished_file.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup::sqlite {

/// One thread at a time. A new database has a hidden name until `finish`; in one that is there,
/// everything happens in one transaction, which `finish` commits and the destructor rolls back.
class RestoreTables final : public RestoreSession {
public:
    RestoreTables(Target target, const RestoreRequest& request, const StoredStream& stream,
                  std::chrono::milliseconds lock_timeout);
    RestoreTables(const RestoreTables&) = delete;
    RestoreTables& operator=(const RestoreTables&) = delete;
    ~RestoreTables() override;

    [[nodiscard]] const RestorePlan& plan() const override { return plan_; }
    void inspect(StreamReader& stream, std::stop_token stop) override;
    void apply(StreamReader& stream, std::stop_token stop) override;
    RestoreReport finish(const Fingerprinter& fingerprinter, std::stop_token stop) override;

private:
    void guarded(const std::function<void()>& work);
    void check_conditions();
    void plan_tables();
    void open_existing(std::stop_token stop);
    void open_new(std::stop_token stop);
    void prepare_connection();
    void begin_transaction();
    void refuse_empty_handed(const TableLoader& loader) const;
    void verify(std::stop_token stop);
    void publish();
    void close_existing() noexcept;

    Target target_;
    RestoreRequest request_;
    StoredStream stream_;
    std::chrono::milliseconds lock_timeout_;
    RestorePlan plan_;
    RestoreReport report_;
    std::stop_token stop_;  ///< Of the call that runs, for SQLite to look at.
    std::unique_ptr<StoredDatabase> stored_;
    std::vector<ChosenTable> chosen_;
    std::vector<std::string> drops_;  ///< Statements that make room in the target.
    // In this order: the loader goes before the connection, that before its file.
    CompanionVfs companions_;
    std::optional<UnfinishedFile> written_;
    bool had_log_ = false;    ///< The target had a write-ahead log before it was opened here.
    bool has_begun_ = false;  ///< Something was written to the target.
    std::unique_ptr<Database> database_;
    std::unique_ptr<StandInCollations> collations_;
    std::unique_ptr<TableLoader> loader_;
};

}  // namespace dbbackup::sqlite
