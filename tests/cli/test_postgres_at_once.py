"""Restores by a role that may not make databases, into an empty one that belongs to it: in one transaction, so that the database is
empty or has all of it.

Method: the same database by either way of backup, restored by a role without CREATEDB, compared, and killed at random moments.
DB_BACKUP_LONG=1: 30 deaths; what is random follows from DB_BACKUP_TEST_SEED.
"""

import os
import random
import re
import time

import pytest

from postgres_compare import Database, assert_equal, drop_database
from postgres_server import VERSIONS, PostgresServer, wait_until
from program import Repository

SEED = int(os.environ.get("DB_BACKUP_TEST_SEED", "24"))
DEATHS = 30 if os.environ.get("DB_BACKUP_LONG") == "1" else 6
METHODS = ("auto", "native")
LARGE_OBJECTS = 1200  # more than are made by one statement
SHOP = f"""
CREATE SCHEMA app;
CREATE EXTENSION hstore SCHEMA app;
CREATE TYPE state AS ENUM ('new', 'sent');
CREATE DOMAIN app.positive AS int CHECK (VALUE > 0);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.touched := now(); RETURN NEW; END $$;
CREATE TABLE customers(id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, more app.hstore, leader int);
ALTER TABLE customers ADD FOREIGN KEY (leader) REFERENCES customers DEFERRABLE;
CREATE TABLE orders(id serial PRIMARY KEY, customer int REFERENCES customers, state state DEFAULT 'new', n app.positive, touched timestamptz,
  twice int GENERATED ALWAYS AS (n * 2) STORED);
CREATE TRIGGER touched BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TABLE days(day date NOT NULL, n int, PRIMARY KEY(day)) PARTITION BY RANGE (day);
CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE days_2 PARTITION OF days FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE app.wide(i int PRIMARY KEY, t text);
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON orders USING (id > 0);
CREATE VIEW app.some AS SELECT * FROM customers WHERE id < 5;
CREATE MATERIALIZED VIEW counts AS SELECT state, count(*) FROM orders GROUP BY state WITH NO DATA;
CREATE MATERIALIZED VIEW count_of_counts AS SELECT count(*) FROM counts WITH NO DATA;
CREATE STATISTICS both_of ON customer, state FROM orders;
CREATE RULE nothing AS ON DELETE TO customers DO INSTEAD NOTHING;
CREATE PUBLICATION told FOR TABLE customers;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO reader;
GRANT SELECT ON orders TO reader; GRANT USAGE ON SCHEMA app TO reader; COMMENT ON TABLE orders IS 'what was ordered';
INSERT INTO customers(name, more) SELECT 'customer ' || i, 'a=>1' FROM generate_series(1, 20) i;
INSERT INTO orders(customer, n) SELECT i % 20 + 1, i FROM generate_series(1, 1000) i;
INSERT INTO days SELECT '2024-06-01'::date + i, i FROM generate_series(0, 364) i;
INSERT INTO app.wide SELECT i, repeat(md5(i::text), 50) FROM generate_series(1, 6000) i;
REFRESH MATERIALIZED VIEW counts; REFRESH MATERIALIZED VIEW count_of_counts;
SELECT count(lo_from_bytea(20000 + i, 'large ' || i::text::bytea)) FROM generate_series(1, {LARGE_OBJECTS}) i;
GRANT SELECT ON LARGE OBJECT 20001 TO reader; COMMENT ON LARGE OBJECT 20002 IS 'the second';
COMMENT ON DATABASE shop IS 'of a tenant'; ALTER DATABASE shop SET work_mem = '5MB'; GRANT CREATE ON DATABASE shop TO reader;
"""


@pytest.fixture(scope="module", params=VERSIONS)
def server(request, servers):
    """With a role that has its databases from others."""
    folder, started = servers
    server = PostgresServer(request.param, folder)
    started.append(server)
    server.psql("CREATE ROLE tenant LOGIN PASSWORD 'of-tenant'")
    let_in(server)
    give(server, "shop")
    server.psql(SHOP, "shop", user="tenant")
    return server


@pytest.fixture
def given(server):
    """An empty database of that role."""
    yield give(server, "given")
    drop_database(Database(server, "given"))


@pytest.fixture(params=METHODS)
def stored(request, server, program, folder):
    repository = Repository(program, folder / "repository").init()
    repository.run("backup", "--uri", server.uri("shop"), "--method", request.param, env=server.environment())
    return repository


def let_in(server):
    """The role has its password in the file, which each start makes anew."""
    with (server.folder / "pgpass").open("a") as passwords:
        passwords.write(f"*:{server.port}:*:tenant:of-tenant\n")


