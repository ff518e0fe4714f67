#include "engine/snapshot_tables.hpp"

#include "base/error.hpp"
#include "config/problems.hpp"
#include "engine/database_choice.hpp"
#include "engine/removed_snapshot.hpp"
#include "engine/stored_stream.hpp"
#include "repository/chunk_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace dbbackup {
namespace {

/// What is wanted of one stream; nothing when it is left out.
/// @param database The one that it is of; "" for none.
std::optional<NameSelection> within(const NameSelection& names, const std::string& database,
                                    bool is_one_of_several) {
    const auto means_it = [&database](const NamePattern& each) {
        return !database.empty() && each.matches(database);
    };
    NameSelection wanted = names;
    if (is_one_of_several) {
        if (std::any_of(names.exclude.begin(), names.exclude.end(), means_it)) {
            return std::nullopt;
        }
        if (std::any_of(names.include.begin(), names.include.end(), means_it)) {
            wanted.include.clear();
        }
    }
    return wanted;
}

/// The tables of one snapshot. Not thread-safe.
class Reading {
public:
    Reading(Repository& repository, const SnapshotId& id, Connector& connector,
            const NameSelection& names, const Context& context, std::stop_token stop)
        : repository_(repository),
          connector_(connector),
          names_(names),
          context_(context),
          stop_(std::move(stop)),
          manifest_(repository.manifest(id, stop_)),
          reader_(repository, Elsewhere::any_pack) {}

    [[nodiscard]] const Manifest& manifest() const { return *manifest_; }
    [[nodiscard]] std::uint64_t bytes_fetched() const { return reader_.bytes_fetched(); }
    [[nodiscard]] bool is_of_several() const {
        return are_several_databases(manifest_->details.summary.type, manifest_->details.streams);
    }

    /// Nothing when the stream is not wanted. @throws CorruptionError, SourceError and others.
    std::optional<std::vector<StoredTable>> tables(const StreamContents& stream) {
        const auto wanted =
            within(names_, database_of(manifest_->details.summary.type, stream.stream.name),
                   is_of_several());
        if (!wanted) {
            return std::nullopt;
        }
        StoredStreamReader reader(stream, reader_, repository_.keys().fingerprinter(), 1,
                                  context_.progress);
        return connector_.tables(reader, *wanted, stop_);
    }

private:
    Repository& repository_;
    Connector& connector_;
    const NameSelection& names_;
    const Context& context_;
    std::stop_token stop_;
    std::unique_ptr<Manifest> manifest_;
    ChunkReader reader_;
};

/// Nothing was read and nothing failed: what is in it is as in the other one.
bool is_equal(const StoredStream& one, const StoredStream& other) {
    return one.kind == StreamKind::pages && other.kind == StreamKind::pages &&
           one.page_bytes == other.page_bytes && one.size_bytes == other.size_bytes &&
           one.fingerprint == other.fingerprint;
}

ComparedTable gone(const std::string& stream, const StoredTable& before) {
    ComparedTable one;
    one.stream = stream;
    one.table.name = before.name;
    one.table.kind = before.kind;
    one.table.shadow_of = before.shadow_of;
    one.table.bytes = 0;
    one.change = TableChange::gone;
    one.bytes_parent = before.total_bytes();
    one.rows_parent = before.rows;
    return one;
}

class Comparison {
public:
    Comparison(Reading& now, Reading* before) : now_(now), before_(before) {}

    SnapshotTables take() {
        for (const StreamContents& stream : now_.manifest().streams) {
            add_stream(stream);
        }
        if (read_ == 0 && first_failure_) {
            std::rethrow_exception(first_failure_);
        }
        if (before_ != nullptr) {
            add_gone_streams();
        }
        found_.tables.insert(found_.tables.end(), std::make_move_iterator(gone_.begin()),
                             std::make_move_iterator(gone_.end()));
        found_.bytes_fetched =
            now_.bytes_fetched() + (before_ == nullptr ? 0 : before_->bytes_fetched());
        return std::move(found_);
    }

private:
    using Tables = std::optional<std::vector<StoredTable>>;

    void note(Fault fault, std::string warning) {
        if (found_.fault != Fault::repository) {
            found_.fault = fault;
        }
        found_.warnings.push_back(std::move(warning));
    }

    /// What of it can be told; the rest becomes a warning.
    /// @param what Completes "… cannot be told".
    Tables read(Reading& snapshot, const StreamContents& stream, std::string_view what) {
        const std::string& name = stream.stream.name;
        Tables tables;
        try {
            tables = snapshot.tables(stream);
        } catch (const CorruptionError& error) {
            keep_first_failure();
            note(Fault::repository, fmt::format("{} of the tables of '{}' cannot be told: {}", what,
                                                shown(name), error.what()));
            return std::nullopt;
        } catch (const SourceError& error) {
            keep_first_failure();
            note(Fault::source, fmt::format("{} of the tables of '{}' cannot be told: {}", what,
                                            shown(name), error.what()));
            return std::nullopt;
        }
        for (const StoredTable& table : tables.value_or(std::vector<StoredTable>())) {
            if (table.untold) {
                note(table.untold->fault,
                     fmt::format("{} of the table '{}' of '{}' cannot be told: {}", what,
                                 shown(table.name), shown(name), table.untold->why));
            }
        }
        return tables;
    }

