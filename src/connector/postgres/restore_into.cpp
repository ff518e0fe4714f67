#include "connector/postgres/restore_into.hpp"

#include "base/error.hpp"
#include "config/problems.hpp"
#include "connector/postgres/chosen_parts.hpp"
#include "connector/postgres/connection.hpp"
#include "connector/postgres/large_objects.hpp"
#include "connector/postgres/restore_steps.hpp"
#include "connector/postgres/schema_definition.hpp"
#include "connector/postgres/schema_rename.hpp"
#include "connector/postgres/some_rows.hpp"
#include "connector/postgres/sql_text.hpp"
#include "connector/postgres/stream_plans.hpp"
#include "connector/postgres/table_loader.hpp"
#include "connector/postgres/target_database.hpp"
#include "connector/postgres/target_keys.hpp"
#include "connector/postgres/target_objects.hpp"
#include "connector/postgres/target_room.hpp"
#include "connector/postgres/unchecked_keys.hpp"
#include "connector/postgres/view.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace dbbackup::postgres {
namespace {

/// Says what is left where the work fails.
template <typename Work>
void telling(const Work& work) {
    try {
        work();
    } catch (Error& error) {
        error.add_context(
            "putting the chosen parts into the database, in one transaction, of which nothing is "
            "left unless it was committed");
        throw;
    }
}

class RestoreInto final : public RestoreSession {
public:
    RestoreInto(const ConnectionInfo& info, const RestoreRequest& request,
                const std::vector<StoredStream>& streams, std::chrono::milliseconds lock_timeout,
                std::stop_token stop)
        : request_(request),
          streams_(streams),
          lock_timeout_(lock_timeout),
          connection_(info, Role::target, std::move(stop)),
          some_rows_(!is_of_rows()) {
        plan_.source_version = request.server_version;
        plan_.target_state = "a database with objects in it";
    }

    [[nodiscard]] const RestorePlan& plan() const override { return plan_; }
    void inspect(StreamReader& stream, std::stop_token stop) override;
    void apply(StreamReader& stream, std::stop_token stop) override {
        telling([&] { apply_stream(stream, stop); });
    }
    RestoreReport finish(const Fingerprinter& fingerprinter, std::stop_token stop) override {
        telling([&] { finish_all(fingerprinter, stop); });
        return std::move(report_);
    }

private:
    void apply_stream(StreamReader& stream, const std::stop_token& stop);
    void finish_all(const Fingerprinter& fingerprinter, const std::stop_token& stop);
    [[nodiscard]] bool is_of_rows() const { return request_.selection.parts == Parts::data; }
    /// Nothing is fetched of other streams.
    [[nodiscard]] bool is_needed_here(const StoredStream& stream) const;
    /// Where rows of a stream go while they are loaded, as SQL. New tables get the new name of
    /// their schema at the end.
    [[nodiscard]] std::string table_of(const StoredStream& stream) const;
    void require(const Requirements& required);
    void check_new_schemas();
    void make_plan();
    void begin(const StoredStream& schema, const std::stop_token& stop);
    void attach_later(const std::set<int>& there);
    void keep_rows_of_extensions();
    void run_section(const std::vector<int>& entries, std::string_view section,
                     const std::stop_token& stop);
    void load_table(StreamReader& stream, std::stop_token stop);
    void tell_rows(const std::string& stream, std::uint64_t rows);
    void restore_sequences(StreamReader& stream, std::stop_token stop);
    void verify(const Fingerprinter& fingerprinter);

