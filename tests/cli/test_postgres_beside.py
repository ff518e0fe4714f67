"""What goes on at once: PostgreSQL's own programs beside the reading of rows, and processes that make indexes of partitions."""

import os
import shlex
import signal
import time

import pytest

from postgres_compare import Database, assert_equal, drop_database
from postgres_server import PostgresServer
from program import Repository

READERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'shop' AND application_name = 'db-backup' AND query LIKE '%COPY (SELECT % FROM ONLY %'"
SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'shop' AND pid <> pg_backend_pid()"


@pytest.fixture(scope="module")
def server(servers):
    folder, started = servers
    started.append(PostgresServer("postgres17", folder, "--set", "summarize_wal=on", "--set", "autovacuum=off"))
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


def test_indexes_bring_no_helpers_where_the_connections_take_all_processors(stored, server, folder):
    processors = len(os.sched_getaffinity(0))
    stored.json("backup", "--uri", server.uri("shop"), env=server.environment())
    told = folder / "told"
    settings = "SELECT setconfig FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase WHERE datname LIKE 'back_restoring_%'"
    restore = StandIns(folder, server, pg_restore=f"ask {shlex.quote(settings)} >>{told}")
    for jobs in (processors, processors - 1 or processors):
        told.unlink(missing_ok=True)
        stored.run("restore", "latest", "--to", server.uri("back"), "--jobs", jobs, env=restore.environment())
        assert "synchronous_commit=off" in told.read_text()
        assert ("max_parallel_maintenance_workers=0" in told.read_text()) == (jobs == processors), told.read_text()
        assert server.psql("SELECT count(*) FROM pg_db_role_setting") == "0"
        drop_database(Database(server, "back"))


PARTS = """
CREATE TABLE alone(id int PRIMARY KEY, x int UNIQUE); INSERT INTO alone SELECT i, i FROM generate_series(1, 20000) i;
CREATE TABLE days(id int, day date, x int NOT NULL, note text, PRIMARY KEY (id, day, x)) PARTITION BY RANGE (day);
CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE days_2 PARTITION OF days FOR VALUES FROM ('2026-02-01') TO ('2026-03-01') PARTITION BY LIST (x);
CREATE TABLE days_2_odd PARTITION OF days_2 FOR VALUES IN (1, 3);
CREATE TABLE days_2_rest PARTITION OF days_2 DEFAULT;
CREATE INDEX by_note ON days(note, x); CREATE UNIQUE INDEX by_all ON days(day, x, id);
CREATE INDEX own ON days_2_odd(x) WHERE x > 1; CREATE INDEX half ON ONLY days(x);
CREATE STATISTICS of_days ON day, x FROM days_1;
ALTER TABLE days ADD CONSTRAINT of_alone FOREIGN KEY (x) REFERENCES alone(x);
CREATE TABLE visits(id int PRIMARY KEY, day_id int, day date, x int, FOREIGN KEY (day_id, day, x) REFERENCES days(id, day, x), alone int REFERENCES alone(id));
ALTER TABLE days_1 ADD CONSTRAINT own_key FOREIGN KEY (id) REFERENCES alone(id) NOT VALID;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touched BEFORE UPDATE ON days FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER alone_touched BEFORE UPDATE ON alone FOR EACH ROW EXECUTE FUNCTION touch(); ALTER TABLE alone DISABLE TRIGGER alone_touched;
CREATE MATERIALIZED VIEW seen AS SELECT a.id, a.x, count(d.id) AS n FROM alone a LEFT JOIN days d USING (x) GROUP BY a.id;
CREATE UNIQUE INDEX seen_by_id ON seen(id);
CREATE VIEW watched AS SELECT id, x FROM alone GROUP BY id; CREATE RULE nothing AS ON DELETE TO days DO INSTEAD NOTHING;
ALTER TABLE ONLY days REPLICA IDENTITY USING INDEX by_all; ALTER TABLE days_1 CLUSTER ON days_1_pkey;
CREATE POLICY mine ON days USING (x > 0); ALTER TABLE days ENABLE ROW LEVEL SECURITY;
COMMENT ON INDEX by_note IS 'of all'; COMMENT ON INDEX days_1_note_x_idx IS 'of one'; COMMENT ON CONSTRAINT alone_pkey ON alone IS 'of alone';
COMMENT ON INDEX alone_x_key IS 'first and last'; COMMENT ON CONSTRAINT of_alone ON days IS 'key'; COMMENT ON TRIGGER touched ON days IS 'touches';
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN IF tg_tag <> ''REFRESH MATERIALIZED VIEW'' THEN RAISE ''watched''; END IF; END';
CREATE PUBLICATION told FOR TABLE days, alone (id) WHERE (id > 10);
INSERT INTO days SELECT i, '2026-01-01'::date + i % 59, i % 9 + 1, 'n' || i FROM generate_series(1, 20000) i;
INSERT INTO visits SELECT id, id, day, x, x FROM days; REFRESH MATERIALIZED VIEW seen;
CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION watch();
"""


