"""The comparison of two databases that other tests rely on: what pg_dump carries is equal, and every planted difference is found."""

import pathlib
import subprocess

import pytest

from postgres_compare import Database, differences, drop_database, server_differences
from postgres_server import PostgresServer

SQL = pathlib.Path(__file__).resolve().parents[1] / "support/postgres"
IN_PLACE = ("--set", "allow_in_place_tablespaces=on")
OTHER_DATABASES = ("latin", "c_order", "icu", "ascii", "Da\"ta 'base' = x?%/")

# What is done to a copy, and what must be said of it.
PLANTED = (
    ("UPDATE app.customers SET name = name || ' ' WHERE id = 105", "rows app.customers: 5001 and 5001"),
    ("DELETE FROM app.no_columns WHERE ctid = '(0,1)'", "rows app.no_columns: 3 and 2"),
    ("UPDATE app.numbers SET exact = 0.10 WHERE id = 6", "rows app.numbers: 9 and 9"),
    ("UPDATE app.numbers SET single = 0 WHERE id = 6", "rows app.numbers: 9 and 9"),
    ("UPDATE app.texts SET text = NULL WHERE id = 1", "rows app.texts: 9 and 9"),
    ("INSERT INTO app.log VALUES('a'), ('a')", "rows app.log: 0 and 2"),
    ("UPDATE app.unlogged SET t = '' WHERE id = 50", "rows app.unlogged: 100 and 100"),
    ("UPDATE app.stored_apart SET big = set_byte(big, 100, 0) WHERE id = 5", "rows app.stored_apart: 20 and 20"),
    ("UPDATE ONLY app.child SET own = 'yours'", "rows app.child: 1 and 1"),
    ("UPDATE app.sales SET note = 'x' WHERE id = (SELECT min(id) FROM app.sales_2023_eu)", "rows app.sales_2023_eu: "),
    ("UPDATE app.secrets SET content = 'z' WHERE id = 1", "rows app.secrets: 3 and 3"),
    ("UPDATE extensions.settings SET value = 'no' WHERE name = 'mine'", "rows extensions.settings: 4 and 4"),
    ("SELECT nextval('app.untouched')", "sequence app.untouched: "),
    ("SELECT setval('app.set_to', 42, true)", "sequence app.set_to: [42, false] and [42, true]"),
    ("SELECT lo_put(100003, 7, 'x')", "large object 100003: "),
    ("ALTER LARGE OBJECT 100001 OWNER TO app_owner", "large object 100001: "),
    ("REVOKE SELECT ON LARGE OBJECT 100004 FROM PUBLIC", "large object 100004: "),
    ("SELECT lo_unlink(4294967290)", "large object 4294967290: "),
    ("REFRESH MATERIALIZED VIEW app.counts WITH NO DATA", "other filled app.counts: true and false"),
    ("ALTER TABLE app.not_valid DROP CONSTRAINT broken", "-ALTER TABLE app.not_valid\n"),
    ("ALTER TABLE app.watched ENABLE TRIGGER disabled", "-ALTER TABLE app.watched DISABLE TRIGGER disabled"),
    ("ALTER TABLE app.secrets NO FORCE ROW LEVEL SECURITY", "-ALTER TABLE ONLY app.secrets FORCE ROW LEVEL SECURITY"),
    ("GRANT SELECT ON app.secrets TO app_auditor", "+GRANT SELECT ON TABLE app.secrets TO app_auditor"),
    ("ALTER TABLE app.empty OWNER TO app_nobody", "+ALTER TABLE app.empty OWNER TO app_nobody"),
    ("COMMENT ON TABLE app.customers IS 'who bought'", "+COMMENT ON TABLE app.customers IS 'who bought'"),
    ("DROP INDEX app.customers_brin", "-CREATE INDEX customers_brin ON"),
    ("ALTER FUNCTION app.add(int, int) COST 6", " COST 6"),
    ("ALTER DEFAULT PRIVILEGES FOR ROLE app_owner REVOKE SELECT ON TABLES FROM app_reader",
     "-ALTER DEFAULT PRIVILEGES FOR ROLE app_owner GRANT SELECT ON TABLES  TO app_reader"),
    ("ALTER TABLE app.customers ALTER name SET STATISTICS 501", "SET STATISTICS 501"),
    ("ALTER EVENT TRIGGER sees_drops DISABLE", "+ALTER EVENT TRIGGER sees_drops DISABLE"),
    ("ALTER TYPE app.no_values ADD VALUE 'one'", "+    'one'"),
    ("ALTER PUBLICATION of_none ADD TABLE app.log", "+ALTER PUBLICATION of_none ADD TABLE ONLY app.log"),
    ("ALTER DATABASE copy SET work_mem = '5MB'", "property settings: "),
    ("ALTER DATABASE copy CONNECTION LIMIT 4", "property connections: -1 and 4"),
    ("ALTER DATABASE copy OWNER TO app_owner", 'property owner: "admin" and "app_owner"'),
    ("COMMENT ON DATABASE copy IS 'a copy'", 'property comment: null and "a copy"'),
    ("GRANT CREATE ON DATABASE copy TO app_writer", "property privileges: "),
)  # fmt: skip
PLANTED_IN_SERVERS = (
    ("ALTER ROLE app_owner CREATEROLE", "server role app_owner: "),
    ("ALTER ROLE app_owner PASSWORD 'other'", "server role app_owner: "),
    ("COMMENT ON ROLE app_writer IS 'writes'", "server role app_writer: "),
    ("CREATE ROLE one_more", "server role one_more: missing and"),
    ("REVOKE ADMIN OPTION FOR app_writer FROM app_owner", "server membership of app_owner in app_writer by admin: "),
    ("ALTER ROLE app_owner RESET work_mem", "server settings: "),
    ("REVOKE SET ON PARAMETER log_min_duration_statement FROM app_auditor", "server parameter log_min_duration_statement: "),
    ("ALTER TABLESPACE app_space SET (random_page_cost = 2)", "server tablespace app_space: "),
)


