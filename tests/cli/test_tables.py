"""Chosen tables of a snapshot come back as a full restore would bring them, and little is fetched for them.

Method: a database of odd tables, a full and an incremental snapshot, compared table by table, by row number,
value and type, with a full restore of the same snapshot.
"""

import os
import random
import signal
import sqlite3
import time

import pytest

from databases import opened, quoted
from measure_program import IS_INSTRUMENTED

SCHEMA = [
    'CREATE TABLE "select"(id INTEGER PRIMARY KEY AUTOINCREMENT, "a.b" TEXT, "it\'s" BLOB)',
    'CREATE INDEX "order by" ON "select"("a.b") WHERE id > 3',
    "CREATE TABLE without_rowid(a TEXT, b INT, c, PRIMARY KEY(b DESC, a)) WITHOUT ROWID",
    "CREATE TABLE numbered(a, b INTEGER, c REAL)",
    "CREATE TABLE generated(a INT, v AS (a * 2), s TEXT AS ('s' || a) STORED UNIQUE)",
    "CREATE TABLE strict_one(a INT NOT NULL, b ANY) STRICT",
    "CREATE TABLE parent(id INTEGER PRIMARY KEY)",
    'CREATE TABLE "Größe %s"(id INTEGER PRIMARY KEY, p REFERENCES parent ON DELETE CASCADE, x)',
    "CREATE TABLE log(what)",
    "CREATE TRIGGER logged AFTER INSERT ON numbered BEGIN INSERT INTO log VALUES(new.a); END",
    "CREATE VIEW seen AS SELECT a, count(*) AS n FROM numbered GROUP BY a",
    "CREATE VIRTUAL TABLE words USING fts5(text, note)",
    "CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1)",
    "CREATE TABLE empty(a)",
]


def make_odd(path, rows=400):
    with opened(path) as database:
        database.execute("BEGIN")
        for sql in SCHEMA:
            database.execute(sql)
        database.execute("COMMIT")
    fill(path, 1, rows)
    return path


def fill(path, seed, rows=400):
    rng = random.Random(seed)
    with opened(path) as database:
        database.execute("BEGIN")
        for number in range(rows):
            text = " ".join(rng.choices(("alpha", "beta", "gamma", "delta"), k=4))
            database.execute('INSERT INTO "select"("a.b", "it\'s") VALUES(?, ?)', (text, rng.randbytes(50)))
            database.execute(
                "INSERT OR IGNORE INTO without_rowid VALUES(?, ?, ?)", (text, rng.randrange(99), rng.choice((None, 1, "x", b"y", 1.5)))
            )
            database.execute(
                "INSERT OR IGNORE INTO numbered(rowid, a, b, c) VALUES(?, ?, ?, ?)",
                (rng.randrange(-(10**15), 10**15), rng.choice((None, b"", "", 3)), rng.choice(("text", 5, 2.5)), number),
            )
            database.execute("INSERT OR IGNORE INTO generated(a) VALUES(?)", (rng.randrange(10**6),))
            database.execute("INSERT INTO strict_one VALUES(?, ?)", (number, rng.choice((1, "1", b"1", None))))
            database.execute("INSERT OR IGNORE INTO parent VALUES(?)", (number,))
            database.execute('INSERT INTO "Größe %s"(p, x) VALUES(?, ?)', (number, text))
            database.execute("INSERT INTO words VALUES(?, ?)", (text, str(number)))
            low = rng.randrange(10**6)
            database.execute("INSERT INTO boxes(x0, x1) VALUES(?, ?)", (low, low + 10))
        database.execute('DELETE FROM "select" WHERE id % 7 = 0')
        database.execute("DELETE FROM words WHERE rowid % 5 = 0")
        database.execute("COMMIT")


def table_content(path, table):
    """The definition of a table with what belongs to it, and its rows with row numbers and types."""
    with opened(f"file:{path}?mode=ro", uri=True) as database:
        objects = database.execute(
            "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name=? ORDER BY 1, 2", (table,)
        ).fetchall()
        columns = [row[1] for row in database.execute(f"PRAGMA table_xinfo({quoted(table)})")]
        values = ", ".join(f"typeof({quoted(each)}), {quoted(each)}" for each in columns)
        try:
            rows = database.execute(f"SELECT rowid, {values} FROM {quoted(table)} ORDER BY rowid").fetchall()
        except sqlite3.OperationalError:
            rows = database.execute(f"SELECT {values} FROM {quoted(table)} ORDER BY 2, 4").fetchall()
        sequence = None
        if database.execute("SELECT 1 FROM sqlite_schema WHERE name='sqlite_sequence'").fetchone():
            sequence = database.execute("SELECT seq FROM sqlite_sequence WHERE name=?", (table,)).fetchone()
        return objects, rows, sequence


def tables_of(path):
    with opened(f"file:{path}?mode=ro", uri=True) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")]
    return [each for each in names if not each.startswith("sqlite_")]


