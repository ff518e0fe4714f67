"""What is left of a damaged snapshot is restored and the rest named; what the database still has heals old snapshots."""

import os
import sqlite3

import pytest

import databases

ROWS = 40_000  # Some 6 MB: several chunks.


@pytest.fixture
def shop(folder):
    return databases.make(folder / "shop.db", rows=ROWS)


def flip(repository, name, place):
    path = repository.path / name
    content = bytearray(path.read_bytes())
    content[place] ^= 16
    path.unlink()
    path.write_bytes(bytes(content))


def packs(repository):
    """Names, the largest first."""
    names = [name for name in repository.objects() if name.startswith("packs/")]
    return sorted(names, key=lambda name: -(repository.path / name).stat().st_size)


def assert_zeros_where_lost(restored, original, lost, page_bytes=4096):
    found, expected = restored.read_bytes(), bytearray(original)
    assert lost, "nothing is named"
    for each in lost:
        assert each["stream"] == "main" and each["zeros"] and each["problem"].find("packs/") >= 0, each
        begin, end = each["first_page"] * page_bytes, (each["first_page"] + each["page_count"]) * page_bytes
        expected[begin:end] = bytes(end - begin)
    assert found == bytes(expected), "what is not named is not as it was"


def test_a_damaged_chunk_leaves_the_rest(quick_repository, shop, folder):
    """Named by range on stderr and in --json; all that is left is as it was."""
    repository = quick_repository
    taken = repository.backup(shop, "--jobs", "1")["snapshot"]
    pack = packs(repository)[0]
    flip(repository, pack, (repository.path / pack).stat().st_size * 2 // 3)
    refused = repository.run("restore", taken, "--to", folder / "whole.db", "--json", code=13)
    assert "--partial" in refused.error["hint"] and not (folder / "whole.db").exists(), refused
    document = repository.restore(taken, folder / "part.db", "--partial", code=3)
    assert document["incomplete"] and not document["verified"]
    assert_zeros_where_lost(folder / "part.db", shop.read_bytes(), document["lost"])
    assert len(document["warnings"]) == len(document["lost"]) + 1 and ".recover" in document["warnings"][-1]
    text = repository.run("restore", taken, "--to", folder / "again.db", "--partial", code=3)
    assert f"pages {document['lost'][0]['first_page']} to " in text.stderr and "lost" in text.stdout, text
    assert document["lost"][0]["first_page"] > 0
    assert tables(folder / "part.db") == {"t", "notes"}


def tables(path):
    with databases.opened(path) as database:
        return {row[0] for row in database.execute("SELECT name FROM sqlite_schema WHERE type='table'")}


def test_a_lost_first_page_comes_from_another_snapshot(plain_repository, shop, folder):
    taken = plain_repository.backup(shop, "--jobs", "1")["snapshot"]
    flip(plain_repository, packs(plain_repository)[0], 100)
    document = plain_repository.restore(taken, folder / "part.db", "--partial", code=3)
    assert document["lost"][0]["first_page"] == 0 and "first page" in document["warnings"][-1]
    with pytest.raises(sqlite3.DatabaseError):
        tables(folder / "part.db")
    with open(folder / "part.db", "r+b") as damaged:
        damaged.write(shop.read_bytes()[:4096])
    assert tables(folder / "part.db") == {"t", "notes"}


def test_partial_replaces_and_proves_nothing(plain_repository, database, folder):
    plain_repository.backup(database)
    for words in (("--verify",), ("--clean",), ("--include", "t")):
        result = plain_repository.run("restore", "latest", "--to", folder / "r.db", "--partial", *words, "--json", code=2)
        assert "--partial" in result.error["message"] + result.error["hint"]
    other = databases.make(folder / "other.db", rows=3)
    before = other.read_bytes()
    plain_repository.run("restore", "latest", "--to", other, "--partial", code=2)
    assert other.read_bytes() == before
    whole = plain_repository.restore("latest", folder / "r.db", "--partial")
    assert whole["lost"] == [] and not whole["incomplete"]
    databases.assert_equal(databases.content(database), folder / "r.db")


@pytest.mark.parametrize("way", ("flipped", "removed"))
def test_the_next_backup_heals_older_snapshots(quick_repository, shop, folder, way):
    """Also of a source that has not changed, which would not be read at all otherwise."""
    repository = quick_repository
    expected = databases.content(shop)
    older = repository.backup(shop)["snapshot"]
    databases.settle(shop)
    repository.backup(shop)
    pack = packs(repository)[0]
    if way == "flipped":
        flip(repository, pack, (repository.path / pack).stat().st_size // 2)
    else:
        (repository.path / pack).unlink()
    dry = repository.json("repair", "--data", "--dry-run", code=3)
    assert dry["recorded"] == [pack] and not [name for name in repository.objects() if name.startswith("damaged/")]
    document = repository.json("repair", "--data", code=3)
    assert document["recorded"] == [pack] and not document["ok"] and not document["beyond_repair"], document
    lost = {each["snapshot"]: each for each in document["damaged_snapshots"]}
    assert older in lost and len(lost) == 2 and lost[older]["readable"] and lost[older]["bytes_lost"] > 0
    assert lost[older]["lost"], "the pages are named"
    assert repository.verify("--data", code=13)["damaged_snapshots"]

    healing = repository.backup(shop)
    assert healing["bytes_added"] > 0
    assert repository.verify("--data")["ok"]
    repository.restore(older, folder / "older.db", "--verify")
    databases.assert_equal(expected, folder / "older.db")
    assert repository.json("repair", "--data")["ok"]

    repository.json("prune")
    assert not (repository.path / pack).exists(), "nothing needs it any more"
    assert repository.verify("--data")["ok"]
    repository.restore(older, folder / "pruned.db", "--verify")
    databases.assert_equal(expected, folder / "pruned.db")


def test_text_says_what_to_do(plain_repository, shop):
    plain_repository.backup(shop)
    assert "ok: no snapshot has lost anything" in plain_repository.run("repair").stdout
    pack = packs(plain_repository)[0]
    os.unlink(plain_repository.path / pack)
    text = plain_repository.run("repair", code=3).stdout
    for words in ("recorded as damaged:", pack, "restore --partial", "Back up each source now", "DAMAGED: 1 snapshot"):
        assert words in text, text
    quiet = plain_repository.run("repair", "--quiet", code=3)
    assert pack in quiet.stdout
