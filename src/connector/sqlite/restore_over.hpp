#pragma once

/// @file
/// Restoring over an existing database, or into a file of no bytes, which is an empty one: through
/// SQLite, in one write transaction, so that programs that have it open see the old or the new
/// state, and a crash leaves one of the two.
///
/// With `--verify` the image is first written beside the target, into a file without a name, and
/// proven there. After the commit it is too late: the old database is gone. And in the snapshot
/// itself integrity_check visits pages in no order, and nearly each costs the decoding of a chunk.

#include "connector/connector.hpp"
#include "connector/sqlite/companions.hpp"
#include "connector/sqlite/database.hpp"
#include "connector/sqlite/stream_vfs.hpp"
#include "connector/sqlite/target.hpp"
#include "connector/sqlite/view.hpp"
#include "sys/file.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>

struct sqlite3_backup;

namespace dbbackup::sqlite {

/// One thread at a time. Until the last page is copied, in `finish`, the target is as it was; then
/// it holds the snapshot, and `finish` throws for nothing but damage. The destructor rolls back
/// what was not committed.
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
    [[nodiscard]] std::uint64_t growth_bytes() const;
    [[nodiscard]] bool is_done_already() const;
    void open_target(std::stop_token stop);
    void stage(StreamReader& stream, std::stop_token stop);
    void prove_and_copy_staged(const Fingerprinter& fingerprinter, std::stop_token stop);
    void copy_all_but_last(StreamReader& stream, StreamVfs::ReadAhead read_ahead,
                           std::stop_token stop);
    void begin_copy(StreamReader& stream, StreamVfs::ReadAhead read_ahead, std::stop_token stop);
    void refuse_if_filled() const;
    void leave_log_for_other_page_size();
    void note_counter();
    void step(int pages);
    void commit();
    void read_back(std::uint32_t version, const Fingerprinter& fingerprinter, std::stop_token stop);
    void compare_with_target(std::uint32_t version, const Fingerprinter& fingerprinter,
                             std::stop_token stop);
    [[nodiscard]] bool shows_our_commit(const View& view, std::uint32_t version);
    void return_to_log();
    [[nodiscard]] std::uint32_t data_version() const;

    Target target_;
    StoredStream stream_;
    bool must_be_empty_;  ///< The target held nothing, and nothing may be replaced.
    bool is_verifying_;
    std::chrono::milliseconds lock_timeout_;
    RestorePlan plan_;
    RestoreReport report_;
    std::optional<File> staged_;  ///< With `--verify`, the image.
    // In this order: the copy ends before the connections close, those before the file goes.
    std::unique_ptr<StreamVfs> vfs_;
    std::unique_ptr<Database> source_;
    CompanionVfs companions_;  // longer than the connection
    std::unique_ptr<Database> database_;
    bool has_log_ = false;                 ///< The copy goes through the target's write-ahead log.
    std::uint32_t counter_of_commit_ = 0;  ///< Without a log: the change counter that it sets.
    bool is_log_left_ = false;  ///< The target's write-ahead log was switched off for the copy.
    std::unique_ptr<sqlite3_backup, FinishBackup> backup_;
};

}  // namespace dbbackup::sqlite
