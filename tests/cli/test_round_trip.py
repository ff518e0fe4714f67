"""Backup, change, incremental, differential, list, show, verify and restore give back what was there.

Method: every kind of SQLite database that exists in the wild, small; what is restored is compared by
every row, by integrity_check, and byte by byte with files that nobody had open.
"""

import os
import re
import sqlite3
import time

import pytest

import databases
from databases import assert_equal, content, digest, opened

PAGE_SIZES = (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)


def round_trip(repository, database, folder, *words):
    """Backs up, restores and compares; returns the document of the backup."""
    expected, before = content(database), digest(database)
    taken = repository.backup(database, *words)
    assert digest(database) == before, "the backup changed the database"
    target = folder / f"restored-{taken['snapshot'][:8]}.db"
    restored = repository.restore(taken["snapshot"], target, "--verify")
    assert restored["snapshot"] == taken["snapshot"]
    assert restored["verified"] is True
    assert restored["bytes_written"] == database.stat().st_size
    assert_equal(expected, target)
    assert digest(target) == before, "the restored file is not byte-identical"
    return taken


def test_the_two_commands_of_the_readme_work_where_nothing_was_set_up(program, database, folder):
    expected = content(database)
    program.run("backup", "--type", "sqlite", "--database", database)
    program.run("restore", "latest", "--to", folder / "restored.db")
    assert_equal(expected, folder / "restored.db")
    assert (folder / "home/data/db-backup/repository/config").exists()


def test_a_life_of_backups(repository, database, folder):
    """Full, incremental, differential: each is complete, and each restores what was there then."""
    states, taken = [], []
    for mode, seed in (("full", 11), ("incremental", 12), ("incremental", 13), ("differential", 14), ("full", 15)):
        databases.change(database, seed)
        states.append((content(database), digest(database)))
        taken.append(repository.backup(database, "--mode", mode))

    assert [each["mode"] for each in taken] == ["full", "incremental", "incremental", "differential", "full"]
    ids = [each["snapshot"] for each in taken]
    assert [each["parent"] for each in taken] == [None, ids[0], ids[1], ids[0], None]
    assert [each["capture"] for each in taken][1:4] == ["compared"] * 3
    assert all(each["bytes_source"] == taken[-1]["bytes_source"] for each in taken[-2:])

    listed = repository.list()
    assert [each["snapshot"] for each in listed] == ids, "list is not newest last"
    assert [each["sequence"] for each in listed] == sorted(each["sequence"] for each in listed)
    assert repository.verify()["ok"] and repository.verify("--data")["ok"]

    for number, (snapshot, (expected, hash_then)) in enumerate(zip(ids, states)):
        shown = repository.json("show", snapshot)
        assert shown["snapshot"] == snapshot and shown["mode"] == taken[number]["mode"]
        target = folder / f"state-{number}.db"
        assert repository.restore(snapshot[:12], target, "--verify")["verified"] is True
        assert_equal(expected, target)
        assert digest(target) == hash_then


def test_snapshots_are_named_by_prefix_latest_and_time(plain_repository, database, folder):
    ids = []
    for seed in range(3):
        databases.change(database, seed)
        ids.append(plain_repository.backup(database)["snapshot"])
    for text, expected in (("latest", ids[2]), ("latest~1", ids[1]), ("latest~2", ids[0]), (ids[1][:10], ids[1])):
        assert plain_repository.json("show", text)["snapshot"] == expected
    assert plain_repository.json("show", "2100-01-01")["snapshot"] == ids[2]
    assert plain_repository.run("show", "latest~3", "--json", code=2).error["code"] == "snapshot_unknown"
    assert plain_repository.run("show", "1999-01-01", "--json", code=2).error["code"] == "snapshot_unknown"


def test_the_first_incremental_is_full_and_says_so(plain_repository, database):
    taken = plain_repository.backup(database)
    assert (taken["mode"], taken["requested_mode"], taken["capture"]) == ("full", "incremental", "full")
    assert taken["bytes_read"] >= taken["bytes_source"] == database.stat().st_size


def test_an_incremental_stores_little(quick_repository, folder):
    database = databases.make(folder / "big.db", rows=20_000)
    first = quick_repository.backup(database)
    databases.change(database, updates=20, inserts=20)
    second = quick_repository.backup(database)
    assert second["chunks_delta"] > 0
    assert second["bytes_added"] < first["bytes_added"] / 10
    assert sum(each["bytes_added"] for each in (first, second)) <= quick_repository.bytes()


@pytest.mark.parametrize("journal", ("delete", "wal"))
@pytest.mark.parametrize("page_size", PAGE_SIZES)
def test_page_sizes(plain_repository, folder, page_size, journal):
    database = databases.make(folder / "sized.db", rows=300, page_size=page_size, journal=journal)
    assert content(database)["settings"][0] == page_size
    round_trip(plain_repository, database, folder)
    databases.change(database)
    round_trip(plain_repository, database, folder)


