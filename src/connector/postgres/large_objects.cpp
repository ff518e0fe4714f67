#include "connector/postgres/large_objects.hpp"

#include "connector/postgres/stream_slices.hpp"
#include "connector/postgres/table_loader.hpp"

#include <utility>

namespace dbbackup::postgres {

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
    return "CREATE TEMPORARY TABLE db_backup_objects (id oid, owner text, acl text, comment "
           "text) ON COMMIT DROP";
}

std::string make_large_objects() {
    // Privileges are granted by whom they were granted by, so an owner's own come first.
    return R"(
DO $do$
DECLARE
    object record;
    privilege record;
BEGIN
    FOR object IN SELECT * FROM pg_temp.db_backup_objects LOOP
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
                  FROM pg_catalog.aclexplode(object.acl::aclitem[]) a
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
}

void restore_large_object_owners(Connection& connection, StreamReader& stream,
                                 const RestoreRequest& request, std::stop_token stop) {
    connection.execute("BEGIN; " + make_large_object_table());
    copy_whole(connection, "COPY pg_temp.db_backup_objects FROM STDIN", stream, std::move(stop));
    // Roles of either may not be there.
    if (!request.keeps_owners) {
        connection.execute("UPDATE pg_temp.db_backup_objects SET owner = NULL");
    }
    if (!request.keeps_privileges) {
        connection.execute("UPDATE pg_temp.db_backup_objects SET acl = NULL");
    }
    connection.execute(make_large_objects());
    connection.execute("COMMIT");
}

void restore_large_objects(Connection& connection, StreamReader& stream, std::stop_token stop) {
    connection.execute("CREATE TEMPORARY TABLE db_backup_pages (id oid, page integer, data bytea)");
    StreamSlices slices(stream, std::move(stop));
    StreamSlices::Reader reader(slices);
    for (bool has_more = true; has_more;) {
        connection.execute("BEGIN; TRUNCATE pg_temp.db_backup_pages");
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
        connection.execute("COMMIT");
    }
    connection.execute("DROP TABLE pg_temp.db_backup_pages");
}

}  // namespace dbbackup::postgres
