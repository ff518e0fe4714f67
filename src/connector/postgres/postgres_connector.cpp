#include "connector/postgres/postgres_connector.hpp"

#include "base/error.hpp"
#include "connector/archive_files.hpp"
#include "connector/examination.hpp"
#include "connector/postgres/capabilities.hpp"
#include "connector/postgres/connection.hpp"
#include "connector/postgres/connection_info.hpp"
#include "connector/postgres/database_set.hpp"
#include "connector/postgres/native_session.hpp"
#include "connector/postgres/restore.hpp"
#include "connector/postgres/script_export.hpp"
#include "connector/postgres/server_examination.hpp"
#include "connector/postgres/session.hpp"
#include "connector/postgres/stored_tables.hpp"
#include "connector/postgres/stream_plans.hpp"
#include "connector/postgres/tracking.hpp"
#include "connector/stream_names.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace dbbackup {
namespace postgres {
namespace {

bool is_dump(const std::string& stream) { return stream.ends_with(std::string(":") + kDumpStream); }

ConnectionInfo info_of(SourceOptions& options) {
    ConnectionInfo info(options.uri, std::move(options.password));
    return options.database.empty() ? std::move(info) : info.with_database(options.database);
}

/// Where the server is; this machine when it is reached through a socket.
std::string host_of(const Connection& connection) {
    std::string host = connection.host();
    if (!host.empty() && !host.starts_with('/') && !host.starts_with('@')) {
        return host;
    }
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

class PostgresConnector final : public Connector, public ArchiveMaker, public Examiner {
public:
    explicit PostgresConnector(SourceOptions options)
        : options_(std::move(options)), info_(info_of(options_)) {}

    Probe probe(std::stop_token stop) override {
        const std::unique_ptr<Connection> connection = connect(stop);
        if (connection->server_major() < kOldestForNative) {
            throw explained<SourceError>(
                fmt::format("the server is PostgreSQL {}, which is older than any that is read",
                            connection->parameter("server_version")),
                "Back it up with its own pg_dump, or upgrade it.", "server_too_old");
        }
        look_at_age(*connection);
        const Rows row = connection->query(
            "SELECT (pg_catalog.pg_control_system()).system_identifier, "
            "pg_catalog.current_database(), "
            "pg_catalog.pg_database_size(pg_catalog.current_database())");
        const std::string system(row.text(0, 0));
        Probe probe;
        probe.server_version = connection->parameter("server_version");
        if (is_set(options_)) {
            const DatabaseSet set = find_databases(*connection, info_, options_, stop);
            identify(set, system, options_, host_of(*connection), probe);
            probe.source_bytes = set.size_bytes;
            return probe;
        }
        probe.identity = fmt::format("postgres:{}/{}", system, row.text(0, 1));
        probe.suggested_name = suggested_name(row.text(0, 1));
        probe.source_bytes = static_cast<std::uint64_t>(row.integer(0, 2));
        return probe;
    }

    std::vector<Capability> capabilities(std::stop_token stop) override {
        std::vector<Capability> all = capabilities_of(*connect(stop), stop);
        if (is_set(options_)) {
            all.push_back({"one moment for all databases", Support::no,
                           "PostgreSQL has no snapshot that spans them, so each is consistent in "
                           "itself",
                           ""});
        }
        return all;
    }

    std::vector<Check> examine(std::stop_token stop) override {
        return examine_server(info_, options_, std::move(stop));
    }

    Continuity check(const Parent& parent, std::stop_token stop) override {
        if (std::ranges::any_of(parent.streams, is_dump, &ParentStream::name)) {
            return {false, "the parent snapshot was taken by pg_dump (--method native)"};
        }
        return is_set(options_) ? check_set(parent, stop) : answer_of(info_, parent.state, stop);
    }

    std::unique_ptr<Session> begin(const BackupRequest& request, std::stop_token stop) override {
        if (request.is_native) {
            refuse_set("--method native");
            return std::make_unique<NativeSession>(info_, options_, std::nullopt, std::move(stop));
        }
        refuse_old(stop);
        return std::make_unique<PostgresSession>(info_, options_, request, std::move(stop));
    }

    std::unique_ptr<RestoreSession> restore(const RestoreRequest& request,
                                            const std::vector<StoredStream>& streams,
                                            std::stop_token stop) override {
        return make_restore_session(request, streams, options_.lock_timeout, std::move(stop));
    }

    std::vector<StoredTable> tables(StreamReader& stream, const NameSelection& names,
                                    std::stop_token stop) override {
        return stored_tables(stream, names, std::move(stop));
    }

    std::unique_ptr<Session> begin_archive(ArchiveForm form, std::stop_token stop) override {
        refuse_set("an archive");
        return std::make_unique<NativeSession>(info_, options_, form, std::move(stop));
    }

    void export_files(const ExportRequest& request, ArchiveFiles& files,
                      std::stop_token stop) override {
        export_script(request, major_of(request.server_version), files, stop);
    }

private:
    /// 17 of "17.6 (Debian 17.6-0+deb13u1)"; 0 if it is none.
    static int major_of(const std::string& server_version) {
        int major = 0;
        std::from_chars(server_version.data(), server_version.data() + server_version.size(),
                        major);
        return major;
    }

    void refuse_set(const char* what) const {
        if (is_set(options_)) {
            throw explained<ConfigError>(
                fmt::format("{} is of one database, and several were chosen", what),
                "Name one with --database.", "method_not_supported");
        }
    }

    [[nodiscard]] std::unique_ptr<Connection> connect(const std::stop_token& stop) const {
        return is_set(options_) ? connect_to_server(info_, options_, stop)
                                : std::make_unique<Connection>(info_, Role::source, stop);
    }

    void look_at_age(const Connection& connection) {
        why_too_old_ =
            connection.server_major() < kOldestMajor ? too_old(connection) : std::string();
    }

    void refuse_old(const std::stop_token& stop) {
        if (!why_too_old_) {
            look_at_age(*connect(stop));
        }
        if (!why_too_old_->empty()) {
            throw explained<SourceError>(*why_too_old_, kUseNative, "server_too_old");
        }
    }

    static Continuity answer_of(const ConnectionInfo& info, const std::string& state,
                                const std::stop_token& stop) {
        Connection connection(info, Role::source, stop);
        std::string why_not = can_track_since(connection, TrackingMark::parse(state)).why_not;
        return {why_not.empty(), std::move(why_not)};
    }

    /// Whether the record reaches back for one database at least: the session says of which it does
    /// not.
    [[nodiscard]] Continuity check_set(const Parent& parent, const std::stop_token& stop) const {
        const std::unique_ptr<Connection> server = connect_to_server(info_, options_, stop);
        const DatabaseSet set = find_databases(*server, info_, options_, stop);
        Continuity last{true, ""};
        for (const std::string& name : set.names) {
            const auto notes = std::ranges::find(
                parent.streams, special_stream_name(name, kSequencesStream), &ParentStream::name);
            if (notes == parent.streams.end()) {
                continue;  // It is new, and read whole.
            }
            try {
                // Where there was one view, its notes are those of the snapshot.
                last = answer_of(info_.with_database(name),
                                 notes->state.empty() ? parent.state : notes->state, stop);
            } catch (const ServerError&) {
                continue;  // Reading it tells why.
            }
            if (last.is_continuous) {
                break;
            }
        }
        return last;
    }

    SourceOptions options_;
    ConnectionInfo info_;
    std::optional<std::string> why_too_old_;  ///< As the last probe found it; "" if it is not.
};

}  // namespace
}  // namespace postgres

std::unique_ptr<Connector> make_postgres_connector(SourceOptions options) {
    return std::make_unique<postgres::PostgresConnector>(std::move(options));
}

}  // namespace dbbackup
