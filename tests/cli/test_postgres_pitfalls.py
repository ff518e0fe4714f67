"""What a suspicious administrator of PostgreSQL tries: rows that are another database's, of another encoding, of tables that were to be
left out, or that never arrive; settings and names that mislead.
"""

import threading
import time

import pytest

from postgres_compare import Database, assert_equal
from postgres_server import PostgresServer
from program import Repository

SHOP = """
CREATE TABLE customers(id int PRIMARY KEY, country text);
CREATE TABLE orders(id int PRIMARY KEY, customer int REFERENCES customers, words text[]);
INSERT INTO customers SELECT i, CASE WHEN i % 2 = 0 THEN 'x' ELSE 'y' END FROM generate_series(1, 20) i;
INSERT INTO orders SELECT i, i % 20 + 1, ARRAY['a', NULL] FROM generate_series(1, 20000) i;
CREATE VIEW of_x AS SELECT id FROM customers WHERE country = 'x';
CREATE MATERIALIZED VIEW "count$db_backup$ed" AS SELECT count(*) FROM orders;
"""
OF_X = "SELECT count(*) FROM orders o JOIN customers c ON c.id = o.customer WHERE c.country = 'x'"


@pytest.fixture(scope="module")
def server(servers):
    folder, started = servers
    started.append(PostgresServer("postgres17", folder, "--set", "summarize_wal=on", "--set", "autovacuum=off"))
    started[-1].make_database("shop")
    started[-1].psql(SHOP, "shop")
    return started[-1]


@pytest.fixture
def repository(program, folder):
    return Repository(program, folder / "repository", "keyfile").init()


@pytest.fixture
def database(server):
    """A copy of the shop, to be changed."""
    name = f"copy_{time.monotonic_ns()}"
    server.make_database(name, "shop")
    yield name
    server.psql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def back_up(repository, server, database, *words, **options):
    return repository.run("backup", "--uri", server.uri(database), *words, "--json", **{"env": server.environment(), **options})


def restore(repository, server, database, *words, **options):
    words = ("restore", "latest", "--to", server.uri(database), *words, "--json")
    return repository.run(*words, **{"env": server.environment(), **options})


def new(server):
    name = f"target_{time.monotonic_ns()}"
    server.psql(f"DROP DATABASE IF EXISTS {name}")
    return name


def test_a_copy_that_took_the_name_is_another_database(server, repository, database):
    """Its tables have the same oids and files, and were changed before the parent snapshot."""
    copy = server.make_database(new(server), database)
    server.psql("UPDATE orders SET words = '{changed}' WHERE id <= 10", copy)
    back_up(repository, server, database)
    server.psql(f"ALTER DATABASE {database} RENAME TO {database}_old; ALTER DATABASE {copy} RENAME TO {database}")
    done = back_up(repository, server, database).json
    assert done["capture"] == "reread" and "another one of that name" in done["reason"], done
    target = new(server)
    restore(repository, server, target)
    assert server.psql("SELECT count(*) FROM orders WHERE words = '{changed}'", target) == "10"
    assert back_up(repository, server, database).json["capture"] == "tracked"
    server.psql(f"DROP DATABASE {database}_old")


def test_a_partition_that_is_told_in_the_order_of_its_root(server, repository, database):
    """Of tables by the hash of an enum the rows go through the root, whose columns may stand in another order."""
    server.psql(
        "CREATE TYPE state AS ENUM ('new', 'old'); CREATE TABLE root(k state, a text, b text) PARTITION BY HASH (k);"
        "CREATE TABLE part(b text, k state, a text); INSERT INTO part SELECT 'b', 'new', 'a' FROM generate_series(1, 1000)",
        database,
    )
    back_up(repository, server, database)
    server.psql("ALTER TABLE root ATTACH PARTITION part FOR VALUES WITH (MODULUS 1, REMAINDER 0)", database)
    assert back_up(repository, server, database).json["capture"] == "tracked"
    target = new(server)
    restore(repository, server, target, "--verify")
    assert server.psql("SELECT DISTINCT a, b, k FROM part", target) == "a|b|new"


