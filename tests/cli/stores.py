"""Servers of object stores, repositories on them, and the whole life of one."""

import pathlib
import secrets
import subprocess

import databases
from program import Repository

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts/servers.sh"


class StoreServer:
    """A real server, started by scripts/servers.sh; `stop` it."""

    def __init__(self, name, folder, *options):
        self.folder = pathlib.Path(folder) / name
        subprocess.run([SCRIPT, "start", name, self.folder, *map(str, options)], check=True)
        self.endpoint = self.text("endpoint")

    def text(self, name):
        return (self.folder / name).read_text().strip()

    def stop(self):
        subprocess.run([SCRIPT, "stop", self.folder], check=True)


class StoreRepository(Repository):
    """A repository below a bucket or container, in a place of its own."""

    def __init__(self, program, server, bucket, encryption="keyfile", **query):
        super().__init__(program, program.folder / "remote", "none")
        self.server = server
        self.encryption = encryption
        self.url = server.url(f"{bucket}/{secrets.token_hex(4)}/r", **query)
        self.words = ["--repository", self.url]
        if encryption == "keyfile":
            key = program.folder / "remote.key"
            key.write_text(secrets.token_hex(32) + "\n")
            key.chmod(0o600)
            self.words += ["--key-file", str(key)]
        self.env = server.environment()


def live_a_life(repository, database, folder):
    """Backup, change, incremental, list, verify, restore of both, prune: every restore is byte-identical."""
    first = repository.backup(database)
    before = databases.content(database)
    databases.change(database, 1, updates=5, inserts=5)
    databases.settle(database)
    second = repository.backup(database)
    assert (first["mode"], second["mode"], second["parent"]) == ("full", "incremental", first["snapshot"])
    assert [each["snapshot"] for each in repository.list()] == [first["snapshot"], second["snapshot"]]
    assert repository.verify("--data")["ok"]
    repository.restore("latest", folder / "new.db", "--verify")
    databases.assert_equal(databases.content(database), folder / "new.db")
    assert (folder / "new.db").read_bytes() == database.read_bytes()
    repository.restore(first["snapshot"], folder / "old.db")
    databases.assert_equal(before, folder / "old.db")
    pruned = repository.json("prune", "--keep-last", 1, "--rebase")
    assert [each["kept"] for each in pruned["snapshots"]] == [False, True], pruned
    repository.restore("latest", folder / "after.db")
    assert (folder / "after.db").read_bytes() == database.read_bytes()
    assert repository.verify("--data")["ok"]
