"""Deaths during backups and restores of PostgreSQL: of the program, of the server, of one connection. What was there before stays
whole, nothing looks done that is not, and nothing is left behind on the server.

Method: random moments; what is random follows from DB_BACKUP_TEST_SEED. DB_BACKUP_LONG=1: 100 rounds.
"""

import os
import random
import signal
import subprocess
import time

import pytest

from postgres_compare import Database, assert_equal
from postgres_server import VERSIONS, PostgresServer, wait_until
from program import Repository

SEED = int(os.environ.get("DB_BACKUP_TEST_SEED", "23"))
ROUNDS = 100 if os.environ.get("DB_BACKUP_LONG") == "1" else 5
TABLES, ROWS = 4, 30_000
PATIENCE_S = 120
DEATHS = ("program", "connection", "server")
PARTS = ("schema", "rows", "sequence")


@pytest.fixture(scope="module", params=VERSIONS)
def server(request, servers):
    folder, started = servers
    started.append(PostgresServer(request.param, folder, "--fsync"))
    return started[-1]


def change(server, database, rng):
    table = rng.randrange(TABLES)
    first = rng.randrange(ROWS)
    server.psql(f"UPDATE t{table} SET n = n + 1 WHERE id BETWEEN {first} AND {first + 3000}", database)


def make(server, database):
    server.make_database(database)
    for table in range(TABLES):
        server.psql(f"CREATE TABLE t{table}(id int PRIMARY KEY, n int, t text); INSERT INTO t{table}"
                    f" SELECT i, 0, md5(i::text) || repeat('z', 400) FROM generate_series(1, {ROWS}) i;"
                    f"CREATE INDEX ON t{table}(t)", database)  # fmt: skip
    return database


def ours(server):
    """Sessions of the program and of those that it starts."""
    return server.psql("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'db-backup%'")


def assert_nothing_is_held(server):
    """The server notices on its own that a client has died."""
    deadline = time.monotonic() + PATIENCE_S
    while ours(server) != "0":
        assert time.monotonic() < deadline, server.psql("SELECT * FROM pg_stat_activity WHERE application_name LIKE 'db-backup%'")
        time.sleep(0.2)
    left = server.psql("SELECT (SELECT count(*) FROM pg_replication_slots), (SELECT count(*) FROM pg_prepared_xacts),"
                       "(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'),"
                       "(SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pg_temp%' AND oid IN (SELECT relnamespace FROM pg_class))")  # fmt: skip
    assert left == "0|0|0|0", left


def bring_death(death, server, process):
    """Returns once it came."""
    if death == "program":
        process.kill()
    elif death == "server":
        server.crash()
    else:
        server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'db-backup%'"
                    " AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1")  # fmt: skip


def duration_of(call):
    begin = time.monotonic()
    call()
    return time.monotonic() - begin


def databases_of(server):
    return server.psql("SELECT datname FROM pg_database ORDER BY 1").split()


def leftovers(server):
    """Of restores that could not clean up after themselves."""
    return {name for name in databases_of(server) if "restoring" in name}


def die(repository, server, words, death, after):
    """Runs the program, and lets somebody die meanwhile. Returns its exit code, with what it said."""
    process = repository.start(*words, env=server.environment())
    time.sleep(after)
    bring_death(death, server, process)
    result = repository.program.finish(process, words)
    if death == "server":
        server.restart()
    assert_nothing_is_held(server)
    return result


