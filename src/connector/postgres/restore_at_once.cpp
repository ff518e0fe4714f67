#include "connector/postgres/restore_at_once.hpp"

#include "base/error.hpp"
#include "connector/postgres/database_properties.hpp"
#include "connector/postgres/large_objects.hpp"
#include "connector/postgres/native_dump.hpp"
#include "connector/postgres/restore_steps.hpp"
#include "connector/postgres/schema_definition.hpp"
#include "connector/postgres/sql_text.hpp"
#include "connector/postgres/stream_plans.hpp"
#include "connector/postgres/table_loader.hpp"
#include "connector/postgres/tools.hpp"
#include "connector/postgres/unchecked_keys.hpp"
#include "connector/postgres/view.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace dbbackup::postgres {
namespace {

constexpr const char* kRowsNotCompared =
    "the rows were not compared: of a dump it is only known that every byte of it is as it was "
    "made, and that the server took all of it";

class RestoreAtOnce final : public WholeRestore {
public:
    RestoreAtOnce(const ConnectionInfo& info, const DatabaseProperties& properties,
                  const RestoreRequest& request, const std::string& globals, std::stop_token stop)
        : info_(info.clone()),
          properties_(properties),
          request_(request),
          globals_(globals),
          connection_(info_, Role::target, std::move(stop)) {}

    void apply(StreamReader& stream, std::stop_token stop) override;
    RestoreReport finish(const Fingerprinter& fingerprinter, std::stop_token stop) override;
    [[nodiscard]] std::string left() const override {
        return "all was done in one transaction, of which nothing is left unless it was committed";
    }

private:
    void apply_stream(StreamReader& stream, const std::stop_token& stop);
    void refuse_filled();
    [[nodiscard]] std::vector<std::string> first_statements(const Requirements& required);
    void load_dump(StreamReader& stream, const std::stop_token& stop);
    void begin(StreamReader& schema, const std::stop_token& stop);
    void run_section(std::string_view section, const std::stop_token& stop);
    void load_table(StreamReader& stream, const std::stop_token& stop);
    void verify(const Fingerprinter& fingerprinter);
    void tell_differences();

