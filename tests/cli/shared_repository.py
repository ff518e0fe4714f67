"""Many real processes on one repository, some of them killed and some put to sleep; and what is known of each.

A `Crowd` runs the program and lets a chaos loop stop any of it; a `Ledger` notes what was backed up before it is, so that
also the snapshot of a process that was killed after its commit has a digest to be compared with.
"""

import collections
import dataclasses
import random
import shutil
import signal
import threading
import time
import traceback

import databases
from program import Result

BIG_BLOB = 60_000
GIVEN_UP = 14


@dataclasses.dataclass
class Attempt:
    """One call of `backup`, known by its tag."""

    source: int
    number: int
    digest: str
    begun: float
    snapshot: str = ""
    may_have_committed: bool = True


@dataclasses.dataclass
class UnknownPrune:
    """One whose answer nobody read: it may have removed what it was asked to."""

    names: list
    keep_last: int
    ended: float


class Ledger:
    """What was done. Thread-safe by its lock; what the loops find wrong is in `failures`."""

    def __init__(self):
        self.lock = threading.Lock()
        self.attempts = {}
        self.removed = set()
        self.unknown_prunes = []
        self.pinned = set()
        self.counts = collections.Counter()
        self.failures = []

    def count(self, name, number=1):
        with self.lock:
            self.counts[name] += number

    def begin(self, source, number, digest):
        """@return: the tag that the snapshot gets."""
        tag = f"{source}-{number}"
        with self.lock:
            self.attempts[tag] = Attempt(source, number, digest, time.monotonic())
        return tag

    def check_listed(self, listed):
        """Every snapshot is of a call that may have made it, and no call made two."""
        tags = [each["tags"]["attempt"] for each in listed]
        assert len(set(tags)) == len(tags), f"one backup made two snapshots: {sorted(tags)}"
        with self.lock:
            for each in listed:
                attempt = self.attempts[each["tags"]["attempt"]]
                assert attempt.may_have_committed, f"a backup that failed made {each['snapshot']}"
                assert attempt.snapshot in ("", each["snapshot"]), f"{attempt} made {each['snapshot']}"

    def digest(self, listed):
        with self.lock:
            return self.attempts[listed["tags"]["attempt"]].digest

    def may_be_gone(self, attempt):
        """Whether a prune said that it removed the snapshot, or died when it might have."""
        return attempt.snapshot in self.removed or any(
            attempt.snapshot in prune.names
            or (prune.keep_last and self.newer(attempt, prune.ended) >= prune.keep_last)
            for prune in self.unknown_prunes
        )

    def newer(self, attempt, until):
        return sum(
            each.source == attempt.source and each.number > attempt.number and each.may_have_committed
            and each.begun < until
            for each in self.attempts.values()
        )


class Crowd:
    """Runs the program for all loops; `disturb` kills or stops any of what runs."""

    def __init__(self, ledger):
        self.ledger = ledger
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.running = []

    def run(self, repository, command, *words, env=None):
        """@return: what the call gave; the code of one that was killed is -9."""
        with self.lock:
            process = repository.start(command, *words, "--json", env=env)
            self.running.append((command, process))
        try:
            stdout, stderr = process.communicate(timeout=600)
        except BaseException:
            process.kill()
            raise
        finally:
            with self.lock:
                self.running.remove((command, process))
        if process.returncode == -signal.SIGKILL:
            self.ledger.count(f"{command} killed")
        return Result([command, *words], process.returncode, stdout, stderr)

    def signal(self, process, number):
        """The lock keeps the process's number from being another's by now."""
        with self.lock:
            if any(process is each for _, each in self.running) and process.returncode is None:
                process.send_signal(number)
                return True
        return False

    def disturb(self, rng, pause_s):
        """Until it is over. Nobody stays asleep afterwards."""
        asleep = []
        while not self.over.wait(rng.uniform(0.05, 0.4) * pause_s):
            now = time.monotonic()
            for wakes, process in [each for each in asleep if each[0] <= now]:
                self.signal(process, signal.SIGCONT)
                asleep.remove((wakes, process))
            with self.lock:
                awake = [each for each in self.running if not any(each[1] is process for _, process in asleep)]
            if not awake:
                continue
            command, process = rng.choice(awake)
            if rng.random() < 0.4:
                self.signal(process, signal.SIGKILL)
            elif self.signal(process, signal.SIGSTOP):
                self.ledger.count(f"{command} stopped")
                asleep.append((now + rng.choice((0.1, 1, 4, 9)) * rng.random(), process))
        for _, process in asleep:
            self.signal(process, signal.SIGCONT)

    def loop(self, step):
        """A thread that does `step` again and again; the first failure of any ends all."""

        def again():
            try:
                while not self.over.is_set():
                    step()
            except BaseException:
                with self.ledger.lock:
                    self.ledger.failures.append(traceback.format_exc())
                self.over.set()

        return threading.Thread(target=again)


