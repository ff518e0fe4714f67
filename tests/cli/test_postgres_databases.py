"""Several PostgreSQL databases in one snapshot: all of a server, or a list; restored all or some; and rows left out at backup.

Method: a server with databases that differ in encoding, owner and size; what is restored, on the same server or another one, is
compared with pg_dump's text and by hashes of rows.
"""

import pytest

from postgres_compare import Database, assert_equal, drop_database
from postgres_server import VERSIONS, PostgresServer
from program import Repository

NAMES = ("crm", "shop", "we.ird:\"name'")
ASPECTS = ("schema", "rows", "sequence")


def fill(server, name, rows):
    server.make_database(name)
    server.psql(
        f"""CREATE SCHEMA audit; CREATE SEQUENCE numbers START 7;
        CREATE TABLE customers(id int PRIMARY KEY, name text);
        CREATE TABLE orders(id int PRIMARY KEY, customer int REFERENCES customers, t text);
        COMMENT ON CONSTRAINT orders_customer_fkey ON orders IS 'who ordered';
        CREATE TABLE audit.log(id int, what text);
        CREATE TABLE events(id int, k int) PARTITION BY LIST (k);
        CREATE TABLE events_0 PARTITION OF events FOR VALUES IN (0); CREATE TABLE events_1 PARTITION OF events FOR VALUES IN (1);
        CREATE MATERIALIZED VIEW totals AS SELECT customer, count(*) FROM orders GROUP BY customer;
        INSERT INTO customers SELECT i, 'c' || i FROM generate_series(1, 50) i;
        INSERT INTO orders SELECT i, 1 + i % 50, md5(i::text) FROM generate_series(1, {rows}) i;
        INSERT INTO audit.log SELECT i, repeat('secret ', 20) FROM generate_series(1, {rows}) i;
        INSERT INTO events SELECT i, i % 2 FROM generate_series(1, {rows}) i;
        REFRESH MATERIALIZED VIEW totals; SELECT nextval('numbers'), nextval('numbers')""",
        name,
    )


@pytest.fixture(scope="module", params=VERSIONS)
def server(request, servers):
    folder, started = servers
    # At work in any of them while the view is taken, autovacuum leaves the next backup nothing to go by.
    started.append(PostgresServer(request.param, folder, "--set", "autovacuum=off"))
    one = started[-1]
    for number, name in enumerate(NAMES):
        fill(one, name, 1000 * (number + 1))
    one.psql("CREATE ROLE seller; ALTER DATABASE shop OWNER TO seller; COMMENT ON DATABASE shop IS 'what is sold'")
    return one


@pytest.fixture(scope="module")
def empty(request, server, servers):
    """Another server of the same version, with nothing on it."""
    folder, started = servers
    started.append(PostgresServer(f"postgres{server.major}", folder, place=f"empty{server.major}"))
    return started[-1]


@pytest.fixture
def stored(program, folder):
    return Repository(program, folder / "repository").init()


def uri(server, user="admin"):
    return server.uri("", user).replace("/?", "?").rstrip("/")


def take(repository, server, *words, **options):
    return repository.json("backup", "--uri", uri(server), *words, env=server.environment(), **options)


def put(repository, server, *words, to=None, **options):
    return repository.run("restore", "latest", "--to", to or uri(server), *words, "--json", env=server.environment(), **options).json


def streams(repository, *words):
    return {stream["name"]: stream for stream in repository.json("show", "latest", *words)["streams"]}


def databases_of(server):
    return server.psql("SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY datname COLLATE \"C\"").splitlines()


def settings_of(name, server):
    return server.psql(
        f"""SELECT datistemplate, datallowconn, datconnlimit, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(datacl) a),
        (SELECT array_agg(setrole || ' ' || setconfig::text ORDER BY setrole) FROM pg_db_role_setting WHERE setdatabase = d.oid)
        FROM pg_database d WHERE datname = '{name}'"""
    )


def listed(*names):
    return [word for name in names for word in ("--database", name)]


def clear(server, *names):
    for name in names:
        drop_database(Database(server, name))


