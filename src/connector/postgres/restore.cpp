#include "connector/postgres/restore.hpp"

#include "base/error.hpp"
#include "connector/archive_files.hpp"
#include "connector/postgres/database_restore.hpp"
#include "connector/postgres/restore_at_once.hpp"
#include "connector/postgres/restore_into.hpp"
#include "connector/postgres/restore_steps.hpp"
#include "connector/postgres/restored_databases.hpp"
#include "connector/postgres/schema_definition.hpp"
#include "connector/postgres/stream_plans.hpp"
#include "connector/stream_names.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace dbbackup::postgres {
namespace {

constexpr std::size_t kNamesShownMax = 20;

std::string names_text(const std::vector<std::string>& names) {
    const std::size_t shown = std::min(names.size(), kNamesShownMax);
    return fmt::format("{}{}",
                       fmt::join(names.begin(), names.begin() + std::ptrdiff_t(shown), ", "),
                       shown < names.size() ? " …" : "");
}

/// Of one database it is built at once and named at the end; of several each is named when it is
/// whole, and the next one begun.
class PostgresRestore final : public RestoreSession {
public:
    /// @param info Of the target's server. @param parts With the names in the target.
    PostgresRestore(const RestoreRequest& request, ConnectionInfo info,
                    std::vector<RestoredDatabase> parts, const std::vector<StoredStream>& streams,
                    const std::stop_token& stop);

    [[nodiscard]] const RestorePlan& plan() const override { return plan_; }
    void inspect(StreamReader& stream, std::stop_token stop) override;
    void apply(StreamReader& stream, std::stop_token stop) override;
    [[nodiscard]] bool may_be_beside(const StoredStream& stream) const override {
        return database_ && database_->may_be_beside(stream);
    }
    void apply_together(StreamGroup& group, std::stop_token stop) override;
    std::string end_stream(const StoredStream& stream, const Fingerprinter& fingerprinter,
                           std::stop_token stop) override;
    RestoreReport finish(const Fingerprinter& fingerprinter, std::stop_token stop) override;

private:
    [[nodiscard]] bool is_of_parts() const { return !request_.selection.is_everything(); }
    void examine(const std::stop_token& stop);
    void refuse_unwritable(const TargetDatabase& target) const;
    void add_steps(const RestoredDatabase& part, const TargetDatabase& target);
    [[nodiscard]] std::unique_ptr<DatabaseRestore> begin(const RestoredDatabase& part,
                                                         const std::stop_token& stop) const;
    [[nodiscard]] std::unique_ptr<WholeRestore> begin_whole(const std::stop_token& stop) const;
    void read_roles(StreamReader& stream, const std::stop_token& stop);
    void end_database(const Fingerprinter& fingerprinter, const std::stop_token& stop);
    void add_progress(Error& error) const;

