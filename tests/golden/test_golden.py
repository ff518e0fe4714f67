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
from conftest import folder, program  # noqa: E402, F401
from program import Repository  # noqa: E402

GOLDEN = sorted(path.parent for path in HERE.glob("format*/*/expected.json"))


def test_there_are_golden_files():
    assert len(GOLDEN) >= 3


@pytest.fixture(params=GOLDEN, ids=lambda path: f"{path.parent.name}-{path.name}")
def golden(request, program, folder):  # noqa: F811
    """A copy to work on, and what its snapshots hold."""
    kept = request.param
    shutil.copytree(kept, folder / "golden")
    if kept.name == "keyfile":
        (folder / "golden/repository.key").chmod(0o600)
    repository = Repository(program, folder / "golden/repository", kept.name)
    return repository, json.loads((kept / "expected.json").read_text())


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
