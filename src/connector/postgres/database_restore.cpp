#include "connector/postgres/database_restore.hpp"

#include "base/error.hpp"
#include "connector/archive_files.hpp"
#include "connector/postgres/large_objects.hpp"
#include "connector/postgres/native_dump.hpp"
#include "connector/postgres/schema_definition.hpp"
#include "connector/postgres/script_filter.hpp"
#include "connector/postgres/sql_text.hpp"
#include "connector/postgres/stream_plans.hpp"
#include "connector/postgres/whole_stream.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace dbbackup::postgres {
namespace {

constexpr const char* kRowsNotCompared =
    "the rows were not compared: of a dump it is only known that every byte of it is as it was "
    "made, and that the server took all of it";

/// One that its owner opened, and closes.
class OneStream final : public StreamGroup {
public:
    explicit OneStream(StreamReader& stream) : stream_(stream) {}
    [[nodiscard]] std::span<const StoredStream> streams() const override {
        return {&stream_.stream(), 1};
    }
    [[nodiscard]] StreamReader& open(std::size_t, std::stop_token) override { return stream_; }
    void close(std::size_t) override {}

private:
    StreamReader& stream_;
};

}  // namespace

DatabaseRestore::DatabaseRestore(const ConnectionInfo& server, std::string name,
                                 DatabaseProperties properties, const RestoreRequest& request,
                                 const std::string& globals, std::stop_token stop)
    : properties_(std::move(properties)),
      target_(server, std::move(name), std::move(stop)),
      request_(request),
      globals_(globals) {}

void DatabaseRestore::choose(StreamReader& schema, const std::vector<StoredStream>& streams,
                             const std::stop_token& stop) {
    Bytes archive;
    read_whole(
        schema, [&](BytesView part) { archive.insert(archive.end(), part.begin(), part.end()); },
        stop);
    const SchemaDefinition definition = SchemaDefinition::parse(schema.stream().definition);
    chosen_.emplace(Toc::parse(archive), definition, request_.selection, streams);
    schema_.emplace();
    schema_->append(archive);
    schema_->choose(chosen_->choice().ids);
    refuse_lacks(needed_of(*chosen_, definition.requirements));
}

void DatabaseRestore::apply(StreamReader& stream, std::stop_token stop) {
    const StoredStream& stored = stream.stream();
    if (chosen_ && !is_needed(*chosen_, stored)) {
        return;  // Nothing of it is fetched.
    }
    if (is_special(stored.name, kDumpStream)) {
        static_cast<void>(create(stream, stop));
        restore_natively(*made_, target_.server_major(), request_, stream, stop);
    } else if (stored.name == kArchivedDatabase) {
        static_cast<void>(create(stream, stop));
        WholeStream script(stream, stop);
        run_script(
            tools_.find("psql", target_.server_major(), stop), *made_,
            [&script] { return script.next(); }, stop);
    } else if (stored.kind == StreamKind::opaque) {
        prepare(stream, std::move(stop));
    } else if (is_special(stored.name, kSequencesStream)) {
        restore_sequences(stream, std::move(stop));
    } else if (is_special(stored.name, kLargeObjectOwnersStream)) {
        restore_large_object_owners(loader_.value().any(stop), stream, request_.keeps_owners,
                                    request_.keeps_privileges, stop);
    } else if (is_special(stored.name, kLargeObjectsStream)) {
        restore_large_objects(loader_.value().any(stop), stream, Commits::often, stop);
    } else if (may_be_beside(stored)) {
        OneStream alone(stream);
        apply_together(alone, std::move(stop));
        return;
    } else {
        load_some_rows(stream, *chosen_->condition_of(stored.name), std::move(stop));
        return;
    }
    report_.rows += chosen_ ? 0 : stored.row_count;  // Of tables, where those were chosen.
    report_.bytes_written += stored.size_bytes;
}

bool DatabaseRestore::may_be_beside(const StoredStream& stream) const {
    return is_table(stream) && (!chosen_ || chosen_->condition_of(stream.name) == nullptr);
}

