"""Large databases and many snapshots. In CI small and without judging times; in the long run 20 GB
within the memory bound, and 10,000 snapshots with an unchanged backup and a list under a second each.
"""

import pathlib
import shutil
import sys
import time

import pytest

import databases
from measure_program import IS_INSTRUMENTED, timed
from program import Repository

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))

import measure  # noqa: E402
import orders_data  # noqa: E402

MIB = 2**20
JOBS = 2
MEMORY_MAX = (256 + 16 * JOBS) * MIB


def test_memory_does_not_grow_with_the_database(program, folder, is_long, report):
    megabytes = 20_000 if is_long else 60
    if is_long and shutil.disk_usage(folder).free < 3 * megabytes * 1_000_000:
        pytest.fail("the long run needs 60 GB of free disk")
    database = folder / "orders.db"
    orders_data.make(database, megabytes)
    report("database_bytes", database.stat().st_size)
    repository = Repository(program, folder / "repository", "keyfile").init()
    words = ("backup", "--type", "sqlite", "--database", database, "--jobs", JOBS)
    peaks = [timed(repository, words, report, "full").anonymous_bytes]
    orders_data.change(database, 2)
    peaks.append(timed(repository, words, report, "second").anonymous_bytes)
    unchanged = timed(repository, words, report, "unchanged")
    expected = measure.digest(database)
    target = folder / "restored.db"
    peaks.append(timed(repository, ("restore", "latest", "--to", target, "--jobs", JOBS), report, "restore").anonymous_bytes)
    assert measure.digest(target) == expected
    target.unlink()
    peaks.append(timed(repository, ("verify", "--data", "--jobs", JOBS), report, "verify").anonymous_bytes)
    if not IS_INSTRUMENTED:
        assert max(*peaks, unchanged.anonymous_bytes) <= MEMORY_MAX, [peak // MIB for peak in peaks]
    assert not is_long or unchanged.seconds < 1


def test_many_snapshots(program, folder, is_long, report):
    """An unchanged backup and a list do not slow down much with the number of snapshots."""
    count = 10_000 if is_long else 300
    database = databases.make(folder / "shop.db", rows=50)
    repository = Repository(program, folder / "repository", "keyfile").init()
    begun = time.monotonic()
    for number in range(count):
        if number % 10 == 0:
            databases.change(database, number, updates=1, inserts=1)
        repository.backup(database)
    report("snapshots_s", round(time.monotonic() - begun, 1))
    report("objects", len(repository.objects()))

    assert len(repository.list()) == count
    unchanged = timed(repository, ("backup", "--type", "sqlite", "--database", database), report, "unchanged")
    listed = timed(repository, ("list",), report, "list")
    timed(repository, ("show", "latest"), report, "show")
    if is_long:
        assert unchanged.seconds < 1 and listed.seconds < 1
    assert len(repository.list()) == count + 1
    assert repository.json("show", f"latest~{count}")["parent"] is None
    repository.restore("latest~5", folder / "r.db", "--verify")
    assert repository.verify()["ok"]
