"""Tracked backups: whatever is done to a database, an incremental restores to what it was, and reads little where little changed.

Method: random sequences of changes that the record of changed blocks could miss, promotions of standbys among them, each
followed by an incremental that is restored and compared. What is random follows from DB_BACKUP_TEST_SEED. DB_BACKUP_LONG=1: 500
sequences.
"""

import os
import random
import subprocess
import time

import pytest

from postgres_compare import Database, assert_equal
from postgres_server import PostgresServer
from program import Repository

SEED = int(os.environ.get("DB_BACKUP_TEST_SEED", "21"))
SEQUENCES = 500 if os.environ.get("DB_BACKUP_LONG") == "1" else 10
TABLES = 5
PROMOTED_AT = 4  # In each run once, beside those that chance brings.
ROWS = 3000  # of a kilobyte: several segments each
SETTINGS = ("--fsync", "--set", "max_prepared_transactions=10", "--set", "allow_in_place_tablespaces=on", "--set", "wal_level=replica",
            "--set", "autovacuum=off")  # fmt: skip


@pytest.fixture(scope="module")
def server(servers):
    folder, started = servers
    started.append(PostgresServer("postgres17", folder, *SETTINGS))
    return started[-1]


class Servers:
    """One server, and standbys that take its place."""

    def __init__(self, folder, started):
        self.folder, self.started, self.number = folder, started, 0
        self.current = PostgresServer("postgres17", folder, *SETTINGS, place="first")
        started.append(self.current)
        self.current.psql("CREATE TABLESPACE elsewhere LOCATION ''")

    def promote(self):
        """A standby follows up to the end, and is promoted; the other one is gone."""
        self.number += 1
        before = self.current
        self.current = PostgresServer("postgres17-standby", self.folder, "--of", before.folder, place=f"promoted-{self.number}")
        self.started.append(self.current)
        before.psql("CHECKPOINT")
        end = before.psql("SELECT pg_current_wal_insert_lsn()")
        deadline = time.monotonic() + 60
        while self.current.psql(f"SELECT pg_last_wal_replay_lsn() >= '{end}'") != "t":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        self.current.psql("SELECT pg_promote()")
        self.started.remove(before)
        before.stop()