    void keep_first_failure() {
        if (!first_failure_) {
            first_failure_ = std::current_exception();
        }
    }

    void add_stream(const StreamContents& stream) {
        Tables tables = read(now_, stream, "the size");
        if (!tables) {
            return;
        }
        ++read_;
        const std::string& name = stream.stream.name;
        const bool has_parent = before_ != nullptr;
        const StreamContents* const parent =
            has_parent ? before_->manifest().stream_named(name) : nullptr;
        Tables before = std::vector<StoredTable>();
        if (parent != nullptr) {
            before = is_equal(stream.stream, parent->stream)
                         ? tables
                         : read(*before_, *parent, "the growth");
        }
        std::map<std::string, const StoredTable*> by_name;
        if (before) {
            for (const StoredTable& each : *before) {
                by_name.emplace(each.name, &each);
            }
        }
        for (StoredTable& each : *tables) {
            ComparedTable one;
            one.stream = name;
            if (has_parent && before) {
                const auto found = by_name.find(each.name);
                one.change = found == by_name.end() ? TableChange::added : TableChange::kept;
                if (found != by_name.end()) {
                    one.bytes_parent = found->second->total_bytes();
                    one.rows_parent = found->second->rows;
                    by_name.erase(found);
                }
            }
            one.table = std::move(each);
            found_.tables.push_back(std::move(one));
        }
        for (const StoredTable& each : before.value_or(std::vector<StoredTable>())) {
            if (by_name.contains(each.name)) {
                gone_.push_back(gone(name, each));
            }
        }
    }

    void add_gone_streams() {
        for (const StreamContents& stream : before_->manifest().streams) {
            if (now_.manifest().stream_named(stream.stream.name) != nullptr) {
                continue;
            }
            const Tables tables = read(*before_, stream, "the growth");
            for (const StoredTable& table : tables.value_or(std::vector<StoredTable>())) {
                gone_.push_back(gone(stream.stream.name, table));
            }
        }
    }

    Reading& now_;
    Reading* before_;
    SnapshotTables found_;
    std::vector<ComparedTable> gone_;
    std::size_t read_ = 0;  ///< Streams.
    std::exception_ptr first_failure_;
};

/// Whether a pattern takes a table that was found. Where each table is a stream, its name here has
/// its schema before it, and any dot may be the border between them.
bool takes(const NamePattern& pattern, const ComparedTable& each, DatabaseType type) {
    std::vector<NamePart> parts;
    if (type == DatabaseType::sqlite) {
        parts = {{.text = each.stream},
                 {.text = each.table.name, .letter_case = NameCase::ignored}};
        return pattern.matches(parts);
    }
    const std::string database = database_of(type, each.stream);
    parts.push_back({.text = database});
    for (std::string_view left = each.table.name;;) {
        const std::size_t end = std::min(left.find('.'), left.size());
        parts.push_back({.text = left.substr(0, end)});
        if (end == left.size()) {
            return pattern.matches(parts);
        }
        left.remove_prefix(end + 1);
    }
}

void refuse_idle_patterns(const NameSelection& names, const Reading& reading,
                          const SnapshotTables& found) {
    const DatabaseType type = reading.manifest().details.summary.type;
    for (const NamePattern& pattern : names.include) {
        const bool takes_table =
            std::any_of(found.tables.begin(), found.tables.end(),
                        [&](const ComparedTable& each) { return takes(pattern, each, type); });
        const std::vector<std::string> databases =
            databases_of(type, reading.manifest().details.streams);
        const bool takes_database =
            reading.is_of_several() &&
            std::any_of(databases.begin(), databases.end(),
                        [&](const std::string& each) { return pattern.matches(each); });
        if (!takes_table && !takes_database) {
            throw explained<ConfigError>(
                fmt::format("no table or view of the snapshot matches '{}'", shown(pattern.text())),
                "Without --include, show --tables lists all that there are.",
                "selection_matches_nothing");
        }
    }
}

}  // namespace

SnapshotTables snapshot_tables(Repository& repository, const SnapshotId& snapshot,
                               const std::optional<SnapshotId>& parent, Connector& connector,
                               const NameSelection& names, const Context& context,
                               std::stop_token stop) {
    context.progress.phase = Phase::reading;
    Reading now(repository, snapshot, connector, names, context, stop);
    std::optional<Reading> before;
    if (parent) {
        before.emplace(repository, *parent, connector, names, context, stop);
    }
    const SnapshotSummary& summary = now.manifest().details.summary;
    SnapshotTables found;
    try {
        found = Comparison(now, before ? &*before : nullptr).take();
        found.are_several_databases = now.is_of_several();
        for (ComparedTable& each : found.tables) {
            each.database = database_of(summary.type, each.stream);
        }
    } catch (const CorruptionError&) {
        throw_if_removed(repository, summary, stop);
        throw;
    }
    if (found.fault == Fault::repository) {
        throw_if_removed(repository, summary, stop);
    }
    if (!found.fault) {
        refuse_idle_patterns(names, now, found);
    }
    return found;
}

}  // namespace dbbackup