def test_backups_that_die(program, server, folder):
    rng = random.Random(SEED)
    database = make(server, "shop")
    repository = Repository(program, folder / "repository").init()
    words = ("backup", "--uri", server.uri(database))
    longest = duration_of(lambda: repository.run(*words, "--mode", "full", env=server.environment()))
    snapshots = {each["snapshot"] for each in repository.list()}
    for number in range(ROUNDS):
        death = DEATHS[number % len(DEATHS)]
        change(server, database, rng)
        mode = rng.choice(("full", "incremental"))
        died = die(repository, server, (*words, "--mode", mode), death, rng.random() * longest)
        now = {each["snapshot"] for each in repository.list()}
        # Who is killed may have written it, and was about to say so.
        allowed = {0: (1,), -9: (0, 1)}.get(died.code, (0,))
        assert snapshots <= now and len(now - snapshots) in allowed, f"round {number}: {death}\n{died}"
        assert died.code in {"program": (0, -9), "connection": (0, 20), "server": (0, 20)}[death], f"round {number}: {death}\n{died}"
        if now != snapshots:
            server.psql("DROP DATABASE IF EXISTS again")
            repository.run("restore", "latest", "--to", server.uri("again"), "--verify", env=server.environment())
            assert_equal(Database(server, database), Database(server, "again"), PARTS)
        snapshots = now
    repository.run("verify", "--data")


def test_a_lost_connection_is_replaced(program, server, folder):
    """While rows are read, as long as the session that holds the view lives."""
    database = make(server, "lost")
    repository = Repository(program, folder / "repository").init()
    words = ("backup", "--uri", server.uri(database), "--jobs", "2", "--json")
    for _ in range(20):
        process = repository.start(*words, env=server.environment())
        while process.poll() is None and server.psql(
            "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity WHERE application_name = 'db-backup'"
            " AND state = 'active' AND query LIKE '%COPY (SELECT % FROM ONLY %' LIMIT 1) AS one"
        ) == "0":
            pass
        result = repository.program.finish(process, words)
        assert result.code == 0, result
        if any("a connection was lost" in warning for warning in result.json["warnings"]):
            break
    else:
        pytest.fail("no connection was lost")
    repository.run("restore", "latest", "--to", server.uri("found"), "--verify", env=server.environment())
    assert_equal(Database(server, database), Database(server, "found"), PARTS)


def test_restores_that_die(program, server, folder):
    rng = random.Random(SEED + 1)
    database = make(server, "stock")
    repository = Repository(program, folder / "repository").init()
    repository.run("backup", "--uri", server.uri(database), env=server.environment())
    words = ("restore", "latest", "--to", server.uri("new"))
    longest = duration_of(lambda: repository.run(*words, env=server.environment()))
    server.psql("DROP DATABASE new")
    for number in range(ROUNDS):
        death = DEATHS[number % len(DEATHS)]
        before = leftovers(server)
        died = die(repository, server, words, death, rng.random() * longest)
        if died.code == 0:
            assert_equal(Database(server, database), Database(server, "new"), PARTS)
            server.psql("DROP DATABASE new")
        else:
            assert died.code in ((-9,) if death == "program" else (20,)), f"round {number}: {death}\n{died}"
            assert "new" not in databases_of(server) or death == "program", f"round {number}: {death}\n{died}"
        if "new" in databases_of(server):  # It was killed just before it could say so.
            assert_equal(Database(server, database), Database(server, "new"), PARTS)
            server.psql("DROP DATABASE new")
        if death == "connection" and died.code != 0:
            assert "is dropped" in died.stderr or "restoring new" not in died.stderr, f"round {number}: {death}\n{died}"
            assert leftovers(server) <= before, f"round {number}: {death}\n{died}"
    repository.run(*words, env=server.environment())
    assert databases_of(server).count("new") == 1 and not leftovers(server)
    assert_equal(Database(server, database), Database(server, "new"), PARTS)


def test_what_is_replaced_stays_until_the_new_one_is_whole(program, server, folder):
    """Clients who come again and again do not keep a database from being replaced."""
    rng = random.Random(SEED + 2)
    database = make(server, "books")
    repository = Repository(program, folder / "repository").init()
    repository.run("backup", "--uri", server.uri(database), env=server.environment())
    server.make_database("library")
    server.psql("CREATE TABLE precious AS SELECT 42 AS answer", "library")
    words = ("restore", "latest", "--to", server.uri("library"), "--clean")
    for number in range(3):
        died = die(repository, server, words, DEATHS[number], 0.1 + rng.random() * 0.3)
        if died.code == 0:
            break
        assert server.psql("SELECT answer FROM precious", "library") == "42", f"{died}"
    client = f"while true; do {server.bin}/psql -X -q -d {server.uri('library')} -c 'SELECT pg_sleep(0.3)'; done >/dev/null 2>&1"
    clients = [subprocess.Popen(["/bin/sh", "-c", client], env=server.environment(), start_new_session=True) for _ in range(3)]
    try:
        repository.run(*words, env=server.environment())
    finally:
        for each in clients:
            os.killpg(each.pid, 9)
            each.wait()
    assert_equal(Database(server, database), Database(server, "library"), PARTS)
    assert not leftovers(server) and not [name for name in databases_of(server) if "replaced" in name]