def test_indexes_of_partitions_are_made_at_once(stored, server, folder):
    server.make_database("parts")
    server.psql(PARTS, "parts")
    stored.json("backup", "--uri", server.uri("parts"), env=server.environment())
    calls = folder / "calls"
    restore = StandIns(folder, server, pg_restore=f'echo "$*" >>{calls}')
    # Whatever the processes do first: a deadlock would be an error.
    for _ in range(5):
        calls.unlink(missing_ok=True)
        stored.run("restore", "latest", "--to", server.uri("again"), "--jobs", "4", "--verify", env=restore.environment())
        assert_equal(Database(server, "parts"), Database(server, "again"))
        server.psql("ALTER EVENT TRIGGER watch DISABLE", "again")
        drop_database(Database(server, "again"))
    after_rows = [line for line in calls.read_text().splitlines() if "--section=post-data" in line]
    assert ["--jobs=4" in line for line in after_rows] == [True, False], after_rows


def test_a_selection_with_partitions_comes_back_whole(stored, server):
    server.make_database("some")
    server.psql(PARTS.replace("CREATE EVENT TRIGGER", "-- "), "some")
    stored.json("backup", "--uri", server.uri("some"), env=server.environment())
    words = ("--include", "public.alone", "--include", "public.days")
    stored.run("restore", "latest", *words, "--to", server.uri("chosen"), "--jobs", "4", "--verify", env=server.environment())
    indexes = "SELECT string_agg(indexrelid::regclass || ' ' || indisvalid, ' ' ORDER BY 1) FROM pg_index i JOIN pg_class c ON c.oid = indrelid WHERE c.relname ~ '^(alone|days)'"
    indexes = indexes.replace("ORDER BY 1", "ORDER BY indexrelid::regclass::text")
    assert server.psql(indexes, "chosen") == server.psql(indexes, "some")
    # As are keys that the user did not want the rows of.
    stored.json("backup", "--uri", server.uri("some"), "--exclude", "public.alone", env=server.environment())
    stored.run("restore", "latest", "--to", server.uri("without"), "--jobs", "4", env=server.environment(), code=(0, 3))
    assert server.psql(indexes, "without") == server.psql(indexes, "some")
    keys = "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid = 'visits'::regclass AND confrelid = 'alone'::regclass"
    assert server.psql(keys, "without") == "1"
    for name in ("chosen", "without", "some"):
        drop_database(Database(server, name))


# Small tables with all that belongs to indexes, and two that take longer to load.
INDEXED = """
CREATE TABLE a(id int PRIMARY KEY, x int, "y(" int, z text, UNIQUE (x, id) DEFERRABLE); CREATE TABLE b(id int NOT NULL, k int NOT NULL);
CREATE INDEX a_x ON a(x); CREATE INDEX a_more ON a(x) INCLUDE (id); CREATE INDEX "a_y(" ON a("y("); CREATE INDEX a_low ON a(lower(z)); CREATE INDEX a_some ON a(x) WHERE x > 3;
ALTER TABLE a CLUSTER ON a_x; CREATE UNIQUE INDEX b_k ON b(k); ALTER TABLE b REPLICA IDENTITY USING INDEX b_k; ALTER INDEX a_low ALTER COLUMN 1 SET STATISTICS 500;
COMMENT ON CONSTRAINT a_pkey ON a IS 'the key'; COMMENT ON INDEX a_pkey IS 'its index'; COMMENT ON INDEX a_x IS 'of x'; COMMENT ON INDEX b_k IS 'of k'; COMMENT ON INDEX a_some IS 'some';
INSERT INTO a SELECT i, i, i, 'z' || i FROM generate_series(1, 1000) i; INSERT INTO b SELECT i, i FROM generate_series(1, 1000) i;
CREATE TABLE c(id int, t text); CREATE TABLE d(id int, t text); CREATE INDEX c_id ON c(id); COMMENT ON INDEX c_id IS 'of c'; ALTER TABLE b ADD FOREIGN KEY (id) REFERENCES a;
INSERT INTO c SELECT i, repeat(md5(i::text), 10) FROM generate_series(1, 90000) i; INSERT INTO d SELECT i, repeat(md5(i::text), 10) FROM generate_series(1, 60000) i;
"""


@pytest.mark.parametrize("words", ((), ("--include", "public.*")))
def test_what_belongs_to_early_indexes_comes_back_too(stored, server, words):
    server.make_database("indexed")
    server.psql(INDEXED, "indexed")
    stored.json("backup", "--uri", server.uri("indexed"), env=server.environment())
    for jobs in ("2", "8"):
        stored.run("restore", "latest", *words, "--to", server.uri("again"), "--jobs", jobs, "--verify", env=server.environment())
        assert_equal(Database(server, "indexed"), Database(server, "again"))
        drop_database(Database(server, "again"))
    drop_database(Database(server, "indexed"))