    ConnectionInfo info_;
    DatabaseProperties properties_;
    const RestoreRequest& request_;
    const std::string& globals_;
    Connection connection_;
    bool is_dump_ = false;
    ArchiveFile archive_;
    Toc toc_;
    std::vector<StoredStream> tables_;  ///< That were loaded.
    std::vector<std::string> views_;    ///< Materialized, to be filled.
    std::vector<ForeignKey> unchecked_keys_;
    RestoreReport report_;
};

/// Adds what to do where a transaction cannot have as many locks.
template <typename Work>
void with_remedy(const Work& work) {
    constexpr std::string_view kOutOfMemory = "53200";
    try {
        work();
    } catch (ServerError& error) {
        if (error.sqlstate() == kOutOfMemory) {
            error.set_hint(
                "Everything is made in one transaction, which locks each object: raise "
                "max_locks_per_transaction, or restore as a role with CREATEDB.");
        }
        throw;
    }
}

void RestoreAtOnce::apply(StreamReader& stream, std::stop_token stop) {
    with_remedy([&] { apply_stream(stream, stop); });
}

void RestoreAtOnce::apply_stream(StreamReader& stream, const std::stop_token& stop) {
    const StoredStream& stored = stream.stream();
    if (is_special(stored.name, kDumpStream)) {
        load_dump(stream, stop);
    } else if (stored.kind == StreamKind::opaque) {
        begin(stream, stop);
    } else if (is_special(stored.name, kSequencesStream)) {
        set_sequences(connection_, stream, nullptr, SequenceWay::as_stored, stop);
    } else if (is_special(stored.name, kLargeObjectOwnersStream)) {
        restore_large_object_owners(connection_, stream, request_.keeps_owners,
                                    request_.keeps_privileges, stop);
    } else if (is_special(stored.name, kLargeObjectsStream)) {
        restore_large_objects(connection_, stream, Commits::never, stop);
    } else {
        load_table(stream, stop);
    }
    report_.rows += stored.row_count;
    report_.bytes_written += stored.size_bytes;
}

void RestoreAtOnce::refuse_filled() {
    if (!is_empty(connection_)) {
        throw explained<ConfigError>(
            fmt::format("the database {} is not empty", info_.value("dbname")),
            "Give another name in the path of the URI.", "target_not_empty");
    }
}

/// Roles, and what belongs to the database as a whole: first, so that what cannot be done is known
/// before the rows come. Sessions that are there do not feel the settings.
std::vector<std::string> RestoreAtOnce::first_statements(const Requirements& required) {
    std::vector<std::string> statements;
    if (request_.makes_roles && (request_.keeps_owners || request_.keeps_privileges)) {
        const std::vector<std::string> missing = missing_of(connection_, required).roles;
        if (!missing.empty()) {
            statements = statements_for(globals_, {missing.begin(), missing.end()});
        }
    }
    const std::string name = info_.value("dbname");
    const bool is_ours = connection_.text(
                             "SELECT pg_catalog.pg_has_role(datdba, 'USAGE') FROM "
                             "pg_catalog.pg_database WHERE datname = "
                             "pg_catalog.current_database()") == "t";
    if (!is_ours) {
        report_.warnings.push_back(
            fmt::format("the database {} belongs to another role, so it keeps its own settings, "
                        "privileges and comment",
                        name));
        return statements;
    }
    const auto add = [&statements](const std::vector<std::string>& more) {
        statements.insert(statements.end(), more.begin(), more.end());
    };
    add(settings_of(properties_, name));
    if (request_.keeps_privileges) {
        add(privileges_of(connection_, properties_, name));
    }
    if (!properties_.comment.empty()) {
        statements.push_back(fmt::format("COMMENT ON DATABASE {} IS {}", quoted_name(name),
                                         literal(properties_.comment)));
    }
    if (properties_.is_template) {
        statements.push_back(fmt::format("ALTER DATABASE {} IS_TEMPLATE true", quoted_name(name)));
    }
    return statements;
}

void RestoreAtOnce::load_dump(StreamReader& stream, const std::stop_token& stop) {
    is_dump_ = true;
    refuse_filled();
    const Requirements required = SchemaDefinition::parse(stream.stream().definition).requirements;
    restore_natively_at_once(info_, connection_.server_major(), request_,
                             first_statements(required), stream, stop);
}

void RestoreAtOnce::begin(StreamReader& schema, const std::stop_token& stop) {
    const SchemaDefinition definition = SchemaDefinition::parse(schema.stream().definition);
    Bytes archive;
    read_whole(
        schema, [&](BytesView part) { archive.insert(archive.end(), part.begin(), part.end()); },
        stop);
    archive_.append(archive);
    toc_ = Toc::parse(archive);
    views_ = definition.filled_views;
    unchecked_keys_ = definition.unchecked_keys;
    if (!unchecked_keys_.empty()) {
        archive_.choose(
            list_without(output_of(tool_for("pg_restore", connection_.server_major(), stop),
                                   {"--list", archive_.path()}, archive_.descriptors(), stop),
                         unchecked_keys_));
    }
    set_text_form(connection_, properties_.encoding);
    connection_.execute("BEGIN");
    refuse_filled();
    for (const std::string& statement : first_statements(definition.requirements)) {
        connection_.execute(statement);
    }
    run_section("pre-data", stop);
}

void RestoreAtOnce::run_section(std::string_view section, const std::stop_token& stop) {
    const std::string script =
        for_connection(archive_.script(section, request_, connection_.server_major(), stop));
    take_archive_sql(connection_, toc_.settings(), properties_.encoding,
                     [&] { connection_.execute(script); });
}

void RestoreAtOnce::load_table(StreamReader& stream, const std::stop_token& stop) {
    const StoredStream& stored = stream.stream();
    const TableDefinition table = TableDefinition::parse(stored.definition);
    const std::uint64_t rows = load_rows(connection_, stream, quoted_name(table.schema, table.name),
                                         properties_.encoding, stop);
    if (rows != stored.row_count) {
        throw SourceError(fmt::format("of {} rows of {} the server took {}", stored.row_count,
                                      stored.name, rows));
    }
    tables_.push_back(stored);
}

void RestoreAtOnce::verify(const Fingerprinter& fingerprinter) {
    for (const StoredStream& stream : with_partitions_together(tables_)) {
        const TableDefinition table = TableDefinition::parse(stream.definition);
        verify_table(connection_, stream, quoted_name(table.schema, table.name),
                     properties_.encoding, fingerprinter);
    }
    report_.is_verified = true;
}

/// What a database that is there keeps: only who makes a new one chooses that.
void RestoreAtOnce::tell_differences() {
    const DatabaseProperties there = properties_of(connection_);
    std::vector<std::string> differences;
    const auto compare = [&](std::string_view what, const std::string& ours,
                             const std::string& theirs) {
        if (ours != theirs) {
            differences.push_back(fmt::format("{} {} instead of {}", what,
                                              theirs.empty() ? "none" : theirs,
                                              ours.empty() ? "none" : ours));
        }
    };
    if (request_.keeps_owners) {
        compare("the owner", properties_.owner, there.owner);
    }
    compare("the encoding", properties_.encoding, there.encoding);
    compare("the collation", properties_.collate, there.collate);
    compare("the character type", properties_.ctype, there.ctype);
    compare("the locale", properties_.locale, there.locale);
    if (!differences.empty()) {
        report_.warnings.push_back(fmt::format("the database {} was there and keeps {}",
                                               info_.value("dbname"),
                                               fmt::join(differences, ", ")));
    }
}

RestoreReport RestoreAtOnce::finish(const Fingerprinter& fingerprinter, std::stop_token stop) {
    if (is_dump_) {
        if (request_.verify) {
            report_.warnings.emplace_back(kRowsNotCompared);
        }
        tell_differences();
        return std::move(report_);
    }
    with_remedy([&] {
        run_section("post-data", stop);
        for (std::string& warning : make_unchecked(connection_, unchecked_keys_)) {
            report_.warnings.push_back(std::move(warning));
        }
        fill_views(connection_, views_, Commits::never);
        if (request_.verify) {
            verify(fingerprinter);
        }
        tell_differences();
    });
    if (stop.stop_requested()) {
        throw Cancelled();
    }
    commit(connection_);
    return std::move(report_);
}

}  // namespace

std::unique_ptr<WholeRestore> make_restore_at_once(const ConnectionInfo& info,
                                                   const DatabaseProperties& properties,
                                                   const RestoreRequest& request,
                                                   const std::string& globals,
                                                   std::stop_token stop) {
    return std::make_unique<RestoreAtOnce>(info, properties, request, globals, std::move(stop));
}

}  // namespace dbbackup::postgres