def assert_sound(path):
    with opened(path) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_tables_equal_those_of_a_full_restore(quick_repository, folder):
    """From a full and an incremental snapshot, each table alone and all of them together."""
    repository, source = quick_repository, make_odd(folder / "odd.db")
    snapshots = [repository.backup(source)["snapshot"]]
    fill(source, 2, rows=40)
    snapshots.append(repository.backup(source)["snapshot"])
    for number, snapshot in enumerate(snapshots):
        whole = folder / f"whole-{number}.db"
        repository.restore(snapshot, whole)
        chosen = folder / f"all-{number}.db"
        document = repository.restore(snapshot, chosen, "--include", "*", "--verify")
        assert document["verified"] and not document["incomplete"]
        assert document["bytes_fetched"] > 0
        assert sorted(tables_of(chosen)) == sorted(tables_of(whole))
        for table in tables_of(whole):
            assert table_content(chosen, table) == table_content(whole, table), table
        assert_sound(chosen)
        with opened(chosen) as database:
            database.execute("INSERT INTO words(words) VALUES('integrity-check')")
            assert database.execute("SELECT rtreecheck('boxes')").fetchone() == ("ok",)

        one_by_one = folder / f"each-{number}.db"
        for table in [each for each in tables_of(whole) if not each.startswith(("words_", "boxes_"))]:
            repository.restore(snapshot, one_by_one, "--include", table.replace("%", "?"), "--verify")
        for table in tables_of(whole):
            assert table_content(one_by_one, table) == table_content(whole, table), table
        assert_sound(one_by_one)


def test_what_is_asked_for_is_said(plain_repository, folder):
    source = make_odd(folder / "odd.db", rows=30)
    plain_repository.backup(source)
    target = folder / "target.db"
    plan = plain_repository.restore("latest", target, "--include", "numbered", "--include", "log", "--dry-run")
    assert plan["tables"] == [
        {"table": "numbered", "target": "numbered", "rows": None},
        {"table": "log", "target": "log", "rows": None},
    ]
    assert not target.exists()
    done = plain_repository.restore(
        "latest", target, "--include", "numbered", "--where", "numbered: b = 'text'", "--rename", "numbered=texts"
    )
    with opened(source) as database:
        expected = database.execute("SELECT count(*) FROM numbered WHERE b = 'text'").fetchone()[0]
    assert done["rows"] == expected > 0
    assert done["tables"] == [{"table": "numbered", "target": "texts", "rows": expected}]
    assert any("main.log" in each for each in done["warnings"]), "the trigger lost its table"
    text = plain_repository.run("restore", "latest", "--to", folder / "t2.db", "--include", "log").text
    assert "tables" in text and "fetched" in text

    def refused(*words, code=2):
        return plain_repository.run("restore", "latest", "--to", folder / "no.db", *words, "--json", code=code).error

    error = refused("--include", "numberd")
    assert error["code"] == "selection_matches_nothing" and "'numbered'" in error["hint"]
    assert refused("--where", "numbered: nobody = 1")["code"] == "bad_condition"
    assert "no such column: nobody" in refused("--where", "numbered: nobody = 1")["message"]
    assert refused("--where", "numbered")["code"] == "bad_option_value"
    assert refused("--rename", "numbered=")["code"] == "bad_option_value"
    assert refused("--schema-only", "--data-only")["code"] == "usage"
    assert refused("--include", "log", "--data-only")["code"] == "target_table_missing"
    assert not (folder / "no.db").exists()
    assert sorted(each.name for each in folder.glob(".*")) == []


def test_what_cannot_be_made_is_left_out_with_exit_code_3(plain_repository, folder):
    source = folder / "app.db"
    with opened(source) as database:
        database.create_collation("german", lambda a, b: (a > b) - (a < b))
        database.execute("CREATE TABLE t(a COLLATE german)")
        database.execute("CREATE INDEX t_a ON t(a)")
        database.execute("INSERT INTO t VALUES('x'), ('y')")
    plain_repository.backup(source)
    target = folder / "target.db"
    done = plain_repository.json("restore", "latest", "--to", target, "--include", "t", code=3)
    assert done["incomplete"] and "german" in done["warnings"][0]
    with opened(target) as database:
        assert database.execute("SELECT count(*) FROM t").fetchone() == (2,)


