#include "connector/postgres/postgres_connector.hpp"

#include "base/error.hpp"
#include "connector/postgres/capabilities.hpp"
#include "connector/postgres/connection.hpp"
#include "connector/postgres/connection_info.hpp"
#include "connector/postgres/notes.hpp"
#include "connector/postgres/restore.hpp"
#include "connector/postgres/session.hpp"
#include "connector/postgres/stored_tables.hpp"
#include "connector/postgres/tracking.hpp"

#include <fmt/format.h>

#include <cctype>
#include <utility>

namespace dbbackup {
namespace postgres {
namespace {

constexpr int kOldestMajor = 12;

/// A word that can be typed: "postgres-shop".
std::string suggested_name(std::string_view database) {
    std::string name = "postgres-";
    for (const char character : database) {
        const auto letter = static_cast<unsigned char>(character);
        name += std::isalnum(letter) != 0 && letter < 0x80
                    ? static_cast<char>(std::tolower(letter))
                    : (character == '.' || character == '_' ? character : '-');
    }
    return name;
}

ConnectionInfo info_of(SourceOptions& options) {
    ConnectionInfo info(options.uri, std::move(options.password));
    return options.database.empty() ? std::move(info) : info.with_database(options.database);
}

class PostgresConnector final : public Connector {
public:
    explicit PostgresConnector(SourceOptions options)
        : options_(std::move(options)), info_(info_of(options_)) {}

    Probe probe(std::stop_token stop) override {
        Connection connection(info_, Role::source, stop);
        if (connection.server_major() < kOldestMajor) {
            throw explained<SourceError>(
                fmt::format("the server is PostgreSQL {}, and {} is the oldest that is read",
                            connection.server_major(), kOldestMajor),
                "Back it up with its own pg_dump, or upgrade it.", "server_too_old");
        }
        const Rows row = connection.query(
            "SELECT (pg_catalog.pg_control_system()).system_identifier, "
            "pg_catalog.current_database(), "
            "pg_catalog.pg_database_size(pg_catalog.current_database())");
        Probe probe;
        probe.identity = fmt::format("postgres:{}/{}", row.text(0, 0), row.text(0, 1));
        probe.suggested_name = suggested_name(row.text(0, 1));
        probe.server_version = connection.parameter("server_version");
        probe.source_bytes = static_cast<std::uint64_t>(row.integer(0, 2));
        probe.capabilities = capabilities_of(connection, std::move(stop));
        return probe;
    }

    Continuity check(const Parent& parent, std::stop_token stop) override {
        Connection connection(info_, Role::source, std::move(stop));
        std::string why_not = can_track_since(connection, tracking_of(parent.state)).why_not;
        return {why_not.empty(), std::move(why_not)};
    }

    std::unique_ptr<Session> begin(const BackupRequest& request, std::stop_token stop) override {
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

private:
    SourceOptions options_;
    ConnectionInfo info_;
};

}  // namespace
}  // namespace postgres

std::unique_ptr<Connector> make_postgres_connector(SourceOptions options) {
    return std::make_unique<postgres::PostgresConnector>(std::move(options));
}

}  // namespace dbbackup
