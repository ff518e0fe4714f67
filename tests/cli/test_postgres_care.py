"""A backup and its server bear each other: the server's limits do not end it, it waits for no lock without end and keeps nobody waiting,
and it says what it held and for how long. And what a role may not do is named.
"""

import functools
import subprocess

import pytest

import postgres_server
from postgres_compare import Database, assert_equal
from postgres_server import PostgresServer
from program import Repository

WAIT_S = 60
TIMEOUTS = ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout")
TIMEOUTS_OF_17 = ("idle_session_timeout", "transaction_timeout")
# It takes four seconds at --throttle 64KiB/s.
SLOW = "CREATE TABLE slow AS SELECT i, md5(i::text) AS x FROM generate_series(1, 8000) AS i; ANALYZE"


@pytest.fixture(scope="module", params=(15, 17))
def server(request, servers):
    folder, started = servers
    started.append(PostgresServer(f"postgres{request.param}", folder))
    return started[-1]


@pytest.fixture
def stored(program, folder):
    return Repository(program, folder / "repository").init()


@pytest.fixture
def shop(server):
    """A database with two tables, for one test."""
    server.make_database("shop")
    server.psql(SLOW + "; CREATE TABLE t(id int PRIMARY KEY, x text); INSERT INTO t SELECT i, i FROM generate_series(1, 100) AS i", "shop")
    yield "shop"
    server.psql("DROP DATABASE IF EXISTS shop WITH (FORCE)")


