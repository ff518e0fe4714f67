"""Runs that die at each operation on the storage, or whose store fails for good after it.

Method: DB_BACKUP_TEST_COUNT_FILE counts the operations of a run; then the run is repeated on a copy
for each N (or each of `every`) with DB_BACKUP_TEST_CRASH_BEFORE, _AFTER and _FAIL_AFTER. `repository.path` is where its
objects are files.
"""

import os

import databases
from copies import Copies

KILLED = 137
# Where the first stops depends on threads; the number of operations may differ by a few from run to run.
WAYS = ("DB_BACKUP_TEST_CRASH_BEFORE", "DB_BACKUP_TEST_CRASH_AFTER", "DB_BACKUP_TEST_FAIL_AFTER")


def first_number(way):
    """The store may be dead from the start; a run cannot die before its first operation twice."""
    return 0 if way.endswith("FAIL_AFTER") else 1


def death_code(way):
    return 30 if way.endswith("FAIL_AFTER") else KILLED


def operations(repository, words, folder):
    """Runs once on a copy and returns the operations as "put", "get" ... with their objects."""
    log = folder / "operations"
    log.unlink(missing_ok=True)
    repository.run(*words, env={"DB_BACKUP_TEST_COUNT_FILE": str(log)})
    lines = [line.split(" ", 2) for line in log.read_text().splitlines()]
    assert lines, "no operation was counted"
    return lines


def assert_whole(repository, folder, states):
    """Exactly the snapshots of `states` show, and each restores to its file."""
    assert {each["snapshot"] for each in repository.list()} == set(states)
    for snapshot, expected in states.items():
        target = folder / "restored.db"
        repository.restore(snapshot, target)
        assert databases.digest(target) == expected
        target.unlink()


def init_dies(repository, database, folder, encryption, way):
    copies = Copies([repository.path, folder / "home"], folder)
    words = ("init", "--encryption", encryption)
    count = len(operations(repository, words, folder))
    for number in range(first_number(way), count + 1):
        copies.reset()
        result = repository.run(*words, "--json", code=None, env={way: str(number)})
        is_done = number == count and way != "DB_BACKUP_TEST_CRASH_BEFORE"
        if result.code != 0:
            assert result.code == death_code(way), f"{way}={number}\n{result}"
        # Either it is a repository now, or init makes it one.
        retried = repository.run(*words, "--json", code=(0, 14))
        if retried.code == 14:
            assert retried.error["code"] == "repository_exists", f"{way}={number}\n{retried}"
        assert result.code != 0 or is_done or retried.code == 14, f"{way}={number}"
        taken = repository.backup(database)
        assert_whole(repository, folder, {taken["snapshot"]: databases.digest(database)})
        assert repository.verify("--data")["ok"]


def backup_dies(repository, folder, way, mode, every=1):
    """Afterwards: the earlier snapshot and only it, then a next run that works."""
    database = databases.make(folder / "shop.db", rows=4000)
    states = {repository.backup(database)["snapshot"]: databases.digest(database)}
    databases.change(database, updates=40, inserts=400)
    after = databases.digest(database)
    copies = Copies([repository.path, folder / "home"], folder)
    words = ("backup", "--type", "sqlite", "--database", database, "--mode", mode)
    count = len(operations(repository, words, folder))
    for number in range(first_number(way), count + 1, every):
        copies.reset()
        result = repository.run(*words, "--json", code=None, env={way: str(number)})
        listed = {each["snapshot"] for each in repository.list()}
        made = listed - set(states)
        assert set(states) <= listed and len(made) <= 1, f"{way}={number}"
        if made:
            # The commit got through, if not the answer: then it is whole.
            assert_whole(repository, folder, {**states, made.pop(): after})
        else:
            assert result.code == death_code(way), f"{way}={number}\n{result}"
            if number % 5 == 0:
                assert_whole(repository, folder, states)
            taken = repository.backup(database, "--mode", mode)
            assert_whole(repository, folder, {**states, taken["snapshot"]: after})
        assert repository.verify("--data")["ok"], f"{way}={number}"
    print(f"{count} operations")


def prune_dies(repository, folder, way, every=1):
    """Afterwards: what was to be kept restores, and the next prune finishes."""
    database = databases.make(folder / "shop.db", rows=2000)
    for round_number in range(3):
        newest = repository.backup(database)["snapshot"]
        kept = databases.digest(database)
        databases.change(database, round_number, updates=40, inserts=400)
    copies = Copies([repository.path, folder / "home"], folder)
    words = ("prune", "--keep-last", "1", "--rebase")
    count = len(operations(repository, words, folder))
    for number in range(first_number(way), count + 1, every):
        copies.reset()
        result = repository.run(*words, "--json", code=None, env={way: str(number)})
        assert result.code in (0, death_code(way)), f"{way}={number}\n{result}"
        assert newest in {each["snapshot"] for each in repository.list()}, f"{way}={number}"
        assert repository.verify("--data")["ok"], f"{way}={number}"
        repository.run(*words)
        assert_whole(repository, folder, {newest: kept})
        assert repository.verify("--data")["ok"], f"{way}={number}"
    print(f"{count} operations")


def restore_dies(repository, folder, database, way):
    """The target is not there, or whole; nothing half-written keeps its name."""
    repository.backup(database)
    expected = databases.digest(database)
    target = folder / "restored.db"
    words = ("restore", "latest", "--to", target)
    count = len(operations(repository, words, folder))
    assert databases.digest(target) == expected
    for number in range(1, count + 1):
        target.unlink(missing_ok=True)
        result = repository.run(*words, "--json", code=None, env={way: str(number)})
        if result.code == 0:
            assert databases.digest(target) == expected
        else:
            assert result.code in (30, KILLED) and not target.exists(), f"{way}={number}\n{result}"
            if way.endswith("FAIL_AFTER"):
                assert not [name for name in os.listdir(folder) if name.startswith(".restored")], "leftovers"
    target.unlink(missing_ok=True)
    repository.restore("latest", target)
