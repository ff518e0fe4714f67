"""Repositories in buckets with object lock and versions: nobody removes what is locked, and what was removed comes back."""

import datetime

import pytest

import databases
from kept_stores import STORES
from program import Repository
from test_output import assert_fits

LASTING = ("config", "keys/", "manifests/", "indexes/", "packs/")


@pytest.fixture(scope="module", params=STORES)
def store(request, servers):
    folder, started = servers
    store = STORES[request.param](folder)
    started.append(store.server)
    return store


@pytest.fixture
def locked(program, store):
    return store.repository(program, "lockable", object_lock="governance:1").init()


@pytest.fixture
def versioned(program, store):
    return store.repository(program, "versioned").init()


@pytest.fixture(params=("versioned", "softly"))
def keeping(request, program, store):
    """In a bucket that keeps what somebody removes."""
    if request.param not in store.keeping:
        pytest.skip("this kind of store has no such buckets")
    return store.repository(program, request.param).init()


def take_two(repository, database, folder):
    """A snapshot of each of two databases that have nothing in common."""
    first = repository.backup(database, "--source-name", "shop")["snapshot"]
    database.unlink()
    databases.make(database, rows=2000)
    second = repository.backup(database, "--source-name", "shop", "--mode", "full")["snapshot"]
    return first, second


def in_days(days):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)


def test_what_is_locked_stays_and_prune_says_so(store, locked, database, folder):
    first, second = take_two(locked, database, folder)
    before = store.names(locked)
    pack = next(name for name in before if name.startswith("packs/"))
    assert store.remove_for_good(locked, pack) in (403, 409)

    pruned = locked.json("prune", "--keep-last", 1)
    assert pruned["packs_removed"] == 0 and pruned["bytes_freed"] == 0, pruned
    assert pruned["locked_objects"] >= 2 and pruned["locked_bytes"] > 0, pruned
    until = datetime.datetime.fromisoformat(pruned["locked_until"].replace("Z", "+00:00"))
    assert in_days(0.99) < until <= in_days(1), pruned
    assert [each["snapshot"] for each in locked.list()] == [second]
    lasting = {name for name in before if name.startswith(LASTING)}
    assert lasting <= set(store.names(locked)), "it was all locked"

    assert_fits(pruned, "prune")
    text = locked.run("prune").stdout
    assert "locked until" in text, text
    assert locked.json("prune")["locked_objects"] == pruned["locked_objects"]
    assert locked.verify("--data")["ok"]

    store.end_locks(locked)
    pruned = locked.json("prune")
    assert pruned["packs_removed"] > 0 and pruned["bytes_freed"] > 0 and pruned["locked_objects"] == 0, pruned
    assert pruned["locked_until"] is None
    assert store.names(locked) == store.kept(locked)
    locked.restore("latest", folder / "r.db", "--verify")
    assert (folder / "r.db").read_bytes() == database.read_bytes()


def test_locks_of_what_is_needed_are_extended(store, locked, database):
    locked.backup(database)
    ends = store.lock_ends(locked)
    assert any(name.startswith("runs/") for name in ends), "or there is nothing to tell apart"
    for name, end in ends.items():
        if name.startswith(LASTING):
            assert in_days(0.99) < end <= in_days(1), name
        else:
            assert end is None, name
    longer = [word.replace("governance%3A1", "governance%3A3") for word in locked.words]
    assert longer != locked.words
    locked.words = longer
    due = locked.json("prune", "--dry-run")["locks_extended"]
    assert max(end for end in store.lock_ends(locked).values() if end) <= in_days(1)
    pruned = locked.json("prune")
    ends = {name: end for name, end in store.lock_ends(locked).items() if name.startswith(LASTING)}
    assert pruned["locks_extended"] == due == len(ends) > 3, pruned
    for name, end in ends.items():
        assert in_days(2.99) < end <= in_days(3), name
    assert locked.json("prune")["locks_extended"] == 0, "they are long enough, and nobody asks again"


def test_a_bucket_without_locks(program, store):
    repository = store.repository(program, "plain", object_lock="compliance:30")
    error = repository.run("init", "--encryption", "keyfile", "--json", code=30).error
    assert error["code"] == "object_lock_missing" and "object_lock" in error["hint"], error
    assert "config" not in store.names(repository), "it is no repository"
    repository.words[1] = repository.url = repository.url.replace("&object_lock=compliance%3A30", "")
    repository.init()


def test_the_configuration_asks_for_locks(program, store, folder):
    repository = store.repository(program, "lockable", encryption="none")
    config = folder / "db-backup.yaml"
    lock = "{mode: governance, days: 2}"
    config.write_text(f"version: 1\nrepositories: {{main: {{url: '{repository.url}', object_lock: {lock}}}}}\n")
    repository.words = ["--config", str(config)]
    repository.init()
    assert in_days(1.99) < store.lock_ends(repository)["config"] <= in_days(2)