class Versions:
    """States of databases that come back, of the same source or of another, when their packs may just be going."""

    def __init__(self, folder):
        self.folder = folder
        self.lock = threading.Lock()
        folder.mkdir()

    def keep(self, rng, path):
        with self.lock:
            shutil.copyfile(path, self.folder / str(rng.randrange(4)))

    def bring_back(self, rng, path):
        with self.lock:
            kept = sorted(self.folder.iterdir())
            if kept:
                fresh = path.with_name(path.name + ".fresh")
                shutil.copyfile(rng.choice(kept), fresh)
                fresh.replace(path)


class Source:
    """One database, and the loop that changes it and backs it up."""

    def __init__(self, crowd, ledger, repository, number, path, versions, seed, blobs):
        self.crowd, self.ledger, self.repository = crowd, ledger, repository
        self.number, self.path, self.versions = number, path, versions
        self.rng = random.Random(seed)
        self.taken = 0
        databases.make(path, rows=200 + 300 * number, seed=number)
        with databases.opened(path) as database:
            database.execute("CREATE TABLE blobs(id INTEGER PRIMARY KEY, data BLOB)")
            database.execute("BEGIN")
            for _ in range(blobs):
                database.execute("INSERT INTO blobs(data) VALUES(?)", (self.rng.randbytes(BIG_BLOB),))
            database.execute("COMMIT")

    def change(self):
        kind = self.rng.choices(("none", "small", "large", "back"), (15, 45, 20, 20))[0]
        if kind == "small":
            databases.change(self.path, self.rng.randrange(10**6))
        elif kind == "large":
            databases.change(self.path, self.rng.randrange(10**6), updates=150, inserts=50)
            with databases.opened(self.path) as database:
                database.execute("BEGIN")
                for number, in database.execute("SELECT id FROM blobs WHERE random() % 4 = 0").fetchall():
                    database.execute("UPDATE blobs SET data=? WHERE id=?", (self.rng.randbytes(BIG_BLOB), number))
                database.execute("COMMIT")
            self.versions.keep(self.rng, self.path)
        elif kind == "back":
            self.versions.bring_back(self.rng, self.path)

    def back_up(self, mode):
        self.taken += 1
        tag = self.ledger.begin(self.number, self.taken, databases.digest(self.path))
        result = self.crowd.run(self.repository, "backup", "--type", "sqlite", "--database", self.path, "--mode", mode,
                                "--tag", f"attempt={tag}", "--jobs", "2")
        self.ledger.count("times a backup started over", result.stderr.count("starting over"))
        if result.code == 0:
            self.ledger.attempts[tag].snapshot = result.json["snapshot"]
            self.ledger.count("backups")
        elif result.code != -signal.SIGKILL:
            assert result.code == GIVEN_UP and result.error["code"] == "backup_given_up", str(result)
            self.ledger.attempts[tag].may_have_committed = False
            self.ledger.count("backups given up for good")
        return result

    def step(self):
        self.change()
        self.back_up(self.rng.choice(("incremental", "incremental", "incremental", "differential", "full")))
        self.crowd.over.wait(self.rng.random() * 0.3)


def list_snapshots(crowd, ledger, repository):
    """Nothing when the process was killed."""
    result = crowd.run(repository, "list")
    if result.code == -signal.SIGKILL:
        return []
    assert result.code == 0, str(result)
    ledger.check_listed(result.json)
    return result.json