def test_all_databases_go_to_another_server_and_back(stored, server, empty):
    taken = take(stored, server, "--all-databases", "--jobs", "2")
    assert taken["capture"] == "full" and not taken["incomplete"], taken
    assert taken["source"] == "postgres-127.0.0.1" and "databases, each at a moment of its own" in taken["position"], taken
    assert taken["warnings"] == []
    names = streams(stored)
    assert list(names)[:2] == [":roles", "crm:schema"] and "shop.public.orders" in names
    assert '"we.ird:""name\'".public.orders' in names and not [name for name in names if name.startswith("postgres")]
    assert list(names).count(":roles") == 1

    refused = put(stored, empty, code=2)["error"]  # Before anything is written.
    assert refused["code"] == "target_lacks" and "seller" in refused["message"], refused
    assert databases_of(empty) == ["postgres"]
    restored = put(stored, empty, "--roles", "--verify")
    assert restored["databases"] == list(NAMES) and restored["verified"], restored
    assert restored["rows"] == taken["rows"]
    assert databases_of(empty) == sorted((*NAMES, "postgres"))
    for name in NAMES:
        assert_equal(Database(server, name), Database(empty, name))

    # What is there stays, unless it is told otherwise, and nothing is written before that is known.
    clear(empty, "crm")
    refused = put(stored, empty, code=2)["error"]
    assert refused["code"] == "target_not_empty" and "shop" in refused["message"] and NAMES[2] in refused["message"], refused
    assert "crm" not in databases_of(empty)
    empty.psql("DELETE FROM orders", "shop")
    put(stored, empty, "--clean")
    for name in NAMES:
        assert_equal(Database(server, name), Database(empty, name), ASPECTS)
    clear(empty, *NAMES)


def test_some_of_them_are_restored(stored, server, empty):
    take(stored, server, "--all-databases")
    restored = put(stored, empty, "--include", "crm", "--include", "shop", "--exclude", "sho?", "--verify")
    assert restored["verified"] and databases_of(empty) == ["crm", "postgres"], restored
    clear(empty, "crm")
    put(stored, empty, "--include", "crm", to=empty.uri("other"))
    assert_equal(Database(server, "crm"), Database(empty, "other"), ASPECTS)
    clear(empty, "other")
    refused = put(stored, empty, to=empty.uri("other"), code=2)["error"]
    assert refused["code"] == "target_is_one_database", refused
    refused = put(stored, empty, "--exclude", "nothing", code=2)["error"]
    assert refused["code"] == "selection_unknown", refused
    assert databases_of(empty) == ["postgres"]


def test_a_list_is_exact(stored, server):
    taken = take(stored, server, *listed("shop", "crm"))
    assert {name.split(".")[0].split(":")[0] for name in streams(stored)} == {"", "crm", "shop"}, taken
    missing = take(stored, server, *listed("shop", "gone", "lost"), code=20)["error"]
    assert missing["code"] == "source_missing" and "gone, lost" in missing["message"], missing
    twice = take(stored, server, *listed("shop", "shop"), code=2)["error"]
    assert twice["code"] == "database_given_twice", twice
    unnamed = take(stored, server, *listed("shop", NAMES[2]), code=2)["error"]  # Another list, under the same name.
    assert unnamed["code"] == "source_name_taken", unnamed


def test_the_configuration_names_them_too(stored, server, folder):
    config = folder / "config.yaml"
    config.write_text(
        f"version: 1\nsources:\n  listed: {{type: postgres, uri: '{uri(server)}', database: [crm, shop], exclude: [audit.*]}}\n"
        f"  every: {{type: postgres, uri: '{uri(server)}', all_databases: true, exclude: [crm]}}\n"
    )
    first = stored.json("backup", "--source", "listed", "--config", config, env=server.environment())
    assert first["source"] == "listed" and "crm.public.orders" in streams(stored) and "crm.audit.log" not in streams(stored)
    stored.json("backup", "--source", "every", "--config", config, env=server.environment())
    every = streams(stored, "--source", "every")
    assert "crm:schema" not in every and "shop.audit.log" in every


