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

from s3_server import BUCKET, running_versitygw
from scenes import COMMANDS, Scene

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from fault_front import FAULTS, FaultFront  # noqa: E402

DAMAGED = 13
SEED = 5
# So many runs side by side: they wait more than they work.
SCENES = 3
SLOW = ("timeout", "too_many")
# What passes on a second try. Of the others it is only asked that they fail cleanly, if they fail.
PASSING = [fault for fault in FAULTS if fault != "flipped_answer"]


@pytest.fixture(scope="module")
def server():
    with running_versitygw() as server:
        yield server


class FaultyScene(Scene):
    """One whose command goes through a front of its own."""

    def __init__(self, folder, server, command):
        super().__init__(folder, server, command, BUCKET)
        self.front = FaultFront(server.endpoint)
        self.keep()

    def count(self):
        self.front.begin()
        assert self.run(self.front.endpoint).code == 0
        self.take_target(is_there=True)
        return len(self.front.seen)


def play(scene, number, fault):
    """@return: the exit code of the command that met the fault."""
    scene.copies.reset()
    scene.front.begin(number, fault)
    result = scene.run(scene.front.endpoint)
    log = f"{fault} of request {number}\n{scene.front.log()}\n{result}"
    is_done = result.code == 0
    assert is_done or (fault not in PASSING and result.code == DAMAGED and result.json), log
    scene.check(is_done, log)
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
    scenes = [FaultyScene(folder / str(number), server, command) for number in range(SCENES)]
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
