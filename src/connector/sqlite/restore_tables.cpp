#include "connector/sqlite/restore_tables.hpp"

#include "base/error.hpp"
#include "connector/sqlite/loose_ends.hpp"
#include "connector/sqlite/occupied_names.hpp"
#include "connector/sqlite/stored_sql.hpp"
#include "connector/sqlite/table_renames.hpp"
#include "connector/sqlite/target_database.hpp"
#include "sys/file_error.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace dbbackup::sqlite {
namespace {

using Kind = TableDefinition::Kind;

constexpr int kInstructionsBetweenLooks = 100'000;
/// Where the header says how it is written and read: 2 is with a write-ahead log.
/// Source: https://www.sqlite.org/fileformat2.html, section 1.3.3.
constexpr std::uint64_t kFormatVersions = 18;
constexpr std::uint8_t kFormatOfLog = 2;

int is_stopped(void* stop) { return static_cast<std::stop_token*>(stop)->stop_requested() ? 1 : 0; }

/// About how many rows each table has, where ANALYZE was run in the source.
std::map<std::string, std::uint64_t> estimated_rows(StoredDatabase& stored) {
    std::map<std::string, std::uint64_t> rows;
    try {
        stored.read([&](Database& database) {
            database.query("SELECT tbl, max(CAST(stat AS INTEGER)) FROM sqlite_stat1 GROUP BY tbl",
                           [&](const Row& row) {
                               rows[row.text(0)] = static_cast<std::uint64_t>(
                                   std::max<std::int64_t>(0, row.integer(1)));
                           });
        });
    } catch (const SqliteError&) {
        rows.clear();  // There is no such table, or it is an odd one.
    }
    return rows;
}

std::string kind_and_name(const ChosenTable& table) {
    return fmt::format("{} '{}'{}", table.definition.kind == Kind::view ? "view" : "table",
                       table.definition.name,
                       table.is_renamed() ? fmt::format(" as '{}'", table.target) : "");
}

}  // namespace

RestoreTables::RestoreTables(Target target, const RestoreRequest& request,
                             const StoredStream& stream, std::chrono::milliseconds lock_timeout)
    : target_(std::move(target)), request_(request), stream_(stream), lock_timeout_(lock_timeout) {
    plan_.source_version = request.server_version;
    plan_.target_state = state_of(target_);
    plan_.bytes_free = target_.bytes_free;
    if (request.selection.parts == Parts::data && target_.kind != TargetKind::database) {
        throw explained<ConfigError>(
            fmt::format("{} has no tables to add rows to", target_.path.native()),
            "Leave out --data-only to make the tables too.", "target_table_missing");
    }
}

RestoreTables::~RestoreTables() {
    loader_.reset();
    if (database_ && !written_) {
        stop_ = {};  // What is put right while closing must not be interrupted.
        close_existing();
    }
}

