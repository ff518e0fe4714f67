"""Repositories in buckets with object lock and versions: nobody removes what is locked, and what was removed comes back."""

import datetime
import os
import pathlib

import pytest

import databases
from program import Repository
from s3_server import BUCKET, S3Server
from stores import StoreRepository
from test_output import assert_fits

LASTING = ("config", "keys/", "manifests/", "indexes/", "packs/")
RETENTION = "user.object-retention"


@pytest.fixture(scope="module")
def server(servers):
    folder, started = servers
    started.append(S3Server("versitygw", folder))
    started[-1].make_bucket(BUCKET)
    started[-1].make_kept_bucket("lockable", has_locks=True)
    started[-1].make_kept_bucket("versioned")
    return started[-1]


@pytest.fixture
def locked(program, server):
    return StoreRepository(program, server, "lockable", object_lock="governance:1").init()


@pytest.fixture
def versioned(program, server):
    return StoreRepository(program, server, "versioned").init()


def take_two(repository, database, folder):
    """A snapshot of each of two databases that have nothing in common."""
    first = repository.backup(database, "--source-name", "shop")["snapshot"]
    database.unlink()
    databases.make(database, rows=2000)
    second = repository.backup(database, "--source-name", "shop", "--mode", "full")["snapshot"]
    return first, second


def names_of(repository):
    place = repository.server.place(repository)
    return sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())


def lock_ends(repository):
    """When the lock of each object ends, by name; nothing for one without."""
    path = repository.url.removeprefix("s3://").partition("?")[0]
    ends = {}
    for name in names_of(repository):
        status, headers, _ = repository.server.send("HEAD", f"{path}/{name}")
        assert status == 200, name
        end = headers["x-amz-object-lock-retain-until-date"]
        ends[name] = end and datetime.datetime.fromisoformat(end.replace("Z", "+00:00"))
    return ends


def end_all_locks(repository):
    """As if their time had come: the server keeps them with its files."""
    place = repository.server.place(repository)
    ended = 0
    for name in names_of(repository):
        if RETENTION in os.listxattr(place / name):
            text = os.getxattr(place / name, RETENTION).decode()
            year = str(datetime.datetime.now(datetime.timezone.utc).year)
            next_year = str(int(year) + 1)
            os.setxattr(place / name, RETENTION, text.replace(next_year + "-", "2001-").replace(year + "-", "2001-").encode())
            ended += 1
    assert ended > 0
    return ended


def in_days(days):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)


def test_what_is_locked_stays_and_prune_says_so(locked, database, folder):
    first, second = take_two(locked, database, folder)
    before = names_of(locked)
    bucket, _, prefix = locked.url.removeprefix("s3://").partition("?")[0].partition("/")
    pack = next(each for each in locked.server.versions(locked) if "/packs/" in each[0])
    status, _, body = locked.server.send("DELETE", f"{bucket}/{pack[0]}", {"versionId": pack[1]})
    assert status == 403, body

    pruned = locked.json("prune", "--keep-last", 1)
    assert pruned["packs_removed"] == 0 and pruned["bytes_freed"] == 0, pruned
    assert pruned["locked_objects"] >= 2 and pruned["locked_bytes"] > 0, pruned
    until = datetime.datetime.fromisoformat(pruned["locked_until"].replace("Z", "+00:00"))
    assert in_days(0.99) < until <= in_days(1), pruned
    assert [each["snapshot"] for each in locked.list()] == [second]
    lasting = {name for name in before if name.startswith(LASTING)}
    assert lasting <= set(names_of(locked)), "it was all locked"

    assert_fits(pruned, "prune")
    text = locked.run("prune").stdout
    assert "locked until" in text, text
    assert locked.json("prune")["locked_objects"] == pruned["locked_objects"]
    assert locked.verify("--data")["ok"]

    end_all_locks(locked)
    pruned = locked.json("prune")
    assert pruned["packs_removed"] > 0 and pruned["bytes_freed"] > 0 and pruned["locked_objects"] == 0, pruned
    assert pruned["locked_until"] is None
    kept = names_of(locked)
    assert sorted(f"{prefix}/{name}" for name in kept) == sorted(key for key, _, _ in locked.server.versions(locked))
    locked.restore("latest", folder / "r.db", "--verify")
    assert (folder / "r.db").read_bytes() == database.read_bytes()


def test_locks_of_what_is_needed_are_extended(locked, database):
    locked.backup(database)
    ends = lock_ends(locked)
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
    assert max(end for end in lock_ends(locked).values() if end) <= in_days(1)
    pruned = locked.json("prune")
    ends = {name: end for name, end in lock_ends(locked).items() if name.startswith(LASTING)}
    assert pruned["locks_extended"] == due == len(ends) > 3, pruned
    for name, end in ends.items():
        assert in_days(2.99) < end <= in_days(3), name
    assert locked.json("prune")["locks_extended"] == 0, "they are long enough, and nobody asks again"


