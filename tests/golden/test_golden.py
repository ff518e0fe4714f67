"""Every repository that a released program wrote opens, verifies and restores, bit for bit.

The folders format1, format2 ... hold one repository for each way of encryption (make_golden.py).
"""

import json
import pathlib
import shutil
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cli"))

import databases  # noqa: E402
from conftest import folder, program, servers  # noqa: E402, F401
from make_golden import rows_of  # noqa: E402
from postgres_server import PostgresServer  # noqa: E402
from program import Repository  # noqa: E402

FOUND = sorted(path.parent for path in HERE.glob("format*/*/expected.json"))
GOLDEN = [path for path in FOUND if "-" not in path.name]
KEPT = [path for path in FOUND if path.name.startswith("kept-")]
ROWS = [path for path in FOUND if path.name.startswith("rows-")]


def test_there_are_golden_files():
    assert len(GOLDEN) >= 3 and len(KEPT) >= 2 and ROWS


def copied(place, program, folder):  # noqa: F811
    """A copy to work on, and what is expected of it."""
    encryption = place.name.rpartition("-")[2]
    shutil.copytree(place, folder / "golden")
    if encryption == "keyfile":
        (folder / "golden/repository.key").chmod(0o600)
    repository = Repository(program, folder / "golden/repository", encryption)
    return repository, json.loads((place / "expected.json").read_text())


def name_of(place):
    return f"{place.parent.name}-{place.name}"


@pytest.fixture(params=GOLDEN, ids=name_of)
def golden(request, program, folder):  # noqa: F811
    """A copy, and what its snapshots hold."""
    return copied(request.param, program, folder)


@pytest.fixture(params=KEPT, ids=name_of)
def kept(request, program, folder):  # noqa: F811
    """A copy with pins and a record of damage, and what they say."""
    return copied(request.param, program, folder)


@pytest.fixture(params=ROWS, ids=name_of)
def golden_rows(request, program, folder):  # noqa: F811
    """A copy, and what the tables of its snapshots hold."""
    return copied(request.param, program, folder)


def test_rows_restore(golden_rows, servers):  # noqa: F811
    """Columns that an old program packed, deltas on them, and what is beside the tables."""
    repository, expected = golden_rows
    place, started = servers
    server = PostgresServer("postgres17", place)
    started.append(server)
    assert "features/zstd-columns" in repository.objects()
    assert [each["snapshot"] for each in repository.list()] == list(expected)
    for snapshot, facts in expected.items():
        restored = repository.json("restore", snapshot, "--to", server.uri(snapshot), "--verify", env=server.environment())
        assert restored["verified"], restored
        assert rows_of(server, snapshot) == facts
    report = repository.verify("--data")
    assert report["ok"] and report["snapshots"] == len(expected)


def test_restores_bit_for_bit(golden, folder):  # noqa: F811
    repository, expected = golden
    assert [each["snapshot"] for each in repository.list()] == list(expected)
    for snapshot, digest in expected.items():
        repository.restore(snapshot, folder / "restored.db", "--verify")
        assert databases.digest(folder / "restored.db") == digest
        (folder / "restored.db").unlink()


def test_verifies_and_is_only_read(golden):
    repository, expected = golden
    before = {name: (repository.path / name).read_bytes() for name in repository.objects()}
    report = repository.verify("--data")
    assert report["ok"] and report["snapshots"] == len(expected)
    assert before == {name: (repository.path / name).read_bytes() for name in repository.objects()}


def test_takes_new_snapshots(golden, folder):  # noqa: F811
    """A new program goes on in an old program's repository."""
    repository, expected = golden
    database = folder / "golden.db"
    repository.restore("latest", database)
    repository.backup(database, "--source-name", "again")
    databases.change(database, seed=9, updates=1)
    again = repository.backup(database, "--source-name", "again")
    assert again["chunks_delta"] > 0
    repository.restore(again["snapshot"], folder / "restored.db")
    assert databases.digest(folder / "restored.db") == databases.digest(database)
    assert repository.verify("--data")["ok"]
    assert len(repository.list()) == len(expected) + 2


def test_pins_and_what_is_damaged_are_known(kept, folder):  # noqa: F811
    repository, expected = kept
    snapshots, (damaged,) = expected["snapshots"], expected["damaged"]
    assert {each["snapshot"]: each["pinned"] for each in repository.list()} == {
        snapshot: each["pinned"] for snapshot, each in snapshots.items()
    }
    for snapshot, each in snapshots.items():
        repository.restore(snapshot, folder / "restored.db", "--verify")
        assert databases.digest(folder / "restored.db") == each["digest"]
        (folder / "restored.db").unlink()
    # Without the record, a backup of the oldest state would refer to the damaged pack again.
    repository.restore(next(iter(snapshots)), folder / "golden.db")
    again = repository.backup(folder / "golden.db", "--source-name", "again")["snapshot"]
    pinned = [snapshot for snapshot, each in snapshots.items() if each["pinned"]]
    left = repository.json("prune", "--keep-last", "1")
    assert damaged not in repository.objects(), left
    assert [each["snapshot"] for each in repository.list()][:1] == pinned
    assert len(repository.list()) == 3 and repository.verify("--data")["ok"]
    repository.restore(again, folder / "restored.db", "--verify")
    assert databases.digest(folder / "restored.db") == snapshots[pinned[0]]["digest"]
