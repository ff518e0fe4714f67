"""A command that works on a store, and what may be found there when something went wrong meanwhile."""

import databases
from copies import Copies
from program import Program, Repository
from stores import StoreRepository

COMMANDS = ("full", "incremental", "prune", "copy_there", "copy_back", "restore")


class Scene:
    """A repository on the server, one on a disk, a database of two states, and the command under test."""

    def __init__(self, folder, server, command, bucket, rows=300):
        folder.mkdir()
        self.folder, self.command = folder, command
        program = Program(folder)
        self.far = StoreRepository(program, server, bucket).init()
        self.near = Repository(program, folder / "near", "keyfile").init()
        self.database = databases.make(folder / "shop.db", rows=rows)
        self.target = folder / "restored.db"
        self.digests = [databases.digest(self.database)]
        getattr(self, "prepare_" + command)()
        self.repository = self.near if command == "copy_back" else self.far

    def keep(self):
        """From now on `copies.reset()` leads back here. Only where the server keeps objects as files."""
        self.copies = Copies([self.far.server.place(self.far), self.near.path, self.folder / "home"], self.folder)

    def change(self):
        databases.change(self.database, updates=20, inserts=20)
        databases.settle(self.database)
        self.digests.append(databases.digest(self.database))

    def prepare_full(self):
        self.words = ("backup", "--type", "sqlite", "--database", self.database)
        self.allowed = [[], self.digests]

    def prepare_incremental(self):
        self.prepare_full()
        self.far.backup(self.database)
        self.change()
        self.allowed = [self.digests[:1], self.digests]

    def prepare_prune(self):
        self.prepare_incremental()
        self.far.backup(self.database)
        self.words = ("prune", "--keep-last", 1, "--max-unused", 0, "--rebase")
        self.allowed = [self.digests, self.digests[1:]]

    def back_up_twice(self, repository):
        repository.backup(self.database)
        self.change()
        repository.backup(self.database)
        self.allowed = [[], self.digests[:1], self.digests[1:], self.digests]

    def prepare_copy_there(self):
        self.back_up_twice(self.near)
        self.words = ("copy", "--to", self.far.url, "--to-key-file", self.far.words[-1])

    def prepare_copy_back(self):
        self.back_up_twice(self.far)
        self.words = ("copy", "--to", self.near.path, "--to-key-file", self.near.words[-1])

    def prepare_restore(self):
        self.back_up_twice(self.far)
        self.allowed = [self.digests]
        self.words = ("restore", "latest", "--to", self.target)

    def start(self, endpoint=None, **env):
        """@param endpoint: by what way the command reaches the server; without one, directly."""
        caller = self.near if self.command == "copy_there" else self.far
        words = [str(word) for word in (*self.words, *caller.words, "--json")]
        if endpoint:
            direct, way = (url.rpartition(":")[2] for url in (self.far.server.endpoint, endpoint))
            words = [word.replace(f"A{direct}", f"A{way}") for word in words]
        env = {**self.far.env, "DB_BACKUP_TEST_STALL_S": "1", **env}
        return caller.program.start(*words, env=env)

    def run(self, endpoint=None):
        return self.far.program.finish(self.start(endpoint), self.words)

    def restored(self, snapshot):
        self.repository.restore(snapshot, self.folder / "visible.db")
        digest = databases.digest(self.folder / "visible.db")
        (self.folder / "visible.db").unlink()
        return digest

    def take_target(self, is_there):
        """What a restore made is whole, or not there."""
        assert self.command != "restore" or self.target.exists() == is_there
        if self.target.exists():
            assert databases.digest(self.target) == self.digests[-1]
            self.target.unlink()
        assert not list(self.folder.glob(".restored*")), "leftovers"

    def check(self, is_done, log):
        """Whatever is visible is whole, and what did not succeed does so the next time."""
        self.take_target(is_done)
        visible = [self.restored(each["snapshot"]) for each in self.repository.list()]
        assert visible in (self.allowed[-1:] if is_done else self.allowed), log
        if not is_done:
            again = self.run()
            assert again.code == 0, f"the next run failed, too\n{again}\n{log}"
            self.take_target(is_there=True)
            assert self.restored("latest") == self.digests[-1], log
            assert self.repository.verify("--data")["ok"], log