@pytest.mark.parametrize("auto_vacuum", (1, 2))
def test_auto_vacuum(plain_repository, folder, auto_vacuum):
    database = databases.make(folder / "vacuum.db", rows=2000, auto_vacuum=auto_vacuum)
    round_trip(plain_repository, database, folder)
    size = database.stat().st_size
    with opened(database) as connection:
        connection.execute("DELETE FROM t WHERE id % 3 > 0")
        connection.execute("PRAGMA incremental_vacuum").fetchall()
    assert database.stat().st_size < size
    round_trip(plain_repository, database, folder)


def test_a_database_that_shrinks_and_grows(plain_repository, folder):
    database = databases.make(folder / "moody.db", rows=3000)
    round_trip(plain_repository, database, folder)
    for statement in ("DELETE FROM t WHERE id > 50", "VACUUM"):
        with opened(database) as connection:
            connection.execute(statement)
        round_trip(plain_repository, database, folder)
    databases.change(database, inserts=4000)
    round_trip(plain_repository, database, folder)


def test_another_page_size_after_vacuum(plain_repository, folder):
    database = databases.make(folder / "resized.db", rows=400, page_size=4096)
    round_trip(plain_repository, database, folder)
    with opened(database) as connection:
        connection.execute("PRAGMA page_size=1024")
        connection.execute("VACUUM")
    round_trip(plain_repository, database, folder)


def test_an_empty_database(plain_repository, folder):
    database = folder / "empty.db"
    database.touch()
    taken = plain_repository.backup(database)
    assert taken["bytes_source"] == 0
    plain_repository.restore("latest", folder / "restored.db", "--verify")
    assert (folder / "restored.db").stat().st_size == 0
    # It comes to life later.
    database.unlink()
    databases.make(database, rows=20)
    round_trip(plain_repository, database, folder)


def odd_schema(path):
    with opened(path) as connection:
        connection.executescript("""
            PRAGMA user_version=4711; PRAGMA application_id=99;
            CREATE TABLE "odd ""name"" ; --"("select" INTEGER, "a b" TEXT, "ünï 漢字" BLOB);
            INSERT INTO "odd ""name"" ; --" VALUES(1, 'quote '' and " and ;', x'00ff'), (NULL, '', zeroblob(5000));
            CREATE TABLE pairs(a TEXT, b INTEGER, c REAL, PRIMARY KEY(a, b)) WITHOUT ROWID;
            INSERT INTO pairs VALUES('x', 1, 1.5), ('x', 2, -1e300), ('y', 1, NULL);
            CREATE TABLE computed(a INTEGER, twice INTEGER GENERATED ALWAYS AS (a * 2) STORED,
                                  thrice INTEGER AS (a * 3) VIRTUAL);
            INSERT INTO computed(a) VALUES(1), (2), (9223372036854775807 / 4);
            CREATE INDEX some ON computed(thrice) WHERE a > 1;
            CREATE VIEW seen AS SELECT a, twice FROM computed;
            CREATE TRIGGER echo AFTER INSERT ON computed BEGIN INSERT INTO pairs VALUES('t', new.a, 0); END;
            CREATE TABLE counted(id INTEGER PRIMARY KEY AUTOINCREMENT, strictly TEXT CHECK(length(strictly) < 100));
            INSERT INTO counted(strictly) VALUES('one'), ('two'); DELETE FROM counted WHERE id = 2;
            CREATE TABLE big(id INTEGER PRIMARY KEY, data BLOB);
            INSERT INTO big VALUES(-9223372036854775808, randomblob(300000)), (9223372036854775807, zeroblob(100000));
        """)


def test_odd_schemas(quick_repository, folder):
    database = folder / "odd name ü;'$(x).db"
    odd_schema(database)
    round_trip(quick_repository, database, folder)
    with opened(database) as connection:
        connection.execute("INSERT INTO computed(a) VALUES(77)")
        connection.execute("ALTER TABLE pairs ADD COLUMN later TEXT DEFAULT 'd'")
    round_trip(quick_repository, database, folder)


def test_full_text_search(plain_repository, folder):
    database = folder / "search.db"
    with opened(database) as connection:
        try:
            connection.execute("CREATE VIRTUAL TABLE mail USING fts5(subject, body)")
        except sqlite3.OperationalError as error:
            pytest.skip(f"this Python's SQLite has no FTS5: {error}")
        connection.executemany("INSERT INTO mail VALUES(?, ?)", ((f"s{n}", f"word{n} common") for n in range(500)))
    round_trip(plain_repository, database, folder)
    plain_repository.restore("latest", folder / "again.db")
    with opened(folder / "again.db") as connection:
        assert connection.execute("SELECT count(*) FROM mail WHERE mail MATCH 'word77'").fetchone() == (1,)


