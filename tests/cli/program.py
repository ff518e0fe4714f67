"""The built program as the tests call it: in a home of its own, with every answer checked."""

import copy
import dataclasses
import json
import os
import pathlib
import secrets
import signal
import subprocess
import time

TIMEOUT_S = 300
PASSPHRASE = "correct horse battery staple"


@dataclasses.dataclass
class Result:
    """What one call gave."""

    words: list
    code: int
    stdout: str
    stderr: str

    @property
    def json(self):
        try:
            return json.loads(self.stdout)
        except ValueError as error:
            raise AssertionError(f"stdout is no JSON document ({error}):\n{self}") from error

    @property
    def error(self):
        """The "error" member of a failed call's document."""
        document = self.json
        assert "error" in document, f"no error in the document:\n{self}"
        return document["error"]

    @property
    def text(self):
        return self.stdout + self.stderr

    def __str__(self):
        return (
            f"$ db-backup {' '.join(map(str, self.words))}\nexit code {self.code}\n"
            f"--- stdout\n{self.stdout[-6000:]}\n--- stderr\n{self.stderr[-6000:]}"
        )


class Program:
    """Runs the program with nothing of the user's environment but PATH."""

    def __init__(self, folder):
        self.path = pathlib.Path(os.environ["DB_BACKUP_PROGRAM"])
        self.folder = pathlib.Path(folder)
        home = self.folder / "home"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_STATE_HOME": str(home / "state"),
            "TZ": "UTC",
            "LC_ALL": "C.UTF-8",
        }
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS", "TMPDIR"):
            if name in os.environ:
                self.environment[name] = os.environ[name]
        if "GCOV_PREFIX" in os.environ:
            self.environment["GCOV_PREFIX"] = os.environ["GCOV_PREFIX"]
        home.mkdir(mode=0o700, exist_ok=True)

    def start(self, *words, env=None, prefix=(), cwd=None, **options):
        """Starts a call and returns the process."""
        return subprocess.Popen(
            [*map(str, prefix), str(self.path), *map(str, words)],
            env={**self.environment, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd or self.folder,
            **options,
        )

    def finish(self, process, words=(), timeout=TIMEOUT_S):
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
            raise AssertionError(f"still runs after {timeout} s: {words}\n{stdout}\n{stderr}") from None
        return Result(list(words), process.returncode, stdout, stderr)

    def run(self, *words, code=0, **options):
        """Calls the program. `code`: the exit code that must come, a tuple of them, or None for any."""
        result = self.finish(self.start(*words, **options), words)
        codes = code if isinstance(code, tuple) else (code,)
        assert code is None or result.code in codes, f"expected exit code {code}\n{result}"
        return result

    def json(self, *words, **options):
        """Calls the program with --json and returns the document."""
        return self.run(*words, "--json", **options).json


ENCRYPTIONS = ("none", "keyfile", "passphrase")


class Repository:
    """A repository, and the words that reach and unlock it."""

    def __init__(self, program, path, encryption="none"):
        self.program = program
        self.path = pathlib.Path(path)
        self.encryption = encryption
        self.env = {}
        self.words = ["--repository", str(path)]
        if encryption == "keyfile":
            key = self.path.with_suffix(".key")
            if not key.exists():
                key.write_text(secrets.token_hex(32) + "\n")
                key.chmod(0o600)
            self.words += ["--key-file", str(key)]
        elif encryption == "passphrase":
            self.env["DB_BACKUP_PASSPHRASE"] = PASSPHRASE

    def seen_by(self, program):
        """The same one, as the host of another program sees it."""
        other = copy.copy(self)
        other.program, other.env = program, dict(self.env)
        return other

    def run(self, command, *words, code=0, env=None, **options):
        return self.program.run(command, *words, *self.words, code=code, env={**self.env, **(env or {})}, **options)

    def json(self, command, *words, **options):
        return self.run(command, *words, "--json", **options).json

    def start(self, command, *words, env=None, **options):
        return self.program.start(command, *words, *self.words, env={**self.env, **(env or {})}, **options)

    def init(self, **options):
        self.run("init", "--encryption", self.encryption, **options)
        return self

    def backup(self, database, *words, **options):
        """Takes a snapshot and returns the document of `backup --json`."""
        return self.json("backup", "--type", "sqlite", "--database", database, *words, **options)

    def restore(self, snapshot, target, *words, **options):
        return self.json("restore", snapshot, "--to", target, *words, **options)

    def list(self, *words, **options):
        return self.json("list", *words, **options)

    def verify(self, *words, **options):
        return self.json("verify", *words, **options)

    def objects(self):
        """Returns the objects of the repository: names below it, sorted."""
        return sorted(str(path.relative_to(self.path)) for path in self.path.rglob("*") if path.is_file())

    def bytes(self):
        return sum((self.path / name).stat().st_size for name in self.objects())


def hears(process, number):
    """Whether the program, started a moment ago, has said what this signal does to it."""
    try:
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return False
    masks = (line.split()[1] for line in status.splitlines() if line.startswith(("SigCgt:", "SigBlk:")))
    return any(int(mask, 16) >> (number - 1) & 1 for mask in masks)


def wait_until_heard(process, number):
    """Until the signal will not end it as one that it does not know; a busy machine may have hardly begun it."""
    while number != signal.SIGKILL and process.poll() is None and not hears(process, number):
        time.sleep(0.001)
