"""The programs that are compared on PostgreSQL: one server of version 17, through the loopback.

pgBackRest copies the server's files, so it is no way to carry a database to another server, but it is what people back
up with. 2.45 knows no server later than 15: it has one of its own with the same rows.
"""

import os
import pathlib
import shutil
import socket
import subprocess
import sys

import measure
import postgres_data
import rivals

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/cli"))

import postgres_compare  # noqa: E402
import postgres_server  # noqa: E402

postgres_server.TIMEOUT_S = 4 * 3600  # Tests have less data.
SERVERS = ROOT / "scripts/servers.sh"
DATABASE = "bench"
JOBS = 2
# Name, package of scripts/servers.sh, server, options.
PGBACKRESTS = (
    ("pgBackRest 2.45", "pgbackrest12", "postgres15"),
    ("pgBackRest blocks", "pgbackrest14", "postgres17", "--repo1-bundle", "--repo1-block"),
)
# What a server of this size of database has; no work of its own in the middle of a measurement.
SETTINGS = {"summarize_wal": "on", "shared_buffers": "256MB", "max_wal_size": "4GB", "checkpoint_timeout": "1h", "autovacuum": "off"}


class Cluster:
    """One server with the data."""

    def __init__(self, name, folder):
        settings = {key: value for key, value in SETTINGS.items() if key != "summarize_wal" or name != "postgres15"}
        words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        self.server = postgres_server.PostgresServer(name, folder, "--fsync", *words)
        self.place = pathlib.Path(self.server.text("place"))
        self.expected = None

    def make(self, megabytes):
        postgres_data.make(self.server, DATABASE, megabytes)
        postgres_data.warm(self.server, DATABASE)

    def change(self, seed):
        postgres_data.change(self.server, DATABASE, seed)
        postgres_data.warm(self.server, DATABASE)
        self.expected = None

    def database_bytes(self):
        return int(self.server.psql(f"SELECT pg_database_size('{DATABASE}')"))

    def rows(self):
        """What a right restore has."""
        if self.expected is None:
            self.expected = postgres_compare.rows(postgres_compare.Database(self.server, DATABASE))
        return self.expected


class OnPostgres:
    """What all have in common: they back up one database, and restore it beside that."""

    def __init__(self, folder, cluster, *more):
        super().__init__(folder, *more)
        self.cluster, self.server = cluster, cluster.server
        self.env |= self.server.environment()
        self.uri = self.server.uri(DATABASE)

    def measured(self, commands, outputs, cwd=None):
        """The server has nothing left to write of what was before, and neither has the system."""
        self.server.psql("CHECKPOINT")
        os.sync()
        return super().measured(commands, outputs, cwd)

    def loaded(self, target, *commands):
        """What makes the database and fills it; it is on the disk at the end."""
        create = ["createdb", "--maintenance-db", self.server.uri(), "-T", "template0", target]
        return self.measured([create, *commands, self.checkpoint()], [])

    def checkpoint(self):
        return ["psql", "-X", "-q", "-d", self.server.uri(), "-c", "CHECKPOINT"]

    def psql(self, producer, target):
        """What the shell runs to load a plain dump."""
        return ["bash", "-c", f"set -o pipefail; {producer} | psql -X -q -o /dev/null -v ON_ERROR_STOP=1 -d '{self.server.uri(target)}'"]

    def restored_rows(self, run, target):
        """Of the restored database, which is dropped."""
        rows = postgres_compare.rows(postgres_compare.Database(self.server, target))
        self.server.psql(f"DROP DATABASE {target}")
        return rows


class DbBackupOnPostgres(OnPostgres, rivals.DbBackup):
    def backup(self, run, database):
        command = [self.program, "backup", "--uri", self.uri, "--jobs", JOBS, *self.reach(run)]
        return self.measured([command], [self.where(run)])

    def restore(self, run, target):
        command = [self.program, "restore", "latest", "--to", self.server.uri(target), "--jobs", JOBS, *self.reach(run)]
        return self.measured([command, self.checkpoint()], [])


class PlainDump(OnPostgres, rivals.Rival):
    """What most scripts do."""

    name = "pg_dump+zstd"
    deduplicates = False

    def where(self, run):
        return self.folder / f"backup-{run}.sql.zst"

    def version(self):
        return f"{rivals.first_line(self.server.bin / 'pg_dump', '--version')} + {rivals.first_line('zstd', '--version').strip('* ')}"

    def backup(self, run, database):
        self.where(run).unlink(missing_ok=True)
        command = f"set -o pipefail; pg_dump -d '{self.uri}' | zstd -q -3 -T2 -o '{self.where(run)}'"
        return self.measured([["bash", "-c", command]], [self.where(run)])

    def restore(self, run, target):
        return self.loaded(target, self.psql(f"zstd -q -d -c '{self.where(run)}'", target))