def load(server, *files):
    for file in files:
        server.load(SQL / file, "all" if file not in ("roles.sql", "databases.sql") else "postgres")


@pytest.fixture(scope="module")
def old(servers):
    """PostgreSQL 15 with everything."""
    folder, started = servers
    started.append(PostgresServer("postgres15", folder, *IN_PLACE))
    started[-1].make_database("all")
    load(started[-1], "roles.sql", "databases.sql", "everything.sql")
    return started[-1]


@pytest.fixture(scope="module")
def new(servers):
    """PostgreSQL 17, empty but for the roles."""
    folder, started = servers
    started.append(PostgresServer("postgres17", folder, *IN_PLACE))
    load(started[-1], "roles.sql")
    return started[-1]


def carry(database, server, name, options=""):
    """The copy that the database's own pg_dump makes on a server."""
    copy = Database(server, server.make_database(name, options=options))
    dump = database.server.call("pg_dump", "-d", database.server.uri(database.name), text=False).stdout
    changes = {"PGOPTIONS": "-c client_min_messages=error"}
    server.call("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", server.uri(name), text=False, input=dump, changes=changes)
    return copy


def test_a_copy_of_everything_is_equal_until_something_is_changed(old):
    original = Database(old, "all")
    copy = carry(original, old, "copy")
    assert differences(original, copy) == []
    for change, _ in PLANTED:
        old.psql(f"SET session_replication_role = replica; {change}", "copy")
    found = "\n".join(differences(original, copy))
    missed = [told for _, told in PLANTED if told not in found]
    assert not missed, f"{missed}\n{found}"
    drop_database(copy)


def test_everything_is_equal_on_a_later_major(old, new):
    original = Database(old, "all")
    copy = carry(original, new, "carried")
    assert differences(original, copy) == []
    new.psql("ALTER VIEW app.grouped OWNER TO app_nobody; DROP RULE no_delete ON app.departments", "carried")
    (found,) = differences(original, copy)
    assert "+ALTER VIEW app.grouped OWNER TO app_nobody" in found and "-CREATE RULE no_delete" in found
    drop_database(copy)


def test_servers_are_equal_until_something_is_changed(old, new):
    globals_ = old.call("pg_dumpall", "--globals-only", "-d", old.uri()).stdout
    subprocess.run(
        [new.bin / "psql", "-X", "-q", "-d", new.uri()], env=new.environment(), input=globals_, text=True, capture_output=True, check=True
    )
    assert server_differences(old, new) == []
    for change, _ in PLANTED_IN_SERVERS:
        new.psql(change)
    found = "\n".join(server_differences(old, new))
    missed = [told for _, told in PLANTED_IN_SERVERS if told not in found]
    assert not missed, f"{missed}\n{found}"


def test_what_only_newer_ones_have_is_equal_there(new):
    new.make_database("all")
    load(new, "everything.sql", "since_17.sql")
    original = Database(new, "all")
    copy = carry(original, new, "copy")
    assert differences(original, copy) == []
    new.psql("UPDATE app.infinite SET i = '-infinity'; REVOKE MAINTAIN ON app.people FROM app_writer", "copy")
    found = "\n".join(differences(original, copy))
    assert "rows app.infinite: 2 and 2" in found and "-GRANT SELECT,INSERT,REFERENCES,DELETE,MAINTAIN,UPDATE" in found


@pytest.mark.parametrize("name", OTHER_DATABASES)
def test_other_encodings_and_collations(old, new, name):
    original = Database(old, name)
    created = old.call("pg_dump", "--create", "--schema-only", "-d", old.uri(name), encoding="latin-1").stdout
    statement = next(line for line in created.splitlines() if line.startswith("CREATE DATABASE"))
    options = statement[statement.index("WITH TEMPLATE = template0") :].removeprefix("WITH TEMPLATE = template0").rstrip(";")
    copy = carry(original, new, f"other {name}", options)
    parts = ("schema", "rows", "sequence", "other")
    assert differences(original, copy, parts) == []
    found = "\n".join(differences(original, copy, ("property",)))
    assert "encoding" not in found and "collation" not in found and "locale" not in found and "provider" not in found
