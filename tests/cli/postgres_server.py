"""A real PostgreSQL with the programs of its version, for one test file.

Roles: `admin`, a superuser, and `reader`, who has pg_read_all_data and pg_checkpoint and nothing else.
"""

import os
import subprocess
import time
import urllib.parse

from server import Server

VERSIONS = ("postgres15", "postgres17")
TIMEOUT_S = 300


def wait_until(is_true, patience=30):
    """Looks again and again; what it waits for has no other sign."""
    deadline = time.monotonic() + patience
    while not is_true():
        assert time.monotonic() < deadline, f"waited longer than {patience} s"
        time.sleep(0.02)


class PostgresServer(Server):
    """`options` are those of scripts/servers.sh: "--tls", "--set", "wal_level=minimal"; "--of", FOLDER for a standby."""

    def __init__(self, name, folder, *options, place=None):
        super().__init__(name, folder, *options, place=place)
        self.major = int(name.removeprefix("postgres").removesuffix("-standby"))
        self.port = urllib.parse.urlsplit(self.endpoint).port
        self.bin = self.folder / "bin"
        self.password, self.reader_password = self.text("password"), self.text("reader_password")

    def uri(self, database="postgres", user="admin", **query):
        """Without a password: that is in the file of passwords."""
        query = "?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote) if query else ""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{urllib.parse.quote(database, safe='')}{query}"

    def environment(self, **changes):
        """What a client needs: this version's programs, and the passwords."""
        return {"PATH": f"{self.bin}:{os.environ['PATH']}", "PGPASSFILE": str(self.folder / "pgpass"), **changes}

    def call(self, program, *words, code=0, passwords=None, changes=None, **options):
        """One of its programs, as subprocess.run does it; with the passwords of another server, if told so."""
        options = {"capture_output": True, "text": True, "timeout": TIMEOUT_S, **options}
        environment = (passwords or self).environment(LC_ALL="C.UTF-8", **(changes or {}))
        done = subprocess.run([self.bin / program, *map(str, words)], env=environment, **options)
        assert code is None or done.returncode == code, f"{done.args}: {done.returncode}\n{done.stderr}"
        return done

    def psql(self, sql, database="postgres", user="admin", **options):
        """What these statements print, rows by line and columns by "|"; each is a transaction of its own."""
        words = ("-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.uri(database, user))
        return self.call("psql", *words, input=sql, **options).stdout.rstrip("\n")

    def load(self, file, database="postgres", *words):
        """A file of SQL."""
        self.call("psql", "-X", "-q", "-o", "/dev/null", "-v", "ON_ERROR_STOP=1", "-d", self.uri(database), *words, "-f", file)

    def make_database(self, name, template="template0", options=""):
        quoted = name.replace('"', '""')
        self.psql(f'CREATE DATABASE "{quoted}" TEMPLATE {template} {options}')
        return name

    def stop(self):
        """For good, data and all."""
        self.remove()
