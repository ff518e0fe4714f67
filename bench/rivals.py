"""The programs that are compared. Each knows its commands; none knows what is measured."""

import json
import os
import pathlib
import secrets
import shutil
import subprocess

import measure

PASSPHRASE = "only for the benchmark"


def first_line(*command):
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return (answer.stdout or answer.stderr).splitlines()[0]


class Rival:
    """One program with one repository (or file) for each run, below `folder`."""

    name = ""
    deduplicates = True

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / self.name
        self.folder.mkdir(parents=True)
        self.log = self.folder / "stderr.log"
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C.UTF-8", "TZ": "UTC"}

    def where(self, run):
        """The folder or file that takes the backups of this run."""
        return self.folder / f"repository-{run}"

    def version(self):
        raise NotImplementedError

    def prepare(self, run):
        """Makes the empty repository; not measured."""

    def backup(self, run, database):
        raise NotImplementedError

    def restore(self, run, target):
        """Restores the last backup to the new path `target`."""
        raise NotImplementedError

    def prunes(self, run):
        """Case and command of each step that keeps the last backup alone and frees the rest."""
        return []

    def expected_digest(self, source):
        """What a right restore hashes to, given the hash of the source."""
        return source

    def stored_bytes(self, run):
        return measure.bytes_below(self.where(run))

    def measured(self, commands, outputs, cwd=None):
        return measure.run(commands, outputs, env=self.env, cwd=cwd, log=self.log)

    def quietly(self, *command):
        with open(self.log, "ab") as log:
            subprocess.run(list(map(str, command)), env=self.env, check=True, stdout=log, stderr=log)


class DbBackup(Rival):
    name = "db-backup"

    def __init__(self, folder, program):
        super().__init__(folder)
        self.program = pathlib.Path(program)
        self.key = self.folder / "key"
        self.key.write_text(secrets.token_hex(32) + "\n")
        self.key.chmod(0o600)

    def version(self):
        return first_line(str(self.program), "--version")

    def reach(self, run):
        return ["--repository", self.where(run), "--key-file", self.key, "--json"]

    def prepare(self, run):
        self.quietly(self.program, "init", "--encryption", "keyfile", *self.reach(run))

    def backup(self, run, database):
        command = [self.program, "backup", "--type", "sqlite", "--database", database, *self.reach(run)]
        return self.measured([command], [self.where(run)])

    def restore(self, run, target, snapshot="latest"):
        return self.measured([[self.program, "restore", snapshot, "--to", target, *self.reach(run)]], [target])

    def prunes(self, run):
        prune = [self.program, "prune", *self.reach(run)]
        return [("prune", [*prune, "--keep-last", "1"]), ("rebase", [*prune, "--rebase"])]

    def list(self, run):
        return self.measured([[self.program, "list", *self.reach(run)]], [])

    @staticmethod
    def document(sample):
        return json.loads(sample.stdout)


class Restic(Rival):
    name = "restic"

    def __init__(self, folder):
        super().__init__(folder)
        self.env |= {"RESTIC_PASSWORD": PASSPHRASE, "RESTIC_CACHE_DIR": str(self.folder / "cache")}

    def repository(self, run):
        return self.where(run)

    def version(self):
        return first_line("restic", "version")

    def prepare(self, run):
        self.quietly("restic", "-r", self.repository(run), "init")

    def backup(self, run, database):
        return self.measured([["restic", "-q", "-r", self.repository(run), "backup", database]], [self.where(run)])

    def prunes(self, run):
        restic = ["restic", "-q", "-r", self.repository(run)]
        return [("prune", [*restic, "forget", "--group-by", "", "--keep-last", "1", "--prune"])]

    def restore(self, run, target):
        # It restores below the target folder, under the full path that the file had.
        folder = target.parent / f"{target.name}.restic"
        sample = self.measured([["restic", "-q", "-r", self.repository(run), "restore", "latest", "--target", folder]], [folder])
        move_only_file(folder, target)
        return sample


class Borg(Rival):
    name = "borg"

    def __init__(self, folder):
        super().__init__(folder)
        self.env |= {"BORG_PASSPHRASE": PASSPHRASE, "BORG_BASE_DIR": str(self.folder / "base")}
        self.count = 0

    def version(self):
        return first_line("borg", "--version")

    def prepare(self, run):
        self.quietly("borg", "init", "--encryption", "repokey-blake2", self.where(run))

    def backup(self, run, database):
        self.count += 1
        archive = f"{self.where(run)}::{self.count:06}"
        return self.measured([["borg", "create", "--compression", "zstd,3", archive, database]], [self.where(run)])

    def restore(self, run, target):
        folder = target.parent / f"{target.name}.borg"
        folder.mkdir()
        last = subprocess.run(
            ["borg", "list", "--last", "1", "--short", self.where(run)], env=self.env, check=True, capture_output=True, text=True
        ).stdout.strip()
        sample = self.measured([["borg", "extract", f"{self.where(run)}::{last}"]], [folder], cwd=folder)
        move_only_file(folder, target)
        return sample


class SqliteZstd(Rival):
    """The usual script: a copy by SQLite's own backup, then a compressor."""

    name = "sqlite3+zstd"
    deduplicates = False
    copy_digest = None

    def version(self):
        return f"sqlite3 {first_line('sqlite3', '--version').split()[0]} + {first_line('zstd', '--version').strip('* ')}"

    def where(self, run):
        return self.folder / f"backup-{run}.zst"

    def backup(self, run, database):
        copy = self.folder / "copy.db"
        self.where(run).unlink(missing_ok=True)
        sample = self.measured(
            [["sqlite3", database, f".backup '{copy}'"], ["zstd", "-q", "-3", "-T2", copy, "-o", self.where(run)]],
            [self.where(run)],
        )
        # SQLite counts its own copying as a change of the copy.
        self.copy_digest = measure.digest(copy)
        copy.unlink()
        return sample

    def expected_digest(self, source):
        return self.copy_digest

    def restore(self, run, target):
        return self.measured([["zstd", "-q", "-d", self.where(run), "-o", target]], [target])


class SqliteOnly(Rival):
    """SQLite's own backup alone, uncompressed."""

    name = "sqlite3 .backup"
    deduplicates = False

    def version(self):
        return f"sqlite3 {first_line('sqlite3', '--version').split()[0]}"

    def where(self, run):
        return self.folder / f"backup-{run}.db"

    def backup(self, run, database):
        self.where(run).unlink(missing_ok=True)
        return self.measured([["sqlite3", database, f".backup '{self.where(run)}'"]], [self.where(run)])

    def restore(self, run, target):
        return None  # Its copy is the database.


def move_only_file(folder, target):
    files = [path for path in folder.rglob("*") if path.is_file()]
    if len(files) != 1:
        raise measure.CommandFailed(f"{len(files)} files were restored into {folder}, expected one")
    files[0].rename(target)
    shutil.rmtree(folder)


def installed(folder, program, wanted=None):
    """Returns the rivals that can run here, and a line for each that can not."""
    rivals, missing = [DbBackup(folder, program)], []
    for kind, tools in ((SqliteZstd, ("sqlite3", "zstd")), (Restic, ("restic",)), (Borg, ("borg",)), (SqliteOnly, ("sqlite3",))):
        absent = [tool for tool in tools if shutil.which(tool) is None]
        if wanted is not None and kind.name not in wanted:
            missing.append(f"{kind.name}: not asked for")
        elif absent:
            missing.append(f"{kind.name}: {', '.join(absent)} not installed")
        else:
            rivals.append(kind(folder))
    return rivals, missing