@pytest.mark.parametrize("words", ((), ("--data-only",)))
def test_rows_go_into_a_database_of_another_encoding(server, repository, database, words):
    server.psql("CREATE TABLE towns(id int PRIMARY KEY, name text DEFAULT 'Zürich'); INSERT INTO towns VALUES (1, 'Genève')", database)
    back_up(repository, server, database)
    target = server.make_database(new(server), options="ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
    table = "CREATE TABLE towns(id int PRIMARY KEY, name text DEFAULT 'Zürich')" if words else ""
    server.psql(f"CREATE TABLE other(a int); {table}", target, changes={"PGCLIENTENCODING": "UTF8"})
    assert restore(repository, server, target, "--include", "towns", "--verify", *words).json["verified"]
    told = server.psql("INSERT INTO towns VALUES (2); SELECT name FROM towns ORDER BY id", target, changes={"PGCLIENTENCODING": "UTF8"})
    assert told == "Genève\nZürich"
    server.psql("INSERT INTO towns VALUES (3, '€')", database)
    back_up(repository, server, database)
    server.psql("DROP TABLE towns", target)
    refused = restore(repository, server, target, "--include", "towns", code=20).error
    assert "LATIN1" in refused["message"], refused
    assert server.psql("SELECT to_regclass('towns')", target) == ""


@pytest.mark.parametrize("encoding", ("LATIN1", "WIN1252", "EUC_JP", "SQL_ASCII"))
def test_names_in_another_encoding_than_utf8(server, repository, folder, encoding):
    """Rows stay as they are, also where they have bytes that the encoding has no character for."""
    name, word = ("表", "語") if encoding == "EUC_JP" else ("tablé", "é") if encoding != "SQL_ASCII" else ("table", "é")
    source = server.make_database(new(server), options=f"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'")
    strange = "chr(129)" if encoding == "WIN1252" else "''"
    sql = (
        f'CREATE TABLE "{name}"(id serial PRIMARY KEY, "c{name}" text DEFAULT \'{word}\'); INSERT INTO "{name}" DEFAULT VALUES;'
        f'INSERT INTO "{name}"("c{name}") VALUES ({strange}); COMMENT ON TABLE "{name}" IS \'{word}\'; CREATE SEQUENCE "s{name}";'
        f'CREATE VIEW "v{name}" AS SELECT * FROM "{name}" WHERE "c{name}" = \'{word}\'; SELECT lo_from_bytea(7, \'x\');'
        f'CREATE MATERIALIZED VIEW "m{name}" AS SELECT count(*) FROM "{name}"; COMMENT ON LARGE OBJECT 7 IS \'{word}\''
    )
    utf8 = {"PGCLIENTENCODING": "UTF8"} if encoding != "SQL_ASCII" else {}
    server.psql(sql, source, changes=utf8)
    back_up(repository, server, source, "--include", name)
    repository.json("export", "latest", "-o", folder / "out.sql", env=server.environment())
    whole, loaded, some, used = (new(server) for _ in range(4))
    assert restore(repository, server, whole, "--verify").json["verified"]
    server.make_database(loaded, options=f"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'")
    server.load(folder / "out.sql", loaded)
    for each in (whole, loaded):
        assert_equal(Database(server, source), Database(server, each), ("schema", "rows", "sequence", "large object"))
    if encoding == "SQL_ASCII":
        return
    condition = ("--where", f'{name}: "c{name}" = \'{word}\'')
    assert restore(repository, server, some, "--include", name, *condition).json["rows"] == 1
    server.make_database(used)
    server.psql("CREATE TABLE other(a int)", used)
    if encoding == "WIN1252":
        server.psql(f'DELETE FROM "{name}" WHERE id = 2', source, changes=utf8)
        back_up(repository, server, source)
    assert restore(repository, server, used, "--include", name, "--verify").json["verified"]
    assert server.psql(f'SELECT "c{name}" FROM "{name}" ORDER BY id LIMIT 1', used) == word


@pytest.mark.parametrize("place", ("new", "in use"))
def test_conditions_that_ask_other_tables_wait_for_their_rows(server, repository, place):
    """The larger table comes first, when the other one has no rows yet; through a view, too, and where both have conditions."""
    back_up(repository, server, "shop")
    expected = server.psql(OF_X, "shop")
    for inner in ("SELECT id FROM public.customers WHERE country = 'x'", "SELECT id FROM public.of_x"):
        target = new(server)
        if place == "in use":
            server.make_database(target)
            server.psql("CREATE TABLE other(id int)", target)
        words = ("--include", "public.*", "--where", f"orders: customer IN ({inner})", "--where", "customers: country = 'x'")
        done = restore(repository, server, target, *words).json
        rows = {each["table"]: each["rows"] for each in done["tables"]}
        assert rows["public.orders"] == int(expected) == int(server.psql("SELECT count(*) FROM orders", target)) > 0, rows
        assert rows["public.customers"] == 10 and done["rows"] == 10 + int(expected), done


def test_conditions_that_cannot_be_answered_are_refused(server, repository, database):
    back_up(repository, server, "shop")
    itself = ("--include", "orders", "--where", "orders: id > (SELECT avg(id) FROM public.orders)")
    circle = ("--where", "orders: EXISTS (SELECT FROM public.customers)", "--where", "customers: EXISTS (SELECT FROM public.orders)")
    for words in (itself, circle):
        target = new(server)
        refused = restore(repository, server, target, *words, code=2).error
        assert refused["code"] == "bad_condition" and "ask" in refused["message"], refused
        assert server.psql(f"SELECT count(*) FROM pg_database WHERE datname LIKE '{target}%'") == "0"
    # Rows that are not there any more: the table in use has the others.
    server.psql("DELETE FROM orders WHERE id % 10 = 0", database)
    missing = ("--include", "orders", "--data-only", "--where", "orders: id NOT IN (SELECT id FROM public.orders)")
    assert restore(repository, server, database, *missing).json["rows"] == 2000
    assert server.psql("SELECT count(*) FROM orders", database) == "20000"
    server.psql("CREATE RULE nothing AS ON INSERT TO orders DO INSTEAD NOTHING; DELETE FROM orders WHERE id = 7", database)
    refused = restore(repository, server, database, "--include", "orders", "--data-only", "--where", "orders: id = 7", code=2).error
    assert "rule" in refused["message"], refused


def test_some_rows_do_not_replace_a_table(server, repository, database):
    back_up(repository, server, "shop")
    server.psql('DROP MATERIALIZED VIEW "count$db_backup$ed"', database)
    words = ("--include", "orders", "--where", "orders: id = 7", "--clean")
    refused = restore(repository, server, database, *words, code=2).error
    assert refused["code"] == "selection_conflict", refused
    assert server.psql("SELECT count(*) FROM orders", database) == "20000"


@pytest.mark.parametrize("words", (("--method", "native"), ("--format", "archive")))
def test_rows_that_are_to_be_left_out_are_in_no_dump(server, repository, folder, words):
    output = ("-o", folder / "out.sql") if "archive" in words else ()
    for choice in ("--exclude", "--include"):
        refused = repository.program.run(
            "backup", "--uri", server.uri("shop"), choice, "customers", *words, *output, "--json", env=server.environment(), code=2
        ).error
        assert refused["code"] == "method_not_supported", refused
    assert not (folder / "out.sql").exists()


def test_psql_loads_what_is_exported_without_some_rows(server, repository, folder):
    back_up(repository, server, "shop", "--exclude", "customers")
    repository.json("export", "latest", "-o", folder / "out.sql", env=server.environment())
    target = server.make_database(new(server))
    server.psql("ALTER ROLE admin SET array_nulls = off")
    try:
        server.load(folder / "out.sql", target)
    finally:
        server.psql("ALTER ROLE admin RESET array_nulls")
    assert server.psql('SELECT count(*) FROM customers; SELECT * FROM "count$db_backup$ed"', target) == "0\n20000"
    assert server.psql("SELECT count(*) FROM orders WHERE words[2] IS NULL", target) == "20000"
    assert server.psql("SELECT conname, convalidated FROM pg_constraint WHERE contype = 'f'", target) == "orders_customer_fkey|f"


def test_settings_of_the_target_do_not_change_rows(server, repository, database):
    back_up(repository, server, "shop")
    server.psql(f"ALTER DATABASE {database} SET array_nulls = off", database)
    assert restore(repository, server, database, "--include", "orders", "--data-only", "--clean", "--verify").json["verified"]
    assert server.psql("SELECT count(*) FROM orders WHERE words[2] IS NULL", database) == "20000"


def test_large_objects_of_roles_that_are_not_there(server, repository, database):
    server.psql(
        "CREATE ROLE passing; CREATE ROLE other; SELECT lo_from_bytea(4711, 'large'); ALTER LARGE OBJECT 4711 OWNER TO passing;"
        "GRANT SELECT ON LARGE OBJECT 4711 TO other",
        database,
    )
    back_up(repository, server, database)
    server.psql("DROP OWNED BY other, passing; DROP ROLE passing, other", database)
    target = new(server)
    restore(repository, server, target, "--no-owner", "--no-privileges")
    told = server.psql("SELECT lomowner::regrole, lomacl, encode(lo_get(oid), 'escape') FROM pg_largeobject_metadata", target)
    assert told == "admin||large"


@pytest.mark.parametrize(
    "made", ("TEXT SEARCH CONFIGURATION german (COPY = german)", "FOREIGN DATA WRAPPER w", "COLLATION c (LOCALE = 'C')", "PUBLICATION p")
)
def test_a_database_with_anything_in_it_is_not_empty(server, repository, made):
    back_up(repository, server, "shop")
    target = server.make_database(new(server))
    server.psql(f"CREATE {made}", target)
    assert restore(repository, server, target, code=2).error["code"] == "target_not_empty"


def test_what_others_make_meanwhile_in_the_empty_target_stays(server, repository, database):
    """The application comes up while its database is restored."""
    server.psql("CREATE TABLE big AS SELECT i, repeat(md5(i::text), 20) FROM generate_series(1, 30000) i", database)
    server.psql("CREATE FUNCTION slow() RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT 1 FROM pg_sleep(3) $$", database)
    server.psql("CREATE TABLE waits(a int); INSERT INTO waits VALUES (1); CREATE INDEX ON waits((a + public.slow()))", database)
    back_up(repository, server, database)
    target = server.make_database(new(server))
    result = []
    thread = threading.Thread(target=lambda: result.append(restore(repository, server, target, code=2)))
    thread.start()
    while server.psql(f"SELECT count(*) FROM pg_database WHERE datname LIKE '{target}_restoring%'") == "0":
        assert thread.is_alive()
    server.psql("CREATE TABLE mine(a int); INSERT INTO mine VALUES (1)", target)
    thread.join()
    assert result[0].error["code"] == "target_not_empty", result[0]
    assert server.psql("SELECT * FROM mine", target) == "1"
    assert server.psql(f"SELECT count(*) FROM pg_database WHERE datname LIKE '{target}_re%'") == "0"


def test_a_name_is_not_taken_for_where_to_connect(server, repository):
    """pg_dumpall takes it for that, and sends the password along."""
    name = server.make_database("host=localhost port=1")
    done = back_up(repository, server, name, "--source-name", "odd").json
    assert done["mode"] == "full", done


def test_definitions_do_not_wait_for_a_lock_for_ever(server, repository, database, folder):
    """Somebody waits for an exclusive lock that the backup's own keeps from him, before pg_dump comes to lock the same table."""
    (folder / "bin").mkdir()
    wrapper = folder / "bin/pg_dump"
    command = f"'{server.bin}/psql' -X -d '{server.uri(database)}' -c 'ALTER TABLE orders ADD COLUMN late int' >/dev/null 2>&1"
    waiting = f"'{server.bin}/psql' -XAt -d '{server.uri(database)}' -c \"SELECT count(*) FROM pg_locks WHERE NOT granted\""
    wrapper.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *--schema-only*) {command} & while [ "$({waiting})" = 0 ]; do :; done;; esac\n'
        f"exec '{server.bin}/pg_dump' \"$@\"\n"
    )
    wrapper.chmod(0o755)
    environment = server.environment()
    environment["PATH"] = f"{folder}/bin:{environment['PATH']}"
    refused = back_up(repository, server, database, "--lock-timeout", "1s", env=environment, code=20).error
    assert refused["code"] == "source_locked" and "lock-timeout" in refused["hint"], refused
