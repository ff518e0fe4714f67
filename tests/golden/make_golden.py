#!/usr/bin/env python3
"""Makes the golden repositories of one format version; run once per version, never again.

usage: make_golden.py PROGRAM FOLDER

A golden repository is what a released program wrote. Every later program must read it: the files
are never made again for a format version that is out. Each repository gets an `expected.json` with
the SHA-256 of every snapshot's database.
"""

import json
import os
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))

import databases  # noqa: E402
from program import Program, Repository  # noqa: E402

KINDS = ("none", "keyfile", "passphrase")


def rounds(database):
    """The changes before each backup and its options: every mode and every codec."""
    yield "full", ()
    databases.change(database, seed=2, updates=3, inserts=2)
    yield "incremental", ()
    databases.change(database, seed=3, updates=3, inserts=40)
    yield "incremental", ("--compression", "gzip")
    databases.change(database, seed=4, updates=1, inserts=1)
    yield "differential", ("--compression", "none")
    yield "incremental", ()


def make(program, folder, kind):
    repository = Repository(program, folder / kind / "repository", kind).init()
    database = databases.make(folder / "golden.db", rows=300, page_size=1024)
    expected = {}
    for mode, words in rounds(database):
        taken = repository.backup(database, "--mode", mode, *words, "--tag", f"mode={mode}")
        expected[taken["snapshot"]] = databases.digest(database)
    database.unlink()
    assert repository.verify("--data")["ok"]
    (folder / kind / "expected.json").write_text(json.dumps(expected, indent=2) + "\n")


def main():
    os.environ["DB_BACKUP_PROGRAM"] = str(pathlib.Path(sys.argv[1]).resolve())
    folder = pathlib.Path(sys.argv[2]).resolve()
    folder.mkdir(parents=True)  # Fails when it is there: golden files are never overwritten.
    with tempfile.TemporaryDirectory() as home:
        for kind in KINDS:
            (folder / kind).mkdir()
            make(Program(home), folder, kind)


if __name__ == "__main__":
    main()