class Reader:
    """Restores what is listed, or verifies, while everybody else goes on."""

    def __init__(self, crowd, ledger, repository, folder, seed):
        self.crowd, self.ledger, self.repository, self.folder = crowd, ledger, repository, folder
        self.rng = random.Random(seed)
        self.target = folder / "restored.db"

    def step(self):
        if self.rng.random() < 0.1:
            result = self.crowd.run(self.repository, "verify")
            assert result.code in (0, -signal.SIGKILL), str(result)
            self.ledger.count("verifies", result.code == 0)
            return
        listed = list_snapshots(self.crowd, self.ledger, self.repository)
        if not listed:
            self.crowd.over.wait(0.1)
            return
        chosen = self.rng.choice(listed)
        result = self.crowd.run(self.repository, "restore", chosen["snapshot"], "--to", self.target, "--jobs", "2")
        if result.code == 0:
            assert databases.digest(self.target) == self.ledger.digest(chosen), str(result)
            self.ledger.count("restores")
        elif result.code != -signal.SIGKILL:
            assert result.error["code"] in ("snapshot_removed", "snapshot_unknown"), str(result)
            self.ledger.count("restores of what has gone")
        if self.target.exists():  # Also when it was killed: then it is whole, too.
            assert databases.digest(self.target) == self.ledger.digest(chosen), str(result)
            self.target.unlink()


class Collector:
    """Prunes by rules and by names, and pins what must stay meanwhile."""

    def __init__(self, crowd, ledger, repository, seed):
        self.crowd, self.ledger, self.repository = crowd, ledger, repository
        self.rng = random.Random(seed)

    def prune(self, names=(), keep_last=0):
        words = [*names, *(("--keep-last", keep_last) if keep_last else ())]
        words += ["--wait", self.rng.choice(("0s", "1s", "2s"))]
        # Signs of life come every two minutes: a backup that takes longer than this is given up though it lives.
        words += ["--give-up-after", self.rng.choice(("2s", "6s", "2h"))]
        words += self.rng.choice(([], ["--rebase"], ["--max-unused", "0"], ["--max-unused", "100"]))
        result = self.crowd.run(self.repository, "prune", *words,
                                env={"DB_BACKUP_TEST_WATCH_MS": self.rng.choice(("0", "300", "1000"))})
        with self.ledger.lock:
            if result.code == 0 and result.json["finished"]:
                self.ledger.removed |= {each["snapshot"] for each in result.json["snapshots"] if not each["kept"]}
            elif result.code in (-signal.SIGKILL, GIVEN_UP):
                self.ledger.unknown_prunes.append(UnknownPrune(list(names), keep_last, time.monotonic()))
        if result.code == 0:
            self.ledger.count("prunes" if result.json["finished"] else "prunes that would have to wait")
            self.ledger.count("runs given up", len(result.json["given_up"]))
            self.ledger.count("packs removed", result.json["packs_removed"])
            assert result.json["problems"] == [], str(result)
        elif result.code == GIVEN_UP:
            assert result.error["code"] == "prune_given_up", str(result)
            self.ledger.count("prunes given up for good")
        elif result.code != -signal.SIGKILL:
            assert names and result.error["code"] in ("snapshot_unknown", "snapshot_pinned"), str(result)
        return result

    def prune_beside_a_pin(self, snapshot):
        with self.ledger.lock:
            if snapshot in self.ledger.pinned:  # Of the other collector, who will end it.
                return
            self.ledger.pinned.add(snapshot)
        pinned = self.crowd.run(self.repository, "pin", snapshot, "--reason", "stays for now", "--wait", "10s")
        if pinned.code not in (0, -signal.SIGKILL):
            assert pinned.error["code"] in ("prune_running", "snapshot_unknown"), str(pinned)
        result = self.prune(keep_last=1)
        if pinned.code == 0:
            self.ledger.count("pins")
            listed = list_snapshots(self.crowd, self.ledger, self.repository)
            found = [each["pinned"] for each in listed if each["snapshot"] == snapshot]
            assert not listed or found == ["stays for now"], f"{snapshot} was pinned and has gone\n{pinned}\n{result}"
        unpinned = self.crowd.run(self.repository, "unpin", snapshot)
        if unpinned.code == 0 or (unpinned.code > 0 and unpinned.error["code"] == "snapshot_unknown"):
            with self.ledger.lock:
                self.ledger.pinned.discard(snapshot)

    def step(self):
        what = self.rng.choices(("rules", "name", "pin", "nothing"), (55, 20, 15, 10))[0]
        listed = list_snapshots(self.crowd, self.ledger, self.repository) if what in ("name", "pin") else []
        if what == "rules":
            self.prune(keep_last=self.rng.randrange(1, 5))
        elif what == "nothing":
            self.prune()
        elif listed and what == "name":
            self.prune(names=[self.rng.choice(listed)["snapshot"]])
        elif listed:
            self.prune_beside_a_pin(self.rng.choice(listed)["snapshot"])
        self.crowd.over.wait(self.rng.random() * 0.5)