def give(server, name, options=""):
    server.make_database(name, options=options)
    server.psql(f'ALTER DATABASE "{name}" OWNER TO tenant')
    return name


def restore(stored, server, name, *words, **options):
    words = ("restore", "latest", "--to", server.uri(name, "tenant"), *words, "--json")
    return stored.run(*words, env=server.environment(), **options)


def is_empty(server, name="given"):
    count = "SELECT (SELECT count(*) FROM pg_class WHERE relnamespace::regnamespace::text !~ '^(pg_|information_schema)')"
    count += " + (SELECT count(*) FROM pg_largeobject_metadata) + (SELECT count(*) FROM pg_namespace WHERE nspname = 'app')"
    return server.psql(count, name) == "0" and server.psql(f"SELECT count(*) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = setdatabase"
                                                           f" WHERE datname = '{name}'") == "0"  # fmt: skip


def test_all_of_it_comes_back(stored, server, given):
    planned = restore(stored, server, given, "--dry-run").json
    assert "the role may not create databases" in " ".join(planned["plan"]["steps"]), planned
    assert is_empty(server)
    done = restore(stored, server, given, "--verify", "--jobs", "4").json
    assert not [each for each in done["warnings"] if "were not compared" not in each], done
    assert_equal(Database(server, "shop"), Database(server, "given"))


def test_what_is_there_stays(stored, server, given):
    server.psql("CREATE TABLE precious AS SELECT 42 AS a", given, user="tenant")
    for words in ((), ("--clean",)):
        refused = restore(stored, server, given, *words, code=2)
        assert refused.error["code"] == "target_not_writable" and "is not empty" in refused.error["message"], refused
        assert "empty database that belongs to the role" in refused.error["hint"], refused
    assert server.psql("SELECT a FROM precious", given) == "42"
    missing = restore(stored, server, "missing", code=2)
    assert missing.error["code"] == "target_not_writable" and "is not there" in missing.error["message"], missing


