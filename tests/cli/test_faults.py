"""Any request of a command to its store may go wrong once, in each of the ways of tests/support/fault_front.py.

What passes is tried again, so the command succeeds; only what comes back wrong from the store cannot be told from damage, and
then it says so. Whatever happens, each snapshot that is visible restores to what was backed up, and the next run succeeds.

Method: a run without faults counts the requests; then the run is repeated from the same state for every number, with a fault
chosen by a seed. DB_BACKUP_LONG=1: with every fault.
"""

import concurrent.futures
import itertools
import os
import pathlib
import random
import sys

import pytest

import databases
from copies import Copies
from program import Program, Repository
from s3_server import BUCKET, running_versitygw
from stores import StoreRepository

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from fault_front import FAULTS, FaultFront  # noqa: E402

DAMAGED = 13
SEED = 5
# So many runs side by side: they wait more than they work.
SCENES = 3
COMMANDS = ("full", "incremental", "prune", "copy_there", "copy_back", "restore")
SLOW = ("timeout", "too_many")
# What passes on a second try. Of the others it is only asked that they fail cleanly, if they fail.
PASSING = [fault for fault in FAULTS if fault != "flipped_answer"]


@pytest.fixture(scope="module")
def server():
    with running_versitygw() as server:
        yield server


class Scene:
    """A repository on the server, one on a disk, a database of two states, and the command under test."""

    def __init__(self, folder, server, command):
        folder.mkdir()
        self.folder, self.command = folder, command
        self.front = FaultFront(server.endpoint)
        program = Program(folder)
        self.far = StoreRepository(program, server, BUCKET).init()
        self.near = Repository(program, folder / "near", "keyfile").init()
        self.database = databases.make(folder / "shop.db", rows=300)
        self.target = folder / "restored.db"
        self.digests = [databases.digest(self.database)]
        getattr(self, "prepare_" + command)()
        self.repository = self.near if command == "copy_back" else self.far
        self.copies = Copies([server.place(self.far), self.near.path, folder / "home"], folder)

    def change(self):
        databases.change(self.database, updates=20, inserts=20)
        databases.settle(self.database)
        self.digests.append(databases.digest(self.database))

    def prepare_full(self):
        self.words = ("backup", "--type", "sqlite", "--database", self.database)
        self.allowed = [[], self.digests]

    def prepare_incremental(self):
        self.prepare_full()
        self.far.backup(self.database)
        self.change()
        self.allowed = [self.digests[:1], self.digests]

    def prepare_prune(self):
        self.prepare_incremental()
        self.far.backup(self.database)
        self.words = ("prune", "--keep-last", 1, "--max-unused", 0, "--rebase")
        self.allowed = [self.digests, self.digests[1:]]

    def back_up_twice(self, repository):
        repository.backup(self.database)
        self.change()
        repository.backup(self.database)
        self.allowed = [[], self.digests[:1], self.digests[1:], self.digests]

    def prepare_copy_there(self):
        self.back_up_twice(self.near)
        self.words = ("copy", "--to", self.far.url, "--to-key-file", self.far.words[-1])

    def prepare_copy_back(self):
        self.back_up_twice(self.far)
        self.words = ("copy", "--to", self.near.path, "--to-key-file", self.near.words[-1])

    def prepare_restore(self):
        self.back_up_twice(self.far)
        self.allowed = [self.digests]
        self.words = ("restore", "latest", "--to", self.target)

    def run(self, is_direct=False, **options):
        """Through the front, or directly."""
        far, near = self.front.endpoint.rpartition(":")[2], self.far.server.endpoint.rpartition(":")[2]
        caller = self.near if self.command == "copy_there" else self.far
        words = [*self.words, *caller.words, "--json"]
        if not is_direct:
            words = [str(word).replace(f"A{near}", f"A{far}") for word in words]
        env = {**self.far.env, "DB_BACKUP_TEST_STALL_S": "1"}
        return caller.program.run(*words, env=env, **options)

    def restored(self, snapshot):
        self.repository.restore(snapshot, self.folder / "visible.db")
        digest = databases.digest(self.folder / "visible.db")
        (self.folder / "visible.db").unlink()
        return digest

    def take_target(self, is_there):
        """What a restore made is whole, or not there."""
        assert self.command != "restore" or self.target.exists() == is_there
        if self.target.exists():
            assert databases.digest(self.target) == self.digests[-1]
            self.target.unlink()
        assert not list(self.folder.glob(".restored*")), "leftovers"

    def count(self):
        self.front.begin()
        self.run()
        self.take_target(is_there=True)
        return len(self.front.seen)


def play(scene, number, fault):
    """@return: the exit code of the command that met the fault."""
    scene.copies.reset()
    scene.front.begin(number, fault)
    result = scene.run(code=None)
    log = f"{fault} of request {number}\n{scene.front.log()}\n{result}"
    scene.front.begin()
    is_done = result.code == 0
    assert is_done or (fault not in PASSING and result.code == DAMAGED and result.json), log
    scene.take_target(is_done)
    visible = [scene.restored(each["snapshot"]) for each in scene.repository.list()]
    assert visible in (scene.allowed[-1:] if is_done else scene.allowed), log
    if not is_done:
        assert scene.run(is_direct=True, code=None).code == 0, f"the next run failed, too\n{log}"
        scene.take_target(is_there=True)
        assert scene.restored("latest") == scene.digests[-1], log
        assert scene.repository.verify("--data")["ok"], log
    return result.code


def planned(count, command, is_long):
    """@return: pairs of a number and a fault. Those that make a command wait for seconds come half as often."""
    rng = random.Random(f"{os.environ.get('DB_BACKUP_TEST_SEED', SEED)} {command}")
    numbers = range(1, count + 1)
    if is_long:
        return list(itertools.product(numbers, FAULTS))
    faults = [*FAULTS, *(fault for fault in FAULTS if fault not in SLOW)]
    rng.shuffle(faults)
    return list(zip(numbers, itertools.cycle(faults)))


@pytest.mark.parametrize("command", COMMANDS)
def test_each_request_goes_wrong_once(folder, server, command, is_long, report):
    scenes = [Scene(folder / str(number), server, command) for number in range(SCENES)]
    count = scenes[0].count()
    plan = planned(count, command, is_long)
    report("requests", count)

    def play_part(first):
        return [play(scenes[first], *each) for each in plan[first::SCENES]]

    with concurrent.futures.ThreadPoolExecutor(SCENES) as threads:
        codes = list(itertools.chain.from_iterable(threads.map(play_part, range(SCENES))))
    report("failed_cleanly", sum(code != 0 for code in codes))
    for scene in scenes:
        scene.front.stop()
        assert scene.front.broken == []