void RestoreTables::close_existing() noexcept {
    if (sqlite3_get_autocommit(database_->handle()) == 0) {
        sqlite3_exec(database_->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    }
    if (has_begun_ || !had_log_) {
        // Opening made log and index if the database uses them; who closes last removes them.
        sqlite3_db_config(database_->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
    }
    database_.reset();
}

void RestoreTables::guarded(const std::function<void()>& work) {
    try {
        work();
    } catch (const FileError& error) {
        throw target_failed(error);
    } catch (const SourceError& error) {
        if (stop_.stop_requested()) {
            throw Cancelled();  // SQLite calls it an interrupt, or an error of the disk.
        }
        throw;
    }
}

void RestoreTables::inspect(StreamReader& stream, std::stop_token stop) {
    stop_ = stop;
    guarded([&] {
        stored_ = std::make_unique<StoredDatabase>(stream, stop);
        sqlite3_progress_handler(stored_->database().handle(), kInstructionsBetweenLooks,
                                 is_stopped, &stop_);
        chosen_ = choose_tables(stored_->schema(), request_.selection, stream_.name);
        check_conditions();
        if (request_.selection.parts != Parts::data) {
            apply_renames(stored_->schema(), chosen_, plan_.warnings, stop);
        }
        if (target_.kind == TargetKind::database) {
            open_existing(stop);
            drops_ = make_room(*database_, chosen_, {request_.selection.parts, request_.overwrite});
        }
        plan_tables();
    });
}

void RestoreTables::check_conditions() {
    for (const ChosenTable& table : chosen_) {
        if (!table.condition.empty()) {
            const std::string& name = table.definition.name;
            Columns columns;
            stored_->read([&](Database& database) { columns = columns_of(database, name); });
            if (!columns.names.empty()) {
                static_cast<void>(
                    stored_->prepare_query(select_sql(name, columns, table.condition), name));
            }
        }
    }
}

void RestoreTables::plan_tables() {
    const auto rows = estimated_rows(*stored_);
    const bool is_new = target_.kind != TargetKind::database;
    plan_.overwrites = !drops_.empty();
    plan_.steps.push_back(is_new ? fmt::format("Make a database in {}.", target_.folder.native())
                                 : "Begin one transaction.");
    for (const std::string& drop : drops_) {
        plan_.steps.push_back(drop + ".");
    }
    for (const ChosenTable& table : chosen_) {
        const auto found = rows.find(table.definition.name);
        const bool has_rows = table.definition.kind == Kind::ordinary &&
                              request_.selection.parts != Parts::schema && found != rows.end();
        plan_.tables.push_back({table.definition.name, table.target,
                                has_rows ? std::optional(found->second) : std::nullopt});
        std::string step = "Restore the " + kind_and_name(table);
        if (!table.condition.empty()) {
            step += fmt::format(", only rows with {}", table.condition);
        } else if (has_rows) {
            step += fmt::format(", about {} rows", found->second);
        }
        plan_.steps.push_back(step + ".");
    }
    if (request_.verify) {
        plan_.steps.emplace_back("Read the tables back, compare them, and run integrity_check.");
    }
    plan_.steps.push_back(is_new ? fmt::format("Name it {}.", target_.path.native()) : "Commit.");
    if (target_.is_source && plan_.overwrites) {
        plan_.warnings.push_back(fmt::format(
            "{} is the very database that the snapshot was taken of; what these tables hold now "
            "is lost",
            target_.path.native()));
    }
}

void RestoreTables::open_existing(std::stop_token stop) {
    had_log_ = has_log(target_.path);
    database_ = open_for_writing(target_, companions_, lock_timeout_, std::move(stop));
    prepare_connection();
}

void RestoreTables::open_new(std::stop_token stop) {
    written_.emplace(target_.path, UnfinishedFile::Way::hidden);
    OpenOptions how;
    how.access = OpenOptions::Access::write;
    how.role = Role::target;
    how.vfs = "unix-none";  // without locks: on network file systems they meet those of the name
    database_ = std::make_unique<Database>(written_->file().path(), how, std::move(stop));
    prepare_connection();
    // Nobody else knows the file, and it is thrown away unless it becomes whole.
    database_->execute(
        "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE");
}

void RestoreTables::prepare_connection() {
    sqlite3* const handle = database_->handle();
    for (const int off : {SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_ENABLE_FKEY,
                          SQLITE_DBCONFIG_DEFENSIVE, SQLITE_DBCONFIG_TRUSTED_SCHEMA}) {
        database_->check(sqlite3_db_config(handle, off, 0, nullptr), "configure");
    }
    // As old definitions may need it: "text" in double quotes.
    database_->check(sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DDL, 1, nullptr), "configure");
    collations_ = std::make_unique<StandInCollations>(handle);
    // What the source holds is restored, whatever a constraint says of it.
    database_->execute("PRAGMA ignore_check_constraints=ON; PRAGMA cache_size=-16384");
    sqlite3_progress_handler(handle, kInstructionsBetweenLooks, is_stopped, &stop_);
}

void RestoreTables::begin_transaction() {
    if (target_.kind == TargetKind::database) {
        database_->execute("BEGIN IMMEDIATE");
        has_begun_ = true;
        return;
    }
    // What the first page says can only be set before it is there, and shall not be there without
    // the tables.
    database_->execute("BEGIN");
    has_begun_ = true;
    stored_->read([&](Database& source) {
        database_->execute(fmt::format("PRAGMA page_size={}", source.integer("PRAGMA page_size")));
        database_->execute(
            fmt::format("PRAGMA encoding={}", text_literal(source.text("PRAGMA encoding"))));
        for (const std::string_view name : {"auto_vacuum", "user_version", "application_id"}) {
            database_->execute(
                fmt::format("PRAGMA {}={}", name, source.integer(fmt::format("PRAGMA {}", name))));
        }
    });
}

void RestoreTables::apply(StreamReader& stream, std::stop_token stop) {
    stop_ = stop;
    if (!stored_) {
        inspect(stream, stop);
    }
    guarded([&] {
        if (target_.kind == TargetKind::new_file) {
            open_new(stop);
        } else if (!database_) {
            open_existing(stop);
        }
        begin_transaction();
        // Again, now that nobody else can write.
        drops_ = make_room(*database_, chosen_, {request_.selection.parts, request_.overwrite});
        for (const std::string& drop : drops_) {
            database_->execute(drop);
        }
        loader_ = std::make_unique<TableLoader>(
            *stored_, *database_, *collations_,
            LoadOptions{request_.selection.parts, request_.verify ? Summing::yes : Summing::no},
            stop);
        loader_->load(chosen_);
        refuse_empty_handed(*loader_);
    });
}

void RestoreTables::refuse_empty_handed(const TableLoader& loader) const {
    if (loader.loaded().empty()) {
        throw explained<ConfigError>(
            fmt::format("nothing could be restored: {}", loader.refused().front()),
            "Restore the whole snapshot to a new path, where its pages stay as they are.",
            "nothing_restorable");
    }
}

RestoreReport RestoreTables::finish(const Fingerprinter& /*fingerprinter*/, std::stop_token stop) {
    stop_ = stop;
    guarded([&] {
        if (request_.verify) {
            verify(stop);
        }
        report_.tables = loader_->loaded();
        report_.bytes_written = loader_->bytes();
        for (const RestoredTable& table : report_.tables) {
            report_.rows += table.rows.value_or(0);
        }
        report_.is_incomplete = !loader_->refused().empty();
        for (const auto* lines : {&loader_->refused(), &loader_->remarks()}) {
            report_.warnings.insert(report_.warnings.end(), lines->begin(), lines->end());
        }
        if (request_.selection.parts != Parts::data) {
            std::vector<ChosenTable> restored;
            std::copy_if(chosen_.begin(), chosen_.end(), std::back_inserter(restored),
                         [this](const ChosenTable& table) {
                             return std::any_of(report_.tables.begin(), report_.tables.end(),
                                                [&table](const RestoredTable& each) {
                                                    return each.target == table.target;
                                                });
                         });
            const std::vector<std::string> loose = loose_ends(*database_, restored);
            report_.warnings.insert(report_.warnings.end(), loose.begin(), loose.end());
        }
        loader_.reset();
        if (stop.stop_requested()) {
            throw Cancelled();
        }
        database_->execute("COMMIT");
        if (written_) {
            publish();
        } else {
            close_existing();
        }
    });
    return std::move(report_);
}

void RestoreTables::verify(std::stop_token stop) {
    if (const auto problem = loader_->unlike(std::move(stop))) {
        throw CorruptionError(
            fmt::format("{}; {}", *problem,
                        written_ ? fmt::format("{} was not made", target_.path.native())
                                 : fmt::format("{} is as it was", target_.path.native())));
    }
    report_.is_verified = true;
}

void RestoreTables::publish() {
    database_.reset();
    File& file = written_->file();
    std::array<std::uint8_t, 2> formats{};
    stored_->read([&](Database& source) {
        database_file(source, "the snapshot").read_at(kFormatVersions, formats);
    });
    if (formats.back() == kFormatOfLog) {
        file.write_at(kFormatVersions, formats);
    }
    report_.bytes_written = file.size_bytes();
    set_ownership(file, target_, stream_.definition, report_.warnings);
    file.sync();
    give_name(*written_, target_);
    sync_folder(target_);
}

}  // namespace dbbackup::sqlite
