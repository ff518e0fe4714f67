"""Repositories on real file systems unlike a local disk: one without upper and lower case, and one of another host.

Method: FUSE; the other host is an SFTP server on the loopback that is killed in the middle of what it carries.
"""

import os
import random
import time

import pytest

import databases
from mounts import OtherHost, without_case
from program import Repository
from stores import live_a_life

SEED = int(os.environ.get("DB_BACKUP_TEST_SEED", "20"))
ROUNDS = 40 if os.environ.get("DB_BACKUP_LONG") == "1" else 3


@pytest.fixture
def disk(folder):
    with without_case(folder) as point:
        yield point


@pytest.fixture
def host(folder):
    with OtherHost(folder) as other:
        yield other


def test_the_life_of_a_repository_without_case(program, disk, database, folder):
    live_a_life(Repository(program, disk / "Repository", "keyfile").init(), database, folder)


def test_one_repository_by_two_spellings(program, disk, database, folder):
    repository = Repository(program, disk / "Repository").init()
    repository.backup(database)
    other = Repository(program, disk / "rEPOSITORY")
    assert other.run("init", "--encryption", "none", "--json", code=14).error["code"] == "repository_exists"
    databases.change(database)
    newest = other.backup(database)
    assert newest["mode"] == "incremental"
    repository.restore(newest["snapshot"], folder / "back.db")
    assert databases.digest(folder / "back.db") == databases.digest(database)


def test_a_target_by_another_spelling_is_not_overwritten(program, disk, database):
    repository = Repository(program, disk / "repository").init()
    repository.backup(database)
    (disk / "Shop.db").write_bytes(b"precious")
    repository.run("restore", "latest", "--to", disk / "SHOP.DB", code=2)
    repository.run("export", "latest", "-o", disk / "sHOP.dB", "--compression", "none", code=2)
    assert (disk / "shop.db").read_bytes() == b"precious"


def test_a_source_by_another_spelling(program, disk, folder):
    """Companions of a database are found by the name that is given."""
    database = databases.make(disk / "Shop.db", journal="wal")
    repository = Repository(program, folder / "repository").init()
    repository.backup(disk / "SHOP.DB")
    repository.restore("latest", folder / "back.db")
    databases.assert_equal(databases.content(database), folder / "back.db")


def test_the_life_of_a_repository_on_another_host(program, host, database, folder):
    live_a_life(Repository(program, host.mount() / "repository", "keyfile").init(), database, folder)


def test_the_connection_to_the_other_host_ends_at_any_time(program, host, folder, report):
    """What was listed before is there after; the run says what failed, and the next one goes through."""
    rng = random.Random(SEED)
    database = databases.make(folder / "shop.db", rows=150_000)
    repository = Repository(program, host.mount() / "repository").init()
    states = {repository.backup(database)["snapshot"]: databases.digest(database)}
    codes = []
    for number in range(ROUNDS):
        databases.change(database, seed=number, updates=20_000)
        begun = time.monotonic()
        process = repository.start("backup", "--type", "sqlite", "--database", database, "--json")
        time.sleep(rng.uniform(0.05, 1))
        host.die()
        result = program.finish(process, ["backup"])
        assert result.code in (0, 10, 30, 31), str(result)
        codes.append(result.code)
        if result.code:
            assert result.error["message"] and "internal" not in result.error["code"], str(result)
        assert time.monotonic() - begun < 120
        host.mount()
        listed = [each["snapshot"] for each in repository.list()]
        assert set(states) <= set(listed), "what was there is gone"
        for snapshot in set(listed) - set(states):
            states[snapshot] = databases.digest(database)
    report("connection_ended_codes", codes)
    assert any(codes), "no backup was hit"
    states[repository.backup(database)["snapshot"]] = databases.digest(database)
    repository.verify("--data")
    for number, (snapshot, digest) in enumerate(states.items()):
        repository.restore(snapshot, folder / f"back{number}.db")
        assert databases.digest(folder / f"back{number}.db") == digest
    repository.run("prune", "--keep-last", "1")
    repository.verify("--data")


def test_a_repository_whose_share_is_not_mounted(program, host, database):
    repository = Repository(program, host.mount() / "repository").init()
    repository.backup(database)
    host.unmount()
    for words in (("list",), ("backup", "--type", "sqlite", "--database", database)):
        error = repository.run(*words, "--json", code=10).error
        assert error["code"] == "repository_gone" and "Mount" in error["hint"], error
    assert not any(host.point.iterdir()), "something was written below the mount point"
