"""Backups of PostgreSQL beside clients who write and change tables: every snapshot is of one moment, or says that it is not.

Method: transfers between accounts keep a sum; somebody makes, alters, empties and drops tables, and rewrites the accounts.
DB_BACKUP_LONG=1: 50 rounds.
"""

import contextlib
import os
import random
import subprocess
import threading

import pytest

from postgres_server import VERSIONS, PostgresServer
from program import Repository

SEED = int(os.environ.get("DB_BACKUP_TEST_SEED", "22"))
ROUNDS = 50 if os.environ.get("DB_BACKUP_LONG") == "1" else 3
ACCOUNTS, CLIENTS, BALANCE = 20_000, 8, 1000
TRANSFER = f"""\\set one random(1, {ACCOUNTS})
\\set other random(1, {ACCOUNTS})
\\set much random(1, 50)
BEGIN;
UPDATE account SET balance = balance - :much WHERE id = least(:one, :other);
UPDATE account SET balance = balance + :much WHERE id = greatest(:one, :other);
INSERT INTO transfer VALUES (:one, :other, :much, clock_timestamp());
END;
"""
CHANGES = (
    "CREATE TABLE passing(id int PRIMARY KEY, t text); INSERT INTO passing SELECT i, repeat('x', 1000) FROM generate_series(1, 2000) i",
    "ALTER TABLE passing ADD more int DEFAULT 7",
    "TRUNCATE passing; INSERT INTO passing SELECT i, 'new' FROM generate_series(1, 10) i",
    "VACUUM FULL passing",
    "DROP TABLE passing",
    "TRUNCATE transfer",
    "VACUUM FULL account",
    "ALTER TABLE account ALTER note TYPE varchar(100)",
    "CREATE INDEX CONCURRENTLY by_balance ON account(balance)",
    "DROP INDEX by_balance",
)


@pytest.fixture(scope="module", params=VERSIONS)
def server(request, servers):
    folder, started = servers
    started.append(PostgresServer(request.param, folder, "--set", "max_wal_size=2GB"))
    return started[-1]


@contextlib.contextmanager
def transfers(server, database, folder):
    script = folder / "transfer.sql"
    script.write_text(TRANSFER)
    words = [server.bin / "pgbench", "-n", "-c", str(CLIENTS), "-j", "2", "-R", "1500", "-T", "3600", "-f", script, server.uri(database)]
    process = subprocess.Popen(words, env=server.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def changes(server, database):
    """Somebody who changes tables all the time. What fails for a lock or for what is not there is tried later."""
    ended = threading.Event()

    def work():
        rng = random.Random(SEED)
        while not ended.wait(rng.uniform(0, 0.2)):
            server.psql("SET lock_timeout = '300ms'; " + rng.choice(CHANGES), database, code=None)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_every_snapshot_has_the_sum(program, server, folder, report):
    database = server.make_database(f"bank{server.major}")
    server.psql(f"CREATE TABLE account(id int PRIMARY KEY, balance int, note text) WITH (fillfactor = 70);"
                f"INSERT INTO account SELECT i, {BALANCE}, repeat('n', 80) FROM generate_series(1, {ACCOUNTS}) i;"
                "CREATE TABLE transfer(one int, other int, much int, at timestamptz)", database)  # fmt: skip
    repository = Repository(program, folder / "repository").init()
    environment = server.environment()
    rng = random.Random(SEED)
    seen = []
    with transfers(server, database, folder) as clients, changes(server, database):
        for number in range(ROUNDS):
            mode = "full" if number == 0 else rng.choice(("full", "incremental", "differential"))
            result = repository.run("backup", "--uri", server.uri(database), "--mode", mode, "--json", code=(0, 20), env=environment)
            seen.append((mode, result.json.get("capture"), result.code))
            if result.code == 20:
                assert result.error["code"] in ("source_locked", "source"), str(result)
                continue
            assert result.json["consistency"] == "view", str(result)
            copy = f"{database}_copy"
            restored = repository.run("restore", "latest", "--to", server.uri(copy), "--verify", "--json", env=environment).json
            assert restored["verified"]
            assert server.psql("SELECT count(*), sum(balance) FROM account", copy) == f"{ACCOUNTS}|{ACCOUNTS * BALANCE}"
            server.psql(f"DROP DATABASE {copy} WITH (FORCE)")
        assert clients.poll() is None, "nobody wrote"
    report(f"postgres_writers_{server.major}", seen)
    assert any(code == 0 for _, _, code in seen)
    assert int(server.psql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'db-backup'")) == 0
