#include "connector/postgres/database_restore.hpp"

#include "base/error.hpp"
#include "connector/archive_files.hpp"
#include "connector/postgres/large_objects.hpp"
#include "connector/postgres/native_dump.hpp"
#include "connector/postgres/schema_definition.hpp"
#include "connector/postgres/script_filter.hpp"
#include "connector/postgres/stream_plans.hpp"
#include "connector/postgres/stream_slices.hpp"
#include "connector/postgres/tools.hpp"
#include "connector/postgres/whole_stream.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

namespace dbbackup::postgres {
namespace {

constexpr const char* kRowsNotCompared =
    "the rows were not compared: of a dump it is only known that every byte of it is as it was "
    "made, and that the server took all of it";

bool is_special(const std::string& name, std::string_view what) {
    return name.ends_with(std::string(":").append(what));
}

}  // namespace

void read_whole(StreamReader& stream, const std::function<void(BytesView part)>& take,
                const std::stop_token& stop) {
    Bytes buffer;
    const std::uint64_t size = stream.stream().size_bytes;
    for (std::uint64_t offset = 0; offset < size; offset += buffer.size()) {
        buffer.resize(static_cast<std::size_t>(std::min<std::uint64_t>(1_MiB, size - offset)));
        stream.read_at(offset, buffer, stop);
        take(buffer);
    }
}

DatabaseRestore::DatabaseRestore(const ConnectionInfo& server, std::string name,
                                 DatabaseProperties properties, const RestoreRequest& request,
                                 const std::string& globals, std::stop_token stop)
    : properties_(std::move(properties)),
      target_(server, std::move(name), std::move(stop)),
      request_(request),
      globals_(globals) {}

void DatabaseRestore::apply(StreamReader& stream, std::stop_token stop) {
    const StoredStream& stored = stream.stream();
    if (is_special(stored.name, kDumpStream)) {
        static_cast<void>(create(stream, stop));
        restore_natively(*made_, target_.server_major(), request_, stream, stop);
    } else if (stored.name == kArchivedDatabase) {
        static_cast<void>(create(stream, stop));
        WholeStream script(stream, stop);
        run_script(
            tool_for("psql", target_.server_major(), stop), *made_,
            [&script] { return script.next(); }, stop);
    } else if (stored.kind == StreamKind::opaque) {
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

SchemaDefinition DatabaseRestore::create(const StreamReader& first, const std::stop_token& stop) {
    SchemaDefinition definition = SchemaDefinition::parse(first.stream().definition);
    refuse_lacks(definition.requirements);
    make_roles(definition.requirements);
    target_.create(properties_, stop);
    made_ = target_.info();
    return definition;
}

void DatabaseRestore::prepare(StreamReader& schema, std::stop_token stop) {
    const SchemaDefinition definition = create(schema, stop);
    loader_.emplace(*made_, request_.jobs);
    schema_.emplace();
    views_ = definition.filled_views;
    unchecked_keys_ = definition.unchecked_keys;
    read_whole(schema, [this](BytesView part) { schema_->append(part); }, stop);
    run_section("pre-data", std::move(stop));
}

void DatabaseRestore::refuse_filled() const {
    if (target_.state() == TargetState::filled && request_.overwrite == Overwrite::no) {
        throw explained<ConfigError>(
            fmt::format("the database {} is not empty", target_.name()),
            "Give another name in the path of the URI, or replace what is there with --clean.",
            "target_not_empty");
    }
}

void DatabaseRestore::refuse_lacks(const Requirements& required) {
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
    if (!missing.roles.empty() && needs_roles() && !request_.makes_roles) {
        throw explained<ConfigError>(
            fmt::format("the server lacks the roles {}", fmt::join(missing.roles, ", ")),
            "Make them with --roles, or restore without them: --no-owner --no-privileges.",
            "target_lacks");
    }
}

void DatabaseRestore::make_roles(const Requirements& required) {
    const Requirements missing = missing_of(target_.server(), required);
    if (missing.roles.empty() || !needs_roles()) {
        return;
    }
    const std::set<std::string> wanted(missing.roles.begin(), missing.roles.end());
    std::string script = "BEGIN;";
    for (const std::string& statement : statements_for(globals_, wanted)) {
        script += statement;
    }
    target_.server().execute(script + "COMMIT");
}

void DatabaseRestore::run_section(std::string_view section, std::stop_token stop) {
    const Tool tool = tool_for("pg_restore", target_.server_major(), stop);
    std::vector<std::string> words = {fmt::format("--section={}", section)};
    if (!request_.keeps_owners) {
        words.emplace_back("--no-owner");
    }
    if (!request_.keeps_privileges) {
        words.emplace_back("--no-privileges");
    }
    std::vector<int> files = {schema_->descriptor()};
    std::optional<MemoryFile> list;
    if (section == "post-data" && !unchecked_keys_.empty()) {
        list.emplace();
        list->append(as_bytes(list_without(
            output_of(tool, {"--list", schema_->path()}, {schema_->descriptor()}, stop),
            unchecked_keys_)));
        files.push_back(list->descriptor());
        words.push_back("--use-list=" + list->path());
    }
    // The archive is small, and has to be sought in when several processes read it.
    words.push_back(schema_->path());
    if (tool.major > target_.server_major()) {
        words.emplace_back("--file=-");
        load_script(output_of(tool, words, files, stop), stop);
        return;
    }
    ToolCall call(tool, *made_);
    call.with("--exit-on-error");
    for (const int file : files) {
        call.inherits(file);
    }
    if (section == "post-data" && request_.jobs > 1 && !has_partitioned_indexes(stop)) {
        call.with(fmt::format("--jobs={}", request_.jobs));
    }
    for (const std::string& word : words) {
        call.with(word);
    }
    call.run({}, {}, std::move(stop));
}

void DatabaseRestore::load_script(const std::string& script, const std::stop_token& stop) {
    std::string filtered;
    ScriptFilter filter(true, [&filtered](BytesView each) { filtered += as_text(each); });
    filter.take(as_bytes(script));
    filter.finish();
    BytesView part = as_bytes(filtered);
    run_script(
        tool_for("psql", target_.server_major(), stop), *made_,
        [&part] { return std::exchange(part, BytesView()); }, stop);
}

void DatabaseRestore::set_sequences(StreamReader& stream, std::stop_token stop) {
    // Through a table of its own: what COPY wrote, COPY reads.
    Connection& connection = loader_.value().any(stop);
    connection.execute(
        "BEGIN; CREATE TEMPORARY TABLE db_backup_sequences (schema text, name text, last bigint, "
        "is_called boolean) ON COMMIT DROP");
    StreamSlices slices(stream, std::move(stop));
    StreamSlices::Reader reader(slices);
    connection.copy_in("COPY pg_temp.db_backup_sequences FROM STDIN",
                       [&reader] { return reader.next(); });
    static_cast<void>(connection.query(
        "SELECT pg_catalog.setval(pg_catalog.format('%I.%I', schema, name)::pg_catalog.regclass, "
        "last, is_called) FROM pg_temp.db_backup_sequences"));
    connection.execute("COMMIT");
}

/// Several processes of pg_restore attach indexes to a partitioned one and build others on the same
/// table at once, which the server may call a deadlock.
bool DatabaseRestore::has_partitioned_indexes(std::stop_token stop) {
    const Tool tool = tool_for("pg_restore", target_.server_major(), stop);
    return output_of(tool, {"--list", "--section=post-data", schema_->path()},
                     {schema_->descriptor()}, stop)
               .find(" INDEX ATTACH ") != std::string::npos;
}

void DatabaseRestore::make_unchecked_keys(const std::stop_token& stop) {
    if (!unchecked_keys_.empty()) {
        report_.warnings = make_unchecked(loader_.value().any(stop), unchecked_keys_);
    }
}

/// Views upon views come after those: who fails for want of another is tried again.
void DatabaseRestore::fill_views(std::stop_token stop) {
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

RestoreReport DatabaseRestore::finish(const Fingerprinter& fingerprinter, std::stop_token stop) {
    if (loader_) {
        loader_->close();
        run_section("post-data", stop);
        make_unchecked_keys(stop);
        fill_views(stop);
        if (request_.verify) {
            loader_->verify(tables_, fingerprinter, stop);
            report_.is_verified = true;
        }
        loader_->close();
    }
    for (std::string& warning :
         target_.publish(properties_, request_.keeps_owners, request_.keeps_privileges, stop)) {
        report_.warnings.push_back(std::move(warning));
    }
    if (request_.verify && !report_.is_verified) {
        report_.warnings.emplace_back(kRowsNotCompared);
    }
    return report_;
}

}  // namespace dbbackup::postgres