def test_databases_come_and_go_and_each_is_tracked(stored, server):
    if server.major >= 17:
        server.psql("ALTER SYSTEM SET summarize_wal = on")
        server.psql("SELECT pg_reload_conf()")
    fill(server, "passing", 20)
    first = take(stored, server, "--all-databases")
    clear(server, "passing")
    fill(server, "added", 30)
    server.psql("UPDATE orders SET t = 'new' WHERE id = 1", "shop")
    second = take(stored, server, "--all-databases")
    assert any("passing" in warning and first["snapshot"] in warning for warning in second["warnings"]), second
    assert "added.public.orders" in streams(stored) and "passing:schema" not in streams(stored)
    if server.major >= 17:
        assert second["capture"] == "tracked", second
        third = take(stored, server, "--all-databases")
        assert third["capture"] == "tracked" and third["bytes_read"] < first["bytes_read"], (first, third)
    else:
        assert second["capture"] == "reread" and second["reason"], second
    put(stored, server, "--include", "shop", to=server.uri("copy"))
    assert_equal(Database(server, "shop"), Database(server, "copy"), ASPECTS)
    clear(server, "copy", "added")
    server.psql("UPDATE orders SET t = md5('1') WHERE id = 1", "shop")
    stored.verify("--data")


def test_what_lets_nobody_in_is_left_out_and_said(stored, server):
    fill(server, "closed", 10)
    fill(server, "private", 10)
    server.psql("ALTER DATABASE closed ALLOW_CONNECTIONS false; REVOKE CONNECT ON DATABASE private FROM PUBLIC")
    try:
        words = ("--all-databases", "--source-name", "every")
        taken = stored.run("backup", "--uri", uri(server, "reader"), *words, "--json", code=3, env=server.environment()).json
        assert taken["incomplete"]
        for name in ("closed", "private"):
            assert any(name in warning and "left out" in warning for warning in taken["warnings"]), taken
        assert "shop.public.orders" in streams(stored) and "closed:schema" not in streams(stored)
        refused = take(stored, server, *listed("shop", "closed"), code=20)["error"]
        assert refused["code"] == "source_unreadable" and "closed" in refused["message"], refused
        without = stored.run("backup", "--uri", uri(server, "reader"), *words, "--exclude", "closed", "--exclude", "private",
                             "--json", env=server.environment()).json  # fmt: skip
        assert not without["incomplete"], without
    finally:
        server.psql("ALTER DATABASE closed ALLOW_CONNECTIONS true")
        clear(server, "closed", "private")


def test_one_that_cannot_be_read_does_not_take_the_others_along(stored, server):
    """The first one, after whose reading the roles would have come."""
    fill(server, "a_hidden", 10)
    server.psql("ALTER TABLE customers ENABLE ROW LEVEL SECURITY; CREATE POLICY one ON customers USING (id = 1)", "a_hidden")
    try:
        words = ("backup", "--uri", uri(server, "reader"), "--all-databases", "--json")
        taken = stored.run(*words, code=3, env=server.environment()).json
        assert any("left out a_hidden" in warning and "row-level security" in warning for warning in taken["warnings"]), taken
        names = list(streams(stored))
        assert names[:2] == [":roles", "crm:schema"] and not [name for name in names if name.startswith("a_hidden")], names
        refused = stored.run("backup", "--uri", uri(server, "reader"), *listed("a_hidden", "shop"), "--source-name", "listed",
                             "--json", code=20, env=server.environment()).json["error"]  # fmt: skip
        assert "customers" in str(refused) and len(stored.json("list")) == 1, refused
    finally:
        clear(server, "a_hidden")


def test_a_restore_that_fails_keeps_those_before_and_says_so(stored, server, empty):
    """The second one has an index that cannot be built under a passing name."""
    server.make_database("fails")
    server.psql(
        """CREATE FUNCTION here(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
           $$BEGIN IF current_database() <> 'fails' THEN RAISE 'not here'; END IF; RETURN $1; END$$;
           CREATE TABLE t(i int); INSERT INTO t VALUES (1); CREATE INDEX ON t(here(i))""",
        "fails",
    )
    take(stored, server, *listed("crm", "fails", "shop"))
    refused = put(stored, empty, "--roles", code=20)["error"]
    assert "not here" in str(refused) and "after 1 of 3 databases were restored: crm" in str(refused), refused
    assert databases_of(empty) == ["crm", "postgres"]
    assert_equal(Database(server, "crm"), Database(empty, "crm"), ASPECTS)
    clear(server, "fails")
    clear(empty, "crm")


