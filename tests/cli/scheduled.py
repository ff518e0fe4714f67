"""A shop whose backups a scheduler takes, as the tests see it from outside."""

import contextlib
import json
import os
import pathlib
import signal
import sqlite3
import time

import databases

PATIENCE_S = 120


def wait_until(what, condition, patience=PATIENCE_S):
    """Looks again and again; what it waits for has no other sign."""
    end = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < end, f"after {patience} s not yet: {what}"
        time.sleep(0.02)
    return found


class Shop:
    """A configuration with one source and one repository, and schedulers for it."""

    def __init__(self, program, folder, database):
        self.program, self.folder, self.database = program, folder, database
        self.config = folder / "c.yaml"
        self.started = []
        self.settings = {
            "version": 1,
            "repositories": {"main": {"url": str(folder / "repository"), "encryption": "none"}},
            "sources": {"shop": {"type": "sqlite", "database": str(database), "repository": "main"}},
        }
        self.write()
        program.run("init", "--config", self.config)
        self.state = pathlib.Path(program.environment["XDG_STATE_HOME"]) / "db-backup"

    def write(self, **sections):
        """Puts sections into the configuration."""
        self.settings.update(sections)
        self.config.write_text(json.dumps(self.settings))

    def source(self, **keys):
        self.write(sources={"shop": {"type": "sqlite", "database": str(self.database), "repository": "main",
                                     **keys}})

    def run(self, *words, **options):
        return self.program.run(*words, "--config", self.config, **options)

    def json(self, *words, **options):
        return self.program.json(*words, "--config", self.config, **options)

    def start(self, *words, **options):
        """Starts a scheduler and waits until it says that it is there."""
        log = self.folder / f"scheduler{len(self.started)}.log"
        process = self.program.start("schedule", "start", "--config", self.config, "--log-file", log, *words,
                                     **options)
        process.log = log
        self.started.append(process)
        wait_until("the scheduler runs", lambda: process.poll() is not None or
                   (log.exists() and "the scheduler runs" in log.read_text()))
        assert process.poll() is None, process.communicate()
        return process

    def stop(self, process, code=0):
        process.send_signal(signal.SIGTERM)
        result = self.program.finish(process, ["schedule", "start"])
        assert result.code == code, result
        return result

    def kill(self, process):
        process.kill()
        process.communicate()

    def kill_all(self):
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError):  # It may end with its parent.
                os.kill(process, signal.SIGKILL)

    def end(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def store(self, sql, *values):
        """What the scheduler remembers."""
        with sqlite3.connect(self.state / "schedule.db", timeout=30) as database:
            return database.execute(sql, values).fetchall()

    def statuses(self, job=None):
        """Of all runs, oldest first, as `schedule list` tells them."""
        jobs = self.json("schedule", "list", *([job] if job else []))
        return [run["status"] for run in reversed(jobs[0]["runs"])]

    def wait_for(self, *statuses, job="nightly"):
        wait_until(f"runs are {statuses}", lambda: self.statuses(job) == list(statuses))

    def was_away(self, hours, job="nightly"):
        """As if no scheduler had run for so long."""
        self.store("UPDATE jobs SET looked_at = looked_at - ? WHERE name = ?", hours * 3600, job)

    def snapshots(self):
        return [each["snapshot"] for each in self.json("list")]

    def processes(self):
        """All that run for this shop: its folder stands in their words."""
        found = {}
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if int(entry.name) != os.getpid() and state != "Z" and \
                    any(str(self.folder).encode() in word for word in words):
                found[int(entry.name)] = b" ".join(words).decode(errors="replace")
        return found

    def assert_whole(self):
        self.run("verify", "--data")
        expected = databases.content(self.database)
        restored = self.folder / "restored.db"
        restored.unlink(missing_ok=True)
        self.run("restore", "latest", "--to", restored)
        databases.assert_equal(expected, restored)
