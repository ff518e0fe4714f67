#pragma once

/// @file
/// Which segments of a database's tables the parent snapshot has already, and what the next run may
/// build upon.
///
/// Data path: view, record of changes -> [reuse] -> plan.

#include "connector/connector.hpp"
#include "connector/postgres/connection.hpp"
#include "connector/postgres/tracking.hpp"
#include "connector/postgres/view.hpp"

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>

namespace dbbackup::postgres {

/// Of one database. One thread at a time.
class Reuse {
public:
    /// Takes no part of the view's transaction.
    /// @param info, view Borrowed.
    /// @param request Its parent is that of this database.
    Reuse(const ConnectionInfo& info, View& view, const BackupRequest& request,
          std::stop_token stop);

    /// Asks the record of changes since the parent. Once, before all below.
    void ask(std::stop_token stop);
    /// How the tables come about, and why so. Valid after `ask`.
    [[nodiscard]] Capture capture() const { return capture_; }
    [[nodiscard]] const std::string& reason() const { return reason_; }

    /// Sets the segments of a table that did not change to be taken over.
    void mark_unchanged(const Table& table, StreamPlan& plan);
    /// What the next run needs to ask; nothing where the server keeps no record.
    [[nodiscard]] std::optional<TrackingMark> mark(std::stop_token stop);

private:
    [[nodiscard]] std::string why_not(std::stop_token stop);
    [[nodiscard]] bool is_quiet();

    View& view_;
    std::optional<Parent> parent_;  ///< Nothing where all is to be read.
    std::optional<TrackingMark> parent_mark_;
    std::unordered_map<std::string_view, const ParentStream*> parent_streams_;
    std::unique_ptr<Connection> beside_;  ///< Outside of the view's transaction; 17 and later.
    std::optional<ChangedBlocks> changed_;
    Capture capture_ = Capture::full;
    std::string reason_;
    bool has_changes_ = false;  ///< A tracked table has segments that changed.
};

}  // namespace dbbackup::postgres