def test_template1_is_taken_when_something_is_in_it(stored, server, empty):
    server.psql("CREATE TABLE mine(id int)", "template1")
    try:
        take(stored, server, "--all-databases")
        assert "template1.public.mine" in streams(stored)
    finally:
        server.psql("DROP TABLE mine", "template1")
    put(stored, empty, "--include", "template1", "--verify")
    try:
        assert empty.psql("SELECT count(*) FROM mine", "template1") == "0"
        assert settings_of("template1", empty) == settings_of("template1", server)
    finally:
        empty.psql("DROP TABLE mine", "template1")


@pytest.mark.parametrize(
    "change, undo",
    (
        ("ALTER DATABASE postgres SET work_mem = '7MB'", "ALTER DATABASE postgres RESET work_mem"),
        ("ALTER ROLE admin IN DATABASE postgres SET work_mem = '7MB'", "ALTER ROLE admin IN DATABASE postgres RESET work_mem"),
        ("ALTER DATABASE postgres CONNECTION LIMIT 77", "ALTER DATABASE postgres CONNECTION LIMIT -1"),
        ("REVOKE CONNECT ON DATABASE postgres FROM PUBLIC", "UPDATE pg_database SET datacl = NULL WHERE datname = 'postgres'"),
    ),
)
def test_settings_of_postgres_are_taken_though_nothing_is_in_it(stored, server, empty, change, undo):
    server.psql(change)
    try:
        take(stored, server, "--all-databases")
        changed = settings_of("postgres", server)
    finally:
        server.psql(undo)
    assert settings_of("postgres", server) != changed
    put(stored, empty, "--include", "postgres", "--verify")
    try:
        assert settings_of("postgres", empty) == changed
    finally:
        empty.psql(undo)
    take(stored, server, "--all-databases")
    assert not [name for name in streams(stored) if name.startswith("postgres")]


def test_rows_that_are_not_wanted_stay_away(stored, server):
    words = ("backup", "--uri", server.uri("shop"))
    without = ("--exclude", "audit.*", "--exclude", "customers", "--exclude", "events")
    taken = stored.json(*words, *without, env=server.environment())
    assert not taken["incomplete"]
    warning = next(each for each in taken["warnings"] if "left out" in each)
    for table in ("audit.log", "public.customers", "public.events_0", "public.events_1"):
        assert table in warning, warning
    assert warning in stored.json("show", "latest")["warnings"]
    assert [name for name in streams(stored) if name.startswith("shop.")] == ["shop.public.orders"]
    assert "secret" not in stored.run("show", "latest").stdout

    restored = put(stored, server, "--verify", to=server.uri("back"))
    assert restored["verified"] and restored["rows"] == taken["rows"], restored
    assert any("audit.log" in warning for warning in restored["warnings"]), restored
    assert any("orders_customer_fkey" in warning and "NOT VALID" in warning for warning in restored["warnings"]), restored
    counts = "SELECT (SELECT count(*) FROM customers), (SELECT count(*) FROM audit.log), (SELECT count(*) FROM events), count(*) FROM orders"
    assert server.psql(counts, "back") == "0|0|0|2000"
    key = "SELECT convalidated, obj_description(oid, 'pg_constraint') FROM pg_constraint WHERE conname = 'orders_customer_fkey'"
    assert server.psql(key, "back") == "f|who ordered"
    refused = server.call("psql", "-d", server.uri("back"), "-c", "INSERT INTO orders VALUES (0, 1, 'x')", code=None)
    assert "orders_customer_fkey" in refused.stderr  # It holds for what comes.
    assert server.psql("SELECT count(*) FROM totals", "back") == "50"
    clear(server, "back")

    # Wanted again, they are read.
    second = stored.json(*words, env=server.environment())
    assert second["warnings"] == [] and "shop.public.customers" in streams(stored)
    put(stored, server, "--verify", to=server.uri("back"))
    assert_equal(Database(server, "shop"), Database(server, "back"))
    clear(server, "back")