void DatabaseRestore::load_some_rows(StreamReader& stream, const TableCondition& condition,
                                     std::stop_token stop) {
    const StoredStream& stored = stream.stream();
    const TableDefinition table = TableDefinition::parse(stored.definition);
    Connection& connection = loader_.value().any(stop);
    const std::optional<std::uint64_t> loaded =
        some_rows_.load(connection, stream, quoted_name(table.schema, table.name),
                        properties_.encoding, condition, std::move(stop));
    report_.bytes_written += stored.size_bytes;
    if (loaded) {
        tell_rows(stored.name, *loaded);
    }
}

void DatabaseRestore::apply_together(StreamGroup& group, std::stop_token stop) {
    std::vector<std::size_t> wanted;
    for (std::size_t index = 0; index < group.streams().size(); ++index) {
        if (!chosen_ || is_needed(*chosen_, group.streams()[index])) {
            wanted.push_back(index);
        }
    }
    const std::vector<std::uint64_t> rows =
        loader_.value().load(group, wanted, indexes_ ? &*indexes_ : nullptr, std::move(stop));
    for (std::size_t each = 0; each < wanted.size(); ++each) {
        const StoredStream& stored = group.streams()[wanted[each]];
        if (rows[each] != stored.row_count) {
            throw SourceError(fmt::format("of {} rows of {} the server took {}", stored.row_count,
                                          stored.name, rows[each]));
        }
        tables_.push_back(stored);
        report_.bytes_written += stored.size_bytes;
        tell_rows(stored.name, rows[each]);
    }
}

void DatabaseRestore::tell_rows(const std::string& stream, std::uint64_t rows) {
    report_.rows += rows;
    if (chosen_) {
        report_.tables.push_back(chosen_->told(stream));
        report_.tables.back().rows = rows;
    }
}

std::string DatabaseRestore::left() const {
    return fmt::format(
        "what was made so far has another name and is dropped, at the latest by the next restore "
        "of {}{}",
        target_.name(),
        target_.state() == TargetState::missing ? "" : "; the database that is there stays");
}

SchemaDefinition DatabaseRestore::create(const StreamReader& first, const std::stop_token& stop) {
    SchemaDefinition definition = SchemaDefinition::parse(first.stream().definition);
    const Requirements required =
        chosen_ ? needed_of(*chosen_, definition.requirements) : definition.requirements;
    refuse_lacks(required);
    make_roles(required);
    target_.create(properties_, request_.jobs, stop);
    made_ = target_.info();
    return definition;
}

void DatabaseRestore::prepare(StreamReader& schema, std::stop_token stop) {
    const SchemaDefinition definition = create(schema, stop);
    loader_.emplace(*made_, request_.jobs);
    views_ = chosen_ ? chosen_->views_among(chosen_->choice().ids, definition.filled_views)
                     : definition.filled_views;
    unchecked_keys_ = chosen_ ? chosen_->unchecked_keys() : definition.unchecked_keys;
    if (!schema_) {
        schema_.emplace();
        read_whole(schema, [this](BytesView part) { schema_->append(part); }, stop);
        if (!unchecked_keys_.empty()) {
            leave_out_keys(stop);
        }
    }
    order_post_data();
    run_section("pre-data", 1, stop);
}

