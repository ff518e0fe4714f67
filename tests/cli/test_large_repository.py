"""A small source in a large repository: one of many chunks, one of many sources; and what is removed
of a large one. In CI small and without judging times; in the long run 5,000,000 chunks and 10,000
sources.
"""

import os
import pathlib
import shutil
import subprocess

import databases
import measure_program
from program import Repository
from small_disk import NotPossible, SmallDisk

import pytest

MIB = 2**20
JOBS = 2
MEMORY_MAX = (256 + 16 * JOBS) * MIB


class Place:
    """A repository that was made large, and a small source in it."""

    def __init__(self, program, folder, report):
        self.program, self.folder, self.report = program, folder, report
        self.repository = Repository(program, folder / "repository").init()
        self.database = databases.make(folder / "shop.db")
        self.backup = ("backup", "--type", "sqlite", "--database", self.database, "--jobs", JOBS)
        self.samples = {}
        self.changes = 0
        self.source = self.repository.backup(self.database)["source"]

    def enlarge(self, kind, count):
        made = subprocess.run(
            [os.environ["DB_BACKUP_MAKE_LARGE"], self.repository.path, kind, str(count)],
            check=True, capture_output=True, text=True,
        )
        self.report("made_s", made.stdout.strip())
        self.report("repository_mib", round(self.repository.bytes() / MIB))

    def measure(self, name, *words):
        self.samples[name] = measure_program.timed(self.repository, words, self.report, name)

    def change(self):
        self.changes += 1
        databases.change(self.database, self.changes, updates=20, inserts=20)
        databases.settle(self.database)

    def forget(self):
        shutil.rmtree(self.cache, ignore_errors=True)

    @property
    def cache(self):
        return pathlib.Path(self.program.environment["XDG_CACHE_HOME"])

    def index_files(self):
        return sorted(self.cache.rglob("index-*.sqlite"))

    def restore(self, name):
        target = self.folder / f"{name}.db"
        self.measure(name, "restore", "latest", "--source", self.source, "--to", target, "--jobs", JOBS)
        databases.assert_equal(databases.content(self.database), target)

    def measure_all(self):
        """Every command without a cache and with one."""
        for cache in ("cold", "warm"):
            if cache == "warm":
                # Fills the cache: only a backup that stores something looks chunks up.
                self.change()
                self.repository.run(*self.backup)
            for name, words in (("changed", self.backup), ("unchanged", self.backup),
                                ("list", ("list", "--source", self.source))):
                if cache == "cold":
                    self.forget()
                if name == "changed":
                    self.change()
                self.measure(f"{name}_{cache}", *words)
            if cache == "cold":
                self.forget()
            self.restore(f"restore_{cache}")

    def judge_memory(self):
        if not measure_program.IS_INSTRUMENTED:
            peaks = {name: sample.anonymous_bytes // MIB for name, sample in self.samples.items()}
            assert max(peaks.values()) * MIB <= MEMORY_MAX, peaks

    def judge(self, is_long):
        self.judge_memory()
        if is_long:
            warm = {name: sample.seconds for name, sample in self.samples.items() if name.endswith("warm")}
            assert max(warm.values()) < 1, warm


@pytest.fixture
def place(program, folder, report):
    return Place(program, folder, report)


def test_many_chunks(place, is_long):
    place.enlarge("chunks", 5_000_000 if is_long else 30_000)
    place.measure_all()
    place.judge(is_long)
    (index,) = place.index_files()
    assert index.stat().st_mode & 0o777 == 0o600
    place.report("index_mib", round(index.stat().st_size / MIB, 1))
    if not is_long:
        assert place.repository.verify()["ok"]


@pytest.mark.parametrize("where, words, code, says", (
    ("nowhere", ("chunks", "10"), 10, "no repository at"),
    ("empty", ("sources", "10"), 10, "no repository"),
    ("empty", ("chunk", "10"), 2, "usage"),
    ("empty", ("chunks",), 2, "usage"),
))
def test_its_maker_says_what_is_wrong(folder, where, words, code, says):
    (folder / "empty").mkdir()
    made = subprocess.run([os.environ["DB_BACKUP_MAKE_LARGE"], folder / where, *words], capture_output=True, text=True)
    assert made.returncode == code and says in made.stderr, made
    assert not (folder / "nowhere").exists() and not list((folder / "empty").iterdir())


def test_many_sources(place, is_long):
    place.enlarge("sources", 10_000 if is_long else 100)
    place.measure_all()
    place.judge(is_long)
    assert len(place.repository.list()) > 100


def test_prune_of_many_chunks(place, is_long):
    """In the end every other chunk of each pack is needed, so that half of all is stored anew."""
    place.enlarge("halves", 5_000_000 if is_long else 30_000)
    before = place.repository.bytes()
    first, _ = (each["snapshot"] for each in place.repository.list("--source", "large"))
    place.measure("prune_nothing", "prune")
    place.measure("prune_dry", "prune", first, "--dry-run")
    place.measure("prune_any_unused", "prune", first, "--max-unused", "100")
    place.measure("prune_repack", "prune")
    place.judge_memory()
    left = place.repository.json("prune")
    after = place.repository.bytes()
    assert left["packs_removed"] == 0
    assert left["bytes_unused"] <= 0.05 * after  # What prune leaves unless told otherwise.
    assert after < 0.65 * before
    names = {path.name for path in place.cache.rglob("*") if path.is_file()}
    assert names <= {"manifest-heads", *(path.name for path in place.index_files())}
    if not is_long:
        assert place.repository.verify()["ok"]


def test_a_cache_on_a_full_or_read_only_disk_is_done_without(place, folder):
    place.enlarge("chunks", 2000)
    try:
        with SmallDisk(folder / "small", "4m") as disk:
            env = {"XDG_CACHE_HOME": str(disk.point)}
            disk.fill()
            place.repository.backup(place.database, prefix=disk.prefix, env=env)
            (disk.path / "filler").unlink()
            place.change()
            place.repository.backup(place.database, prefix=disk.prefix, env=env)
            disk.fill(leave_bytes=8192)
            place.enlarge("sources", 1)
            place.change()
            place.repository.backup(place.database, prefix=disk.prefix, env=env)
            disk.remount("ro")
            place.change()
            place.repository.backup(place.database, prefix=disk.prefix, env=env)
    except NotPossible as why:
        pytest.skip(str(why))
    place.restore("restored")
    assert place.repository.verify()["ok"]
