"""Disks that are full or read-only: at the source, at the target, in the repository.

Method: a tmpfs of a few MB in a mount namespace that only the called program sees.
"""

import os
import shutil

import pytest

import databases
from program import Repository
from requirements import not_possible_here
from s3_server import BUCKET, running_versitygw
from small_disk import NotPossible, SmallDisk


@pytest.fixture
def disk(folder):
    """Makes small disks: disk("8m")."""
    made = []

    def make(size):
        small = SmallDisk(folder / f"disk-{len(made)}", size)
        try:
            small.__enter__()
        except NotPossible as error:
            not_possible_here(f"no mount namespace here: {error}")
        made.append(small)
        return small

    yield make
    for small in made:
        small.__exit__()


def incompressible(path, megabytes, seed=1):
    with databases.opened(path) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, number INTEGER, text TEXT, data BLOB)")
        connection.execute("CREATE TABLE IF NOT EXISTS notes(id INTEGER PRIMARY KEY, note TEXT)")
        connection.executemany("INSERT INTO t(data) VALUES(randomblob(?))", [(100_000,)] * (10 * megabytes))
    return path


@pytest.mark.parametrize("encryption", ("none", "keyfile"))
def test_a_full_disk_of_the_repository(program, folder, disk, encryption):
    small = disk("40m")  # one pack of 16 MiB fits for sure, three do not
    repository = Repository(program, small.point / "repository", encryption)
    if encryption == "keyfile":
        repository.words[-1] = str(folder / "key")
    repository.init(prefix=small.prefix)
    database = incompressible(folder / "grows.db", 3)
    expected = databases.content(database)
    first = repository.backup(database, prefix=small.prefix)["snapshot"]
    incompressible(database, 60)
    for _ in range(2):
        result = repository.run(
            "backup", "--type", "sqlite", "--database", database, "--json", code=30, prefix=small.prefix
        )
        assert "space" in str(result.error).lower(), str(result)
        assert result.error["hint"]
        assert [each["snapshot"] for each in repository.list(prefix=small.prefix)] == [first]
        assert repository.verify("--data", prefix=small.prefix)["ok"]
    repository.restore(first, folder / "first.db", "--verify", prefix=small.prefix)
    databases.assert_equal(expected, folder / "first.db")

    # With more space the next run works, and reuses what the failed ones stored.
    small.remount("size=150m")
    taken = repository.backup(database, prefix=small.prefix)
    assert taken["parent"] == first
    assert taken["bytes_added"] < 45_000_000, "nothing of the failed runs was reused"
    assert repository.verify("--data", prefix=small.prefix)["ok"]
    repository.restore("latest", folder / "second.db", "--verify", prefix=small.prefix)
    databases.assert_equal(databases.content(database), folder / "second.db")


def test_init_on_a_full_disk(program, folder, disk):
    small = disk("1m")
    filler = small.fill()
    repository = Repository(program, small.point / "repository")
    result = repository.run("init", "--encryption", "none", "--json", code=30, prefix=small.prefix)
    assert result.error["hint"], str(result)
    filler.unlink()
    repository.init(prefix=small.prefix)
    assert repository.verify(prefix=small.prefix)["ok"]


@pytest.mark.parametrize("is_seen_before", (True, False))
def test_a_full_disk_of_the_target(plain_repository, folder, disk, is_seen_before):
    database = incompressible(folder / "big.db", 6)
    plain_repository.backup(database)
    small = disk("5m" if is_seen_before else "8m")
    if not is_seen_before:
        small.fill(leave_bytes=3_000_000)
    before = sorted(path.name for path in small.path.iterdir())
    result = plain_repository.run("restore", "latest", "--to", small.point / "x.db", "--json", code=20, prefix=small.prefix)
    assert "space" in str(result.error).lower() and result.error["hint"], str(result)
    assert sorted(path.name for path in small.path.iterdir()) == before, "something half-written was left"
    # The plan says it before anything is tried.
    words = ("restore", "latest", "--to", small.point / "x.db", "--dry-run")
    plan = plain_repository.json(*words, prefix=small.prefix)
    status = os.statvfs(small.path)
    assert plan["plan"]["bytes_needed"] == database.stat().st_size
    assert plan["plan"]["bytes_free"] == status.f_bavail * status.f_frsize < database.stat().st_size
    assert any("only" in warning and "free" in warning for warning in plan["warnings"]), plan
    assert "NOT ENOUGH" in plain_repository.run(*words, prefix=small.prefix).stdout
    small.remount("size=50m")
    plain_repository.restore("latest", small.point / "x.db", "--verify", prefix=small.prefix)


