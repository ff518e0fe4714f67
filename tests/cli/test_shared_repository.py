"""Eight backups, two restores and two collectors at once on one repository, with kills and pauses of any of them.

Everything that is listed restores to what was backed up, nothing that was committed is missing unless a collector removed it,
and a quiet prune leaves nothing that no snapshot needs. That is checked by what restores of all snapshots read, and not by
what the collector believes.
"""

import os
import random
import re
import time

import pytest

import databases
from measure_program import IS_INSTRUMENTED
from program import Program, Repository
from s3_server import BUCKET, running_versitygw
from shared_repository import Collector, Crowd, Ledger, Reader, Source, Versions
from stores import StoreRepository

SOURCES = 8
# The last two are of several packs. A sanitizer's program takes many times as long.
BLOBS = (0, 0, 1, 3, 10, 30, 300, 600) if not IS_INSTRUMENTED else (0, 0, 1, 3, 10, 30, 100, 300)
OBJECT = re.compile(
    r"config|keys/[0-9a-f]+|packs/([0-9a-f]{2})/\1[0-9a-f]{62}|indexes/[0-9a-f]+|manifests/[0-9a-f]{16}/[0-9a-f]{32}"
    r"|collections/[0-9a-f]{32}|pins/[0-9a-f]{32}/[0-9a-f]{32}(\.end)?"
)
HOUR_S = 3600
SECONDS = {"disk": 20, "s3": 60}


class Hosts:
    """Homes of their own for the hosts that share a repository: caches and what was seen last."""

    def __init__(self, folder, shared):
        self.folder, self.shared = folder, shared

    def repository(self, name):
        home = self.folder / name
        home.mkdir(exist_ok=True)
        return self.shared.seen_by(Program(home))


@pytest.fixture(params=SECONDS)
def place(request):
    return request.param


@pytest.fixture
def shared(place, program, folder):
    """The repository; its `path` shows the objects as files."""
    if place == "disk":
        yield Repository(program, folder / "repository", "keyfile")
        return
    with running_versitygw() as server:
        repository = StoreRepository(program, server, BUCKET)
        repository.path = server.place(repository)
        yield repository


def objects(repository):
    return {name for name in repository.objects() if not name.startswith(".tmp/")}


def in_folder(names, folder):
    return {name for name in names if name.startswith(folder + "/")}


def disturbed(folder, hosts, ledger, seed, seconds):
    """All at once for so long. Returns the sources."""
    crowd = Crowd(ledger)
    rng = random.Random(seed)
    small, large = Versions(folder / "small"), Versions(folder / "large")
    sources = [
        # Four of them share a host's cache, each of the others has one of its own.
        Source(crowd, ledger, hosts.repository("many" if number % 2 else f"host{number}"), number,
               folder / f"source{number}.db", large if blobs >= 100 else small, rng.random(), blobs)
        for number, blobs in enumerate(BLOBS)
    ]
    readers = [Reader(crowd, ledger, hosts.repository(name), folder / f"restored-{name}", rng.random())
               for name in ("many", "reader")]
    for reader in readers:
        reader.folder.mkdir()
    collectors = [Collector(crowd, ledger, hosts.repository(name), rng.random()) for name in ("many", "collector")]
    threads = [crowd.loop(each.step) for each in (*sources, *readers, *collectors)]
    threads.append(crowd.loop(lambda: crowd.disturb(rng, 4 if IS_INSTRUMENTED else 1)))
    for thread in threads:
        thread.start()
    crowd.over.wait(seconds)
    end = time.monotonic() + 300
    while not (ledger.counts["restores"] and ledger.counts["prunes"]) and time.monotonic() < end:
        if crowd.over.wait(1):
            break
    crowd.over.set()
    for thread in threads:
        thread.join()
    assert not ledger.failures, "\n".join(ledger.failures)
    for reader in readers:
        assert list(reader.folder.iterdir()) == [], "a restore that was killed left something"
    return sources


def assert_nothing_lost(ledger, listed):
    ledger.check_listed(listed)
    ids = {each["snapshot"] for each in listed}
    lost = [attempt for attempt in ledger.attempts.values()
            if attempt.snapshot and attempt.snapshot not in ids and not ledger.may_be_gone(attempt)]
    assert not lost, f"backups said success, and no prune removed them: {lost[:3]} of {len(lost)}"
    back = ids & ledger.removed
    assert not back, f"removed, and listed all the same: {back}"


