#!/usr/bin/env python3
"""Makes the golden repositories of one format version; run once per version, never again.

usage: make_golden.py PROGRAM FOLDER [NAME...]

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
# With pins, an ended pin and a record of damage; behind the dash is the encryption.
KEPT = ("kept-none", "kept-keyfile")


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


def make_kept(program, folder, name):
    """One snapshot is pinned, the pin of another has ended; a pack is damaged, and a record says so."""
    repository = Repository(program, folder / name / "repository", name.partition("-")[2]).init()
    database = databases.make(folder / "golden.db", rows=300, page_size=1024)
    expected = {}

    def take(*words):
        taken = repository.backup(database, *words)["snapshot"]
        expected[taken] = {"digest": databases.digest(database), "pinned": None}
        return taken

    first, pinned, freed = database.read_bytes(), take(), None
    (pack,) = [each for each in repository.objects() if each.startswith("packs/")]
    for seed in (2, 3):
        databases.change(database, seed=seed, updates=3, inserts=2)
        freed = take("--mode", "incremental")
    repository.run("pin", pinned, "--reason", "golden: keeps its snapshot")
    expected[pinned]["pinned"] = "golden: keeps its snapshot"
    repository.run("pin", freed, "--reason", "golden: has ended")
    repository.run("unpin", freed)
    (repository.path / pack).chmod(0o600)
    content = bytearray((repository.path / pack).read_bytes())
    content[len(content) // 2] ^= 1
    (repository.path / pack).write_bytes(content)
    # The record makes the next backup store anew what was in the pack, and that mends all snapshots.
    repository.json("repair", "--data", code=3)
    database.write_bytes(first)
    take("--mode", "full")
    database.unlink()
    (folder / name / "expected.json").write_text(
        json.dumps({"snapshots": expected, "damaged": [pack]}, indent=2) + "\n"
    )


def main():
    os.environ["DB_BACKUP_PROGRAM"] = str(pathlib.Path(sys.argv[1]).resolve())
    folder = pathlib.Path(sys.argv[2]).resolve()
    for name in sys.argv[3:] or (*KINDS, *KEPT):
        (folder / name).mkdir(parents=True)  # Fails when it is there: golden files are never overwritten.
        with tempfile.TemporaryDirectory() as home:
            (make if name in KINDS else make_kept)(Program(home), folder, name)


if __name__ == "__main__":
    main()