@pytest.mark.parametrize("verify", ((), ("--verify",)))
def test_a_full_disk_under_a_database_that_is_restored_over(plain_repository, folder, disk, verify):
    """The transaction fails as a whole: the old database stays as it was."""
    database = incompressible(folder / "big.db", 6)
    plain_repository.backup(database)
    small = disk("8m")
    old = databases.make(folder / "old.db", rows=500)
    shutil.copy(old, small.path / "x.db")
    small.fill(leave_bytes=1_000_000)
    result = plain_repository.run(
        "restore", "latest", "--to", small.point / "x.db", "--clean", *verify, "--json", code=20, prefix=small.prefix
    )
    assert result.error["code"] == "target_full" and result.error["hint"], str(result)
    assert sorted(path.name for path in small.path.iterdir()) == ["filler", "x.db"]
    (small.path / "filler").unlink()
    plain_repository.run("backup", "--type", "sqlite", "--database", small.point / "x.db", prefix=small.prefix)
    plain_repository.restore("latest", folder / "found.db", "--source", "sqlite-x", "--verify")
    databases.assert_equal(databases.content(old), folder / "found.db")


@pytest.mark.parametrize("journal", ("delete", "wal"))
def test_a_full_disk_of_the_source(plain_repository, folder, disk, journal):
    """Reading needs no space; where it does (a WAL's index), it fails cleanly."""
    small = disk("4m")
    database = databases.make(folder / "full.db", rows=3000, journal=journal)
    expected = databases.content(database)
    shutil.copy(database, small.path)
    small.fill()
    names = sorted(path.name for path in small.path.iterdir())
    words = ("backup", "--type", "sqlite", "--database", small.point / "full.db", "--json")
    result = plain_repository.run(*words, code=0 if journal == "delete" else (0, 20), prefix=small.prefix)
    if journal == "delete":
        assert sorted(path.name for path in small.path.iterdir()) == names
    if result.code == 0:
        plain_repository.restore("latest", folder / "restored.db", "--verify")
        databases.assert_equal(expected, folder / "restored.db")
    assert plain_repository.verify("--data")["ok"]
    (small.path / "filler").unlink()
    plain_repository.run(*words, prefix=small.prefix)


@pytest.mark.parametrize("journal", ("delete", "wal"))
def test_a_read_only_medium(plain_repository, folder, disk, journal):
    small = disk("4m")
    database = databases.make(folder / "frozen.db", rows=500, journal=journal)
    expected = databases.content(database)
    shutil.copy(database, small.path)
    small.remount("ro")
    plain_repository.run("backup", "--type", "sqlite", "--database", small.point / "frozen.db", prefix=small.prefix)
    plain_repository.restore("latest", folder / "restored.db", "--verify")
    databases.assert_equal(expected, folder / "restored.db")


def test_a_read_only_target(plain_repository, database, disk):
    plain_repository.backup(database)
    small = disk("4m")
    small.remount("ro")
    result = plain_repository.run("restore", "latest", "--to", small.point / "x.db", "--json", code=2, prefix=small.prefix)
    assert result.error["code"] == "target_not_writable", str(result)


def test_a_repository_that_can_only_be_read(program, database, disk):
    small = disk("8m")
    repository = Repository(program, small.point / "repository").init(prefix=small.prefix)
    repository.backup(database, prefix=small.prefix)
    small.remount("ro")
    repository.run("list", prefix=small.prefix)
    assert repository.verify("--data", prefix=small.prefix)["ok"]
    databases.change(database)
    result = repository.run("backup", "--type", "sqlite", "--database", database, "--json", code=30, prefix=small.prefix)
    assert result.error["hint"], str(result)
    small.remount("rw")
    assert repository.backup(database, prefix=small.prefix)["parent"]


def test_no_room_to_fetch_an_archive(disk, program, folder):
    """What is full is the disk where the archive goes on its way, not the store."""
    database = databases.make(folder / "shop.db", rows=3000)
    with running_versitygw() as server:
        environment = server.environment()
        url = server.url(f"{BUCKET}/archives/shop.db")
        program.run("backup", "--type", "sqlite", "--database", database, "--format", "archive", "-o", url, env=environment)
        small = disk("64k")
        result = program.run(
            "restore", url, "--to", small.point / "r.db", "--json", code=20, prefix=small.prefix,
            env={**environment, "TMPDIR": str(small.point)},
        )
        assert result.error["code"] == "unpack_failed" and "TMPDIR" in result.error["hint"], result
        assert list(small.path.iterdir()) == []


def test_an_archive_on_a_full_standard_output_is_none(program, database):
    result = program.run(
        "backup", "--type", "sqlite", "--database", database, "--format", "archive", "-o", "-", code=1,
        prefix=["sh", "-c", 'exec "$@" > /dev/full', "sh"],
    )
    assert "no whole archive" in result.stderr and "was done" not in result.stderr