@pytest.mark.parametrize("encoding", ("UTF-16le", "UTF-16be"))
def test_encodings(plain_repository, folder, encoding):
    database = folder / "wide.db"
    with opened(database) as connection:
        connection.execute(f"PRAGMA encoding='{encoding}'")
        connection.execute("CREATE TABLE t(a TEXT)")
        connection.execute("INSERT INTO t VALUES('漢字 und Umläute')")
    round_trip(plain_repository, database, folder)


def test_what_stands_only_in_the_log_is_backed_up(plain_repository, folder):
    """An open WAL database: the newest rows are not in the file yet."""
    database = databases.make(folder / "open.db", journal="wal")
    with opened(database) as connection:
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("INSERT INTO notes(note) VALUES('only in the log')")
        expected = content(database)
        log_before = (folder / "open.db-wal").read_bytes()
        plain_repository.backup(database)
        assert (folder / "open.db-wal").read_bytes() == log_before, "the backup touched the user's log"
        plain_repository.restore("latest", folder / "restored.db", "--verify")
    assert_equal(expected, folder / "restored.db")


def test_a_hot_journal_is_rolled_back(plain_repository, folder):
    """The file of a writer that died in the middle of a transaction."""
    database = databases.make(folder / "live.db", rows=3000)
    expected = content(database)
    with opened(database) as connection:
        connection.execute("PRAGMA cache_size=5")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE t SET data=randomblob(40), text='half done'")
        # As a crash leaves it: the journal is on the disk and changed pages are in the file already.
        crashed = folder / "crashed.db"
        crashed.write_bytes(database.read_bytes())
        journal = folder / "crashed.db-journal"
        journal.write_bytes((folder / "live.db-journal").read_bytes())
        connection.execute("ROLLBACK")
    assert b"half done" in crashed.read_bytes(), "nothing was spilled, so nothing is tested"
    plain_repository.backup(crashed)
    plain_repository.restore("latest", folder / "restored.db", "--verify")
    assert_equal(expected, folder / "restored.db")


def test_mode_of_the_file_is_kept(plain_repository, database, folder):
    database.chmod(0o640)
    plain_repository.backup(database)
    plain_repository.restore("latest", folder / "restored.db")
    assert (folder / "restored.db").stat().st_mode & 0o7777 == 0o640
    assert (folder / "restored.db").stat().st_uid == os.getuid()


@pytest.mark.parametrize("compression", ("zstd", "zstd:9", "gzip", "gzip:1", "none"))
def test_compressions(plain_repository, database, folder, compression):
    round_trip(plain_repository, database, folder, "--compression", compression)
    databases.change(database)
    round_trip(plain_repository, database, folder, "--compression", compression)
    assert plain_repository.verify("--data")["ok"]


def test_a_link_is_the_database_that_it_points_to(plain_repository, database, folder):
    (folder / "link.db").symlink_to(database)
    databases.settle(database)
    first = plain_repository.backup(database)
    second = plain_repository.backup(folder / "link.db", "--source-name", first["source"])
    assert second["parent"] == first["snapshot"] and second["capture"] == "unchanged"


def test_two_sources_share_one_repository(plain_repository, folder):
    databases.make(folder / "a.db", seed=1)
    databases.make(folder / "b.db", seed=1)
    first = plain_repository.backup(folder / "a.db")
    second = plain_repository.backup(folder / "b.db")
    assert second["parent"] is None, "another database is no parent"
    error = plain_repository.run("show", "latest", "--json", code=2).error
    assert error["code"] == "source_ambiguous"
    assert first["source"] in str(error) and second["source"] in str(error)
    shown = plain_repository.json("show", "latest", "--source", second["source"])
    assert shown["snapshot"] == second["snapshot"]
    assert len(plain_repository.list("--source", first["source"])) == 1


def test_another_database_under_a_taken_name_is_refused(plain_repository, database, folder):
    name = plain_repository.backup(database)["source"]
    other = databases.make(folder / "other.db", seed=9)
    result = plain_repository.run("backup", "--type", "sqlite", "--database", other, "--source-name", name, "--json", code=2)
    assert result.error["code"] == "source_name_taken" and "--source-name" in result.error["hint"]
    assert len(plain_repository.list()) == 1


@pytest.mark.parametrize("journal", ("delete", "wal"))
def test_restore_over_an_existing_database(plain_repository, folder, journal):
    """With --clean, through SQLite: a connection that stays open sees the restored rows."""
    database = databases.make(folder / "shop.db", journal=journal)
    expected = content(database)
    plain_repository.backup(database)
    target = databases.make(folder / "target.db", rows=9000, seed=5, journal=journal)
    with opened(target) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone()[0] == 9000
        plain_repository.restore("latest", target, "--clean", "--verify")
        assert connection.execute("SELECT count(*) FROM t").fetchone()[0] == 500
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert_equal(expected, target)


