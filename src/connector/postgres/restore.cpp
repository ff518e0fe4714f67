#include "connector/postgres/restore.hpp"

#include "base/error.hpp"
#include "connector/postgres/chosen_parts.hpp"
#include "connector/postgres/large_objects.hpp"
#include "connector/postgres/notes.hpp"
#include "connector/postgres/restore_into.hpp"
#include "connector/postgres/restore_steps.hpp"
#include "connector/postgres/session.hpp"
#include "connector/postgres/sql_text.hpp"
#include "connector/postgres/table_loader.hpp"
#include "connector/postgres/target_database.hpp"
#include "connector/postgres/tools.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace dbbackup::postgres {
namespace {

class PostgresRestore final : public RestoreSession {
public:
    PostgresRestore(const RestoreRequest& request, const std::vector<StoredStream>& streams,
                    std::stop_token stop)
        : properties_(Notes::parse(request.state).database),
          info_(request.target, {}),
          target_(info_, info_.value("dbname").empty() ? properties_.name : info_.value("dbname"),
                  std::move(stop)),
          request_(request),
          streams_(streams) {
        check(request);
        make_plan(request, streams);
    }

    [[nodiscard]] const RestorePlan& plan() const override { return plan_; }
    void inspect(StreamReader& stream, std::stop_token stop) override;
    void apply(StreamReader& stream, std::stop_token stop) override;
    RestoreReport finish(const Fingerprinter& fingerprinter, std::stop_token stop) override;

private:
    void check(const RestoreRequest& request) const;
    void make_plan(const RestoreRequest& request, const std::vector<StoredStream>& streams);
    void prepare(StreamReader& schema, std::stop_token stop);
    /// Finds what is missing before anything is made, and makes the roles if asked.
    void require(const Requirements& required);
    void load_table(StreamReader& stream, std::stop_token stop);
    void restore_sequences(StreamReader& stream, std::stop_token stop);
    void run_section(std::string_view section, std::stop_token stop);
    void run_script(const std::string& script, std::stop_token stop);
    [[nodiscard]] bool has_partitioned_indexes(std::stop_token stop);