void DatabaseRestore::leave_out_keys(const std::stop_token& stop) {
    const Tool tool = tools_.find("pg_restore", target_.server_major(), stop);
    schema_->choose(
        list_without(output_of(tool, {"--list", schema_->path()}, schema_->descriptors(), stop),
                     unchecked_keys_));
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
    refuse_missing(missing_of(target_.server(), required),
                   needs_roles() && !request_.makes_roles
                       ? "Make them with --roles, or restore without them: --no-owner "
                         "--no-privileges."
                       : nullptr);
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

void DatabaseRestore::run_section(std::string_view section, unsigned processes,
                                  const std::stop_token& stop) {
    const Tool tool = tools_.find("pg_restore", target_.server_major(), stop);
    if (tool.major > target_.server_major()) {
        load_script(schema_->script(section, request_, target_.server_major(), stop), stop);
        return;
    }
    ToolCall call(tool, *made_);
    call.with("--exit-on-error");
    for (const int descriptor : schema_->descriptors()) {
        call.inherits(descriptor);
    }
    if (processes > 1) {
        call.with(fmt::format("--jobs={}", processes));
    }
    for (const std::string& word : schema_->words(section, request_)) {
        call.with(word);
    }
    call.run({}, {}, stop);
}

void DatabaseRestore::load_script(const std::string& script, const std::stop_token& stop) {
    BytesView part = as_bytes(script);
    run_script(
        tools_.find("psql", target_.server_major(), stop), *made_,
        [&part] { return std::exchange(part, BytesView()); }, stop);
}

void DatabaseRestore::restore_sequences(StreamReader& stream, std::stop_token stop) {
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

void DatabaseRestore::order_post_data() {
    if (request_.jobs == 1) {
        return;
    }
    try {
        const Toc toc = schema_->toc();
        std::vector<int> ids;
        if (chosen_) {
            ids = chosen_->choice().ids;
        } else {
            std::ranges::transform(toc.entries(), std::back_inserter(ids), &TocEntry::id);
            static_cast<void>(take_out(toc, ids, unchecked_keys_));
        }
        post_data_ = post_data_order(toc, ids);
        indexes_.emplace(toc, post_data_->at_once);
        if (!schema_->has(kIndexAttach)) {
            post_data_ = all_at_once(*post_data_, ids);
        }
    } catch (const Error&) {
        post_data_.reset();  // pg_restore knows it, or says what is wrong.
    }
}

void DatabaseRestore::make_post_data(const std::stop_token& stop) {
    if (!post_data_) {
        run_section("post-data", schema_->has(kIndexAttach) ? 1 : request_.jobs, stop);
        return;
    }
    const std::set<int> made = indexes_->made();
    std::erase_if(post_data_->at_once, [&made](int id) { return made.contains(id); });
    if (!post_data_->at_once.empty()) {
        schema_->choose(post_data_->at_once);
        run_section("post-data", request_.jobs, stop);
    }
    if (!post_data_->one_by_one.empty()) {
        schema_->choose(post_data_->one_by_one);
        run_section("post-data", 1, stop);
    }
}

void DatabaseRestore::make_unchecked_keys(const std::stop_token& stop) {
    if (!unchecked_keys_.empty()) {
        report_.warnings = make_unchecked(loader_.value().any(stop), unchecked_keys_);
    }
}

RestoreReport DatabaseRestore::finish(const Fingerprinter& fingerprinter, std::stop_token stop) {
    if (loader_) {
        for (const SomeRows::Loaded& each : some_rows_.load_rest(loader_->any(stop))) {
            tell_rows(each.stream, each.rows);
        }
        loader_->close();
        make_post_data(stop);
        make_unchecked_keys(stop);
        fill_views(loader_->any(stop), views_, Commits::often);
        if (request_.verify) {
            loader_->verify(tables_, fingerprinter, stop);
            report_.is_verified = !chosen_ || tables_.size() == chosen_->streams().size();
        }
        if (chosen_) {
            rename_schemas(loader_->any(stop), *chosen_);
            const std::vector<RestoredTable> rowless = chosen_->rowless();
            report_.tables.insert(report_.tables.end(), rowless.begin(), rowless.end());
        }
        loader_->close();
    }
    if (request_.overwrite == Overwrite::no) {
        target_.keep_what_is_filled(stop);
    }
    for (std::string& warning :
         target_.publish(properties_, request_.keeps_owners, request_.keeps_privileges, stop)) {
        report_.warnings.push_back(std::move(warning));
    }
    if (request_.verify && !loader_) {
        report_.warnings.emplace_back(kRowsNotCompared);
    }
    return report_;
}

}  // namespace dbbackup::postgres
