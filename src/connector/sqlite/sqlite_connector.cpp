#include "connector/sqlite/sqlite_connector.hpp"

#include "base/error.hpp"
#include "connector/sqlite/database_set.hpp"
#include "connector/sqlite/reachability.hpp"
#include "connector/sqlite/restore.hpp"
#include "connector/sqlite/session.hpp"
#include "connector/sqlite/set_session.hpp"
#include "connector/sqlite/table_sizes.hpp"
#include "connector/sqlite/view.hpp"

#include <sqlite3.h>

#include <utility>

namespace dbbackup {
namespace sqlite {
namespace {

std::vector<Capability> capabilities_of_any() {
    return {
        {"full backup", Support::yes, "", ""},
        {"compared incremental", Support::yes, "", ""},
        {"tracked incremental", Support::no,
         "SQLite keeps no record of what changed, so the file is read whole unless it is provably "
         "unchanged",
         ""},
    };
}

std::vector<Capability> capabilities_of(const View& view) {
    std::vector<Capability> all = capabilities_of_any();
    if (view.blocks_writers()) {
        all.push_back({"backup beside writers", Support::degraded,
                       "in rollback journal mode writers wait while the file is read",
                       "Switch the database to write-ahead logging: PRAGMA journal_mode=WAL."});
    } else {
        all.push_back({"backup beside writers", Support::yes, "", ""});
    }
    return all;
}

class SqliteConnector final : public Connector {
public:
    SqliteConnector(SourceOptions options, const Clock& clock)
        : options_(std::move(options)), clock_(clock) {}
    SqliteConnector(SourceOptions options, std::unique_ptr<const Clock> clock)
        : options_(std::move(options)), own_clock_(std::move(clock)), clock_(*own_clock_) {}

    Probe probe(std::stop_token stop) override {
        if (is_set(options_)) {
            return probe_set();
        }
        refuse_selection();
        const View view(view_options(options_), std::move(stop));
        Probe probe;
        probe.identity = identity_of(view.path());
        probe.suggested_name = suggested_name(view.path().stem().native());
        probe.server_version = sqlite3_libversion();
        probe.source_bytes = view.size_bytes();
        return probe;
    }

    std::vector<Capability> capabilities(std::stop_token stop) override {
        if (!is_set(options_)) {
            return capabilities_of(View(view_options(options_), std::move(stop)));
        }
        std::vector<Capability> all = capabilities_of_any();
        all.push_back({"one moment for all databases", Support::no,
                       "SQLite has no transaction that spans them, so each is consistent in itself",
                       ""});
        return all;
    }

    Continuity check(const Parent&, std::stop_token) override { return {true, ""}; }

    std::unique_ptr<Session> begin(const BackupRequest& request, std::stop_token stop) override {
        if (request.is_native) {
            throw explained<ConfigError>("SQLite has no native dump tool",
                                         "Leave out --method native.", "method_not_supported");
        }
        if (is_set(options_)) {
            return std::make_unique<SetSession>(options_, request, clock_, std::move(stop));
        }
        refuse_selection();
        return std::make_unique<SqliteSession>(options_, request, clock_, std::move(stop));
    }

    std::unique_ptr<RestoreSession> restore(const RestoreRequest& request,
                                            const std::vector<StoredStream>& streams,
                                            std::stop_token stop) override {
        return make_restore_session(request, streams, options_.lock_timeout, std::move(stop));
    }

    std::vector<StoredTable> tables(StreamReader& stream, const NameSelection& names,
                                    std::stop_token stop) override {
        return table_sizes(stream, names, std::move(stop));
    }

private:
    [[nodiscard]] Probe probe_set() const {
        DatabaseSet set = find_databases(options_);
        Probe probe;
        probe.identity = std::move(set.identity);
        probe.suggested_name = std::move(set.suggested_name);
        probe.former_identities = std::move(set.former_identities);
        probe.server_version = sqlite3_libversion();
        probe.source_bytes = set.size_bytes();
        return probe;
    }

    void refuse_selection() const {
        if (!options_.include.empty() || !options_.exclude.empty()) {
            throw explained<ConfigError>(
                "a SQLite database can only be backed up whole",
                "Leave out include and exclude; they choose among the databases of --all.",
                "selection_not_supported");
        }
    }

    SourceOptions options_;
    std::unique_ptr<const Clock> own_clock_;
    const Clock& clock_;
};

}  // namespace
}  // namespace sqlite

std::unique_ptr<Connector> make_sqlite_connector(SourceOptions options, const Clock& clock) {
    return std::make_unique<sqlite::SqliteConnector>(std::move(options), clock);
}

std::unique_ptr<Connector> make_sqlite_connector(SourceOptions options) {
    return std::make_unique<sqlite::SqliteConnector>(std::move(options),
                                                     std::make_unique<const SystemClock>());
}

}  // namespace dbbackup
