"""Processes that move money between accounts of one database: the sum never changes.

    writers.py PATH NUMBER JOURNAL    one writer; ends when its stdin does, and prints its longest stall
"""

import json
import pathlib
import random
import select
import sqlite3
import subprocess
import sys
import time

import databases

BALANCE = 1000
BUSY_S = 60


def make(path, journal, rows):
    with databases.opened(path) as connection:
        connection.execute(f"PRAGMA journal_mode={journal}")
        connection.execute("BEGIN")
        connection.execute("CREATE TABLE accounts(id INTEGER PRIMARY KEY, balance INTEGER, filler BLOB)")
        connection.execute("CREATE TABLE transfers(id INTEGER PRIMARY KEY, source INTEGER, target INTEGER, amount INTEGER)")
        connection.execute("CREATE INDEX accounts_balance ON accounts(balance)")
        rng = random.Random(3)
        connection.executemany(
            "INSERT INTO accounts(balance, filler) VALUES(?, ?)", ((BALANCE, rng.randbytes(300)) for _ in range(rows))
        )
        connection.execute("COMMIT")


def write(path, number, journal):
    """Transfers until stdin ends; prints transfers and the longest time that one took, in seconds."""
    rng = random.Random(number)
    connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_S)
    connection.execute("PRAGMA synchronous=OFF")  # Only to be quicker: nobody cuts the power here.
    connection.execute(f"PRAGMA journal_mode={journal}")  # All but WAL is of a connection, not of the file.
    rows = connection.execute("SELECT count(*) FROM accounts").fetchone()[0]
    longest, count = 0.0, 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        source, target, amount = rng.randrange(1, rows + 1), rng.randrange(1, rows + 1), rng.randrange(1, 50)
        begun = time.monotonic()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE accounts SET balance=balance-? WHERE id=?", (amount, source))
        connection.execute("UPDATE accounts SET balance=balance+? WHERE id=?", (amount, target))
        connection.execute("INSERT INTO transfers(source, target, amount) VALUES(?, ?, ?)", (source, target, amount))
        connection.execute("COMMIT")
        longest = max(longest, time.monotonic() - begun)
        count += 1
        # Leaves the lock to others now and then, as real programs do.
        time.sleep(0.001)
    connection.close()
    print(json.dumps({"transfers": count, "longest_s": longest}))


class Writers:
    """Four writers on a fresh database. A context manager."""

    def __init__(self, path, journal, rows=2000, count=4):
        self.path, self.journal, self.rows, self.count = pathlib.Path(path), journal, rows, count
        make(path, journal, rows)
        self.processes, self.answers = [], []
        self.transfers_seen = 0

    def __enter__(self):
        self.processes = [
            subprocess.Popen([sys.executable, __file__, str(self.path), str(number), self.journal], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
            for number in range(self.count)
        ]
        self.assert_moving()
        return self

    def __exit__(self, kind, *_):
        for process in self.processes:
            process.stdin.close()
            process.stdin = None
        outputs = [process.communicate(timeout=2 * BUSY_S)[0] for process in self.processes]
        if kind is None:
            assert all(process.returncode == 0 for process in self.processes), "a writer failed"
            self.answers = [json.loads(output) for output in outputs]

    @property
    def longest_stall_s(self):
        return max(answer["longest_s"] for answer in self.answers)

    @property
    def transfers(self):
        return sum(answer["transfers"] for answer in self.answers)

    def assert_moving(self, timeout_s=BUSY_S):
        """Waits until there are more transfers than at the last call."""
        deadline = time.monotonic() + timeout_s
        with databases.opened(self.path) as connection:
            while time.monotonic() < deadline:
                seen = connection.execute("SELECT count(*) FROM transfers").fetchone()[0]
                if seen > self.transfers_seen:
                    self.transfers_seen = seen
                    return
                assert all(process.poll() is None for process in self.processes), "a writer failed"
                time.sleep(0.01)
        raise AssertionError(f"no transfer in {timeout_s} s: the writers are blocked")

    def assert_consistent(self, path):
        """integrity_check passes, no money was made or lost, and the balances follow from the transfers."""
        with databases.opened(path) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)], f"{path} is damaged"
            total = connection.execute("SELECT sum(balance) FROM accounts").fetchone()[0]
            assert total == self.rows * BALANCE, f"{path}: the sum is {total}, not {self.rows * BALANCE}"
            wrong = connection.execute(
                "SELECT count(*) FROM (SELECT a.id FROM accounts a LEFT JOIN"
                " (SELECT id, sum(delta) AS delta FROM (SELECT source AS id, -amount AS delta FROM transfers"
                "  UNION ALL SELECT target, amount FROM transfers) GROUP BY id) t USING(id)"
                " WHERE a.balance != ? + ifnull(t.delta, 0))", (BALANCE,)
            ).fetchone()[0]
            assert wrong == 0, f"{path}: {wrong} balances do not follow from the transfers"


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]), sys.argv[3])