    RestoreRequest request_;
    ConnectionInfo info_;
    std::vector<RestoredDatabase> parts_;
    std::vector<StoredStream> streams_;
    std::size_t part_ = 0;  ///< Whose turn it is.
    std::string globals_;   ///< The script of all roles; empty unless it is used.
    std::unique_ptr<WholeRestore> database_;
    std::vector<std::string> done_;
    RestorePlan plan_;
    RestoreReport report_;
};

PostgresRestore::PostgresRestore(const RestoreRequest& request, ConnectionInfo info,
                                 std::vector<RestoredDatabase> parts,
                                 const std::vector<StoredStream>& streams,
                                 const std::stop_token& stop)
    : request_(request), info_(std::move(info)), parts_(std::move(parts)), streams_(streams) {
    plan_.source_version = request_.server_version;
    examine(stop);
}

std::unique_ptr<DatabaseRestore> PostgresRestore::begin(const RestoredDatabase& part,
                                                        const std::stop_token& stop) const {
    return std::make_unique<DatabaseRestore>(info_, part.target, part.schema.database, request_,
                                             globals_, stop);
}

/// Of the database whose turn it is.
std::unique_ptr<WholeRestore> PostgresRestore::begin_whole(const std::stop_token& stop) const {
    const RestoredDatabase& part = parts_[part_];
    std::unique_ptr<DatabaseRestore> restore = begin(part, stop);
    restore->refuse_filled();
    if (restore->target().is_filled_in_place()) {
        return make_restore_at_once(info_.with_database(part.target), part.schema.database,
                                    request_, globals_, stop);
    }
    return restore;
}

/// Who may make no database may have one that is there and empty.
void PostgresRestore::refuse_unwritable(const TargetDatabase& target) const {
    if (target.may_create()) {
        return;
    }
    if (!target.is_filled_in_place()) {
        throw explained<ConfigError>(
            fmt::format("{}, and the database {} {}", target.why_not_create(), target.name(),
                        target.state() == TargetState::missing ? "is not there" : "is not empty"),
            "Restore as a role with CREATEDB that may connect to postgres, or into an empty "
            "database that belongs to the role.",
            "target_not_writable");
    }
    if (std::ranges::find(streams_, kArchivedDatabase, &StoredStream::name) != streams_.end()) {
        throw explained<ConfigError>(
            fmt::format("{}, and SQL is not restored into one that is there",
                        target.why_not_create()),
            "Restore as a role with CREATEDB, or restore a snapshot, or load the SQL with psql.",
            "target_not_writable");
    }
}

/// Looks at all targets before anything is written.
void PostgresRestore::examine(const std::stop_token& stop) {
    std::vector<std::string> filled;
    for (const RestoredDatabase& part : parts_) {
        const std::unique_ptr<DatabaseRestore> restore = begin(part, stop);
        const TargetDatabase& target = restore->target();
        refuse_unwritable(target);
        if (target.state() == TargetState::filled) {
            filled.push_back(target.name());
        }
        if (!is_of_parts()) {
            restore->refuse_lacks(part.schema.requirements);
        } else if (request_.selection.parts == Parts::data) {
            throw explained<ConfigError>(
                fmt::format("the database {} has no tables to add rows to", target.name()),
                "Leave out --data-only to make the tables too.", "target_table_missing");
        }
        add_steps(part, target);
    }
    plan_.overwrites = !filled.empty();
    if (plan_.overwrites && request_.overwrite == Overwrite::no) {
        throw explained<ConfigError>(
            filled.size() == 1
                ? fmt::format("the database {} is not empty", filled.front())
                : fmt::format("these databases are not empty: {}", names_text(filled)),
            parts_.size() == 1
                ? "Give another name in the path of the URI, or replace what is there with --clean."
                : "Choose others with --include and --exclude, or replace what is there with "
                  "--clean.",
            "target_not_empty");
    }
    if (parts_.size() > 1) {
        plan_.target_state =
            fmt::format("a server on which {} of {} databases have objects in them", filled.size(),
                        parts_.size());
    }
}

void PostgresRestore::add_steps(const RestoredDatabase& part, const TargetDatabase& target) {
    const bool is_filled = target.state() == TargetState::filled;
    plan_.target_state = target.state() == TargetState::missing ? "new"
                         : target.state() == TargetState::empty ? "empty"
                                                                : "a database with objects in it";
    if (target.is_filled_in_place()) {
        plan_.steps.push_back(
            fmt::format("begin one transaction in {}: {}", target.name(), target.why_not_create()));
    } else {
        plan_.steps.push_back(fmt::format("make a database beside {}, encoding {}", target.name(),
                                          part.schema.database.encoding));
    }
    if (part.is_dump) {
        plan_.steps.emplace_back("load the dump");
    } else {
        plan_.steps.push_back(fmt::format("make the objects and load {} tables", part.tables));
        plan_.steps.emplace_back("build indexes and constraints");
    }
    plan_.steps.push_back(
        target.is_filled_in_place() ? "commit"
        : is_filled ? fmt::format("put it in the place of {}, and drop that", target.name())
                    : fmt::format("name it {}", target.name()));
    if (!part.schema.left_out.empty() && !is_of_parts()) {
        plan_.warnings.push_back(fmt::format(
            "{}these tables are made without rows, which were left out of the backup: {}",
            parts_.size() > 1 ? part.name + ": " : std::string(),
            postgres::names_text(part.schema.left_out)));
    }
}

void PostgresRestore::read_roles(StreamReader& stream, const std::stop_token& stop) {
    // Read in any case: what is damaged is found before anything is made.
    read_whole(
        stream,
        [this](BytesView part) {
            if (request_.makes_roles) {
                globals_ += as_text(part);
            }
        },
        stop);
}

void PostgresRestore::add_progress(Error& error) const {
    if (parts_.size() == 1 && database_) {
        error.add_context(
            fmt::format("restoring {}: {}", parts_.front().target, database_->left()));
    } else if (parts_.size() > 1) {
        error.add_context(fmt::format(
            "restoring {}, after {} of {} databases were restored{}{}; the others are as they were",
            parts_[part_].target, done_.size(), parts_.size(), done_.empty() ? "" : ": ",
            names_text(done_)));
        if (!done_.empty() && error.hint().empty()) {
            error.set_hint("Restore the rest alone: choose it with --include or --exclude.");
        }
    }
}

void PostgresRestore::inspect(StreamReader& stream, std::stop_token stop) {
    if (stream.stream().name != special_stream_name(parts_.front().name, kSchemaStream)) {
        return;
    }
    std::unique_ptr<DatabaseRestore> restore = begin(parts_.front(), stop);
    restore->choose(stream, streams_, stop);
    const ChosenParts& chosen = restore->chosen().value();
    plan_.tables = planned_tables(chosen);
    plan_.warnings = chosen.remarks();
    plan_.steps.at(1) = fmt::format("make {} objects and load {} tables",
                                    chosen.choice().ids.size(), chosen.streams().size());
    database_ = std::move(restore);
}

void PostgresRestore::apply(StreamReader& stream, std::stop_token stop) {
    if (stream.stream().name == special_stream_name("", kRolesStream)) {
        read_roles(stream, stop);
        return;
    }
    try {
        if (!database_) {
            database_ = begin_whole(stop);
        }
        database_->apply(stream, std::move(stop));
    } catch (Error& error) {
        add_progress(error);
        throw;
    }
}

void PostgresRestore::apply_together(StreamGroup& group, std::stop_token stop) {
    try {
        database_->apply_together(group, std::move(stop));
    } catch (Error& error) {
        add_progress(error);
        throw;
    }
}

void PostgresRestore::end_database(const Fingerprinter& fingerprinter,
                                   const std::stop_token& stop) {
    const RestoreReport report = database_->finish(fingerprinter, stop);
    report_.rows += report.rows;
    report_.bytes_written += report.bytes_written;
    report_.is_verified = report.is_verified;
    report_.tables = report.tables;  // Chosen ones, of one database.
    report_.is_incomplete = report_.is_incomplete || report.is_incomplete;
    report_.warnings.insert(report_.warnings.end(), report.warnings.begin(), report.warnings.end());
    database_.reset();
}

std::string PostgresRestore::end_stream(const StoredStream& stream,
                                        const Fingerprinter& fingerprinter, std::stop_token stop) {
    if (parts_.size() == 1 || !database_ || stream.name != parts_[part_].last_stream) {
        return {};
    }
    try {
        end_database(fingerprinter, stop);
    } catch (Error& error) {
        add_progress(error);
        throw;
    }
    done_.push_back(parts_[part_].target);
    ++part_;
    return done_.back();
}

RestoreReport PostgresRestore::finish(const Fingerprinter& fingerprinter, std::stop_token stop) {
    if (parts_.size() == 1) {
        try {
            end_database(fingerprinter, stop);
        } catch (Error& error) {
            add_progress(error);
            throw;
        }
    }
    return std::move(report_);
}

}  // namespace

std::unique_ptr<RestoreSession> make_restore_session(const RestoreRequest& request,
                                                     const std::vector<StoredStream>& streams,
                                                     std::chrono::milliseconds lock_timeout,
                                                     std::stop_token stop) {
    ConnectionInfo info(request.target, {});
    std::vector<RestoredDatabase> parts = restored_databases(streams);
    refuse_for_script(request, streams);
    name_targets(parts, info.value("dbname"));
    if (!request.selection.is_everything()) {
        check_selection(parts);
        std::unique_ptr<RestoreSession> into =
            make_restore_into(request, streams, parts.front().target, lock_timeout, stop);
        if (into) {
            return into;
        }
    }
    return std::make_unique<PostgresRestore>(request, std::move(info), std::move(parts), streams,
                                             stop);
}

}  // namespace dbbackup::postgres
