"""The way to the store goes bad while a command works, and gets well again; or it does not.

toxiproxy stands in the way and cuts, delays and silences connections, wherever in a request they are; a server is killed and comes
back. Trouble that ends is waited for: the command succeeds. Trouble that stays ends it in bounded time with exit code 30 and words
that say what to do. Whatever happens, each snapshot that is visible restores to what was backed up.

Method: a command is run over a way that is a little slow, so that there is a middle; trouble begins at a random moment of its time
and ends some time later. What is random follows from a seed. DB_BACKUP_LONG=1: each trouble of each command, many times.
"""

import concurrent.futures
import contextlib
import itertools
import os
import pathlib
import random
import subprocess
import time

import pytest

from azure_server import AzureServer
from gcs_server import GcsServer
from s3_server import BUCKET, S3Server
from scenes import COMMANDS, Scene
from toxiproxy import Toxiproxy

SEED = os.environ.get("DB_BACKUP_TEST_SEED", "5")
# So many runs side by side: they wait more than they work.
SCENES = 2
ROWS = 60_000 if os.environ.get("DB_BACKUP_LONG") == "1" else 10_000
LATENCY_MS = 20
# No command takes a second without trouble, and no trouble lasts longer than two; machines differ.
TIME_MAX_S = 300
UNREACHABLE = 30
# How long a command tries again, in the tests of trouble that stays.
PATIENCE_S = 2

# What befalls connections, with what toxiproxy is told.
TOXICS = {
    "reset": lambda rng: {"kind": "reset_peer", "timeout": rng.choice((0, rng.randrange(200)))},
    "silence": lambda rng: {"kind": "timeout", "timeout": 0},
    "silence_then_end": lambda rng: {"kind": "timeout", "timeout": rng.randrange(50, 800)},
    "cut": lambda rng: {"kind": "limit_data", "bytes": rng.choice((rng.randrange(1, 500), rng.randrange(1, 500_000)))},
    "delay": lambda rng: {"kind": "latency", "latency": 150, "jitter": 140},
    "late_end": lambda rng: {"kind": "slow_close", "delay": rng.randrange(100, 1500)},
    "narrow": lambda rng: {"kind": "bandwidth", "rate": rng.randrange(100, 1000)},  # KB/s
    "slices": lambda rng: {"kind": "slicer", "average_size": 200, "size_variation": 100, "delay": 200},  # bytes, µs
}
TROUBLES = (*TOXICS, "off", "killed")


class Trouble:
    """Something that goes wrong on the way to a server."""

    def __init__(self, way, server, kind, toxic):
        self.way, self.server, self.kind, self.toxic = way, server, kind, toxic
        self.name = None

    def begin(self):
        if self.kind == "off":
            self.way.switch(is_on=False)
        elif self.kind == "killed":
            self.server.crash()
        else:
            self.name = self.way.poison(**self.toxic)

    def end(self):
        if self.kind == "off":
            self.way.switch(is_on=True)
        elif self.kind == "killed":
            self.server.restart()
        else:
            self.way.heal(self.name)

    def __str__(self):
        return f"{self.kind} {self.toxic or ''}"


def random_toxic(kind, rng):
    if kind not in TOXICS:
        return {}
    return {**TOXICS[kind](rng), "stream": rng.choice(("upstream", "downstream")), "toxicity": rng.choice((0.5, 1.0))}


@contextlib.contextmanager
def slow_way(proxy, server, latency_ms=LATENCY_MS):
    way = proxy.way(server)
    way.poison("latency", latency=latency_ms)
    yield way
    way.remove()


@pytest.fixture(scope="module")
def proxy(servers):
    folder, started = servers
    started.append(Toxiproxy(folder))
    return started[-1]


@pytest.fixture
def start_server(servers, folder):
    """Starts servers of this test's own."""
    started = []

    def start(kind, name):
        place = folder / f"server-{name}"
        place.mkdir()
        server = {"s3": lambda: S3Server("versitygw", place), "gs": lambda: GcsServer(place), "az": lambda: AzureServer(place)}[kind]()
        started.append(server)
        (server.make_container if kind == "az" else server.make_bucket)(BUCKET)
        return server

    yield start
    for server in started:
        server.crash()  # It would wait for connections to end, and nobody needs what it holds.


def wait_for(process, seconds):
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        pass


def usual_time(scene, proxy):
    """@return: how long the command takes without trouble, in seconds. Leaves the scene as it was."""
    with slow_way(proxy, scene.far.server) as way:
        begun = time.monotonic()
        result = scene.run(way.endpoint)
        took_s = time.monotonic() - begun
    assert result.code == 0, result
    scene.target.unlink(missing_ok=True)
    scene.copies.reset()
    return took_s


