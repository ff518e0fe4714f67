#pragma once

/// @file
/// Restoring over an existing database: through SQLite, in one write transaction, so that programs
/// that have it open see the old or the new state, and a crash leaves one of the two.

#include "connector/connector.hpp"
#include "connector/sqlite/database.hpp"
#include "connector/sqlite/stream_vfs.hpp"
#include "connector/sqlite/target.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>

struct sqlite3_backup;

namespace dbbackup::sqlite {

/// One thread at a time. `apply` copies all pages but the last inside the transaction; `finish`
/// copies that one and commits. The destructor rolls back what was not committed.
class RestoreOver final : public RestoreSession {
public:
    RestoreOver(Target target, const RestoreRequest& request, const StoredStream& stream,
                std::chrono::milliseconds lock_timeout);
    RestoreOver(const RestoreOver&) = delete;
    RestoreOver& operator=(const RestoreOver&) = delete;
    ~RestoreOver() override;

    [[nodiscard]] const RestorePlan& plan() const override { return plan_; }
    void apply(StreamReader& stream, std::stop_token stop) override;
    RestoreReport finish(const Fingerprinter& fingerprinter, std::stop_token stop) override;

private:
    struct FinishBackup {
        void operator()(sqlite3_backup* backup) const noexcept;
    };

    void make_plan();
    void copy_all_but_last(StreamReader& stream, std::stop_token stop);
    void open(StreamReader& stream, std::stop_token stop);
    void leave_log_for_other_page_size();
    void step(int pages);
    void verify(const Fingerprinter& fingerprinter, std::stop_token stop);

    Target target_;
    StoredStream stream_;
    bool is_verifying_;
    std::chrono::milliseconds lock_timeout_;
    RestorePlan plan_;
    RestoreReport report_;
    // In this order: the copy ends before the connections close, those before the file goes.
    std::unique_ptr<StreamVfs> vfs_;
    std::unique_ptr<Database> source_;
    std::unique_ptr<Database> database_;
    bool is_log_left_ = false;  ///< The target's write-ahead log was switched off for the copy.
    std::unique_ptr<sqlite3_backup, FinishBackup> backup_;
};

}  // namespace dbbackup::sqlite
