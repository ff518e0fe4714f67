"""Backups of a standby: tracked as those of any server, right when it is promoted in the middle of one, and afterwards."""

import signal
import threading
import time

import pytest

from postgres_compare import Database, assert_equal
from postgres_server import PostgresServer
from program import Repository

WAIT_S = 60
PARTS = ("schema", "rows", "sequence", "large object")
TABLES, ROWS = 3, 20_000


@pytest.fixture
def pair(servers):
    """A server with a database, and a standby of it."""
    folder, started = servers
    number = len(started)
    primary = PostgresServer("postgres17", folder, place=f"primary-{number}")
    started.append(primary)
    primary.make_database("shop")
    for table in range(TABLES):
        primary.psql(f"CREATE TABLE t{table}(id int PRIMARY KEY, n int, t text) WITH (autovacuum_enabled = off); INSERT INTO t{table}"
                     f" SELECT i, 0, md5(i::text) || repeat('s', 400) FROM generate_series(1, {ROWS}) i; VACUUM FREEZE t{table}", "shop")  # fmt: skip
    standby = PostgresServer("postgres17-standby", folder, "--of", primary.folder, place=f"standby-{number}")
    started.append(standby)
    return primary, standby


def wait_for(is_true, what):
    deadline = time.monotonic() + WAIT_S
    while not is_true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def catch_up(primary, standby):
    place = primary.psql("SELECT pg_current_wal_lsn()")
    wait_for(lambda: standby.psql(f"SELECT pg_last_wal_replay_lsn() >= '{place}'") == "t", "the standby does not follow")


def change(server, table=1):
    server.psql(f"UPDATE t{table} SET n = n + 1 WHERE id BETWEEN 500 AND 600", "shop")


def back_up(repository, server, *words, code=0):
    words = ("backup", "--uri", server.uri("shop"), "--source-name", "shop", *words)
    return repository.json(*words, code=code, env=server.environment())


def assert_restores(repository, server, source, name):
    """On `server`, which may be written to; equal to what `source` has now."""
    repository.run("restore", "latest", "--to", server.uri(name), "--verify", env=server.environment())
    assert_equal(Database(source, "shop"), Database(server, name), PARTS)
    server.psql(f"DROP DATABASE {name}")


class Checkpoints:
    """The server makes one again and again: only there the record of changes ends, and a standby makes none of its own."""

    def __init__(self, server):
        self.server, self.ended = server, threading.Event()
        self.thread = threading.Thread(target=self.work)

    def work(self):
        while not self.ended.wait(0.3):
            self.server.psql("SELECT pg_switch_wal(); CHECKPOINT")

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def test_a_standby_is_tracked(program, folder, pair):
    primary, standby = pair
    repository = Repository(program, folder / "repository").init()
    with Checkpoints(primary):
        back_up(repository, standby)
        captures = []
        for _ in range(3):
            change(primary)
            catch_up(primary, standby)
            taken = back_up(repository, standby)
            captures.append((taken["capture"], taken["reason"], taken["bytes_read"]))
            assert taken["capture"] == "tracked" or taken["reason"], taken
            assert_restores(repository, primary, standby, "again")
    assert any(capture == "tracked" for capture, _, _ in captures), captures


def test_a_promotion_in_the_middle_and_afterwards(program, folder, pair):
    primary, standby = pair
    repository = Repository(program, folder / "repository").init()
    with Checkpoints(primary):
        back_up(repository, standby)
        change(primary)
        catch_up(primary, standby)
    # Stopped while it reads, and promoted meanwhile: what the new server does by then is not of this moment.
    primary.make_database("before", "shop")
    words = ("backup", "--uri", standby.uri("shop"), "--source-name", "shop", "--mode", "full", "--jobs", "2", "--json")
    process = repository.start(*words, env=standby.environment())
    reading = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'db-backup' AND query LIKE '%COPY%' AND state = 'active'"
    wait_for(lambda: standby.psql(reading) != "0" or process.poll() is not None, "nothing is read")
    process.send_signal(signal.SIGSTOP)
    standby.psql("SELECT pg_promote()")
    change(standby, 0)
    standby.psql("CREATE TABLE later AS SELECT 1 AS a; DELETE FROM t2 WHERE id < 100", "shop")
    process.send_signal(signal.SIGCONT)
    middle = repository.program.finish(process, words)
    assert middle.code == 0, middle
    repository.run("restore", "latest", "--to", standby.uri("again"), "--verify", env=standby.environment())
    assert_equal(Database(primary, "before"), Database(standby, "again"), PARTS)
    # The first one afterwards reads everything and says why, whatever the record of the new history holds.
    after = back_up(repository, standby)
    assert after["capture"] == "reread" and after["reason"], after
    assert "promoted" in after["reason"] or "no record" in after["reason"], after
    assert_restores(repository, standby, standby, "another")
    # And then it is tracked again.
    for table in range(TABLES):
        change(standby, table)
        taken = back_up(repository, standby)
        assert_restores(repository, standby, standby, "another")
    assert taken["capture"] == "tracked", taken
    # The one that was left behind went on by itself: its history is another one.
    change(primary, 2)
    left = back_up(repository, primary)
    assert left["capture"] == "reread", left
    assert_restores(repository, primary, primary, "another")
    repository.verify("--data")