class DirectoryDump(OnPostgres, rivals.Rival):
    """PostgreSQL's own way to use several connections; it compresses with gzip."""

    name = "pg_dump -Fd"
    deduplicates = False

    def version(self):
        return rivals.first_line(self.server.bin / "pg_dump", "--version")

    def backup(self, run, database):
        shutil.rmtree(self.where(run), ignore_errors=True)
        return self.measured([["pg_dump", "-Fd", f"-j{JOBS}", "-d", self.uri, "-f", self.where(run)]], [self.where(run)])

    def restore(self, run, target):
        return self.loaded(target, ["pg_restore", "--exit-on-error", f"-j{JOBS}", "-d", self.server.uri(target), self.where(run)])


class ResticDump(OnPostgres, rivals.Restic):
    """A dump through a pipe into what deduplicates files."""

    name = "pg_dump+restic"

    def restic(self, run):
        return f"restic -q -r '{self.repository(run)}'"

    def backup(self, run, database):
        command = f"set -o pipefail; pg_dump -d '{self.uri}' | {self.restic(run)} backup --stdin --stdin-filename dump.sql"
        return self.measured([["bash", "-c", command]], [self.where(run)])

    def restore(self, run, target):
        return self.loaded(target, self.psql(f"{self.restic(run)} dump latest dump.sql", target))


class PgBackRest(OnPostgres, rivals.Rival):
    """Copies the files of the whole server; `more` are options. It runs beside the server, as its user.

    It would have the server archive its log; here the few segments that make a copy consistent are kept by `backup`.
    """

    def __init__(self, name, folder, cluster, program, *more):
        self.name = name
        super().__init__(folder, cluster)
        self.below = cluster.place / self.name.replace(" ", "-")
        self.below.mkdir()
        self.installed, self.more = program, more
        self.program = copy_for_its_user(program, self.below)
        self.give(self.below)
        self.kinds = {}

    def give(self, path):
        if os.getuid() == 0:
            shutil.chown(path, *owner_of(self.cluster.place / "data"))

    def as_its_user(self, *command):
        """Who may not reach the folder of the benchmark, if that is root's: PostgreSQL refuses to run as root."""
        if os.getuid() != 0:
            return list(command)
        user, group = owner_of(self.cluster.place / "data")
        return ["env", "-C", "/", "setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", *command]

    def where(self, run):
        return self.below / f"repository-{run}"

    def version(self):
        return f"{rivals.first_line(str(self.installed), 'version')} of PostgreSQL {self.server.major}"

    def call(self, run, command, data, *options):
        """With all that a file of configuration would say."""
        return self.as_its_user(
            self.program, command, "--stanza=bench", "--no-config", f"--pg1-path={data}", f"--repo1-path={self.where(run)}",
            f"--lock-path={self.below / 'lock'}", "--log-level-console=warn", "--log-level-file=off", *options,
        )  # fmt: skip

    def call_with_server(self, run, command, *options):
        reach = [f"--pg1-socket-path={self.cluster.place / 'socket'}", f"--pg1-port={self.server.port}", "--pg1-user=admin"]
        return self.call(run, command, self.cluster.place / "data", *reach, *options)

    def prepare(self, run):
        passwords = self.below / "pgpass"
        shutil.copy(self.server.folder / "pgpass", passwords)
        self.give(passwords)
        self.env["PGPASSFILE"] = str(passwords)
        self.quietly(*self.call_with_server(run, "stanza-create"))
        self.kinds[run] = "full"

    def backup(self, run, database):
        options = [f"--type={self.kinds[run]}", f"--process-max={JOBS}", "--compress-type=zst", "--no-archive-check", "--start-fast",
                   "--repo1-retention-full=9", *self.more]  # fmt: skip
        self.kinds[run] = "incr"
        before = self.segment()
        sample = self.measured([self.call_with_server(run, "backup", *options)], [self.where(run)])
        self.keep_log(run, before, self.segment())
        return sample

    def segment(self):
        return self.server.psql("SELECT pg_walfile_name(pg_current_wal_lsn())")

    def log_of(self, run):
        return self.below / f"log-{run}"

    def keep_log(self, run, first, last):
        shutil.rmtree(self.log_of(run), ignore_errors=True)
        self.log_of(run).mkdir()
        for each in (self.cluster.place / "data/pg_wal").iterdir():
            if first <= each.name <= last and len(each.name) == len(first):
                self.give(shutil.copy(each, self.log_of(run)))

    def restored(self, target):
        return self.below / target

    def restore(self, run, target):
        self.restored(target).mkdir(mode=0o700)
        self.give(self.restored(target))
        command = self.call(run, "restore", self.restored(target), "--type=none", f"--process-max={JOBS}")
        return self.measured([command], [self.restored(target)])

    def restored_rows(self, run, target):
        """Of a server that runs on what was restored; that is deleted."""
        data = self.restored(target)
        (data / "recovery.signal").touch()  # not every version leaves one
        log = self.below / "log"
        control = self.as_its_user(self.cluster.place / "bin/pg_ctl", "-D", data, "-w", "-t", "600", "-l", log)
        port = free_port()
        options = f"-p {port} -k {self.cluster.place / 'socket'} -h 127.0.0.1 -c fsync=off"
        options += f" -c restore_command='cp {self.log_of(run)}/%f %p'"
        try:
            self.quietly(*control, "-o", options, "start")
            return postgres_compare.rows(postgres_compare.Database(Restored(self.server, port), DATABASE))
        except subprocess.CalledProcessError as error:
            raise measure.CommandFailed(f"{self.name}: no server on what was restored:\n{log.read_text()}") from error
        finally:
            subprocess.run(list(map(str, [*control, "-m", "immediate", "stop"])), env=self.env, check=False, capture_output=True)
            shutil.rmtree(data)


