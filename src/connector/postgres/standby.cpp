#include "connector/postgres/standby.hpp"

#include "base/units.hpp"

#include <fmt/format.h>

namespace dbbackup::postgres {
namespace {

/// What a standby is behind without any trouble.
constexpr std::chrono::seconds kUsualLag{10};

}  // namespace

std::optional<std::chrono::seconds> replay_lag(Connection& connection) {
    const Rows row = connection.query(R"(
SELECT CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN NULL
            WHEN pg_catalog.pg_last_wal_receive_lsn() = pg_catalog.pg_last_wal_replay_lsn() THEN 0
            ELSE pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() -
                                      pg_catalog.pg_last_xact_replay_timestamp())::pg_catalog.int8
       END)");
    if (row.is_null(0, 0)) {
        return std::nullopt;
    }
    return std::chrono::seconds(row.integer(0, 0));
}

std::string lag_text(std::chrono::seconds lag) {
    if (lag < kUsualLag) {
        return {};
    }
    return fmt::format(
        "the standby is {} behind what it received from its primary: the backup shows "
        "the database as it was then",
        format_duration(lag));
}

}  // namespace dbbackup::postgres
