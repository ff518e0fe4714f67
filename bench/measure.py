"""Runs one command and says what it took: time on the wall, CPU time, peak anonymous memory.

The time ends when what the command wrote is on the disk: fsync of every file and folder of its
output is part of it, for every program alike.
"""

import dataclasses
import hashlib
import os
import pathlib
import statistics
import subprocess
import threading
import time

SAMPLE_INTERVAL_S = 0.02


@dataclasses.dataclass
class Sample:
    """What one run took."""

    seconds: float
    cpu_seconds: float
    anonymous_bytes: int
    stdout: str


def sync_tree(path, since):
    """Puts a file, or a folder with all that is in it and changed after `since`, on the disk."""
    path = pathlib.Path(path)
    below = [path, *path.rglob("*")] if path.is_dir() else [path]
    for each in below:
        # File systems take the time from a clock that may be a tick late.
        if each.is_symlink() or each.stat().st_ctime < since - 0.1:
            continue
        descriptor = os.open(each, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def anonymous_bytes(pid):
    """RssAnon of a process and its descendants; 0 when it has ended."""
    total = 0
    try:
        with open(f"/proc/{pid}/status") as status:
            for line in status:
                if line.startswith("RssAnon:"):
                    total = int(line.split()[1]) * 1024
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as children:
                total += sum(anonymous_bytes(int(child)) for child in children.read().split())
    except OSError:
        pass
    return total


class MemoryWatch(threading.Thread):
    """Samples the memory of a process until it is told to stop."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid = pid
        self.peak_bytes = 0
        self.ended = threading.Event()

    def run(self):
        while not self.ended.is_set():
            self.peak_bytes = max(self.peak_bytes, anonymous_bytes(self.pid))
            self.ended.wait(SAMPLE_INTERVAL_S)


class CommandFailed(Exception):
    """A command of the benchmark failed, so there is nothing to compare."""


class WrongRestore(Exception):
    """What was restored is not what was backed up."""


def run(commands, outputs, env=None, cwd=None, log=None):
    """Runs commands one after the other and syncs `outputs`, all in one time.

    `log`: the file that takes their stderr.
    """
    # What is still dirty of earlier runs must not be paid for by this one.
    os.sync()
    peak, stdout = 0, b""
    cpu_before = os.times()
    begun, begun_at = time.monotonic(), time.time()
    for command in commands:
        with open(log or os.devnull, "ab") as errors:
            process = subprocess.Popen(
                list(map(str, command)), env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors
            )
            watch = MemoryWatch(process.pid)
            watch.start()
            stdout, _ = process.communicate()
            watch.ended.set()
            watch.join()
            peak = max(peak, watch.peak_bytes)
        if process.returncode != 0:
            raise CommandFailed(f"{' '.join(map(str, command))}: exit code {process.returncode}, see {log}")
    for output in outputs:
        sync_tree(output, begun_at)
    seconds = time.monotonic() - begun
    cpu_after = os.times()
    cpu = cpu_after.children_user + cpu_after.children_system - cpu_before.children_user - cpu_before.children_system
    return Sample(seconds, cpu, peak, stdout.decode(errors="replace"))


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def bytes_below(path):
    path = pathlib.Path(path)
    if path.is_file():
        return path.stat().st_size
    return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())


def median(values):
    return statistics.median(values)