class Restored(postgres_server.PostgresServer):
    """The clients of a server that was started otherwise."""

    def __init__(self, of, port):
        self.folder, self.bin, self.major, self.port = of.folder, of.bin, of.major, port
        self.password = of.password

    def environment(self, **changes):
        return super().environment(PGPASSWORD=self.password, **changes)


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def owner_of(path):
    found = os.stat(path)
    return found.st_uid, found.st_gid


def copy_for_its_user(program, folder):
    """With its libraries; the cache may be where only this user gets."""
    shutil.copytree(program.parents[1], folder / "programs", symlinks=True)
    return folder / "programs" / program.relative_to(program.parents[1])


ALL = [kind.name for kind in (PlainDump, DirectoryDump, ResticDump)] + [name for name, *_ in PGBACKRESTS]


class Postgres:
    """The servers and who is measured; `stop` it."""

    def __init__(self, folder, program, wanted=None):
        self.folder = pathlib.Path(folder) / "postgres"
        self.folder.mkdir()
        self.clusters = {}
        self.subject = DbBackupOnPostgres(self.folder, self.cluster("postgres17"), program)
        self.rivals, self.missing = [self.subject], []
        for kind, tools in ((PlainDump, ("zstd",)), (DirectoryDump, ()), (ResticDump, ("restic",))):
            absent = [tool for tool in tools if shutil.which(tool) is None]
            if self.is_wanted(kind.name, wanted) and absent:
                self.missing.append(f"{kind.name}: {', '.join(absent)} not installed")
            elif self.is_wanted(kind.name, wanted):
                self.rivals.append(kind(self.folder, self.cluster("postgres17")))
        for name, package, server, *options in PGBACKRESTS:
            if self.is_wanted(name, wanted):
                self.add_pgbackrest(name, package, server, options)
        self.missing += [f"{name}: not asked for" for name in ALL if not self.is_wanted(name, wanted)]

    @staticmethod
    def is_wanted(name, wanted):
        return wanted is None or name in wanted

    def cluster(self, server):
        if server not in self.clusters:
            self.clusters[server] = Cluster(server, self.folder)
        return self.clusters[server]

    def add_pgbackrest(self, name, package, server, options):
        if subprocess.run([SERVERS, "install", package], check=False).returncode != 0:
            self.missing.append(f"{name}: cannot be installed here")
            return
        found = subprocess.run([SERVERS, "program", package], capture_output=True, text=True, check=True)
        self.rivals.append(PgBackRest(name, self.folder, self.cluster(server), pathlib.Path(found.stdout.strip()), *options))

    def make(self, megabytes):
        for each in self.clusters.values():
            each.make(megabytes)

    def change(self, seed):
        for each in self.clusters.values():
            each.change(seed)

    def restore(self, rival, run):
        """The sample of a restore that was right."""
        sample = rival.restore(run, "restored")
        found, expected = rival.restored_rows(run, "restored"), rival.cluster.rows()
        wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        if wrong:
            raise measure.WrongRestore(f"{rival.name} restored other rows than were backed up: {', '.join(wrong)}")
        return sample

    def stop(self):
        for each in self.clusters.values():
            each.server.stop()
