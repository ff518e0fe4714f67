#include "connector/postgres/restore.hpp"

#include "base/error.hpp"
#include "connector/postgres/database_restore.hpp"
#include "connector/postgres/notes.hpp"
#include "connector/postgres/sql_text.hpp"
#include "connector/postgres/stream_plans.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace dbbackup::postgres {
namespace {

class PostgresRestore final : public RestoreSession {
public:
    PostgresRestore(const RestoreRequest& request, const std::vector<StoredStream>& streams,
                    std::stop_token stop)
        : request_(request),
          info_(request.target, {}),
          properties_(Notes::parse(request.state).database),
          database_(info_, info_.value("dbname").empty() ? properties_.name : info_.value("dbname"),
                    properties_, request_, globals_, std::move(stop)) {
        check();
        make_plan(streams);
    }

    [[nodiscard]] const RestorePlan& plan() const override { return plan_; }
    void apply(StreamReader& stream, std::stop_token stop) override;
    RestoreReport finish(const Fingerprinter& fingerprinter, std::stop_token stop) override {
        return database_.finish(fingerprinter, std::move(stop));
    }

private:
    void check() const;
    void make_plan(const std::vector<StoredStream>& streams);

    RestoreRequest request_;
    ConnectionInfo info_;
    DatabaseProperties properties_;
    std::string globals_;  ///< The script of all roles; empty unless it is used.
    DatabaseRestore database_;
    RestorePlan plan_;
};

void PostgresRestore::check() const {
    if (!request_.selection.is_everything()) {
        throw explained<ConfigError>("parts of a PostgreSQL snapshot cannot be chosen yet",
                                     "Restore the whole database under another name.",
                                     "selection_not_supported");
    }
    if (database_.target().state() == TargetState::filled && request_.overwrite == Overwrite::no) {
        throw explained<ConfigError>(
            fmt::format("the database {} is not empty", database_.target().name()),
            "Give another name in the path of the URI, or replace what is there with --clean.",
            "target_not_empty");
    }
    if (!database_.target().may_create()) {
        throw explained<ConfigError>("the role may not create databases, and a restore makes one",
                                     "Restore as a role with CREATEDB.", "target_not_writable");
    }
}

void PostgresRestore::make_plan(const std::vector<StoredStream>& streams) {
    const auto is_table = [](const StoredStream& stream) {
        return stream.kind == StreamKind::rows && !stream.definition.empty();
    };
    const auto tables = std::count_if(streams.begin(), streams.end(), is_table);
    plan_.source_version = request_.server_version;
    plan_.overwrites = database_.target().state() == TargetState::filled;
    plan_.target_state = database_.target().state() == TargetState::missing ? "new"
                         : database_.target().state() == TargetState::empty
                             ? "empty"
                             : "a database with objects in it";
    plan_.steps = {
        fmt::format("make a database beside {}, encoding {}", database_.target().name(),
                    properties_.encoding),
        fmt::format("make the objects and load {} tables", tables), "build indexes and constraints",
        plan_.overwrites
            ? fmt::format("put it in the place of {}, and drop that", database_.target().name())
            : fmt::format("name it {}", database_.target().name())};
}

void PostgresRestore::apply(StreamReader& stream, std::stop_token stop) {
    if (stream.stream().name != special_stream_name("", kRolesStream)) {
        database_.apply(stream, std::move(stop));
        return;
    }
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

}  // namespace

std::unique_ptr<RestoreSession> make_restore_session(const RestoreRequest& request,
                                                     const std::vector<StoredStream>& streams,
                                                     std::stop_token stop) {
    return std::make_unique<PostgresRestore>(request, streams, std::move(stop));
}

}  // namespace dbbackup::postgres