def test_a_death_while_the_names_change_leaves_the_target_open(program, server, folder):
    """Who is in the database and does not go makes that moment long."""
    repository = Repository(program, folder / "repository").init()
    repository.run("backup", "--uri", server.uri(make(server, "of_books")), env=server.environment())
    server.make_database("lent")
    server.psql("CREATE TABLE precious AS SELECT 42 AS answer", "lent")
    client = subprocess.Popen([server.bin / "psql", "-X", "-q", "-d", server.uri("lent"), "-c", "SELECT pg_sleep(600)"],
                              env=server.environment(), stderr=subprocess.DEVNULL)  # fmt: skip
    inside = "SELECT pid FROM pg_stat_activity WHERE datname = 'lent' AND backend_type = 'client backend'"
    wait_until(lambda: server.psql(inside) != "")
    stopped = int(server.psql(inside))
    os.kill(stopped, signal.SIGSTOP)
    try:
        restore = repository.start("restore", "latest", "--to", server.uri("lent"), "--clean", env=server.environment())
        renaming = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%ALTER DATABASE \"lent\" RENAME%' AND state = 'active' AND pid <> pg_backend_pid()"
        wait_until(lambda: server.psql(renaming) == "1")
        assert server.psql("SELECT datallowconn FROM pg_database WHERE datname = 'lent'") == "t"
        restore.kill()
        restore.wait()
    finally:
        os.kill(stopped, signal.SIGCONT)
        client.wait(timeout=PATIENCE_S)
    assert_nothing_is_held(server)
    # The server may have ended what it had begun: then the new one is there, which was whole.
    assert server.psql("SELECT to_regclass('precious') IS NOT NULL, to_regclass('t0') IS NOT NULL", "lent") in ("t|f", "f|t")