def test_a_bucket_without_locks(program, server):
    repository = StoreRepository(program, server, BUCKET, object_lock="compliance:30")
    error = repository.run("init", "--encryption", "keyfile", "--json", code=30).error
    assert error["code"] == "object_lock_missing" and "object_lock" in error["hint"], error
    assert "config" not in names_of(repository), "it is no repository"
    repository.words[1] = repository.url = repository.url.replace("&object_lock=compliance%3A30", "")
    repository.init()


def test_the_configuration_asks_for_locks(program, server, folder, database):
    repository = StoreRepository(program, server, "lockable", encryption="none")
    config = folder / "db-backup.yaml"
    lock = "{mode: governance, days: 2}"
    config.write_text(f"version: 1\nrepositories: {{main: {{url: '{repository.url}', object_lock: {lock}}}}}\n")
    repository.words = ["--config", str(config)]
    repository.init()
    assert in_days(1.99) < lock_ends(repository)["config"] <= in_days(2)
    config.write_text(f"version: 1\nrepositories: {{main: {{url: {folder}/r, object_lock: {lock}}}}}\n")
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


WRITER = (["s3:ListBucket"], ["s3:GetObject", "s3:PutObject", "s3:PutObjectRetention"])
PRUNER = (WRITER[0] + ["s3:GetBucketVersioning", "s3:ListBucketVersions"],
          WRITER[1] + ["s3:GetObjectRetention", "s3:DeleteObject", "s3:DeleteObjectVersion"])


def test_the_permissions_of_the_page_are_enough(program, server, database, folder):
    """The server's own policies decide, as docs/s3.md tells to set them."""
    bucket = server.make_kept_bucket("guarded", has_locks=True)
    repository = StoreRepository(program, server, bucket, object_lock="governance:1").init()
    repository.env = server.allow("writer", bucket, *WRITER)
    first, second = take_two(repository, database, folder)
    repository.restore("latest", folder / "r.db")
    assert (folder / "r.db").read_bytes() == database.read_bytes()
    error = repository.run("prune", "--keep-last", 1, "--json", code=30).error
    assert error["code"] == "access_denied" and "s3:Delete" in error["hint"], error

    repository.env = server.allow("pruner", bucket, *PRUNER)
    pruned = repository.json("prune", "--keep-last", 1)
    assert pruned["locked_objects"] > 0 and pruned["locks_extended"] > 0, pruned
    end_all_locks(repository)
    assert repository.json("prune")["packs_removed"] > 0
    manifest = next(name for name in names_of(repository) if name.startswith("manifests/"))
    path = repository.url.removeprefix("s3://").partition("?")[0]
    assert server.send("DELETE", f"{path}/{manifest}")[0] == 204
    assert repository.list() == []
    assert [each["snapshot"] for each in repository.json("undelete")["snapshots"]] == [second]


def test_the_server_takes_encryption_and_classes(program, server, database, folder):
    """It keeps everything as STANDARD; what is sent is looked at in the unit tests."""
    repository = StoreRepository(program, server, BUCKET, sse="AES256", storage_class="STANDARD_IA").init()
    database.unlink()
    databases.make(database, rows=2000)
    repository.backup(database)
    assert any(name.startswith("packs/") for name in names_of(repository))
    repository.restore("latest", folder / "r.db")
    assert (folder / "r.db").read_bytes() == database.read_bytes()


def test_prune_leaves_no_versions(versioned, database, folder):
    take_two(versioned, database, folder)
    pruned = versioned.json("prune", "--keep-last", 1)
    assert pruned["packs_removed"] > 0 and pruned["locked_objects"] == 0 and pruned["locks_extended"] == 0, pruned
    kept = versioned.server.versions(versioned)
    assert {kind for _, _, kind in kept} == {"Version"} and len(kept) == len(names_of(versioned))


def test_what_somebody_removed_comes_back(versioned, database, folder):
    first, second = take_two(versioned, database, folder)
    bucket = versioned.url.removeprefix("s3://").partition("/")[0]
    before = versioned.server.versions(versioned)
    for key, _, _ in before:
        assert versioned.server.send("DELETE", f"{bucket}/{key}")[0] == 204
    versioned.run("list", code=10)
    would = versioned.json("undelete", "--dry-run")
    assert would["objects"] == len(before) and would["snapshots"] == [], would
    versioned.run("list", code=10)
    done = versioned.json("undelete")
    assert_fits(done, "undelete")
    assert done["objects"] == len(before), done
    assert {each["snapshot"] for each in done["snapshots"]} == {first, second}, done
    assert sorted(versioned.server.versions(versioned)) == sorted(before)
    assert [each["snapshot"] for each in versioned.list()] == [first, second]
    versioned.restore("latest", folder / "r.db", "--verify")
    assert (folder / "r.db").read_bytes() == database.read_bytes()
    assert "nothing to bring back" in versioned.run("undelete").stdout


def test_what_prune_removed_does_not_come_back(versioned, database, folder):
    take_two(versioned, database, folder)
    versioned.json("prune", "--keep-last", 1)
    assert versioned.json("undelete")["objects"] == 0


def test_a_folder_keeps_nothing(plain_repository):
    error = plain_repository.run("undelete", "--json", code=2).error
    assert error["code"] == "undelete_unsupported", error
