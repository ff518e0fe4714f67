#!/usr/bin/env python3
"""Makes and changes the orders-like SQLite database that the benchmarks and long tests run on.

    orders_data.py make PATH --megabytes 1000 [--seed 1] [--journal wal|delete]
    orders_data.py change PATH --seed 2 [--update 0.01] [--append 0.01]

The rows are made by orders_data.cpp, which is compiled on first use: a gigabyte takes seconds with
it and minutes with Python.
"""

import argparse
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).with_suffix(".cpp")


def program():
    """Returns the path of the compiled generator; compiles it unless this very source was before."""
    folder = pathlib.Path(tempfile.gettempdir()) / f"db-backup-bench-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise RuntimeError(f"{folder} belongs to somebody else")
    path = folder / f"orders_data-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]}"
    if not path.exists():
        # Built beside and renamed: several tests may come here at once.
        beside = path.with_suffix(f".{os.getpid()}")
        compiler = os.environ.get("CXX", "c++")
        subprocess.run([compiler, "-std=c++20", "-O2", "-o", beside, SOURCE, "-lsqlite3"], check=True)
        beside.rename(path)
    return path


def make(path, megabytes, seed=1, journal="delete"):
    subprocess.run([program(), "make", path, str(megabytes), str(seed), journal], check=True)


def change(path, seed, update=0.01, append=0.01):
    subprocess.run([program(), "change", path, str(seed), str(update), str(append)], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    maker = commands.add_parser("make")
    maker.add_argument("path")
    maker.add_argument("--megabytes", type=float, default=1000)
    maker.add_argument("--seed", type=int, default=1)
    maker.add_argument("--journal", choices=("wal", "delete"), default="delete")
    changer = commands.add_parser("change")
    changer.add_argument("path")
    changer.add_argument("--seed", type=int, required=True)
    changer.add_argument("--update", type=float, default=0.01)
    changer.add_argument("--append", type=float, default=0.01)
    given = parser.parse_args()
    if given.command == "make":
        make(given.path, given.megabytes, given.seed, given.journal)
    else:
        change(given.path, given.seed, given.update, given.append)
    return 0


if __name__ == "__main__":
    sys.exit(main())
