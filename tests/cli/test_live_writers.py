"""Backups while four processes write: each snapshot is one consistent moment, and writers wait little.

The longest stall of a writer is measured and reported, not judged: it depends on the machine.
"""

import pytest

import databases
from program import Repository
from writers import Writers

MODES = ("full", "incremental", "differential")


@pytest.mark.parametrize("journal", ("wal", "delete", "truncate", "persist"))
def test_snapshots_are_consistent_while_four_processes_write(program, folder, journal, is_long, report):
    rounds = 50 if is_long else 5
    if journal in ("truncate", "persist") and not is_long:
        rounds = 1
    repository = Repository(program, folder / "repository", "keyfile").init()
    database = folder / "accounts.db"
    taken = []
    with Writers(database, journal, rows=20_000 if is_long else 3000) as writers:
        for _ in range(rounds):
            for mode in MODES:
                taken.append(repository.backup(database, "--mode", mode))
                writers.assert_moving()
    report("longest_stall_s", round(writers.longest_stall_s, 4))
    report("transfers", writers.transfers)
    report("longest_backup_s", round(max(each["duration_s"] for each in taken), 4))
    writers.assert_consistent(database)
    for each in taken:
        target = folder / "restored.db"
        repository.restore(each["snapshot"], target, "--verify")
        writers.assert_consistent(target)
        target.unlink()
    assert len({each["snapshot"] for each in taken}) == 3 * rounds
    assert repository.verify("--data")["ok"]


@pytest.mark.parametrize("spool", ("0", "64KiB", "1GiB"))
def test_the_spool_is_bounded_and_leaves_nothing(plain_repository, folder, spool, report):
    """In rollback mode what the pipeline can't take at once goes to memory and an unnamed file."""
    spool_folder = folder / "tmp"
    spool_folder.mkdir()
    with Writers(folder / "accounts.db", "delete", rows=20_000) as writers:
        taken = plain_repository.backup(folder / "accounts.db", "--spool", spool, env={"TMPDIR": str(spool_folder)})
        writers.assert_moving()
    report("longest_stall_s", round(writers.longest_stall_s, 4))
    assert list(spool_folder.iterdir()) == []
    plain_repository.restore(taken["snapshot"], folder / "restored.db", "--verify")
    writers.assert_consistent(folder / "restored.db")


def test_a_backup_does_not_checkpoint_the_users_log(plain_repository, folder):
    """Our last close must leave file, log and journal mode as they were."""
    database = databases.make(folder / "shop.db", journal="wal")
    with databases.opened(database) as connection:
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("INSERT INTO notes(note) VALUES('in the log')")
        before = {name: (folder / name).read_bytes() for name in ("shop.db", "shop.db-wal")}
        plain_repository.backup(database)
        after = {name: (folder / name).read_bytes() for name in before}
        assert after == before
    # The same with a log that nobody has open: a program that was killed left it.
    crashed = folder / "crashed.db"
    crashed.write_bytes(before["shop.db"])
    (folder / "crashed.db-wal").write_bytes(before["shop.db-wal"])
    plain_repository.backup(crashed)
    assert (folder / "crashed.db-wal").read_bytes() == before["shop.db-wal"]
    assert crashed.read_bytes() == before["shop.db"]
    plain_repository.restore("latest", folder / "restored.db", "--source", "sqlite-crashed", "--verify")
    with databases.opened(folder / "restored.db") as connection:
        assert connection.execute("SELECT note FROM notes").fetchall() == [("in the log",)]


def test_two_backups_at_once(plain_repository, folder):
    """Of one database into one repository: both succeed, and both snapshots restore."""
    database = databases.make(folder / "shop.db", rows=5000)
    words = ("backup", "--type", "sqlite", "--database", database, "--json")
    running = [plain_repository.start(*words) for _ in range(4)]
    results = [plain_repository.program.finish(process, words) for process in running]
    assert [result.code for result in results] == [0] * 4, "\n".join(map(str, results))
    ids = {result.json["snapshot"] for result in results}
    assert {each["snapshot"] for each in plain_repository.list()} == ids and len(ids) == 4
    for snapshot in ids:
        plain_repository.restore(snapshot, folder / f"{snapshot}.db")
        assert databases.digest(folder / f"{snapshot}.db") == databases.digest(database)
    assert plain_repository.verify("--data")["ok"]