class Session:
    """A psql that stays."""

    def __init__(self, server, sql, database="shop"):
        words = ("-X", "-q", "-d", server.uri(database))
        self.process = subprocess.Popen([server.bin / "psql", *words], env=server.environment(LC_ALL="C.UTF-8"), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.say(sql)

    def say(self, sql):
        self.process.stdin.write(sql + "\n")
        self.process.stdin.flush()

    def end(self):
        return self.process.communicate(timeout=WAIT_S)[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


wait_until = functools.partial(postgres_server.wait_until, patience=WAIT_S)


def locks(server, granted=True):
    return int(server.psql(f"SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass AND mode = 'AccessExclusiveLock' AND granted = {granted}", "shop"))


def sessions_of_ours(server):
    return server.psql("SELECT count(*) FROM pg_stat_activity WHERE application_name IN ('db-backup', 'pg_dump', 'pg_dumpall')")


# --- limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ("auto", "native"))
def test_limits_of_a_role_end_no_backup(stored, server, shop, method):
    names = TIMEOUTS + (TIMEOUTS_OF_17 if server.major >= 17 else TIMEOUTS_OF_17[:1])
    for name in names:
        server.psql(f"ALTER ROLE reader SET {name} = '1500ms'")
    words = ("backup", "--uri", server.uri(shop, "reader"), "--throttle", "64KiB/s", "--jobs", "2", "--method", method)
    taken = stored.json(*words, env=server.environment())
    for name in names:
        server.psql(f"ALTER ROLE reader RESET {name}")
    assert taken["duration_s"] > 1.5, "it was to last longer than all limits"
    stored.json("restore", "latest", "--to", server.uri("again"), env=server.environment())
    assert_equal(Database(server, shop), Database(server, "again"), ("schema", "rows", "sequence"))
    server.psql("DROP DATABASE again")


# --- locks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ("auto", "native"))
def test_who_holds_a_lock_is_named_and_nobody_waits(stored, server, shop, method):
    with Session(server, "BEGIN; LOCK TABLE t;"):
        wait_until(lambda: locks(server) == 1)
        words = ("backup", "--uri", server.uri(shop), "--lock-timeout", "1s", "--method", method, "--json")
        error = stored.run(*words, code=20, env=server.environment()).error
        pid = server.psql("SELECT pid FROM pg_locks WHERE relation = 't'::regclass AND mode = 'AccessExclusiveLock'", shop)
        assert error["code"] == "source_locked" and "--lock-timeout" in error["hint"], error
        assert f"public.t is locked by process {pid} (role admin, psql)" in error["message"], error
        assert stored.list() == []
        wait_until(lambda: sessions_of_ours(server) == "0")
        server.psql("SET lock_timeout = '5s'; ALTER TABLE slow ADD COLUMN y int", shop)  # Ours are gone.


def test_a_prepared_transaction_is_named(stored, server, shop):
    server.psql("BEGIN; LOCK TABLE t; PREPARE TRANSACTION 'left over'", shop)
    words = ("backup", "--uri", server.uri(shop), "--lock-timeout", "0s", "--json")
    error = stored.run(*words, code=20, env=server.environment()).error
    assert "public.t is locked by the prepared transaction 'left over'" in error["message"], error
    server.psql("ROLLBACK PREPARED 'left over'", shop)


def test_a_lock_that_was_waited_for_is_a_warning(stored, server, shop):
    with Session(server, "BEGIN; LOCK TABLE t;") as holder:
        wait_until(lambda: locks(server) == 1)
        words = ("backup", "--uri", server.uri(shop), "--lock-timeout", "60s", "--json")
        process = stored.start(*words, env=server.environment())
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND clock_timestamp() - query_start > interval '1.5s'"
        wait_until(lambda: server.psql(waiting) == "1")
        holder.say("COMMIT;")
        found = stored.program.finish(process, words)
    assert found.code == 0 and any("waited" in each and "locks" in each for each in found.json["warnings"]), found


def test_pg_dump_does_not_wait_behind_who_waits_for_us(stored, server, shop, folder):
    """The view is locked, then somebody wants an exclusive lock, then pg_dump wants to lock again: none of the three could go on."""
    (folder / "held").mkdir()
    program = folder / "held/pg_dump"
    program.write_text(f"#!/bin/sh\ncase $1 in --version) exec {server.bin}/pg_dump \"$@\" ;; esac\n"
                       f"touch {folder}/holds\nuntil [ -e {folder}/go ]; do sleep 0.05; done\nexec {server.bin}/pg_dump \"$@\"\n")
    program.chmod(0o755)
    words = ("backup", "--uri", server.uri(shop), "--lock-timeout", "1s", "--json")
    environment = server.environment()
    process = stored.start(*words, env={**environment, "PATH": f"{folder}/held:{environment['PATH']}"})
    wait_until((folder / "holds").exists)
    with Session(server, "ALTER TABLE t ADD COLUMN y int;") as waiter:
        wait_until(lambda: locks(server, False) == 1)
        (folder / "go").touch()
        found = stored.program.finish(process, words)
        assert found.code == 20 and found.error["code"] == "source_locked", found
        assert "public.t is waited for by process" in found.error["message"], found
        assert "ERROR" not in waiter.end()
    assert server.psql("SELECT count(y) FROM t", shop) == "0" and stored.list() == []


# --- standbys -------------------------------------------------------------------------------------


def test_a_standby_that_lags_says_so(stored, servers, server):
    if server.major < 17:
        pytest.skip("one is enough")
    folder, started = servers
    standby = PostgresServer("postgres17-standby", folder, "--of", server.folder)
    started.append(standby)
    server.psql("CREATE TABLE lag(x int); INSERT INTO lag VALUES(1)")
    wait_until(lambda: standby.psql("SELECT count(*) FROM pg_class WHERE relname = 'lag'") == "1")
    words = ("--uri", standby.uri("postgres", "reader"))
    found = stored.json("backup", *words, env=standby.environment())
    assert not any("behind" in each for each in found["warnings"]), found
    standby.psql("SELECT pg_wal_replay_pause()")
    server.psql("INSERT INTO lag VALUES(2)")
    lag = "SELECT pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn() AND clock_timestamp() - pg_last_xact_replay_timestamp() > interval '10s'"
    wait_until(lambda: standby.psql(lag) == "t")
    found = stored.json("backup", *words, "--mode", "full", env=standby.environment())
    assert any("behind what it received from its primary" in each for each in found["warnings"]), found
    checks = {each["check"]: each for each in stored.json("doctor", *words, env=standby.environment())["checks"]}
    assert checks["replication"]["verdict"] == "warning" and "a standby" in checks["server"]["message"], checks
    standby.psql("SELECT pg_wal_replay_resume()")
    server.psql("DROP TABLE lag")


# --- roles ----------------------------------------------------------------------------------------


def own_environment(server):
    return server.environment(PGPASSFILE="/nonexistent", PGPASSWORD=server.reader_password)


def test_who_only_owns_the_database(stored, server):
    """As on many a managed server: an owner who may make databases and roles, and is no superuser."""
    server.psql("CREATE ROLE owner LOGIN CREATEDB CREATEROLE PASSWORD 'secret/of+reader'")
    server.make_database("owned", options="OWNER owner")
    server.psql("GRANT CREATE, USAGE ON SCHEMA public TO owner", "owned")
    server.psql("SET ROLE owner; CREATE TABLE mine(id serial PRIMARY KEY, x text); INSERT INTO mine(x) VALUES('a'), ('b');"
                "CREATE VIEW seen AS SELECT x FROM mine; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "owned")
    taken = stored.json("backup", "--uri", server.uri("owned", "owner"), env=own_environment(server))
    assert any("passwords of roles are not in the snapshot" in each for each in taken["warnings"]), taken
    stored.json("restore", "latest", "--to", server.uri("copied", "owner"), "--verify", env=own_environment(server))
    assert_equal(Database(server, "owned"), Database(server, "copied"), ("rows", "sequence"))
    assert server.psql("SELECT tableowner FROM pg_tables WHERE tablename = 'mine'", "copied") == "owner"
    server.psql("CREATE TABLE secret(x int)", "owned")
    for method in ("auto", "native"):
        error = stored.run("backup", "--uri", server.uri("owned", "owner"), "--method", method, "--json", code=20, env=own_environment(server)).error
        assert "permission denied for table secret" in error["message"], error
    assert len(stored.list()) == 1
    server.psql("DROP DATABASE owned; DROP DATABASE copied; DROP ROLE owner")


def test_a_restore_as_a_role_that_may_make_roles(stored, server):
    """What it may not do, to make somebody the owner whose member it is not, is said before anything is made."""
    server.psql("CREATE ROLE keeper_of_all NOLOGIN; CREATE ROLE manager LOGIN CREATEDB CREATEROLE PASSWORD 'secret/of+reader'")
    server.make_database("kept", options="OWNER keeper_of_all")
    server.psql("SET ROLE keeper_of_all; CREATE SCHEMA s; CREATE TABLE s.t AS SELECT 1 AS x", "kept")
    stored.json("backup", "--uri", server.uri("kept", "reader"), env=server.environment())
    words = ("restore", "latest", "--to", server.uri("given", "manager"))
    refused = stored.run(*words, "--json", code=(2, 20), env=own_environment(server))
    assert "keeper_of_all" in refused.error["message"], refused
    assert server.psql("SELECT count(*) FROM pg_database WHERE datname LIKE 'given%'") == "0"
    stored.json(*words, "--no-owner", "--no-privileges", "--verify", env=own_environment(server))
    assert server.psql("SELECT tableowner FROM pg_tables WHERE schemaname = 's'", "given") == "manager"
    server.psql("DROP DATABASE given; GRANT keeper_of_all TO manager")
    stored.json(*words, "--verify", env=own_environment(server))
    assert server.psql("SELECT tableowner FROM pg_tables WHERE schemaname = 's'", "given") == "keeper_of_all"
    server.psql("DROP DATABASE given; DROP DATABASE kept; DROP ROLE keeper_of_all; DROP ROLE manager")
