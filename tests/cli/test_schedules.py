"""The systemd units, the crontab and the routine of docs/operations.md, as they stand there.

systemd judges the units offline. What they start is run as another user on a machine with the paths of the page: a mount namespace,
read-only but for what the unit lets be written, with an environment as bare as systemd and cron give.
"""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess

import pytest

import databases
from requirements import not_possible_here
from users import APPLICATION, OWN, need_root

PAGE = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text("utf-8")
UNITS = dict(re.findall(r"^`/etc/systemd/system/([\w.-]+)`:\n\n```ini\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
SERVICE = UNITS["db-backup-shop.service"]
CRONTAB = re.search(r"^## With cron\n\n```\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[1]
ROUTINE = re.findall(r"^\| every \w+(?: or \w+)? \| `(db-backup [^`]*)`", PAGE, re.MULTILINE)
PROGRAM = "/usr/bin/db-backup"

CONFIG = """
version: 1
repositories:
  main: {url: /mnt/backup/db, encryption: keyfile, key_file: /etc/db-backup/main.key}
sources:
  shop: {type: sqlite, database: /srv/shop/shop.db, repository: main}
"""

# $1: the folder with what the machine has. Overlays of two read-only folders add the program and /etc/db-backup to what is there.
MOUNTS = """
set -e
mount --make-rprivate /
mount -t overlay -o lowerdir="$1/bin:/usr/bin" overlay /usr/bin
mount -t overlay -o lowerdir="$1/etc:/etc" overlay /etc
for place in srv mnt home var/cache var/lib; do mount --bind "$1/$place" "/$place"; done
mount -t tmpfs -o mode=1777 tmpfs /tmp
"""
# ProtectSystem=strict; the other arguments may be written.
STRICT = """
shift
for place; do mount --bind "$place" "$place"; done
for place in / /usr/bin /etc /srv /mnt /home /var/cache /var/lib; do mount -o remount,bind,ro "$place"; done
"""


def settings(unit, name):
    return [word for line in re.findall(rf"^{name}=(.*)$", unit, re.MULTILINE) for word in line.split()]


class Machine:
    """One with a shop's database, its user, and a repository on another disk."""

    def __init__(self, program, folder):
        need_root()
        self.program, self.folder = program, folder / "machine"
        for place in ("bin", "etc/db-backup", "srv/shop", "mnt/backup", "home/shop", "var/cache/db-backup", "var/lib/db-backup"):
            (self.folder / place).mkdir(parents=True)
        shutil.copy(program.path, self.folder / "bin" / "db-backup")
        self.etc = self.folder / "etc" / "db-backup"
        (self.etc / "config.yaml").write_text(CONFIG)
        (self.etc / "main.key").write_text("5" * 64 + "\n")
        (self.etc / "main.key").chmod(0o600)
        self.database = self.folder / "srv" / "shop" / "shop.db"

    def own(self):
        """Gives the shop's user what is its own."""
        places = [self.etc / "main.key"]
        for top in ("srv/shop", "mnt/backup", "home/shop", "var/cache/db-backup", "var/lib/db-backup"):
            places += [self.folder / top, *(self.folder / top).rglob("*")]
        for path in places:
            os.chown(path, APPLICATION, OWN)

    def run(self, words, environment, writable=None):
        """@param writable: all that may be written; nothing: what the user may write."""
        self.own()
        environment = {
            "PATH": "/usr/bin:/bin", "HOME": "/home/shop", "LOGNAME": "shop", "USER": "shop", "SHELL": "/bin/sh",
            # Not of the machine: where a tree for coverage may leave what it counts.
            "GCOV_PREFIX": "/tmp", "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", ""), **environment,
        }
        script = MOUNTS + (STRICT if writable is not None else "") + 'cd / && eval "exec $COMMAND"'
        user = ["setpriv", f"--reuid={APPLICATION}", f"--regid={OWN}", "--clear-groups", "--no-new-privs"]
        command = [*user, "env", "-i", *(f"{name}={value}" for name, value in environment.items()), *words]
        return subprocess.run(
            ["unshare", "--mount", "sh", "-c", script, "sh", self.folder, *(writable or ())], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=300, env={"PATH": os.environ["PATH"], "COMMAND": shlex.join(command)},
        )

    def start_service(self):
        """As systemd would with the page's unit."""
        words = shlex.split(re.search("^ExecStart=(.*)$", SERVICE, re.MULTILINE)[1])
        assert settings(SERVICE, "User") == ["shop"] and settings(SERVICE, "ProtectSystem") == ["strict"]
        environment = dict(word.split("=") for word in settings(SERVICE, "Environment"))
        writable = settings(SERVICE, "ReadWritePaths") + ["/tmp"]
        writable += ["/var/cache/" + name for name in settings(SERVICE, "CacheDirectory")]
        writable += ["/var/lib/" + name for name in settings(SERVICE, "StateDirectory")]
        return self.run(words, environment, writable)

    def run_as_cron(self, command):
        return self.run(["sh", "-c", command], {})


def said(done):
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def machine(program, folder):
    made = Machine(program, folder)
    probe = made.run(["true"], {}, ["/tmp"])
    if probe.returncode != 0:
        not_possible_here(f"no mount namespace: {probe.stderr}")
    databases.make(made.database)
    assert made.run([PROGRAM, "init", "--repository", "main"], {}).returncode == 0
    return made


def snapshots(machine):
    done = machine.run([PROGRAM, "list", "--json", "--repository", "main"], {})
    assert done.returncode == 0, done.stderr
    return len(json.loads(done.stdout))


def judge(folder, units):
    for name, text in units.items():
        (folder / name).write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", *(str(folder / name) for name in units)], capture_output=True, text=True,
                          timeout=60, env={"PATH": os.environ["PATH"], "SYSTEMD_LOG_LEVEL": "notice"})
    return said(done)


def test_systemd_takes_the_units(program, folder):
    if not shutil.which("systemd-analyze"):
        not_possible_here("there is no systemd-analyze")
    units = {name: text.replace(PROGRAM, str(program.path)) for name, text in UNITS.items()}
    assert sorted(units) == ["db-backup-shop.service", "db-backup-shop.timer"]
    assert judge(folder, units) == (0, "")
    # It would have said so:
    wrong = {name: text.replace("[Timer]\n", "[Timer]\nOnWednesdays=yes\n") for name, text in units.items()}
    assert "OnWednesdays" in judge(folder, wrong)[1]
    wrong = {name: text.replace(str(program.path), "/usr/bin/db-backpu") for name, text in units.items()}
    assert "db-backpu" in judge(folder, wrong)[1]


@pytest.mark.parametrize("journal", ("delete", "wal"))
def test_the_service_backs_up(machine, journal):
    with databases.opened(machine.database) as database:
        database.execute(f"PRAGMA journal_mode={journal}")
    for number in (1, 2):
        home = sorted((machine.folder / "home").rglob("*"))
        assert said(machine.start_service()) == (0, "")
        assert sorted((machine.folder / "home").rglob("*")) == home, "the unit has places of its own for cache and state"
        assert list((machine.folder / "var/lib/db-backup").iterdir())
        assert snapshots(machine) == number
        databases.change(machine.database, number)
    machine.database.rename(machine.database.with_name("elsewhere.db"))
    code, text = said(machine.start_service())
    assert code == 20 and "/srv/shop/shop.db" in text


def test_the_protections_protect(machine):
    """Else the test above would prove little."""
    for place in ("/home/shop", "/srv", "/var/lib", "/usr/bin", "/etc/db-backup"):
        done = machine.run(["touch", place + "/new"], {}, ["/srv/shop", "/tmp"])
        assert done.returncode == 1 and "Read-only" in done.stderr + done.stdout, f"{place}: {said(done)}"
    assert said(machine.run(["touch", "/srv/shop/new"], {}, ["/srv/shop", "/tmp"])) == (0, "")


def test_cron_prints_only_when_something_is_wrong(machine):
    lines = [line for line in CRONTAB.splitlines() if not line.startswith("#")]
    assert lines
    for number, line in enumerate(lines, 1):
        *times, command = line.split(None, 5)
        assert len(times) == 5 and all(re.fullmatch(r"\*|\d+", time) for time in times), line
        assert "%" not in command, "cron makes a line break of it"
        assert said(machine.run_as_cron(command)) == (0, "")
        assert snapshots(machine) == number
        away = machine.folder / "mnt/backup/away"
        (machine.folder / "mnt/backup/db").rename(away)
        code, text = said(machine.run_as_cron(command))
        assert code == 10 and "/mnt/backup/db" in text
        away.rename(machine.folder / "mnt/backup/db")


def test_the_routine_prints_nothing(machine):
    assert len(ROUTINE) == 4
    for command in ROUTINE:
        assert said(machine.run_as_cron(command)) == (0, ""), command
