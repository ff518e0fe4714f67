"""prune: rules and names decide what goes; the rest restores, and nothing that is not needed stays."""

import pytest

import databases
from program import Repository


@pytest.fixture
def taken(program, folder):
    """A repository with five snapshots of one database and one of another."""
    repository = Repository(program, folder / "repository", "keyfile").init()
    database, other = databases.make(folder / "shop.db"), databases.make(folder / "other.db")
    repository.backup(other)
    ids = []
    for _ in range(5):
        ids.append(repository.backup(database, "--mode", "full")["snapshot"])
        databases.change(database)
    return repository, ids


def listed(repository, source="sqlite-shop"):
    return [each["snapshot"] for each in repository.list("--source", source)]


def packs_in(repository):
    return sorted(str(path) for path in (repository.path / "packs").rglob("*") if path.is_file())


def test_rules_decide_for_each_source(taken, folder):
    repository, ids = taken
    before = packs_in(repository)
    plan = repository.json("prune", "--keep-last", "2", "--dry-run")
    assert packs_in(repository) == before and listed(repository) == ids, "a dry run changed something"
    kept = {each["snapshot"]: each["kept"] for each in plan["snapshots"]}
    assert [kept[each] for each in ids] == [False, False, False, True, True]
    assert len(kept) == 6 and all(each["reason"] for each in plan["snapshots"])
    report = repository.json("prune", "--keep-last", "2")
    assert report["finished"] and report["packs_removed"] == plan["packs_removed"] > 0
    assert report["bytes_freed"] > 0
    assert listed(repository) == ids[3:] and len(listed(repository, "sqlite-other")) == 1
    assert len(packs_in(repository)) == len(before) - report["packs_removed"]
    assert repository.verify("--data")["ok"]
    for each in ids[3:]:
        repository.restore(each, folder / f"{each}.db", "--verify")


def test_a_source_alone(taken):
    repository, ids = taken
    repository.json("prune", "--keep-last", "1", "--source", "sqlite-other")
    assert listed(repository) == ids
    repository.json("prune", "--keep-within", "1d", "--source", "sqlite-shop")
    assert listed(repository) == ids
    error = repository.run("prune", "--keep-last", "1", "--source", "sqlite-shp", "--json", code=2).error
    assert error["code"] == "source_unknown" and "sqlite-shop" in error["hint"]


def test_snapshots_by_name(taken):
    repository, ids = taken
    repository.json("prune", ids[1][:12], ids[4])
    assert listed(repository) == [ids[0], ids[2], ids[3]]
    assert repository.verify("--data")["ok"]
    error = repository.run("prune", ids[1], "--json", code=2).error
    assert error["code"] == "snapshot_unknown"


@pytest.mark.parametrize("words", (("--keep-last", "0"), ("--keep-daily", "x"), ("--keep-within", "6m"),
                                   ("--wait", "soon"), ("--keep-never", "1")))
def test_wrong_rules_remove_nothing(taken, words):
    repository, ids = taken
    before = packs_in(repository)
    error = repository.run("prune", *words, "--json", code=2).error
    assert error["hint"]
    assert listed(repository) == ids and packs_in(repository) == before