def test_tables_of_one_of_them_are_restored(stored, server, empty):
    take(stored, server, *listed("shop", "crm"))
    shown = stored.json("show", "latest", "--tables")["tables"]
    assert {("crm.public.orders", "public.orders"), ("shop.public.orders", "public.orders")} <= {(t["stream"], t["table"]) for t in shown}
    text = stored.run("show", "latest", "--tables", "--include", "orders", "--include", "crm").stdout
    assert "DATABASE" in text and "shop" in text and "audit.log" in text, text
    assert text.count(" public.customers") == 1, text  # Of crm, which is meant as a whole.

    chosen = ("--include", "shop.public.orders", "--include", "shop.public.customers")
    restored = put(stored, empty, *chosen, "--verify", "--no-owner", to=empty.uri("part"))
    assert restored["verified"] and {table["table"] for table in restored["tables"]} == {"public.customers", "public.orders"}, restored
    counts = "SELECT to_regclass('audit.log') IS NULL, (SELECT count(*) FROM customers), count(*) FROM orders"
    assert empty.psql(counts, "part") == "t|50|2000"
    empty.psql("DELETE FROM orders", "part")
    put(stored, empty, "--include", "crm.public.orders", "--data-only", to=empty.uri("part"))  # In use.
    put(stored, empty, "--include", "crm.public.events*", to=empty.uri("part"))
    assert empty.psql("SELECT (SELECT count(*) FROM events), count(*) FROM orders", "part") == "1000|1000"

    put(stored, empty, "--include", "shop.audit.log", "--where", "shop.audit.log: id <= 7", "--no-owner")  # Under its own name.
    assert empty.psql("SELECT count(*) FROM audit.log", "shop") == "7" and databases_of(empty) == ["part", "postgres", "shop"]
    refused = put(stored, empty, "--include", "shop.public.orders", "--include", "crm.public.orders", code=2)["error"]
    assert refused["code"] == "selection_not_supported" and "one at a time" in refused["message"], refused
    assert ".*.*'" in refused["hint"], refused
    clear(empty, "part", "shop")


def test_what_was_left_out_comes_without_rows_when_it_is_chosen(stored, server):
    stored.json("backup", "--uri", server.uri("shop"), "--exclude", "customers", "--exclude", "audit.*", env=server.environment())
    key = "SELECT convalidated, obj_description(oid, 'pg_constraint') FROM pg_constraint WHERE conname = 'orders_customer_fkey'"
    counts = "SELECT (SELECT count(*) FROM customers), count(*) FROM orders"
    server.make_database("used")
    server.psql("CREATE TABLE mine(id int)", "used")
    for target in ("back", "used"):
        restored = put(stored, server, "--include", "public.orders", "--include", "customers", "--verify", to=server.uri(target))
        warnings = restored["warnings"]
        assert any("public.customers" in each and "left out of the backup" in each for each in warnings), restored
        assert not any("audit.log" in each for each in warnings), restored
        assert any("orders_customer_fkey" in each and "NOT VALID" in each for each in warnings), restored
        assert server.psql(counts, target) == "0|2000" and server.psql(key, target) == "f|who ordered"
    # Definitions alone have nothing to check.
    put(stored, server, "--include", "public.orders", "--include", "customers", "--schema-only", to=server.uri("empty"))
    assert server.psql(key, "empty") == "t|who ordered"
    server.psql("INSERT INTO customers SELECT i, 'c' FROM generate_series(1, 50) i", "empty")
    restored = put(stored, server, "--include", "public.orders", "--include", "audit.log", "--data-only", to=server.uri("empty"))
    assert any("audit.log" in each and "no rows" in each for each in restored["warnings"]), restored
    assert server.psql(counts, "empty") == "50|2000"
    clear(server, "back", "used", "empty")


def test_only_some_rows_are_wanted(stored, server):
    words = ("backup", "--uri", server.uri("shop"), "--source-name", "few")
    stored.json(*words, "--include", "public.cust*", "--include", "events", "--exclude", "events_1", env=server.environment())
    assert {name for name in streams(stored) if name.startswith("shop.")} == {"shop.public.customers", "shop.public.events_0"}
    refused = stored.run(*words, "--include", "ordres", "--json", code=2, env=server.environment()).json["error"]
    assert refused["code"] == "selection_matches_nothing" and "ordres" in refused["message"], refused
    idle = stored.json(*words, "--exclude", "nothing", env=server.environment())
    assert any("nothing" in warning for warning in idle["warnings"]) and not idle["incomplete"], idle
    everywhere = take(stored, server, "--all-databases", "--source-name", "every", "--exclude", "crm.audit.*", "--exclude", NAMES[2][:6] + "*")
    assert not everywhere["incomplete"]
    names = streams(stored, "--source", "every")
    assert "crm.audit.log" not in names and "shop.audit.log" in names and '"we.ird:""name\'":schema' not in names