def test_parts_that_die_on_their_way_into_a_database_in_use(program, server, folder):
    """Definitions, rows, sequences and a new name: all of it is there, or nothing."""
    rng = random.Random(SEED + 3)
    server.make_database("source")
    server.psql("CREATE SCHEMA app; CREATE TYPE app.state AS ENUM ('new', 'sent');"
                "CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;"
                "CREATE TABLE app.one(id serial PRIMARY KEY, s app.state, t text);"
                "CREATE TABLE app.many(one int REFERENCES app.one, k int, t text) PARTITION BY LIST (k);"
                "CREATE TABLE app.many0 PARTITION OF app.many FOR VALUES IN (0); CREATE TABLE app.many1 PARTITION OF app.many FOR VALUES IN (1);"
                "CREATE TRIGGER touched BEFORE INSERT ON app.one FOR EACH ROW EXECUTE FUNCTION app.touch(); CREATE INDEX ON app.many(t);"
                f"INSERT INTO app.one(s, t) SELECT 'new', repeat(md5(i::text), 9) FROM generate_series(1, {ROWS}) i;"
                f"INSERT INTO app.many SELECT i, i % 2, repeat(md5(i::text), 9) FROM generate_series(1, {ROWS}) i;"
                "CREATE MATERIALIZED VIEW app.counts AS SELECT k, count(*) FROM app.many GROUP BY k", "source")  # fmt: skip
    repository = Repository(program, folder / "repository").init()
    repository.run("backup", "--uri", server.uri("source"), env=server.environment())
    server.make_database("used", "source")
    server.psql("UPDATE app.one SET t = 'in use' WHERE id < 100; CREATE TABLE mine AS SELECT 42 AS a", "used")
    server.make_database("untouched", "used")
    ways = {
        ("--include", "app.*", "--rename", "app=back"): "SELECT count(*) FROM pg_namespace WHERE nspname = 'back'",
        ("--include", "app.*", "--clean"): "SELECT count(*) FROM app.one WHERE id = 5 AND t <> 'in use'",
    }
    for number in range(ROUNDS):
        way, is_there = list(ways.items())[number % 2]
        death = DEATHS[number % len(DEATHS)]
        words = ("restore", "latest", "--to", server.uri("used"), *way)
        begin = time.monotonic()
        if number < 2:  # How long it takes, and that it does what is looked for.
            repository.run(*words, env=server.environment())
            assert server.psql(is_there, "used") == "1"
            longest = time.monotonic() - begin
            again(server)
        died = die(repository, server, words, death, rng.random() * longest)
        assert died.code in {"program": (0, -9), "connection": (0, 20), "server": (0, 20)}[death], f"round {number}: {death}\n{died}"
        if server.psql(is_there, "used") == "1":
            repository.run("restore", "latest", "--to", server.uri("whole"), "--include", "app.*", env=server.environment())
            schema = "back" if "--rename" in way else "app"
            for query in ("SELECT count(*), sum(hashtext(t)) FROM {}.one", "SELECT count(*), sum(hashtext(t)) FROM {}.many", "SELECT sum(count) FROM {}.counts",
                          "SELECT count(*) FROM pg_constraint WHERE connamespace = '{}'::regnamespace AND contype IN ('p', 'f')",
                          "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = '{}.one'::regclass", "SELECT last_value FROM {}.one_id_seq"):  # fmt: skip
                assert server.psql(query.format(schema), "used") == server.psql(query.format("app"), "whole"), f"round {number}: {death}\n{died}"
            assert server.psql("SELECT a FROM mine", "used") == "42"
            server.psql("DROP DATABASE whole")
            again(server)
        else:
            assert died.code != 0, f"round {number}: {death}\n{died}"
            assert_equal(Database(server, "untouched"), Database(server, "used"), (*PARTS, "schema", "other"))


def again(server):
    """The database in use, as it was before."""
    server.psql("DROP DATABASE used WITH (FORCE)")
    server.make_database("used", "untouched")


def test_several_databases_of_which_one_dies(program, server, folder):
    """Those before it are there, it is not, nor are those after it; the message says so, and the rest can be restored alone."""
    names = [make(server, f"several{number}") for number in range(3)]
    repository = Repository(program, folder / "repository").init()
    words = ("--uri", server.uri(""), *(word for name in names for word in ("--database", name)))
    repository.run("backup", *words, env=server.environment())
    for name in names:
        server.psql(f"ALTER DATABASE {name} RENAME TO kept_{name}")
    for death in ("connection", "program"):
        words = ("restore", "latest", "--to", server.uri(""), "--json")
        process = repository.start(*words, env=server.environment())
        loading = "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'several1_restoring%' AND query LIKE 'COPY%'"
        while server.psql(loading) == "0":
            assert process.poll() is None, repository.program.finish(process, words)
        if death == "connection":
            server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'several1_restoring%'")
        else:
            process.kill()
        died = repository.program.finish(process, words)
        assert_nothing_is_held(server)
        assert [name for name in databases_of(server) if name.startswith("several") and "restoring" not in name] == names[:1], died
        if death == "connection":
            told = str(died.error)
            assert died.code == 20 and "after 1 of 3 databases were restored: several0; the others are as they were" in told, died
            assert not leftovers(server), died
        refused = repository.run(*words, code=2, env=server.environment())
        assert refused.error["code"] == "target_not_empty" and "several0" in refused.error["message"], refused
        if death == "connection":
            server.psql("DROP DATABASE several0")
    repository.run("restore", "latest", "--to", server.uri(""), "--exclude", names[0], "--verify", env=server.environment())
    for name in names:
        assert_equal(Database(server, f"kept_{name}"), Database(server, name), PARTS)
    assert not leftovers(server)
