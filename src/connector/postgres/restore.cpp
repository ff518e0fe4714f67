#include "connector/postgres/restore.hpp"

#include "base/error.hpp"
#include "connector/postgres/large_objects.hpp"
#include "connector/postgres/notes.hpp"
#include "connector/postgres/session.hpp"
#include "connector/postgres/sql_text.hpp"
#include "connector/postgres/table_loader.hpp"
#include "connector/postgres/target_database.hpp"
#include "connector/postgres/tools.hpp"
#include "sys/memory_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace dbbackup::postgres {
namespace {

bool is_special(const std::string& name, std::string_view what) {
    return name.ends_with(std::string(":").append(what));
}

/// The whole stream, in order.
void read_whole(StreamReader& stream, const std::function<void(BytesView)>& take,
                const std::stop_token& stop) {
    Bytes buffer;
    const std::uint64_t size = stream.stream().size_bytes;
    for (std::uint64_t offset = 0; offset < size; offset += buffer.size()) {
        buffer.resize(static_cast<std::size_t>(std::min<std::uint64_t>(1_MiB, size - offset)));
        stream.read_at(offset, buffer, stop);
        take(buffer);
    }
}

/// A script of pg_restore without the settings in its head that only later servers know.
std::string for_older_server(std::string script) {
    constexpr std::string_view kSetting = "\nSET transaction_timeout = 0;\n";
    const std::size_t at = script.find(kSetting);
    if (at != std::string::npos && at < script.find("\n-- Name: ")) {
        script.erase(at, kSetting.size() - 1);
    }
    return script;
}

class PostgresRestore final : public RestoreSession {
public:
    PostgresRestore(const RestoreRequest& request, const std::vector<StoredStream>& streams,
                    std::stop_token stop)
        : properties_(Notes::parse(request.state).database),
          info_(request.target, {}),
          target_(info_, info_.value("dbname").empty() ? properties_.name : info_.value("dbname"),
                  std::move(stop)),
          request_(request) {
        check(request);
        make_plan(request, streams);
    }

    [[nodiscard]] const RestorePlan& plan() const override { return plan_; }
    void apply(StreamReader& stream, std::stop_token stop) override;
    RestoreReport finish(const Fingerprinter& fingerprinter, std::stop_token stop) override;

private:
    void check(const RestoreRequest& request) const;
    void make_plan(const RestoreRequest& request, const std::vector<StoredStream>& streams);
    void prepare(StreamReader& schema, std::stop_token stop);
    /// Finds what is missing before anything is made, and makes the roles if asked.
    void require(const Requirements& required);
    void set_sequences(StreamReader& stream, std::stop_token stop);
    void run_section(std::string_view section, std::stop_token stop);
    void run_script(const std::string& script, std::stop_token stop);
    [[nodiscard]] bool has_partitioned_indexes(std::stop_token stop);
    void fill_views(std::stop_token stop);