    DatabaseProperties properties_;
    ConnectionInfo info_;
    TargetDatabase target_;
    RestoreRequest request_;
    std::vector<StoredStream> streams_;
    std::optional<ChosenParts> chosen_;  ///< Nothing for the whole database.
    std::string globals_;                ///< The script of all roles; empty unless it is used.
    std::vector<StoredStream> tables_;   ///< That were loaded.
    std::vector<std::string> views_;     ///< Materialized, to be filled.
    RestorePlan plan_;
    RestoreReport report_;
    std::optional<ArchiveFile> schema_;
    std::optional<ConnectionInfo> made_;
    std::optional<TableLoader> loader_;  ///< Uses `made_`.
};

void PostgresRestore::check(const RestoreRequest& request) const {
    if (request.selection.parts == Parts::data) {
        throw explained<ConfigError>(
            fmt::format("the database {} has no tables to add rows to", target_.name()),
            "Leave out --data-only to make the tables too.", "target_table_missing");
    }
    if (target_.state() == TargetState::filled && request_.overwrite == Overwrite::no) {
        throw explained<ConfigError>(
            fmt::format("the database {} is not empty", target_.name()),
            "Give another name in the path of the URI, or replace what is there with --clean.",
            "target_not_empty");
    }
    if (!target_.may_create()) {
        throw explained<ConfigError>("the role may not create databases, and a restore makes one",
                                     "Restore as a role with CREATEDB.", "target_not_writable");
    }
}

void PostgresRestore::make_plan(const RestoreRequest& request,
                                const std::vector<StoredStream>& streams) {
    const auto is_table = [](const StoredStream& stream) {
        return stream.kind == StreamKind::rows && !stream.definition.empty();
    };
    const auto tables = std::count_if(streams.begin(), streams.end(), is_table);
    plan_.source_version = request.server_version;
    plan_.overwrites = target_.state() == TargetState::filled;
    plan_.target_state = target_.state() == TargetState::missing ? "new"
                         : target_.state() == TargetState::empty ? "empty"
                                                                 : "a database with objects in it";
    plan_.steps = {
        fmt::format("make a database beside {}, encoding {}", target_.name(), properties_.encoding),
        fmt::format("make the objects and load {} tables", tables), "build indexes and constraints",
        plan_.overwrites ? fmt::format("put it in the place of {}, and drop that", target_.name())
                         : fmt::format("name it {}", target_.name())};
}

void PostgresRestore::inspect(StreamReader& stream, std::stop_token stop) {
    if (stream.stream().kind != StreamKind::opaque ||
        is_special(stream.stream().name, kRolesStream)) {
        return;
    }
    Bytes archive;
    read_whole(
        stream, [&](BytesView part) { archive.insert(archive.end(), part.begin(), part.end()); },
        stop);
    chosen_.emplace(Toc::parse(archive), properties_.name, request_.selection, streams_);
    schema_.emplace();
    schema_->append(archive);
    schema_->choose(chosen_->choice().ids);
    plan_.tables = planned_tables(*chosen_);
    plan_.warnings = chosen_->remarks();
    plan_.steps[1] = fmt::format("make {} objects and load {} tables", chosen_->choice().ids.size(),
                                 chosen_->streams().size());
}

void PostgresRestore::apply(StreamReader& stream, std::stop_token stop) {
    const StoredStream& stored = stream.stream();
    if (chosen_ && !is_needed(*chosen_, stored)) {
        return;  // Nothing of it is fetched.
    }
    if (is_special(stored.name, kRolesStream)) {
        read_whole(
            stream,
            [this](BytesView part) {
                if (request_.makes_roles) {
                    globals_ += as_text(part);
                }
            },
            stop);
        return;
    }
    if (stored.kind == StreamKind::opaque) {
        prepare(stream, std::move(stop));
    } else if (is_special(stored.name, kSequencesStream)) {
        restore_sequences(stream, std::move(stop));
    } else if (is_special(stored.name, kLargeObjectOwnersStream)) {
        restore_large_object_owners(loader_.value().any(stop), stream, stop);
    } else if (is_special(stored.name, kLargeObjectsStream)) {
        restore_large_objects(loader_.value().any(stop), stream, stop);
    } else {
        load_table(stream, std::move(stop));
        return;
    }
    report_.rows += chosen_ ? 0 : stored.row_count;  // Of tables, where those were chosen.
    report_.bytes_written += stored.size_bytes;
}

void PostgresRestore::load_table(StreamReader& stream, std::stop_token stop) {
    const StoredStream& stored = stream.stream();
    const TableCondition* const condition = chosen_ ? chosen_->condition_of(stored.name) : nullptr;
    std::uint64_t rows = 0;
    if (condition != nullptr) {
        const TableDefinition table = TableDefinition::parse(stored.definition);
        Connection& connection = loader_.value().any(stop);
        const std::string name = quoted_name(table.schema, table.name);
        check_condition(connection, name, *condition);
        connection.execute("BEGIN");
        rows = load_some(connection, stream, name, *condition, std::move(stop));
        connection.execute("COMMIT");
    } else {
        rows = loader_.value().load(stream, std::move(stop));
        if (rows != stored.row_count) {
            throw SourceError(fmt::format("of {} rows of {} the server took {}", stored.row_count,
                                          stored.name, rows));
        }
        tables_.push_back(stored);
    }
    report_.rows += rows;
    report_.bytes_written += stored.size_bytes;
    if (chosen_) {
        report_.tables.push_back(chosen_->told(stored.name));
        report_.tables.back().rows = rows;
    }
}

void PostgresRestore::prepare(StreamReader& schema, std::stop_token stop) {
    const SchemaDefinition definition = SchemaDefinition::parse(schema.stream().definition);
    require(chosen_ ? needed_of(*chosen_, definition.requirements) : definition.requirements);
    target_.create(properties_);
    made_ = target_.info();
    loader_.emplace(*made_, request_.jobs);
    views_ = chosen_ ? chosen_->views_among(chosen_->choice().ids, definition.filled_views)
                     : definition.filled_views;
    if (!schema_) {
        schema_.emplace();
        read_whole(schema, [this](BytesView part) { schema_->append(part); }, stop);
    }
    run_section("pre-data", std::move(stop));
}

void PostgresRestore::require(const Requirements& required) {
    const Requirements missing = missing_of(target_.server(), required);
    if (!missing.extensions.empty() || !missing.tablespaces.empty()) {
        throw explained<ConfigError>(
            fmt::format(
                "the server lacks {} {}",
                missing.extensions.empty() ? "the tablespaces" : "the extensions",
                fmt::join(missing.extensions.empty() ? missing.tablespaces : missing.extensions,
                          ", ")),
            missing.extensions.empty() ? "Make them with CREATE TABLESPACE."
                                       : "Install the packages that bring them on the server.",
            "target_lacks");
    }
    if (missing.roles.empty() || (!request_.keeps_owners && !request_.keeps_privileges)) {
        return;
    }
    if (!request_.makes_roles) {
        throw explained<ConfigError>(
            fmt::format("the server lacks the roles {}", fmt::join(missing.roles, ", ")),
            "Make them with --roles, or restore without them: --no-owner --no-privileges.",
            "target_lacks");
    }
    const std::set<std::string> wanted(missing.roles.begin(), missing.roles.end());
    std::string script = "BEGIN;";
    for (const std::string& statement : statements_for(globals_, wanted)) {
        script += statement;
    }
    target_.server().execute(script + "COMMIT");
}

void PostgresRestore::run_section(std::string_view section, std::stop_token stop) {
    const Tool tool = tool_for("pg_restore", target_.server_major(), stop);
    if (tool.major > target_.server_major()) {
        run_script(schema_->script(section, request_, target_.server_major(), stop), stop);
        return;
    }
    ToolCall call(tool, *made_);
    call.with("--exit-on-error");
    for (const int descriptor : schema_->descriptors()) {
        call.inherits(descriptor);
    }
    if (section == "post-data" && request_.jobs > 1 && !has_partitioned_indexes(stop)) {
        call.with(fmt::format("--jobs={}", request_.jobs));
    }
    for (const std::string& word : schema_->words(section, request_)) {
        call.with(word);
    }
    call.run({}, {}, std::move(stop));
}

void PostgresRestore::run_script(const std::string& script, std::stop_token stop) {
    bool is_given = false;
    ToolCall(tool_for("psql", target_.server_major(), stop), *made_)
        .with("--no-psqlrc")
        .with("--quiet")
        .with("--set=ON_ERROR_STOP=1")
        .run(
            [&] {
                const BytesView part = is_given ? BytesView() : as_bytes(script);
                is_given = true;
                return part;
            },
            {}, std::move(stop));
}

void PostgresRestore::restore_sequences(StreamReader& stream, std::stop_token stop) {
    Connection& connection = loader_.value().any(stop);
    std::vector<SequenceChoice> chosen;
    if (chosen_) {
        for (const ChosenSequence& each : chosen_->sequences()) {
            chosen.push_back({each.schema, each.name, each.schema});
        }
    }
    connection.execute("BEGIN");
    set_sequences(connection, stream, chosen_ ? &chosen : nullptr, SequenceWay::as_stored,
                  std::move(stop));
    connection.execute("COMMIT");
}

/// Several processes of pg_restore attach indexes to a partitioned one and build others on the same
/// table at once, which the server may call a deadlock.
bool PostgresRestore::has_partitioned_indexes(std::stop_token stop) {
    const Tool tool = tool_for("pg_restore", target_.server_major(), stop);
    return output_of(tool, {"--list", "--section=post-data", schema_->path()},
                     schema_->descriptors(), stop)
               .find(" INDEX ATTACH ") != std::string::npos;
}

RestoreReport PostgresRestore::finish(const Fingerprinter& fingerprinter, std::stop_token stop) {
    loader_.value().close();
    run_section("post-data", stop);
    fill_views(loader_.value().any(stop), views_);
    if (request_.verify) {
        loader_.value().verify(tables_, fingerprinter, stop);
        report_.is_verified = !chosen_ || tables_.size() == chosen_->streams().size();
    }
    if (chosen_) {
        rename_schemas(loader_.value().any(stop), *chosen_);
        const std::vector<RestoredTable> rowless = chosen_->rowless();
        report_.tables.insert(report_.tables.end(), rowless.begin(), rowless.end());
    }
    loader_.value().close();
    report_.warnings =
        target_.publish(properties_, request_.keeps_owners, request_.keeps_privileges, stop);
    return report_;
}

}  // namespace

std::unique_ptr<RestoreSession> make_restore_session(const RestoreRequest& request,
                                                     const std::vector<StoredStream>& streams,
                                                     std::chrono::milliseconds lock_timeout,
                                                     std::stop_token stop) {
    if (!request.selection.is_everything()) {
        std::unique_ptr<RestoreSession> into =
            make_restore_into(request, streams, lock_timeout, stop);
        if (into) {
            return into;
        }
    }
    return std::make_unique<PostgresRestore>(request, streams, std::move(stop));
}

}  // namespace dbbackup::postgres
