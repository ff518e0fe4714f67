"""What goes on at once: PostgreSQL's own programs beside the reading of rows."""

import os
import shlex
import signal
import time

import pytest

from postgres_compare import Database, assert_equal, drop_database
from postgres_server import PostgresServer
from program import Repository

READERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'shop' AND query LIKE 'LOCK TABLE ONLY%COPY%'"
SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'shop' AND pid <> pg_backend_pid()"


@pytest.fixture(scope="module")
def server(servers):
    folder, started = servers
    started.append(PostgresServer("postgres17", folder, "--set", "summarize_wal=on"))
    started[-1].make_database("shop")
    started[-1].psql(
        "CREATE TABLE goods(id int PRIMARY KEY, name text); INSERT INTO goods SELECT i, repeat(md5(i::text), 10) FROM generate_series(1, 20000) i;"
        "CREATE ROLE plain LOGIN; GRANT pg_read_all_data TO plain",
        "shop",
    )
    started[-1].psql(f"ALTER ROLE plain PASSWORD '{started[-1].password}'")
    return started[-1]


@pytest.fixture
def stored(program, folder):
    return Repository(program, folder / "repository", "keyfile").init()


class StandIns:
    """Take the place of PostgreSQL's programs. `scripts`, by name: what is done before that, or in its place."""

    def __init__(self, folder, server, **scripts):
        self.folder, self.server = folder / "instead", server
        self.folder.mkdir()
        ask = f"PGPASSFILE={server.folder / 'pgpass'} {server.bin}/psql -X -q -A -t -d '{server.uri('shop')}' -c"
        for name in ("pg_dump", "pg_dumpall", "pg_restore", "psql"):
            program = self.folder / name
            begun = f"echo $$ >{self.begun(name)}\n" if name in scripts else ""
            program.write_text(
                f'#!/bin/sh\ncase "$*" in *--version*) exec {server.bin}/{name} --version ;; esac\n'
                f'ask() {{ {ask} "$1"; }}\n{begun}{scripts.get(name, "")}\nexec {server.bin}/{name} "$@"\n'
            )
            program.chmod(0o755)

    def begun(self, name):
        """A file with the number of its process, as soon as it runs."""
        return self.folder / f"{name}.begun"

    def environment(self, **changes):
        return self.server.environment(**{"PATH": f"{self.folder}:{self.server.environment()['PATH']}", **changes})


def until_rows_are_read():
    """As long as nobody reads rows; in vain for a minute is a failure."""
    return f"""
n=0; until [ "$(ask {shlex.quote(READERS)})" -gt 0 ]; do n=$((n + 1)); [ $n -lt 600 ] || {{ echo 'no rows are read' >&2; exit 9; }}; sleep 0.1; done"""


def wait_for(condition, what):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_rows_are_read_while_definitions_and_roles_are_dumped(stored, server, folder):
    dumps = StandIns(folder, server, pg_dump=until_rows_are_read(), pg_dumpall=until_rows_are_read())
    full = stored.json("backup", "--uri", server.uri("shop"), "--jobs", "2", env=dumps.environment())
    assert full["rows"] >= 20000, full
    assert dumps.begun("pg_dump").exists() and dumps.begun("pg_dumpall").exists()
    # The same bytes as from a run in which nobody waits.
    again = stored.json("backup", "--uri", server.uri("shop"), "--jobs", "1", "--mode", "full", env=server.environment())
    assert again["chunks_new"] == 0, again
    stored.run("restore", "latest", "--to", server.uri("back"), "--verify", env=server.environment())
    assert_equal(Database(server, "shop"), Database(server, "back"))
    drop_database(Database(server, "back"))


def test_an_unchanged_source_is_not_planned_before_its_definitions_are_dumped(stored, server, folder):
    """The record of changes ends at a checkpoint, which only pg_dump makes here: who waits for that first, waits in vain."""
    words = ("--uri", server.uri("shop", "plain"))
    process = stored.start("backup", *words, env=server.environment(PGPASSWORD=server.password))
    while process.poll() is None:
        server.psql("CHECKPOINT")
    assert process.returncode == 0, process.communicate()
    dump = StandIns(folder, server, pg_dump="ask CHECKPOINT")
    second = stored.json("backup", *words, env=dump.environment(PGPASSWORD=server.password))
    assert second["capture"] == "tracked", second


@pytest.mark.parametrize("name", ("pg_dump", "pg_dumpall"))
def test_who_fails_beside_the_rows_leaves_no_snapshot(stored, server, folder, name):
    dump = StandIns(folder, server, **{name: f"{until_rows_are_read()}\necho 'out of order' >&2; exit 3"})
    words = ("--uri", server.uri("shop"), "--jobs", "2", "--json")
    failed = stored.run("backup", *words, env=dump.environment(), code=20)
    assert failed.error["code"] == "tool_failed" and "out of order" in failed.error["message"], failed
    assert stored.list() == []
    wait_for(lambda: server.psql(SESSIONS) == "0", "a session is left")


@pytest.mark.parametrize("name", ("pg_dump", "pg_dumpall"))
def test_who_hangs_beside_the_rows_ends_with_the_run(stored, server, folder, name):
    dump = StandIns(folder, server, **{name: "exec sleep 600"})
    process = stored.start("backup", "--uri", server.uri("shop"), "--jobs", "2", env=dump.environment())
    wait_for(lambda: dump.begun(name).exists() and dump.begun(name).read_text().strip(), f"{name} did not begin")
    wait_for(lambda: server.psql(READERS) != "0", "no rows are read")
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    with pytest.raises(ProcessLookupError):
        os.kill(int(dump.begun(name).read_text()), 0)
    assert stored.list() == []
    wait_for(lambda: server.psql(SESSIONS) == "0", "a session is left")