def make_big(path, megabytes, seed=3):
    """Most of it is one table; `one` is about a hundredth, stored at one place."""
    rng = random.Random(seed)
    with opened(path) as database:
        database.execute("PRAGMA journal_mode=OFF")
        database.execute("CREATE TABLE bulk(id INTEGER PRIMARY KEY, data BLOB)")
        database.execute("CREATE TABLE one(id INTEGER PRIMARY KEY, number INTEGER, data BLOB)")
        database.execute("CREATE INDEX one_number ON one(number)")
        block = 2000
        rows = megabytes * 10**6 // block
        for table, begin, end in (("bulk", 0, rows // 2), ("one", 0, rows // 100), ("bulk", rows // 2, rows)):
            database.execute("BEGIN")
            for number in range(begin, end):
                if table == "one":
                    database.execute("INSERT INTO one VALUES(?, ?, ?)", (number, number * 7919 % 10007, rng.randbytes(block)))
                else:
                    database.execute("INSERT INTO bulk VALUES(?, ?)", (number, rng.randbytes(block)))
            database.execute("COMMIT")
    return path


def measure_fetched(repository, folder, megabytes, report, share_max):
    source = make_big(folder / "big.db", megabytes)
    repository.backup(source)
    stored = repository.bytes()
    with opened(source) as database:
        rows = database.execute("SELECT count(*) FROM bulk").fetchone()[0]
        for number in range(0, rows, max(1, rows // 50)):
            database.execute("UPDATE bulk SET data=zeroblob(2000) WHERE id=?", (number,))
        database.execute("UPDATE one SET number=-1 WHERE id % 9 = 0")
    repository.backup(source)
    for snapshot in ("latest~1", "latest"):
        target = folder / f"one-{snapshot}.db"
        done = repository.restore(snapshot, target, "--include", "one")
        share = done["bytes_fetched"] / stored
        report(f"fetched of {stored} stored bytes, {snapshot}", f"{done['bytes_fetched']} {share:.4f}")
        assert share <= share_max, f"{done['bytes_fetched']} of {stored} bytes were fetched for 1 %"
        assert done["tables"][0]["rows"] == rows // 100
        with opened(target) as database:
            assert (database.execute("SELECT count(*) FROM one WHERE number = -1").fetchone()[0] > 0) == (snapshot == "latest")
        some = repository.restore(snapshot, folder / f"some-{snapshot}.db", "--include", "one", "--where", "one: number = 7919")
        assert some["rows"] == 1 and some["bytes_fetched"] <= done["bytes_fetched"]


def test_little_is_fetched_for_a_small_table(plain_repository, folder, report):
    # A table of 0.4 MB touches two or three chunks of 2 MiB, of the 20 that there are.
    measure_fetched(plain_repository, folder, 40, report, share_max=0.25)


@pytest.mark.long
def test_one_percent_of_a_gigabyte_takes_three_percent(plain_repository, folder, report):
    measure_fetched(plain_repository, folder, 1000, report, share_max=0.03)


def test_a_kill_leaves_the_target_as_it_was(plain_repository, folder):
    source = make_big(folder / "big.db", 12)
    plain_repository.backup(source)
    existing, fresh = folder / "existing.db", folder / "fresh.db"
    with opened(existing) as database:
        database.execute("CREATE TABLE mine(x)")
        database.execute("INSERT INTO mine VALUES(1)")
    for target in (existing, fresh):
        for delay in (0.05, 0.12, 0.2):
            process = plain_repository.start("restore", "latest", "--to", target, "--include", "bulk")
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            if process.returncode == 0:
                break
            if target == fresh:
                assert not fresh.exists() or table_content(fresh, "bulk")[1]
            else:
                assert_sound(existing)
                names = tables_of(existing)
                assert names in (["mine"], ["mine", "bulk"])
    if not fresh.exists():
        plain_repository.restore("latest", fresh, "--include", "bulk")
    assert len(table_content(fresh, "bulk")[1]) == 6000
    assert [each.name for each in folder.glob(".fresh*")] == [], "the next restore removes what a killed one left"


def test_others_may_use_the_target_meanwhile(plain_repository, folder):
    source = make_odd(folder / "odd.db", rows=50)
    plain_repository.backup(source)
    target = folder / "target.db"
    with opened(target) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE mine(x)")
        database.execute("BEGIN IMMEDIATE")
        database.execute("INSERT INTO mine VALUES(1)")
        words = ("restore", "latest", "--to", target, "--include", "numbered", "--json")
        error = plain_repository.run(*words, "--lock-timeout", "0s", code=20).error
        assert error["code"] == "target_locked"
        process = plain_repository.start(*words)
        time.sleep(0.3)
        database.execute("COMMIT")
        stdout, stderr = process.communicate(timeout=60)
        assert process.returncode == 0, stderr
        assert database.execute("SELECT count(*) FROM numbered").fetchone()[0] > 0
        assert database.execute("SELECT x FROM mine").fetchall() == [(1,)]


def test_memory_does_not_grow_with_the_table(plain_repository, folder, report):
    source = make_big(folder / "big.db", 40)
    with opened(source) as database:
        database.execute("CREATE INDEX bulk_data ON bulk(substr(data, 1, 200))")
    plain_repository.backup(source)
    peaks = {}
    for table in ("one", "bulk"):
        process = plain_repository.start("restore", "latest", "--to", folder / f"{table}.db", "--include", table, "--jobs", "1")
        stdout, stderr = process.stdout, process.stderr
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, stderr.read()
        stdout.close(), stderr.close()
        peaks[table] = usage.ru_maxrss / 1024
        report(f"peak MiB for {table}", f"{peaks[table]:.0f}")
    assert IS_INSTRUMENTED or peaks["bulk"] < 256 + 16