    DatabaseProperties properties_;
    ConnectionInfo info_;
    TargetDatabase target_;
    RestoreRequest request_;
    std::string globals_;               ///< The script of all roles; empty unless it is used.
    std::vector<StoredStream> tables_;  ///< That were loaded.
    std::vector<std::string> views_;    ///< Materialized, to be filled.
    RestorePlan plan_;
    RestoreReport report_;
    std::optional<MemoryFile> schema_;
    std::optional<ConnectionInfo> made_;
    std::optional<TableLoader> loader_;  ///< Uses `made_`.
};

void PostgresRestore::check(const RestoreRequest& request) const {
    if (!request.selection.is_everything()) {
        throw explained<ConfigError>("parts of a PostgreSQL snapshot cannot be chosen yet",
                                     "Restore the whole database under another name.",
                                     "selection_not_supported");
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

void PostgresRestore::apply(StreamReader& stream, std::stop_token stop) {
    const StoredStream& stored = stream.stream();
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
        set_sequences(stream, std::move(stop));
    } else if (is_special(stored.name, kLargeObjectOwnersStream)) {
        restore_large_object_owners(loader_.value().any(stop), stream, stop);
    } else if (is_special(stored.name, kLargeObjectsStream)) {
        restore_large_objects(loader_.value().any(stop), stream, stop);
    } else {
        const std::uint64_t rows = loader_.value().load(stream, std::move(stop));
        if (rows != stored.row_count) {
            throw SourceError(fmt::format("of {} rows of {} the server took {}", stored.row_count,
                                          stored.name, rows));
        }
        tables_.push_back(stored);
    }
    report_.rows += stored.row_count;
    report_.bytes_written += stored.size_bytes;
}

void PostgresRestore::prepare(StreamReader& schema, std::stop_token stop) {
    const SchemaDefinition definition = SchemaDefinition::parse(schema.stream().definition);
    require(definition.requirements);
    target_.create(properties_, stop);
    made_ = target_.info();
    loader_.emplace(*made_, request_.jobs);
    schema_.emplace();
    views_ = definition.filled_views;
    read_whole(schema, [this](BytesView part) { schema_->append(part); }, stop);
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
    std::vector<std::string> words = {fmt::format("--section={}", section)};
    if (!request_.keeps_owners) {
        words.emplace_back("--no-owner");
    }
    if (!request_.keeps_privileges) {
        words.emplace_back("--no-privileges");
    }
    // The archive is small, and has to be sought in when several processes read it.
    words.push_back(schema_->path());
    if (tool.major > target_.server_major()) {
        words.emplace_back("--file=-");
        run_script(for_older_server(output_of(tool, words, {schema_->descriptor()}, stop)), stop);
        return;
    }
    ToolCall call(tool, *made_);
    call.with("--exit-on-error").inherits(schema_->descriptor());
    if (section == "post-data" && request_.jobs > 1 && !has_partitioned_indexes(stop)) {
        call.with(fmt::format("--jobs={}", request_.jobs));
    }
    for (const std::string& word : words) {
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

void PostgresRestore::set_sequences(StreamReader& stream, std::stop_token stop) {
    // Through a table of its own: what COPY wrote, COPY reads.
    Connection& connection = loader_.value().any(stop);
    connection.execute(
        "BEGIN; CREATE TEMPORARY TABLE db_backup_sequences (schema text, name text, last bigint, "
        "is_called boolean) ON COMMIT DROP");
    copy_whole(connection, "COPY pg_temp.db_backup_sequences FROM STDIN", stream, std::move(stop));
    static_cast<void>(connection.query(
        "SELECT pg_catalog.setval(pg_catalog.format('%I.%I', schema, name)::pg_catalog.regclass, "
        "last, is_called) FROM pg_temp.db_backup_sequences"));
    connection.execute("COMMIT");
}

/// Several processes of pg_restore attach indexes to a partitioned one and build others on the same
/// table at once, which the server may call a deadlock.
bool PostgresRestore::has_partitioned_indexes(std::stop_token stop) {
    const Tool tool = tool_for("pg_restore", target_.server_major(), stop);
    return output_of(tool, {"--list", "--section=post-data", schema_->path()},
                     {schema_->descriptor()}, stop)
               .find(" INDEX ATTACH ") != std::string::npos;
}

/// Views upon views come after those: who fails for want of another is tried again.
void PostgresRestore::fill_views(std::stop_token stop) {
    constexpr std::string_view kNotInPrerequisiteState = "55000";
    Connection& connection = loader_.value().any(std::move(stop));
    std::vector<std::string> left = views_;
    while (!left.empty()) {
        std::vector<std::string> again;
        for (const std::string& view : left) {
            try {
                connection.execute("REFRESH MATERIALIZED VIEW " + view);
            } catch (const ServerError& error) {
                if (error.sqlstate() != kNotInPrerequisiteState || left.size() == 1) {
                    throw;
                }
                again.push_back(view);
            }
        }
        if (again.size() == left.size()) {
            throw SourceError(fmt::format("these materialized views need each other's rows: {}",
                                          fmt::join(left, ", ")));
        }
        left = std::move(again);
    }
}

RestoreReport PostgresRestore::finish(const Fingerprinter& fingerprinter, std::stop_token stop) {
    loader_.value().close();
    run_section("post-data", stop);
    fill_views(stop);
    if (request_.verify) {
        loader_.value().verify(tables_, fingerprinter, stop);
        report_.is_verified = true;
    }
    loader_.value().close();
    report_.warnings =
        target_.publish(properties_, request_.keeps_owners, request_.keeps_privileges, stop);
    return report_;
}

}  // namespace

std::unique_ptr<RestoreSession> make_restore_session(const RestoreRequest& request,
                                                     const std::vector<StoredStream>& streams,
                                                     std::stop_token stop) {
    return std::make_unique<PostgresRestore>(request, streams, std::move(stop));
}

}  // namespace dbbackup::postgres
