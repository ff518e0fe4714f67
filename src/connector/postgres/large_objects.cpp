#include "connector/postgres/large_objects.hpp"

#include "connector/postgres/stream_slices.hpp"
#include "connector/postgres/table_loader.hpp"

#include <fmt/format.h>

#include <utility>

namespace dbbackup::postgres {
namespace {

/// Each of them is locked until its transaction ends, and a server has room for 64 locks for each
/// session that it allows (max_locks_per_transaction).
constexpr std::uint64_t kObjectsAtOnce = 500;

/// Privileges are granted by whom they were granted by, so an owner's own come first.
constexpr const char* kMakeObjects = R"(
DO $do$
DECLARE
    object record;
    privilege record;
BEGIN
    FOR object IN SELECT * FROM pg_temp.db_backup_objects WHERE number BETWEEN {} AND {}
                  ORDER BY number LOOP
        PERFORM pg_catalog.lo_create(object.id);
        IF object.owner IS NOT NULL THEN
            EXECUTE pg_catalog.format('ALTER LARGE OBJECT %s OWNER TO %I', object.id, object.owner);
        END IF;
        IF object.comment IS NOT NULL THEN
            EXECUTE pg_catalog.format('COMMENT ON LARGE OBJECT %s IS %L', object.id, object.comment);
        END IF;
        IF object.acl IS NOT NULL THEN
            EXECUTE pg_catalog.format('REVOKE ALL ON LARGE OBJECT %s FROM %I', object.id,
                coalesce(object.owner, current_user));
            FOR privilege IN
                SELECT a.grantee, a.privilege_type, a.is_grantable
                  FROM pg_catalog.aclexplode(object.acl::pg_catalog.aclitem[]) a
            LOOP
                EXECUTE pg_catalog.format('GRANT %s ON LARGE OBJECT %s TO %s%s',
                    privilege.privilege_type, object.id,
                    CASE WHEN privilege.grantee = 0 THEN 'PUBLIC'
                         ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(privilege.grantee)) END,
                    CASE WHEN privilege.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
            END LOOP;
        END IF;
    END LOOP;
END
$do$)";

}  // namespace

std::string copy_of_large_objects() {
    return "COPY (SELECT loid, pageno, data FROM pg_catalog.pg_largeobject ORDER BY 1, 2) "
           "TO STDOUT";
}

std::string copy_of_large_object_owners() {
    return "COPY (SELECT m.oid, pg_catalog.pg_get_userbyid(m.lomowner), m.lomacl, "
           "pg_catalog.obj_description(m.oid, 'pg_largeobject') "
           "FROM pg_catalog.pg_largeobject_metadata m ORDER BY 1) TO STDOUT";
}

std::string make_large_object_table() {
    return "CREATE TEMPORARY TABLE db_backup_objects (id oid, owner text, acl text, comment text, "
           "number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY)";
}

std::string copy_into_large_object_table() {
    return "COPY pg_temp.db_backup_objects(id, owner, acl, comment) FROM STDIN";
}

std::string drop_large_object_table() { return "DROP TABLE pg_temp.db_backup_objects"; }

std::vector<std::string> make_large_objects(std::uint64_t count) {
    std::vector<std::string> statements;
    for (std::uint64_t first = 1; first <= count; first += kObjectsAtOnce) {
        statements.push_back(fmt::format(kMakeObjects, first, first + kObjectsAtOnce - 1));
    }
    return statements;
}

void restore_large_object_owners(Connection& connection, StreamReader& stream, bool keeps_owners,
                                 bool keeps_privileges, std::stop_token stop) {
    connection.execute(make_large_object_table());
    const std::uint64_t count =
        copy_whole(connection, copy_into_large_object_table(), stream, std::move(stop));
    if (!keeps_owners || !keeps_privileges) {
        connection.execute(fmt::format(
            "UPDATE pg_temp.db_backup_objects SET {}{}{}", keeps_owners ? "" : "owner = NULL",
            keeps_owners || keeps_privileges ? "" : ", ", keeps_privileges ? "" : "acl = NULL"));
    }
    for (const std::string& objects : make_large_objects(count)) {
        connection.execute(objects);
    }
    connection.execute(drop_large_object_table());
}

void restore_large_objects(Connection& connection, StreamReader& stream, Commits commits,
                           std::stop_token stop) {
    connection.execute("CREATE TEMPORARY TABLE db_backup_pages (id oid, page integer, data bytea)");
    StreamSlices slices(stream, std::move(stop));
    StreamSlices::Reader reader(slices);
    for (bool has_more = true; has_more;) {
        if (commits == Commits::often) {
            connection.execute("BEGIN");
        }
        // In the transaction that made the table its room is given back at once.
        connection.execute("TRUNCATE pg_temp.db_backup_pages");
        std::uint64_t bytes = 0;
        // A part has whole rows only at its end, which `next` tells by the last byte.
        has_more = false;
        connection.copy_in("COPY pg_temp.db_backup_pages FROM STDIN", [&]() -> BytesView {
            if (bytes >= 8_MiB && reader.is_at_row_end()) {
                has_more = true;
                return {};
            }
            const BytesView part = reader.next();
            bytes += part.size();
            return part;
        });
        // A page holds a quarter of a block (PostgreSQL manual, 53.31).
        static_cast<void>(
            connection.query("SELECT pg_catalog.count(pg_catalog.lo_put(id, page::bigint * "
                             "(pg_catalog.current_setting('block_size')::bigint / 4), data)) "
                             "FROM pg_temp.db_backup_pages"));
        if (commits == Commits::often) {
            connection.execute("COMMIT");
        }
    }
    connection.execute("DROP TABLE pg_temp.db_backup_pages");
}

}  // namespace dbbackup::postgres