def play(scene, proxy, kind, usual_s, rng):
    """The trouble ends, so the command succeeds. @return: how long it took, in seconds."""
    before_s, for_s = rng.uniform(0, 0.75 * usual_s), rng.uniform(0.2, 2)
    with slow_way(proxy, scene.far.server) as way:
        trouble = Trouble(way, scene.far.server, kind, random_toxic(kind, rng))
        begun = time.monotonic()
        process = scene.start(way.endpoint)
        wait_for(process, before_s)
        trouble.begin()
        wait_for(process, for_s)
        trouble.end()
        result = scene.far.program.finish(process, scene.words, TIME_MAX_S)
        took_s = time.monotonic() - begun
    tries = result.stderr.count("tried again")
    log = f"{scene.command}: {trouble} from {before_s:.2f} of {usual_s:.2f} s, for {for_s:.2f} s; {tries} tries, {took_s:.2f} s"
    print(log)
    assert result.code == 0 and "error" not in result.json, f"{log}\n{result}"
    scene.check(is_done=True, log=f"{log}\n{result}")
    assert scene.repository.verify("--data")["ok"], f"{log}\n{result}"
    return took_s


def planned(command, is_long):
    """Each trouble befalls some commands, and each command some troubles."""
    if is_long:
        return list(TROUBLES) * 5
    first = 3 * COMMANDS.index(command)
    return [TROUBLES[(first + number) % len(TROUBLES)] for number in range(3)]


@pytest.mark.parametrize("command", COMMANDS)
def test_what_passes_is_waited_for(folder, start_server, proxy, command, is_long, report):
    plan = planned(command, is_long)

    def play_part(number):
        scene = Scene(folder / str(number), start_server("s3", number), command, BUCKET, ROWS)
        scene.keep()
        usual_s = usual_time(scene, proxy)
        rng = random.Random(f"{SEED} {command} {number}")
        times = []
        for kind in plan[number::SCENES]:
            times.append(play(scene, proxy, kind, usual_s, rng))
            scene.copies.reset()
        return times

    with concurrent.futures.ThreadPoolExecutor(SCENES) as threads:
        times = list(itertools.chain.from_iterable(threads.map(play_part, range(SCENES))))
    report("longest_s", round(max(times), 1))


@pytest.mark.parametrize("command", ("full", "restore"))
@pytest.mark.parametrize("kind", ("gs", "az"))
def test_what_passes_is_waited_for_on_other_stores(folder, start_server, proxy, kind, command, is_long):
    server = start_server(kind, kind)
    rng = random.Random(f"{SEED} {kind} {command}")
    troubles = [trouble for trouble in TROUBLES if trouble != "killed"]
    for number, trouble in enumerate(troubles * 3 if is_long else rng.sample(troubles, 1)):
        scene = Scene(folder / str(number), server, command, BUCKET, ROWS)
        play(scene, proxy, trouble, usual_s=0.6, rng=rng)


# --- trouble that stays ---------------------------------------------------------------------------

HOPELESS = {
    "reset": {"kind": "reset_peer", "timeout": 0},
    "silence": {"kind": "timeout", "timeout": 0},
    "cut": {"kind": "limit_data", "bytes": 10},
    "off": {},
    "killed": {},
}


@pytest.mark.parametrize(
    "command,kind", [*itertools.product(["full"], HOPELESS), ("restore", "silence"), ("restore", "off")]
)
def test_what_stays_is_said(folder, start_server, proxy, command, kind):
    server = start_server("s3", 0)
    scene = Scene(folder / "0", server, command, BUCKET, ROWS)
    with slow_way(proxy, server, latency_ms=250) as way:  # So that a second is too short for the command.
        trouble = Trouble(way, server, kind, HOPELESS[kind])
        begun = time.monotonic()
        process = scene.start(way.endpoint, DB_BACKUP_TEST_RETRY_S=str(PATIENCE_S))
        wait_for(process, 0.4)
        trouble.begin()
        result = scene.far.program.finish(process, scene.words, TIME_MAX_S)
        took_s = time.monotonic() - begun
        trouble.end()
    assert result.code == UNREACHABLE, result
    assert result.error["code"] == "server_unreachable", result
    assert "does not answer" in result.error["message"] and result.error["hint"], result
    assert any("tries" in each for each in result.error["context"]), result
    assert took_s < 4 * PATIENCE_S + 30, result
    scene.check(is_done=False, log=result)
