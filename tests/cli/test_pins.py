"""pin and unpin: what is pinned stays, is shown with its reason, and goes when it may."""

import databases
from program import Repository
from test_output import assert_fits


def test_a_pin_keeps_a_snapshot_until_it_ends(program, folder):
    repository = Repository(program, folder / "repository", "keyfile").init()
    database = databases.make(folder / "shop.db")
    ids = []
    for _ in range(3):
        ids.append(repository.backup(database)["snapshot"])
        databases.change(database)
    answer = repository.json("pin", ids[0][:10], "--reason", "before the migration")
    assert_fits(answer, "pin")
    assert answer["snapshot"] == ids[0]
    assert [each["pinned"] for each in repository.list()] == ["before the migration", None, None]
    assert repository.json("show", ids[0])["pinned"] == "before the migration"
    assert "pinned" in repository.run("list").stdout and "before the migration" in repository.run("show", ids[0]).stdout

    report = repository.json("prune", "--keep-last", "1")
    assert [each["kept"] for each in report["snapshots"]] == [True, False, True]
    assert "pinned: before the migration" in report["snapshots"][0]["reason"]
    error = repository.run("prune", ids[0], "--json", code=2).error
    assert error["code"] == "snapshot_pinned" and "unpin" in error["hint"]
    repository.restore(ids[0], folder / "old.db", "--verify")
    assert repository.verify("--data")["ok"]

    answer = repository.json("unpin", ids[0])
    assert_fits(answer, "unpin")
    assert answer["pins_ended"] == 1 and repository.json("unpin", ids[0])["pins_ended"] == 0
    repository.json("prune", ids[0])
    assert [each["snapshot"] for each in repository.list()] == [ids[2]]
    assert repository.verify("--data")["ok"]


def test_a_pin_wants_a_reason_and_a_snapshot(program, folder):
    repository = Repository(program, folder / "repository", "keyfile").init()
    repository.backup(databases.make(folder / "shop.db"))
    error = repository.run("pin", "latest", "--json", code=2).error
    assert error["code"] == "usage" and "--reason" in error["message"]
    assert repository.run("pin", "--reason", "x", "--json", code=2).error["code"] == "usage"
    assert repository.run("pin", "abcdef0123", "--reason", "x", "--json", code=2).error["code"] == "snapshot_unknown"
    assert repository.run("unpin", "--json", code=2).error["code"] == "usage"