def test_a_restore_that_dies_leaves_it_empty(stored, server, given):
    rng = random.Random(SEED)
    longest = time.monotonic()
    restore(stored, server, given)
    longest = time.monotonic() - longest
    is_there = True
    for number in range(DEATHS):
        if is_there:
            drop_database(Database(server, given))
            give(server, given)
        words = ("restore", "latest", "--to", server.uri(given, "tenant"))
        process = stored.start(*words, env=server.environment())
        time.sleep(rng.random() * longest)
        death = ("program", "connection", "server")[number % 3]
        if death == "program":
            process.kill()
        elif death == "server":
            server.crash()
        else:
            server.psql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{given}' AND usename = 'tenant'")
        died = stored.program.finish(process, words)
        if death == "server":
            server.restart()
            let_in(server)
        assert died.code in {"program": (0, -9), "connection": (0, 20), "server": (0, 20)}[death], died
        deadline = time.monotonic() + 30
        while server.psql(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{given}'") != "0":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        is_there = not is_empty(server)
        assert is_there or died.code != 0, died
        if is_there:
            assert_equal(Database(server, "shop"), Database(server, given))
    if not is_there:
        restore(stored, server, given)
    assert_equal(Database(server, "shop"), Database(server, given))


def test_nobody_sees_half_of_it(server, program, folder, given):
    repository = Repository(program, folder / "repository").init()
    repository.run("backup", "--uri", server.uri("shop"), env=server.environment())
    process = repository.start("restore", "latest", "--to", server.uri(given, "tenant"), env=server.environment())
    seen = set()
    while process.poll() is None:
        seen.add(server.psql("SELECT (SELECT count(*) FROM pg_namespace WHERE nspname = 'app'), EXISTS (SELECT FROM pg_class WHERE relname = 'counts' AND relnamespace = 'public'::regnamespace)", given))
    assert repository.program.finish(process).code == 0
    assert seen <= {"0|f", "1|t"}, seen


def test_what_the_database_keeps_is_told(server, program, folder):
    repository = Repository(program, folder / "repository").init()
    repository.run("backup", "--uri", server.uri("shop"), env=server.environment())
    server.psql("CREATE ROLE landlord")
    server.make_database("lent", options="ENCODING 'LATIN1' LOCALE 'C'")
    server.psql("ALTER DATABASE lent OWNER TO landlord; GRANT CREATE ON DATABASE lent TO tenant")
    server.psql("GRANT CREATE ON SCHEMA public TO tenant", "lent")
    done = restore(repository, server, "lent", "--verify").json
    told = " ".join(done["warnings"])
    assert "belongs to another role" in told and re.search(r"keeps the owner landlord instead of tenant, the encoding LATIN1", told), done
    assert_equal(Database(server, "shop"), Database(server, "lent"), ("rows", "sequence", "large object"))
    drop_database(Database(server, "lent"))
    server.psql("DROP ROLE landlord")


def test_parts_come_too(server, program, folder, given):
    repository = Repository(program, folder / "repository").init()
    repository.run("backup", "--uri", server.uri("shop"), env=server.environment())
    done = restore(repository, server, given, "--include", "public.customers", "--where", "customers: id < 4").json
    assert server.psql("SELECT count(*) FROM customers", given) == "3", done
    assert server.psql("SELECT to_regclass('public.orders') IS NULL", given) == "t"


def test_more_large_objects_than_the_server_has_locks(servers, program, folder):
    """Beside what is there they are made in several transactions; in one, the server refuses, and the hint says what to do."""
    count = 8000
    place, started = servers
    server = PostgresServer("postgres17", place, "--set", "max_locks_per_transaction=10", "--set", "max_connections=20", place="few-locks")
    started.append(server)
    server.psql("CREATE ROLE tenant LOGIN PASSWORD 'of-tenant'")
    let_in(server)
    give(server, "many")
    for first in range(0, count, 500):
        server.psql(f"SELECT count(lo_from_bytea(20000 + i, 'x')) FROM generate_series({first}, {first + 499}) i", "many", user="tenant")
    repository = Repository(program, folder / "repository").init()
    repository.run("backup", "--uri", server.uri("many"), env=server.environment())
    repository.run("restore", "latest", "--to", server.uri("again"), env=server.environment())
    assert_equal(Database(server, "many"), Database(server, "again"))
    give(server, "given")
    refused = restore(repository, server, "given", code=20)
    assert "max_locks_per_transaction" in refused.error["hint"], refused
    assert is_empty(server)


def test_owners_and_privileges_of_large_objects_are_left_out(server, program, folder):
    repository = Repository(program, folder / "repository").init()
    repository.run("backup", "--uri", server.uri("shop"), env=server.environment())
    words = ("restore", "latest", "--to", server.uri("unowned"), "--no-owner", "--no-privileges")
    repository.run(*words, env=server.environment())
    owners = "SELECT count(*), bool_and(pg_get_userbyid(lomowner) = 'admin'), bool_and(lomacl IS NULL) FROM pg_largeobject_metadata"
    assert server.psql(owners, "unowned") == f"{LARGE_OBJECTS}|t|t"
    drop_database(Database(server, "unowned"))


def test_autovacuum_does_not_keep_an_owner_from_replacing_a_database(server, stored):
    """It is nobody's, so no role but a superuser may end it; who renames does."""
    slow = {"autovacuum_naptime": "1s", "autovacuum_vacuum_cost_delay": "100ms", "autovacuum_vacuum_cost_limit": "1"}
    server.psql("ALTER ROLE tenant CREATEDB;" + "".join(f"ALTER SYSTEM SET {name} = '{value}';" for name, value in slow.items()))
    try:
        server.psql("SELECT pg_reload_conf()")
        give(server, "busy")
        server.psql("CREATE TABLE t AS SELECT i, repeat('x', 500) AS x FROM generate_series(1, 20000) i; UPDATE t SET i = i + 1", "busy", user="tenant")
        working = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker' AND datname = 'busy'"
        wait_until(lambda: server.psql(working) != "0", patience=60)
        assert restore(stored, server, "busy", "--clean", "--no-owner", "--no-privileges").code == 0
        assert server.psql("SELECT count(*) FROM orders", "busy") == "1000"
    finally:
        server.psql("".join(f"ALTER SYSTEM RESET {name};" for name in slow) + "SELECT pg_reload_conf(); ALTER ROLE tenant NOCREATEDB")
        drop_database(Database(server, "busy"))


def test_who_is_let_in_nowhere_else_is_told_before_anything_is_loaded(server, stored):
    """Nobody gives another name to the database that he is in."""
    server.psql("ALTER ROLE tenant CREATEDB; REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC")
    try:
        give(server, "only")
        server.psql("CREATE TABLE precious(i int)", "only")
        refused = restore(stored, server, "only", "--clean", code=2).error
        assert refused["code"] == "target_not_writable" and "neither postgres nor template1" in refused["message"], refused
        server.psql("DROP TABLE precious", "only")
        assert restore(stored, server, "only", "--no-owner", "--no-privileges").code == 0
        assert server.psql("SELECT count(*) FROM orders", "only") == "1000"
    finally:
        server.psql("GRANT CONNECT ON DATABASE postgres, template1 TO PUBLIC; ALTER ROLE tenant NOCREATEDB")
        drop_database(Database(server, "only"))
