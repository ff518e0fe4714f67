"""An unchanged database is recognised without reading it, and a changed one is never taken for unchanged.

Method: every way that is known to change a database while some of its signs stay equal (notes in
docs/architecture.md): each must be read, and what is restored must be the new state.
"""

import os
import shutil

import pytest

import databases
from databases import opened

HEADERS_AND_SAMPLE = (64 + 512) * 1024  # of the parts that were skipped, some are read to be sure


@pytest.fixture(params=("delete", "wal"))
def journal(request):
    return request.param


@pytest.fixture
def shop(folder, journal):
    return databases.make(folder / "shop.db", rows=5000, journal=journal)


def settled_backup(repository, database, *words):
    databases.settle(database)
    return repository.backup(database, *words)


def backup(repository, database, capture):
    """Backs up and checks how it was captured, and that what is stored is what is there."""
    taken = settled_backup(repository, database)
    assert taken["capture"] == capture, taken
    if capture == "unchanged":
        assert taken["bytes_read"] <= HEADERS_AND_SAMPLE and taken["chunks_new"] == 0, taken
    else:
        assert taken["bytes_read"] >= taken["bytes_source"], taken
    expected = databases.content(database)
    target = repository.path.parent / f"restored-{taken['snapshot']}.db"
    repository.restore(taken["snapshot"], target, "--verify")
    databases.assert_equal(expected, target)
    target.unlink()
    return taken


def test_unchanged_is_recognised(quick_repository, shop):
    first = settled_backup(quick_repository, shop)
    second = backup(quick_repository, shop, "unchanged")
    third = backup(quick_repository, shop, "unchanged")
    assert (second["parent"], third["parent"]) == (first["snapshot"], second["snapshot"])
    assert second["bytes_source"] == first["bytes_source"]
    assert quick_repository.verify("--data")["ok"]


def test_reading_does_not_count_as_a_change(plain_repository, shop):
    settled_backup(plain_repository, shop)
    with opened(shop) as connection:
        connection.execute("SELECT count(*) FROM t").fetchall()
    taken = settled_backup(plain_repository, shop)
    assert taken["capture"] in ("unchanged", "compared")
    assert taken["chunks_new"] == 0 and taken["chunks_delta"] == 0, taken


def test_each_change_is_seen(plain_repository, shop):
    settled_backup(plain_repository, shop)
    for seed in range(4):
        databases.change(shop, seed)
        backup(plain_repository, shop, "compared")
    backup(plain_repository, shop, "unchanged")


def test_an_open_log_that_grows(plain_repository, folder):
    database = databases.make(folder / "open.db", rows=2000, journal="wal")
    with opened(database) as connection:
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("INSERT INTO notes(note) VALUES('a')")
        settled_backup(plain_repository, database)
        backup(plain_repository, database, "unchanged")
        connection.execute("INSERT INTO notes(note) VALUES('b')")
        backup(plain_repository, database, "compared")
        connection.execute("UPDATE notes SET note='c'")
        backup(plain_repository, database, "compared")
        backup(plain_repository, database, "unchanged")


def test_a_log_that_was_closed_and_opened_again(plain_repository, folder):
    """Ten updates, close, open: header counter, cookie, inode and size are as before, and no log is left."""
    database = databases.make(folder / "again.db", rows=2000, journal="wal")
    settled_backup(plain_repository, database)
    header = database.read_bytes()[:100]
    with opened(database) as connection:
        for number in range(10):
            connection.execute("UPDATE t SET number=? WHERE id=7", (number,))
    seen_by_header = database.read_bytes()[24:28] != header[24:28]
    print(f"the change counter {'tells' if seen_by_header else 'does not tell'}")
    backup(plain_repository, database, "compared")
    with opened(database) as connection:
        connection.execute("UPDATE t SET number=-1 WHERE id=8")
    backup(plain_repository, database, "compared")


@pytest.mark.parametrize("kind", ("PASSIVE", "FULL", "RESTART", "TRUNCATE"))
def test_checkpoints_between_backups(plain_repository, folder, kind):
    database = databases.make(folder / "check.db", rows=2000, journal="wal")
    with opened(database) as connection:
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("UPDATE t SET number=1 WHERE id=1")
        settled_backup(plain_repository, database)
        connection.execute("UPDATE t SET number=2 WHERE id=1")
        connection.execute(f"PRAGMA wal_checkpoint({kind})").fetchall()
        backup(plain_repository, database, "compared")
        connection.execute("UPDATE t SET number=3 WHERE id=1")
        backup(plain_repository, database, "compared")


