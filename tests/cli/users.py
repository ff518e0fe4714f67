"""Other users of this machine: numbers that nobody has, taken by child processes of root.

One is an application with a database, another one backs it up.
"""

import atexit
import contextlib
import functools
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import databases
from program import Program, Repository
from requirements import not_possible_here

APPLICATION, BACKUP = 61201, 61202  # users
OWN, SHARED = 61301, 61302  # groups


def need_root():
    if os.geteuid() != 0:
        not_possible_here("only root can run programs as other users")


def as_user(user, group, *more_groups):
    """What subprocess needs to start a program as that user."""
    return {"user": user, "group": group, "extra_groups": list(more_groups), "umask": 0o022}


@functools.cache
def program_for_all():
    """A copy of the program where everybody may run it: the checkout may lie in a folder of root's alone."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="db-backup-test-"))
    atexit.register(shutil.rmtree, folder)
    folder.chmod(0o755)
    return pathlib.Path(shutil.copy(os.environ["DB_BACKUP_PROGRAM"], folder))


def run_python(code, *arguments, **options):
    """Runs `code` in a process of its own and returns what it printed; it must succeed."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, timeout=120, cwd="/", **options
    )
    assert done.returncode == 0, f"{options}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


ROWS = 300
APPLICATION_USER = as_user(APPLICATION, OWN, SHARED)
MEMBER = as_user(BACKUP, SHARED)
STRANGER = as_user(BACKUP, BACKUP)
ROOT = {}

MAKE = f"""
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute(f"PRAGMA journal_mode={{sys.argv[2]}}")
database.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, text TEXT)")
database.executemany("INSERT INTO t(text) VALUES(?)", (("x" * 200,) for _ in range({ROWS})))
database.close()
"""
WRITE = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
database.execute("INSERT INTO t(text) VALUES('later')")
assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
print(database.execute("SELECT count(*) FROM t").fetchone()[0])
database.close()
"""
STAY = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
database.execute("INSERT INTO t(text) VALUES('in the log')")
print("ready", flush=True)
sys.stdin.readline()
database.execute("INSERT INTO t(text) VALUES('during')")
print(database.execute("SELECT count(*) FROM t").fetchone()[0])
database.close()
"""
DIE = """
import os, sqlite3, signal, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
database.execute("PRAGMA cache_size=2")
database.execute("PRAGMA wal_autocheckpoint=0")
database.execute("BEGIN")
database.execute("UPDATE t SET text=text || 'never'")
if sys.argv[2] == "commit":
    database.execute("COMMIT")
print("ready", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""

COME_AND_GO = """
import select, sqlite3, sys
rows = int(sys.argv[2])
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    database = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
    database.execute("INSERT INTO t(text) VALUES('again')")
    rows += 1
    if rows % 7 == 0:
        database.execute("PRAGMA wal_checkpoint")
    assert database.execute("SELECT count(*) FROM t").fetchone()[0] == rows
    database.close()
print(rows)
"""


class Application:
    """A user with a folder, a database in it, and a count of the rows that must be there."""

    def __init__(self, folder, journal="wal", mode=0o644, folder_mode=0o755):
        self.folder = folder / "application"
        self.path = self.folder / "shop.db"
        self.rows = ROWS
        self.folder.mkdir()
        os.chown(self.folder, APPLICATION, SHARED)
        self.folder.chmod(0o755)
        run_python(MAKE, self.path, journal, **APPLICATION_USER)
        os.chown(self.path, APPLICATION, SHARED)
        self.path.chmod(mode)
        self.folder.chmod(folder_mode)

    def names(self):
        return sorted(os.listdir(self.folder))

    def die(self, end="never"):
        """Leaves what a crash leaves: a hot journal, or a log with or without a commit at its end."""
        done = subprocess.run([sys.executable, "-c", DIE, self.path, end], capture_output=True, cwd="/", **APPLICATION_USER)
        assert done.stdout == b"ready\n" and done.returncode == -signal.SIGKILL, done

    def write(self):
        """The application goes on working: it opens its database and writes."""
        self.rows += 1
        assert run_python(WRITE, self.path, **APPLICATION_USER) == str(self.rows)

    @contextlib.contextmanager
    def running(self):
        """The application has its database open, with a row that is only in the log."""
        command = [sys.executable, "-c", STAY, self.path]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/", **APPLICATION_USER
        ) as process:
            assert process.stdout.readline() == "ready\n"
            self.rows += 1
            yield
            self.rows += 1
            assert process.communicate("go on\n", timeout=60)[0] == f"{self.rows}\n"
        assert process.returncode == 0

    @contextlib.contextmanager
    def coming_and_going(self):
        """Opens, writes and closes all the time."""
        command = [sys.executable, "-c", COME_AND_GO, self.path, str(self.rows)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen(command, cwd="/", **pipes, **APPLICATION_USER) as process:
            assert process.stdout.readline() == "ready\n"
            yield
            self.rows = int(process.communicate("stop\n", timeout=60)[0])
        assert process.returncode == 0

    def check_companions(self):
        """What lies beside the database is as if the application had made it."""
        wanted = self.path.stat()
        for name in self.names():
            found = (self.folder / name).stat()
            assert (found.st_uid, found.st_gid, found.st_mode) == (wanted.st_uid, wanted.st_gid, wanted.st_mode), name


class Backup:
    """The program as one user, with a home and a repository of its own."""

    def __init__(self, folder, user):
        self.folder = folder / "backup"
        self.user = user
        self.folder.mkdir()
        program = Program(self.folder)
        program.path = program_for_all()
        for path in (self.folder, self.folder / "home"):
            os.chown(path, user.get("user", 0), user.get("group", 0))
        self.repository = Repository(program, self.folder / "repository").init(**user)

    def take(self, application, *words, **options):
        databases.settle(application.path)
        return self.repository.backup(application.path, *words, **self.user, **options)

    def refused(self, application, *words, code="source_unreadable", **options):
        """The backup must fail with a message that helps, and have changed nothing."""
        before = {name: (application.folder / name).stat().st_ctime_ns for name in application.names()}
        call = ("backup", "--type", "sqlite", "--database", application.path, *words, "--json")
        result = self.repository.run(*call, code=20, **self.user, **options)
        after = {name: (application.folder / name).stat().st_ctime_ns for name in application.names()}
        assert after == before
        assert result.error["code"] == code and result.error["hint"], result
        return result.error

    def check(self, taken, rows):
        target = self.folder / "restored.db"
        self.repository.restore(taken["snapshot"], target, "--verify", **self.user)
        with databases.opened(target) as database:
            assert database.execute("SELECT count(*) FROM t").fetchone() == (rows,)
        for path in self.folder.glob("restored.db*"):
            path.unlink()
