#pragma once

/// @file
/// A backup of several SQLite databases: one stream for each, named after its file, and one view
/// after the other. So however many there are, one is locked and held open at a time, and each is
/// consistent in itself; they share no moment.
///
/// Data path: database set -> [one session after the other] -> engine.

#include "base/clock.hpp"
#include "connector/connector.hpp"
#include "connector/sqlite/database_set.hpp"
#include "connector/sqlite/session.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace dbbackup::sqlite {

/// One thread at a time.
///
/// Of a folder, a database that cannot be read is given up: the others are worth having. Each file
/// of a list was asked for, so there it is an error.
class SetSession final : public Session {
public:
    /// @param clock Borrowed; outlives the session. @throws as `find_databases`.
    SetSession(const SourceOptions& options, BackupRequest request, const Clock& clock,
               std::stop_token stop);

    std::vector<StreamPlan> plan() override;
    [[nodiscard]] Capture capture() const override { return capture_; }
    [[nodiscard]] std::string reason() const override { return {}; }
    [[nodiscard]] unsigned readers_max() const override { return 1; }
    void read(const StreamPlan& stream, const SegmentPlan& segment, SegmentSink& sink,
              std::stop_token stop) override;
    SessionEnd finish(std::stop_token stop) override;
    [[nodiscard]] std::size_t view_count() const override { return set_.members.size(); }
    void next_view() override;

private:
    [[nodiscard]] const SetMember& member() const { return set_.members[index_]; }
    [[nodiscard]] const ParentStream* parent_stream() const;
    [[nodiscard]] BackupRequest request_for_member() const;
    std::vector<StreamPlan> plan_member();
    void note_gone();
    void refuse_patterns_of_tables() const;
    /// Where the last one had it, for people.
    [[nodiscard]] std::string where_it_was() const;
    /// Calls `work` and, of a folder, turns a `SourceError` into `ViewGivenUp`.
    template <class Work>
    auto or_give_up(const Work& work);

    SourceOptions member_options_;  ///< With the database whose turn it is.
    BackupRequest request_;
    const Clock& clock_;
    std::stop_token stop_;
    DatabaseSet set_;
    std::size_t index_ = 0;
    std::unique_ptr<SqliteSession> current_;
    Capture capture_;
    std::uint64_t objects_bytes_left_;
    std::vector<std::string> warnings_;  ///< For the next end of a view.
    bool is_incomplete_ = false;
};

}  // namespace dbbackup::sqlite
