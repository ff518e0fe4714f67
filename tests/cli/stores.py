"""Repositories on object stores, and the whole life of one."""

import secrets
import subprocess

import databases
from program import Repository


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


def back_up_side_by_side(repository, folder):
    """Several processes share it."""
    sources = [databases.make(folder / f"{name}.db", rows=300) for name in "abcd"]
    backups = [repository.start("backup", "--type", "sqlite", "--database", source, "--json") for source in sources]
    for backup in backups:
        assert repository.program.finish(backup).code == 0
    assert len(repository.list()) == len(sources)
    assert repository.verify("--data")["ok"]


def requests_of_an_unchanged_backup(repository, database, server):
    """How many the third backup makes, and the lines that the server logged of them."""
    repository.backup(database)
    databases.settle(database)
    repository.backup(database)
    before = len(server.requests())
    assert repository.backup(database)["capture"] == "unchanged"
    lines = server.requests()[before:]
    return len(lines), lines


def kill_a_backup(repository, database, folder):
    """Nothing of it is visible, and the next one is whole."""
    repository.backup(database)
    large = databases.make(folder / "large.db", rows=20_000)
    backup = repository.start("backup", "--type", "sqlite", "--database", large)
    try:
        backup.wait(0.15)
    except subprocess.TimeoutExpired:
        backup.kill()
    repository.program.finish(backup)
    assert repository.verify("--data")["ok"]
    repository.backup(large)
    repository.restore("latest", folder / "r.db", "--source", "sqlite-large")
    assert (folder / "r.db").read_bytes() == large.read_bytes()