def make_leftovers_old(repository):
    """The files of puts that were killed: the next put of anybody takes them for dead after an hour."""
    for path in (repository.path / ".tmp").glob("*"):
        os.utime(path, (time.time() - 2 * HOUR_S,) * 2)


def prune_quietly(repository, ledger):
    """Twice, because the list of what was removed stays until another collection has repeated it in its own, and is deleted by
    one that saw that (docs/protocol.md). Everything else goes at once."""
    first = repository.json("prune", "--max-unused", "0", "--rebase")
    assert first["finished"] and first["problems"] == [] and first["waiting_for"] == []
    assert all(each["kept"] for each in first["snapshots"])
    plan = repository.json("prune", "--max-unused", "0", "--rebase", "--dry-run")
    nothing = ("packs_removed", "bytes_freed", "bytes_compacted", "bytes_unused", "bytes_only_bases")
    assert {plan[name] for name in nothing} == {0}, plan
    odd = [name for name in objects(repository) if not OBJECT.fullmatch(name)]
    assert not odd, f"left by the quiet prune: {odd}"
    gone = {name for name in in_folder(objects(repository), "manifests") if name.rpartition("/")[2] in ledger.removed}
    assert not gone, f"removed, and there all the same: {gone}"
    repository.run("prune", "--max-unused", "0", "--rebase")
    before = objects(repository)
    again = repository.json("prune", "--max-unused", "0", "--rebase")
    assert objects(repository) == before and again["leftovers_removed"] == 0, again
    return before


def assert_all_needed(repository, folder, ledger, listed):
    """Each snapshot restores, on a host that has never seen the repository; each pack is read by some restore."""
    log = folder / "operations"
    for each in listed:
        target = folder / "final.db"
        repository.restore(each["snapshot"], target, env={"DB_BACKUP_TEST_COUNT_FILE": str(log)})
        assert databases.digest(target) == ledger.digest(each), each
        target.unlink()
    read = {line.split(" ", 2)[2].split(" ")[0] for line in log.read_text().splitlines()}
    packs = in_folder(objects(repository), "packs")
    assert packs <= read, f"no restore reads {sorted(packs - read)}"


def assert_only_tombstones(repository, listed):
    """Of manifests that are not listed only the marks of runs that were given up stay: a few hundred bytes."""
    ids = {each["snapshot"] for each in listed}
    others = [name for name in in_folder(objects(repository), "manifests") if name.rpartition("/")[2] not in ids]
    sizes = {name: (repository.path / name).stat().st_size for name in others}
    assert all(size < 512 for size in sizes.values()), sizes
    return len(others)


def test_many_processes_share_a_repository(folder, place, shared, is_long, report):
    seconds = float(os.environ.get("DB_BACKUP_TEST_CHAOS_S", 1800 if is_long else SECONDS[place]))
    seed = int(os.environ.get("DB_BACKUP_TEST_SEED", random.randrange(2**32)))
    print(f"DB_BACKUP_TEST_SEED={seed}")
    hosts, ledger = Hosts(folder, shared), Ledger()
    repository = hosts.repository("fresh").init()
    sources = disturbed(folder, hosts, ledger, seed, seconds)
    for name, number in sorted(ledger.counts.items()):
        report(name.replace(" ", "_"), number)
    report("snapshots_removed", len(ledger.removed))
    make_leftovers_old(repository)
    for source in sources:
        assert source.back_up("incremental").code == 0, "undisturbed, and it failed"
    assert list((repository.path / ".tmp").glob("*")) == [], "files of puts that were killed"
    listed = repository.list()
    report("snapshots_in_the_end", len(listed))
    assert_nothing_lost(ledger, listed)
    found = repository.verify("--data")
    assert found["ok"] and found["findings"] == [], found
    for each in listed:
        if each["pinned"]:
            repository.run("unpin", each["snapshot"])
    prune_quietly(repository, ledger)
    assert repository.list() == [{**each, "pinned": None} for each in listed]
    report("tombstones", assert_only_tombstones(repository, listed))
    assert_all_needed(hosts.repository("stranger"), folder, ledger, listed)
    stats = repository.json("stats")
    assert stats["bytes_unused"] == 0 and stats["snapshots"] == len(listed)
    assert ledger.counts["backups"] > SOURCES and ledger.counts["restores"] and ledger.counts["prunes"]