class Session:
    """A transaction that stays open."""

    def __init__(self, server, database, sql):
        words = [server.bin / "psql", "-X", "-q", "-A", "-t", "-d", server.uri(database)]
        self.process = subprocess.Popen(
            words, env=server.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.say(f"BEGIN; {sql};")

    def say(self, sql):
        """Returns once it is done, well or not."""
        self.process.stdin.write(f"{sql}\nSELECT 'done';\n\\echo done\n")
        self.process.stdin.flush()
        while (line := self.process.stdout.readline()).strip() != "done":
            if not line:
                return
        while self.process.stdout.readline().strip() not in ("done", ""):
            pass

    def end(self, how):
        try:
            self.say(how + ";")
        except BrokenPipeError:  # The server was crashed.
            pass
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Shop:
    """A database, and things that happen to it."""

    def __init__(self, servers, name, rng):
        self.servers, self.name, self.rng = servers, servers.current.make_database(name), rng
        self.number = 0
        self.open = []
        for table in range(TABLES):
            self.make_table(f"t{table}")
        self.sql("CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE TABLE moods AS SELECT i AS id, 'sad'::mood AS m FROM generate_series(1, 9) i;"
                 "CREATE TABLE parts(id int, k int, t text) PARTITION BY LIST (k); CREATE TABLE parts0 PARTITION OF parts FOR VALUES IN (0);"
                 "CREATE TABLE parts1 PARTITION OF parts FOR VALUES IN (1); INSERT INTO parts SELECT i, i % 2, repeat('p', 500) FROM generate_series(1, 4000) i;"
                 "CREATE SEQUENCE numbers")  # fmt: skip

    @property
    def server(self):
        return self.servers.current

    def sql(self, text):
        return self.server.psql(text, self.name)

    def make_table(self, name):
        self.sql(f"CREATE TABLE {name}(id int PRIMARY KEY, n int DEFAULT 0, t text); ALTER TABLE {name} ALTER t SET STORAGE EXTERNAL;"
                 f"INSERT INTO {name} SELECT i, 0, md5(i::text) || repeat('x', 900) FROM generate_series(1, {ROWS}) i")  # fmt: skip

    def table(self):
        return f"t{self.rng.randrange(TABLES)}"

    def some(self):
        first = self.rng.randrange(1, ROWS)
        return f"id BETWEEN {first} AND {first + self.rng.choice((0, 10, 500))}"

    def next(self):
        self.number += 1
        return self.number

    def update(self):
        self.sql(f"UPDATE {self.table()} SET n = n + 1 WHERE {self.some()}")

    def update_apart(self):
        """A value that lies in the table's TOAST."""
        self.sql(f"UPDATE {self.table()} SET t = repeat(md5('{self.next()}'), 1000) WHERE id = (SELECT min(id) FROM {self.table()})")

    def delete(self):
        self.sql(f"DELETE FROM {self.table()} WHERE {self.some()}")

    def insert(self):
        self.sql(f"INSERT INTO {self.table()} SELECT i, 1, repeat('n', 900) FROM generate_series({100_000 + 1000 * self.next()},"
                 f" {100_000 + 1000 * self.number + self.rng.choice((1, 300))}) i")  # fmt: skip

    def without_waiting(self):
        self.sql(f"SET synchronous_commit = off; UPDATE {self.table()} SET n = n - 1 WHERE {self.some()}")

    def rolled_back(self):
        self.sql(f"BEGIN; UPDATE {self.table()} SET n = 0 WHERE {self.some()}; ROLLBACK")

    def in_a_subtransaction(self):
        self.sql(f"BEGIN; SAVEPOINT a; UPDATE {self.table()} SET n = n + 5 WHERE {self.some()}; RELEASE a; SAVEPOINT b;"
                 f"DELETE FROM {self.table()} WHERE {self.some()}; ROLLBACK TO b; COMMIT")  # fmt: skip

    def prepare(self):
        self.sql(f"SET lock_timeout = '1s'; BEGIN; UPDATE t0 SET n = n + 7 WHERE id = {self.next()}; PREPARE TRANSACTION '{self.name}{self.number}'")

    def end_prepared(self):
        for gid in self.sql(f"SELECT gid FROM pg_prepared_xacts WHERE database = '{self.name}'").split():
            self.sql(f"{self.rng.choice(('COMMIT', 'ROLLBACK'))} PREPARED '{gid}'")

    def begin(self):
        self.open.append(Session(self.server, self.name, f"SET LOCAL lock_timeout = '1s'; UPDATE {self.table()} SET n = n + 3 WHERE id = {self.next()}"))

    def end(self):
        while self.open:
            self.open.pop().end(self.rng.choice(("COMMIT", "ROLLBACK")))

    def truncate(self):
        table = self.table()
        self.rewrite(f"TRUNCATE {table}; INSERT INTO {table} SELECT i, 9, 'after' FROM generate_series(1, 50) i")

    def rewrite(self, sql):
        """What needs an exclusive lock: nobody else may have one."""
        self.end()
        self.end_prepared()
        self.sql(sql)

    def vacuum(self):
        self.sql(f"VACUUM {self.rng.choice(('', '(FREEZE)', '(ANALYZE)'))} {self.table()}")

    def cut_off(self):
        """The end of a table is given back by vacuum, and may grow again."""
        table = self.table()
        self.rewrite(f"DELETE FROM {table} WHERE ctid >= '(200,0)'; VACUUM {table}")
        if self.rng.random() < 0.5:
            self.insert()

    def vacuum_full(self):
        self.rewrite(f"VACUUM FULL {self.table()}")

    def cluster(self):
        table = self.table()
        # Its index has another name once tables have swapped theirs.
        index = self.sql(f"SELECT indexrelid::regclass FROM pg_index WHERE indrelid = '{table}'::regclass AND indisprimary")
        self.rewrite(f"CLUSTER {table} USING {index}")

    def add_column(self):
        self.rewrite(f"ALTER TABLE {self.table()} ADD c{self.next()} int DEFAULT {self.number}")

    def change_type(self):
        self.rewrite(f"ALTER TABLE {self.table()} ALTER n TYPE bigint")

    def rename_value(self):
        self.sql("ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'; ALTER TYPE mood RENAME VALUE 'blue' TO 'sad'")
        self.sql(f"ALTER TYPE mood RENAME VALUE 'glad' TO 'm{self.next()}'; ALTER TYPE mood RENAME VALUE 'm{self.number}' TO 'glad'")

    def move(self):
        self.rewrite(f"ALTER TABLE {self.table()} SET TABLESPACE {self.rng.choice(('elsewhere', 'pg_default'))}")

    def unlogged(self):
        table = self.table()
        self.rewrite(f"ALTER TABLE {table} SET UNLOGGED")
        self.sql(f"UPDATE {table} SET n = n + 11 WHERE {self.some()}")
        if self.rng.random() < 0.5:
            self.rewrite(f"ALTER TABLE {table} SET LOGGED")

    def replace(self):
        table = self.table()
        self.rewrite(f"DROP TABLE {table}")
        self.make_table(table)

    def swap_names(self):
        self.rewrite("ALTER TABLE t0 RENAME TO between; ALTER TABLE t1 RENAME TO t0; ALTER TABLE between RENAME TO t1")

    def partitions(self):
        self.rewrite("ALTER TABLE parts DETACH PARTITION parts1; UPDATE parts1 SET t = t || 'd'; ALTER TABLE parts ATTACH PARTITION parts1 FOR VALUES IN (1)")

    def move_rows(self):
        self.sql(f"UPDATE parts SET k = 1 - k WHERE id % 50 = {self.rng.randrange(50)}")

    def nothing(self):
        pass

    def checkpoint(self):
        self.sql("CHECKPOINT")

    def number_drawn(self):
        self.sql("SELECT nextval('numbers')")

    def crash(self):
        self.end()
        self.server.crash()
        self.server.restart()

    def promote(self):
        self.end()
        self.servers.promote()


CHANGES = [name for name in vars(Shop) if name not in ("server", "sql", "make_table", "table", "some", "next", "rewrite") and not name.startswith("_")]


def test_whatever_is_done_an_incremental_is_whole(program, servers, folder, report):
    rng = random.Random(SEED)
    shop = Shop(Servers(*servers), f"shop{SEED}", rng)
    repository = Repository(program, folder / "repository").init()
    repository.json("backup", "--uri", shop.server.uri(shop.name), "--source-name", "shop", env=shop.server.environment())
    captures = []
    for number in range(SEQUENCES):
        done = []
        for _ in range(rng.randrange(1, 6)):
            done.append(rng.choice(CHANGES))
            getattr(shop, done[-1])()
        if number == PROMOTED_AT:
            done.append("promote")
            shop.promote()
        server, environment = shop.server, shop.server.environment()
        words = ("backup", "--uri", server.uri(shop.name), "--source-name", "shop")
        mode = rng.choice(("incremental", "incremental", "differential"))
        taken = repository.json(*words, "--mode", mode, env=environment)
        captures.append(taken["capture"])
        print(number, done, mode, taken["capture"], taken["reason"], taken["bytes_read"])
        assert taken["capture"] == "tracked" or taken["reason"], taken
        copy = f"{shop.name}_copy"
        repository.run("restore", "latest", "--to", server.uri(copy), "--verify", env=environment)
        assert_equal(Database(server, shop.name), Database(server, copy), ("rows", "sequence"))
        server.psql(f'DROP DATABASE "{copy}" WITH (FORCE)')
    shop.end()
    shop.end_prepared()
    report("captures", captures)
    assert captures.count("tracked") > 0.4 * SEQUENCES
    repository.verify("--data")


def test_one_changed_table_of_twenty_is_cheap(program, server, folder):
    database = server.make_database("twenty")
    server.psql("SELECT pg_reload_conf()")
    for number in range(20):
        server.psql(f"CREATE TABLE t{number}(id int PRIMARY KEY, n int, t text); INSERT INTO t{number}"
                    " SELECT i, 0, md5(i::text) || repeat('y', 200) FROM generate_series(1, 20000) i", database)  # fmt: skip
    repository = Repository(program, folder / "repository").init()
    words = ("backup", "--uri", server.uri(database))
    environment = server.environment()
    first = repository.json(*words, env=environment)
    server.psql("UPDATE t7 SET n = n + 1 WHERE id BETWEEN 5000 AND 5200", database)
    second = repository.json(*words, env=environment)
    assert second["capture"] == "tracked", second
    assert second["bytes_read"] < first["bytes_source"] * 0.05, (first, second)
    third = repository.json(*words, env=environment)
    assert third["capture"] == "tracked" and third["bytes_read"] < 1_000_000, third
    server.psql("SELECT pg_reload_conf()")


def test_a_change_that_the_record_lacks_is_found_by_the_sample(program, server, folder):
    """A byte of a table's file is changed behind the server's back: no record of changes can have it."""
    database = server.make_database("planted")
    server.psql("CREATE TABLE t(id int PRIMARY KEY, t text) WITH (autovacuum_enabled = off); ALTER TABLE t ALTER t SET STORAGE PLAIN;"
                "INSERT INTO t SELECT i, repeat('q', 900) FROM generate_series(1, 6000) i; VACUUM FREEZE t", database)  # fmt: skip
    repository = Repository(program, folder / "repository").init()
    words = ("backup", "--uri", server.uri(database))
    environment = server.environment()
    repository.run(*words, env=environment)
    assert repository.json(*words, env=environment)["capture"] == "tracked"
    suspect = repository.list()[-1]["snapshot"]
    server.psql("CHECKPOINT")
    file = server.folder / "data" / server.psql("SELECT pg_relation_filepath('t')", database)
    server.crash()
    with open(file, "r+b") as stream:
        stream.seek(20 * 8192)
        block = stream.read(8192)
        stream.seek(20 * 8192 + block.index(b"q" * 100))
        stream.write(b"Q")
    server.restart()
    segments = 6
    for run in range(segments + 1):
        taken = repository.json(*words, env=environment, code=(0, 3))
        if taken["capture"] == "reread":
            break
        assert taken["capture"] == "tracked", taken
    else:
        pytest.fail(f"{run} runs did not find it")
    assert suspect[:8] in str(taken), taken
    repository.run("restore", "latest", "--to", server.uri("planted_again"), "--verify", env=environment)
    assert_equal(Database(server, database), Database(server, "planted_again"))


def test_rows_whose_type_grew_are_read_though_no_block_changed(program, server, folder):
    """A value of a composite type is shown with the attributes that the type has now."""
    database = server.make_database("grown")
    tables = {"plain": "part", "lists": "part[]", "nested": "whole", "domains": "checked", "rows": "kin", "elsewhere": "other.part",
              "views": "seen", "catalogue": "pg_catalog.pg_proc"}  # fmt: skip
    server.psql("CREATE TYPE part AS (a int, b text); CREATE TYPE whole AS (p part, c int); CREATE DOMAIN checked AS part;"
                "CREATE TABLE kin(a int, b text); CREATE VIEW seen AS SELECT 1 AS a; CREATE SCHEMA other; CREATE TYPE other.part AS (a int, b text);"
                "CREATE TABLE untouched(id int, t text); INSERT INTO untouched SELECT i, repeat('z', 900) FROM generate_series(1, 6000) i;"
                + "".join(f"CREATE TABLE {name}(id int, v {of});" for name, of in tables.items())
                + "INSERT INTO plain SELECT i, ROW(i, 'b')::part FROM generate_series(1, 100) i;"
                "INSERT INTO lists SELECT i, ARRAY[ROW(i, 'b'), NULL]::part[] FROM generate_series(1, 100) i;"
                "INSERT INTO nested SELECT i, ROW(ROW(i, 'b'), 7)::whole FROM generate_series(1, 100) i;"
                "INSERT INTO domains SELECT i, ROW(i, 'b')::checked FROM generate_series(1, 100) i;"
                "INSERT INTO rows SELECT i, ROW(i, 'b')::kin FROM generate_series(1, 100) i;"
                "INSERT INTO views SELECT i, ROW(i)::seen FROM generate_series(1, 100) i;"
                "CREATE FUNCTION planner(int) RETURNS int LANGUAGE sql AS 'SELECT 1';"
                "INSERT INTO catalogue SELECT 1, p FROM pg_proc p WHERE proname = 'planner';"
                "UPDATE catalogue SET v.prosupport = 'planner'::regproc;"
                "INSERT INTO elsewhere SELECT i, ROW(i, 'b')::other.part FROM generate_series(1, 100) i", database)  # fmt: skip
    repository = Repository(program, folder / "repository").init()
    words = ("backup", "--uri", server.uri(database))
    environment = server.environment()
    whole = repository.json(*words, env=environment)["bytes_source"]
    assert repository.json(*words, env=environment)["capture"] == "tracked"
    for change in ("ALTER TYPE part ADD ATTRIBUTE d int", "ALTER TABLE kin ADD COLUMN d int", "ALTER TYPE other.part ADD ATTRIBUTE d text",
                   "ALTER TYPE part DROP ATTRIBUTE d", "ALTER FUNCTION planner RENAME TO planned",
                   "CREATE OR REPLACE VIEW seen AS SELECT 1 AS a, 2 AS b"):  # fmt: skip
        server.psql(change, database)
        taken = repository.json(*words, env=environment)
        assert taken["capture"] == "tracked" and taken["bytes_read"] < whole / 2, (change, taken)
        repository.run("restore", "latest", "--to", server.uri("grown_again"), "--verify", env=environment)
        assert_equal(Database(server, database), Database(server, "grown_again"))
        server.psql("DROP DATABASE grown_again")