    RestoreRequest request_;
    std::vector<StoredStream> streams_;
    std::chrono::milliseconds lock_timeout_;
    Connection connection_;
    std::string encoding_;  ///< Of the snapshot's text.
    std::optional<ChosenParts> chosen_;
    ArchiveFile archive_;
    std::vector<int> made_;  ///< Entries that are made.
    std::optional<TargetRoom> room_;
    std::vector<int> attached_;   ///< Partitions, once they have their rows.
    std::set<int> keys_;          ///< Foreign keys to tables that are there.
    std::set<std::string> kept_;  ///< Streams whose table has its rows already.
    std::vector<std::string> views_;
    SomeRows some_rows_;
    std::optional<SchemaRename> rename_;
    std::vector<const StoredStream*> loaded_;  ///< Whole tables.
    RestorePlan plan_;
    RestoreReport report_;
};

bool RestoreInto::is_needed_here(const StoredStream& stream) const {
    return !is_special(stream.name, kRolesStream) &&
           !is_special(stream.name, kLargeObjectsStream) &&
           !is_special(stream.name, kLargeObjectOwnersStream) && is_needed(*chosen_, stream);
}

std::string RestoreInto::table_of(const StoredStream& stream) const {
    const TableDefinition table = TableDefinition::parse(stream.definition);
    return quoted_name(is_of_rows() ? chosen_->target_schema(table.schema) : table.schema,
                       table.name);
}

void RestoreInto::inspect(StreamReader& stream, std::stop_token stop) {
    if (stream.stream().kind != StreamKind::opaque ||
        is_special(stream.stream().name, kRolesStream)) {
        return;
    }
    Bytes archive;
    read_whole(
        stream, [&](BytesView part) { archive.insert(archive.end(), part.begin(), part.end()); },
        stop);
    archive_.append(archive);
    const SchemaDefinition definition = SchemaDefinition::parse(stream.stream().definition);
    encoding_ = definition.database.encoding;
    set_text_form(connection_, encoding_);
    chosen_.emplace(Toc::parse(archive), definition, request_.selection, streams_);
    room_.emplace(connection_, *chosen_, request_.overwrite);
    if (!is_of_rows()) {
        require(needed_of(*chosen_, definition.requirements));
        check_new_schemas();
    }
    room_->look();
    plan_.overwrites = room_->is_needed();
    make_plan();
}

void RestoreInto::require(const Requirements& required) {
    const bool needs_roles = request_.keeps_owners || request_.keeps_privileges;
    refuse_missing(missing_of(connection_, required),
                   needs_roles ? "Make them with CREATE ROLE, or restore without them: --no-owner "
                                 "--no-privileges."
                               : nullptr);
}

void RestoreInto::check_new_schemas() {
    for (const auto& [from, to] : chosen_->renames()) {
        const Rows row =
            connection_.query("SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1", {to});
        if (row.count() > 0) {
            throw explained<ConfigError>(fmt::format("the schema {} is there already", shown(to)),
                                         "Give another name with --rename.", "target_not_empty");
        }
    }
}

void RestoreInto::make_plan() {
    plan_.tables = planned_tables(*chosen_);
    plan_.steps.emplace_back("begin one transaction");
    for (const std::string& step : room_->steps()) {
        plan_.steps.push_back(step);
    }
    for (const RestoredTable& table : plan_.tables) {
        plan_.steps.push_back(
            fmt::format("restore {}{}{}", table.name,
                        table.target == table.name ? "" : fmt::format(" as {}", table.target),
                        table.rows ? fmt::format(", {} rows", *table.rows) : ""));
    }
    plan_.steps.emplace_back("commit");
    keys_ = is_of_rows() ? std::set<int>() : keys_to_others(connection_, *chosen_);
    plan_.warnings = chosen_->remarks(keys_);
    if (chosen_->is_everything_else() && !is_of_rows()) {
        plan_.warnings.emplace_back(
            "large objects, if there are any, are left out: a database that is there has its own");
    }
}

void RestoreInto::begin(const StoredStream& schema, const std::stop_token& stop) {
    connection_.execute(fmt::format("BEGIN; SET LOCAL lock_timeout = {}", lock_timeout_.count()));
    room_->look();  // Again, now for good.
    room_->make();
    if (is_of_rows()) {
        return;
    }
    rename_.emplace(connection_, *chosen_);
    const std::vector<int>& ids = chosen_->choice().ids;
    const std::set<int> there = there_of(connection_, chosen_->toc(), ids);
    made_ = without(chosen_->toc(), ids, there);
    std::vector<std::string> kept;
    for (const int id : there) {
        const TocEntry& entry = *chosen_->toc().find(id);
        if (entry.kind != "SCHEMA" && entry.kind != "EXTENSION") {
            kept.push_back(entry.full_name());
        }
    }
    if (!kept.empty()) {
        report_.warnings.push_back(
            fmt::format("there already, and left as they are: {}", some_of(std::move(kept))));
    }
    views_ = chosen_->views_among(made_, SchemaDefinition::parse(schema.definition).filled_views);
    keep_rows_of_extensions();
    attach_later(there);
    run_section(made_, "pre-data", stop);
}

/// A partition of a table that is there is attached when it has its rows: that table's triggers
/// would take them for new ones.
void RestoreInto::attach_later(const std::set<int>& there) {
    const auto is_later = [&](int id) {
        const TocEntry& entry = *chosen_->toc().find(id);
        return entry.kind == "TABLE ATTACH" &&
               std::any_of(entry.needs.begin(), entry.needs.end(),
                           [&there](int need) { return there.contains(need); });
    };
    std::copy_if(made_.begin(), made_.end(), std::back_inserter(attached_), is_later);
    made_.erase(std::remove_if(made_.begin(), made_.end(), is_later), made_.end());
}

/// An extension that is there has rows of its own in its tables.
void RestoreInto::keep_rows_of_extensions() {
    for (const auto& [name, stream] : chosen_->streams()) {
        const bool is_there =
            chosen_->is_of_extension(name) &&
            !connection_.query("SELECT pg_catalog.to_regclass($1)", {table_of(stream)})
                 .is_null(0, 0);
        if (is_there) {
            kept_.insert(name);
            report_.warnings.push_back(fmt::format(
                "the rows of {}, which belongs to an extension that is there, are left as they are",
                chosen_->told(name).name));
        }
    }
}

void RestoreInto::run_section(const std::vector<int>& entries, std::string_view section,
                              const std::stop_token& stop) {
    if (entries.empty()) {
        return;
    }
    archive_.choose(entries);
    const std::string script =
        for_connection(archive_.script(section, request_, connection_.server_major(), stop));
    take_archive_sql(connection_, chosen_->toc().settings(), encoding_,
                     [&] { run_locking(connection_, script, ""); });
}

void RestoreInto::apply_stream(StreamReader& stream, const std::stop_token& stop) {
    const StoredStream& stored = stream.stream();
    if (!is_needed_here(stored)) {
        return;
    }
    if (stored.kind == StreamKind::opaque) {
        begin(stored, stop);
    } else if (is_special(stored.name, kSequencesStream)) {
        restore_sequences(stream, stop);
    } else {
        load_table(stream, stop);
    }
}

void RestoreInto::load_table(StreamReader& stream, std::stop_token stop) {
    const StoredStream& stored = chosen_->streams().at(stream.stream().name);
    if (kept_.contains(stored.name)) {
        return;
    }
    const std::string table = table_of(stored);
    const TableCondition* const condition = chosen_->condition_of(stored.name);
    report_.bytes_written += stored.size_bytes;
    if (condition != nullptr) {
        const std::optional<std::uint64_t> loaded =
            some_rows_.load(connection_, stream, table, encoding_, *condition, std::move(stop));
        if (loaded) {
            tell_rows(stored.name, *loaded);
        }
        return;
    }
    const std::uint64_t rows = load_rows(connection_, stream, table, encoding_, std::move(stop));
    loaded_.push_back(&stored);
    if (rows != stored.row_count && !is_of_rows()) {
        throw SourceError(fmt::format("of {} rows of {} the server took {}", stored.row_count,
                                      stored.name, rows));
    }
    if (rows != stored.row_count) {
        report_.warnings.push_back(fmt::format("triggers of {} let {} of {} rows in",
                                               chosen_->told(stored.name).target, rows,
                                               stored.row_count));
    }
    tell_rows(stored.name, rows);
}

void RestoreInto::tell_rows(const std::string& stream, std::uint64_t rows) {
    report_.rows += rows;
    report_.tables.push_back(chosen_->told(stream));
    report_.tables.back().rows = rows;
}

void RestoreInto::restore_sequences(StreamReader& stream, std::stop_token stop) {
    const std::set<int> made(made_.begin(), made_.end());
    std::vector<SequenceChoice> sequences;
    for (const ChosenSequence& each : chosen_->sequences()) {
        if (is_of_rows()) {
            sequences.push_back({each.schema, each.name, chosen_->target_schema(each.schema)});
        } else if (made.contains(each.id)) {
            sequences.push_back({each.schema, each.name, each.schema});
        }
    }
    set_sequences(connection_, stream, &sequences,
                  is_of_rows() ? SequenceWay::only_forward : SequenceWay::as_stored,
                  std::move(stop));
}

void RestoreInto::verify(const Fingerprinter& fingerprinter) {
    std::vector<StoredStream> whole;
    for (const StoredStream* const stream : loaded_) {
        whole.push_back(*stream);
    }
    try {
        for (const StoredStream& stream : with_partitions_together(whole)) {
            verify_table(connection_, stream, table_of(stream), encoding_, fingerprinter);
        }
    } catch (SourceError& error) {
        if (is_of_rows() && error.code() == "verification_failed") {
            error.set_hint(
                "Triggers of the target may have added or changed rows: leave such a "
                "table out with --exclude, or disable the triggers.");
        }
        throw;
    }
    report_.is_verified = loaded_.size() + kept_.size() == chosen_->streams().size();
}

void RestoreInto::finish_all(const Fingerprinter& fingerprinter, const std::stop_token& stop) {
    for (const SomeRows::Loaded& each : some_rows_.load_rest(connection_)) {
        tell_rows(each.stream, each.rows);
    }
    run_section(attached_, "pre-data", stop);
    run_section(made_, "post-data", stop);
    for (std::string& warning : make_unchecked(connection_, chosen_->unchecked_keys())) {
        report_.warnings.push_back(std::move(warning));
    }
    for (std::string& left_out : add_foreign_keys(connection_, *chosen_, keys_)) {
        report_.warnings.push_back(std::move(left_out));
    }
    room_->check_foreign_keys();
    fill_views(connection_, views_, Commits::never);
    if (request_.verify) {
        verify(fingerprinter);
    }
    if (rename_) {
        rename_->finish();
    }
    const std::vector<RestoredTable> rowless = chosen_->rowless();
    report_.tables.insert(report_.tables.end(), rowless.begin(), rowless.end());
    if (stop.stop_requested()) {
        throw Cancelled();
    }
    commit(connection_);
}

}  // namespace

std::unique_ptr<RestoreSession> make_restore_into(const RestoreRequest& request,
                                                  const std::vector<StoredStream>& streams,
                                                  const std::string& name,
                                                  std::chrono::milliseconds lock_timeout,
                                                  std::stop_token stop) {
    ConnectionInfo info(request.target, {});
    const TargetDatabase target(info, name, stop);
    if (target.state() != TargetState::filled && !target.is_filled_in_place()) {
        return nullptr;
    }
    return std::make_unique<RestoreInto>(info.with_database(name), request, streams, lock_timeout,
                                         std::move(stop));
}

}  // namespace dbbackup::postgres