def test_an_older_copy_put_in_place(plain_repository, shop, folder):
    """Its counter may be equal, its size is: but it is another file."""
    older = folder / "older.db"
    shutil.copy(shop, older)
    databases.change(shop, seed=1, inserts=0)
    settled_backup(plain_repository, shop)
    os.replace(older, shop)
    backup(plain_repository, shop, "compared")


def test_a_copy_with_an_equal_counter_and_equal_times(plain_repository, folder):
    """Two changes of one start have the same counter and size; times and inode are made equal too."""
    database = databases.make(folder / "twin.db", rows=2000)
    twin = folder / "other.db"
    shutil.copy(database, twin)
    with opened(database) as connection:
        connection.execute("UPDATE t SET text='first' WHERE id=5")
    with opened(twin) as connection:
        connection.execute("UPDATE t SET text='other' WHERE id=5")
    assert database.read_bytes()[:100] == twin.read_bytes()[:100], "the headers differ, so nothing is tested"
    settled_backup(plain_repository, database)
    times = database.stat()
    with open(database, "r+b") as file:  # In place: the inode stays.
        file.write(twin.read_bytes())
    os.utime(database, ns=(times.st_atime_ns, times.st_mtime_ns))
    backup(plain_repository, database, "compared")


def test_replaced_by_its_own_restore(plain_repository, shop, folder):
    first = settled_backup(plain_repository, shop)
    databases.change(shop, seed=5)
    settled_backup(plain_repository, shop)
    plain_repository.restore(first["snapshot"], folder / "old.db")
    os.replace(folder / "old.db", shop)
    taken = backup(plain_repository, shop, "compared")
    assert taken["bytes_added"] < first["bytes_added"] / 3, "what is known was stored again"


def test_restored_over_by_the_program_itself(plain_repository, shop):
    first = settled_backup(plain_repository, shop)
    databases.change(shop, seed=5)
    settled_backup(plain_repository, shop)
    plain_repository.restore(first["snapshot"], shop, "--clean")
    backup(plain_repository, shop, "compared")


def test_vacuum(plain_repository, shop):
    with opened(shop) as connection:
        connection.execute("DELETE FROM t WHERE id % 2")
    settled_backup(plain_repository, shop)
    with opened(shop) as connection:
        connection.execute("VACUUM")
    backup(plain_repository, shop, "compared")


def test_another_journal_mode(plain_repository, folder):
    database = databases.make(folder / "mode.db", rows=2000)
    for mode in ("wal", "delete", "wal", "truncate", "delete"):
        settled_backup(plain_repository, database)
        with opened(database) as connection:
            connection.execute(f"PRAGMA journal_mode={mode}")
            connection.execute("INSERT INTO notes(note) VALUES(?)", (mode,))
        backup(plain_repository, database, "compared")


def test_a_rolled_back_transaction(plain_repository, shop):
    settled_backup(plain_repository, shop)
    with opened(shop) as connection:
        connection.execute("PRAGMA cache_size=5")
        connection.execute("BEGIN")
        connection.execute("UPDATE t SET text='never'")
        connection.execute("ROLLBACK")
    taken = settled_backup(plain_repository, shop)
    assert taken["capture"] in ("unchanged", "compared")
    plain_repository.restore("latest", shop.parent / "r.db")
    with opened(shop.parent / "r.db") as connection:
        assert connection.execute("SELECT count(*) FROM t WHERE text='never'").fetchone() == (0,)


def test_a_full_reads_everything(plain_repository, shop):
    settled_backup(plain_repository, shop)
    taken = settled_backup(plain_repository, shop, "--mode", "full")
    assert taken["capture"] == "full" and taken["bytes_read"] >= taken["bytes_source"]
    assert taken["parent"] is None


def test_a_differential_of_an_unchanged_database(plain_repository, shop):
    full = settled_backup(plain_repository, shop)
    taken = settled_backup(plain_repository, shop, "--mode", "differential")
    assert taken["parent"] == full["snapshot"] and taken["capture"] == "unchanged"


def test_the_backup_leaves_no_trace_beside_the_database(plain_repository, shop, folder):
    before = sorted(os.listdir(folder))
    stat = shop.stat()
    settled_backup(plain_repository, shop)
    settled_backup(plain_repository, shop)
    after = set(os.listdir(folder))
    if (folder / "shop.db-wal").exists():
        # SQLite makes its log and the log's index to read in WAL mode, and removes them only when it
        # may checkpoint, which a backup must not: what stays is empty.
        assert (folder / "shop.db-wal").stat().st_size == 0
        after -= {"shop.db-wal", "shop.db-shm"}
    assert sorted(after) == before
    assert (shop.stat().st_mtime_ns, shop.stat().st_ino) == (stat.st_mtime_ns, stat.st_ino)