def test_a_dry_run_writes_nothing(plain_repository, database, folder):
    objects = plain_repository.objects()
    plan = plain_repository.backup(database, "--dry-run")
    assert plan["dry_run"] is True and plan["snapshot"] is None
    assert plain_repository.objects() == objects and plain_repository.list() == []

    plain_repository.backup(database)
    names = sorted(os.listdir(folder))
    plain_repository.json("restore", "latest", "--to", folder / "restored.db", "--dry-run")
    assert sorted(os.listdir(folder)) == names


@pytest.mark.parametrize("zone", ("UTC", "CET-1CEST,M3.5.0,M10.5.0/3", "<-0330>3:30"))
def test_a_time_that_was_shown_names_its_snapshot(plain_repository, database, zone):
    """What `list`, `show` and `--json` print is pasted back."""
    env = {"TZ": zone}
    for seed in range(3):
        databases.change(database, seed)
        plain_repository.backup(database)
        time.sleep(1.05)  # They show seconds.
    for each in plain_repository.list():
        listed = next(line for line in plain_repository.run("list", env=env).stdout.splitlines() if each["snapshot"][:8] in line)
        shown = plain_repository.run("show", each["snapshot"], env=env).stdout
        pattern = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)"
        for text in (re.search(pattern, listed)[0], re.search(pattern, shown)[0], each["time"]):
            assert plain_repository.json("show", text, env=env)["snapshot"] == each["snapshot"], text


def test_the_report_says_how_long_writers_waited(plain_repository, folder):
    """In rollback mode a lock is held for one pass; in WAL mode nobody waits."""
    log = folder / "log.txt"
    locked = databases.make(folder / "locked.db", rows=100_000)
    assert plain_repository.backup(locked, "--log-file", log)["writers_waited_s"] > 0
    assert re.search(r"writers_waited_s=(?!0\.0+\b)\d+\.\d+", log.read_text())
    assert "writers " in plain_repository.run("backup", "--type", "sqlite", "--database", locked, "--mode", "full").stdout
    free = databases.make(folder / "free.db", journal="wal")
    assert plain_repository.backup(free)["writers_waited_s"] == 0
    assert "writers " not in plain_repository.run("backup", "--type", "sqlite", "--database", free, "--mode", "full").stdout


@pytest.mark.parametrize("state", ("new", "empty", "other", "source"))
def test_the_plan_of_a_restore(plain_repository, database, folder, state):
    """Version, state of the target, what would be overwritten, and the space: with values, and nothing is written."""
    plain_repository.backup(database)
    target = {"source": database}.get(state, folder / f"{state}.db")
    if state == "empty":
        target.touch()
    elif state == "other":
        databases.make(target, rows=2000, seed=3)
    clean = ("--clean",) if state in ("other", "source") else ()
    size = target.stat().st_size if target.exists() else 0
    before = digest(target) if target.exists() else None
    says = {"new": "new", "empty": "empty", "other": f"database of {size} bytes",
            "source": f"database of {size} bytes, the source itself"}[state]
    words = ("restore", "latest", "--to", target, "--dry-run", *clean)
    document = plain_repository.json(*words)
    plan = document["plan"]
    assert plan["target_state"] == says
    assert plan["source_version"] == plain_repository.json("show", "latest")["server_version"] != ""
    assert plan["overwrites"] is (state in ("other", "source"))
    snapshot_size = database.stat().st_size
    assert plan["bytes_needed"] == (max(size, snapshot_size) if clean else snapshot_size)
    assert plan["bytes_free"] > plan["bytes_needed"]
    assert any("snapshot was taken of" in warning for warning in document["warnings"]) is (state == "source")
    text = plain_repository.run(*words).stdout
    assert says in text and plan["source_version"] in text and "needs" in text
    assert (digest(target) if target.exists() else None) == before, "a dry run wrote"


def test_a_restore_into_an_empty_file(plain_repository, database, folder):
    """As mktemp makes it: an empty database, which a program may have open already."""
    expected = content(database)
    plain_repository.backup(database)
    target = folder / "made-by-mktemp.db"
    target.touch(mode=0o600)
    with opened(target) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
        plain_repository.restore("latest", target, "--verify")
        assert connection.execute("SELECT count(*) FROM t").fetchone()[0] == 500
        connection.execute("INSERT INTO notes(note) VALUES('still the same file')")
    with opened(target) as connection:
        assert connection.execute("SELECT note FROM notes").fetchall()[-1] == ("still the same file",)
        connection.execute("DELETE FROM notes WHERE note = 'still the same file'")
    assert_equal(expected, target)