def test_a_folder_has_no_locks(program, folder):
    repository = Repository(program, folder / "r", "none")
    config = folder / "db-backup.yaml"
    config.write_text(f"version: 1\nrepositories: {{main: {{url: {folder}/r, object_lock: {{days: 2}}}}}}\n")
    repository.words = ["--config", str(config)]
    error = repository.run("init", "--encryption", "none", "--json", code=2).error
    assert error["code"] == "object_lock_unsupported", error


def test_a_key_slot_is_locked(locked):
    slot = locked.json("key", "list")["slots"][0]["slot"]
    second = locked.program.folder / "second.key"
    locked.run("key", "add", "--new-key-file", second)
    locked.words[locked.words.index("--key-file") + 1] = str(second)
    error = locked.run("key", "remove", slot, "--json", code=14).error
    assert error["code"] == "key_locked", error
    assert len(locked.json("key", "list")["slots"]) == 2


def test_prune_leaves_no_versions(store, versioned, database, folder):
    take_two(versioned, database, folder)
    pruned = versioned.json("prune", "--keep-last", 1)
    assert pruned["packs_removed"] > 0 and pruned["locked_objects"] == 0 and pruned["locks_extended"] == 0, pruned
    assert store.kept(versioned) == store.names(versioned)


def test_what_somebody_removed_comes_back(store, keeping, database, folder):
    first, second = take_two(keeping, database, folder)
    before = store.names(keeping)
    for name in before:
        assert store.remove(keeping, name) in (202, 204)
    keeping.run("list", code=10)
    would = keeping.json("undelete", "--dry-run")
    assert would["objects"] == len(before) and would["snapshots"] == [], would
    keeping.run("list", code=10)
    done = keeping.json("undelete")
    assert_fits(done, "undelete")
    assert done["objects"] == len(before), done
    assert {each["snapshot"] for each in done["snapshots"]} == {first, second}, done
    assert store.names(keeping) == before
    assert [each["snapshot"] for each in keeping.list()] == [first, second]
    keeping.restore("latest", folder / "r.db", "--verify")
    assert (folder / "r.db").read_bytes() == database.read_bytes()
    assert "nothing to bring back" in keeping.run("undelete").stdout


def test_what_prune_removed_does_not_come_back(keeping, database, folder):
    take_two(keeping, database, folder)
    assert keeping.json("prune", "--keep-last", 1)["packs_removed"] > 0
    assert keeping.json("undelete")["objects"] == 0


def test_a_folder_keeps_nothing(plain_repository):
    error = plain_repository.run("undelete", "--json", code=2).error
    assert error["code"] == "undelete_unsupported", error


def remove_below(repository, folder, remove):
    for name in repository.names_before:
        if name.startswith(folder):
            assert remove(repository, name) in (202, 204)


@pytest.fixture
def shown(store, versioned, database, folder):
    """Two snapshots in a bucket that tells `prune` what somebody removed."""
    if not store.shows_removed:
        pytest.skip("this store does not say what it keeps")
    versioned.taken = take_two(versioned, database, folder)
    versioned.names_before = store.names(versioned)
    return versioned


def test_what_removed_manifests_need_is_not_pruned(store, shown, database, folder):
    """A few small objects are removed, and the next prune, of another machine, must not remove the rest for good."""
    remove_below(shown, "manifests/", store.remove)
    shown.env = {**shown.env, "XDG_STATE_HOME": str(folder / "other"), "XDG_CACHE_HOME": str(folder / "other")}
    assert shown.list() == []
    pruned = shown.json("prune")
    assert pruned["packs_removed"] == 0 and len(pruned["problems"]) == 2, pruned
    assert all("undelete" in each for each in pruned["problems"])
    back = shown.json("undelete")["snapshots"]
    assert {each["snapshot"]: each["whole"] for each in back} == dict.fromkeys(shown.taken, True)
    shown.restore("latest", folder / "r.db", "--verify")
    assert (folder / "r.db").read_bytes() == database.read_bytes()
    assert shown.json("prune", "--keep-last", 1)["packs_removed"] > 0


def test_undelete_says_what_is_not_whole(store, shown):
    remove_below(shown, "manifests/", store.remove)
    remove_below(shown, "packs/", store.remove_for_good)
    told = shown.json("undelete", code=13)
    assert_fits(told, "undelete")
    assert {each["snapshot"]: each["whole"] for each in told["snapshots"]}[shown.taken[1]] is False, told
