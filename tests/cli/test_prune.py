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


def test_rules_of_the_configuration(taken, folder):
    repository, ids = taken
    config = folder / "db-backup.yaml"
    config.write_text("version: 1\nretention:\n  few: {last: 2}\n  forever: {}\n")
    named = ("prune", "--config", config, "--retention")
    error = repository.run(*named, "fwe", "--json", code=2).error
    assert error["code"] == "retention_unknown" and "few, forever" in error["hint"]
    error = repository.run(*named, "few", "--keep-last", "1", "--json", code=2).error
    assert "exclude each other" in error["message"]
    repository.json(*named, "forever")
    assert listed(repository) == ids
    repository.json(*named, "few")
    assert listed(repository) == ids[3:]


def test_what_deltas_need_alone_is_freed_by_rebase(program, folder):
    repository = Repository(program, folder / "repository", "keyfile").init()
    database = databases.make(folder / "shop.db")
    for _ in range(6):
        last = repository.backup(database)["snapshot"]
        databases.change(database)
    report = repository.json("prune", "--keep-last", "1", "--max-unused", "0%")
    assert report["bytes_only_bases"] > 0 and report["bytes_unused"] == 0
    stats = repository.json("stats")
    assert stats["bytes_only_bases"] == report["bytes_only_bases"] and stats["bytes_unused"] == 0
    plan = repository.json("prune", "--rebase", "--dry-run")
    assert plan["bytes_compacted"] > 0
    report = repository.json("prune", "--rebase", "--max-unused", "0")
    assert report["bytes_compacted"] > 0 and repository.json("stats")["bytes_only_bases"] == 0
    assert repository.verify("--data")["ok"]
    repository.restore(last, folder / "restored.db", "--verify")


def test_what_somebody_took_away_may_come_back(taken, folder):
    """A manifest is gone that no prune removed: what it needs stays, until it is given up by its id."""
    repository, ids = taken
    lost = next((repository.path / "manifests").rglob(ids[4]))
    kept = folder / "kept"
    lost.rename(kept)
    before = packs_in(repository)
    report = repository.json("prune", "--keep-last", "2")
    assert report["packs_removed"] == 0 and packs_in(repository) == before, report
    assert any(ids[4] in each for each in report["problems"]), report
    kept.rename(lost)
    assert listed(repository) == [ids[2], ids[3], ids[4]]
    repository.restore(ids[4], folder / "back.db", "--verify")

    lost.rename(kept)
    report = repository.json("prune", ids[4])
    assert report["problems"] == [] and report["packs_removed"] > 0, report
    assert repository.json("prune")["problems"] == []
    kept.rename(lost)
    assert listed(repository) == [ids[2], ids[3]], "what was given up does not come back"
