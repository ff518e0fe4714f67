"""copy: snapshots of one repository in another, of another key and place, by the program itself."""

import random
import secrets
import subprocess

import pytest

import databases
from program import PASSPHRASE, Repository
from test_output import assert_fits


@pytest.fixture
def source(program, folder, database):
    """Three snapshots of a changing database; `contents` are the files' bytes, oldest first."""
    repository = Repository(program, folder / "source", "keyfile").init()
    repository.contents = []
    for seed in range(3):
        databases.change(database, seed + 10)
        databases.settle(database)
        repository.backup(database, "--tag", f"day={seed}")
        repository.contents.append(database.read_bytes())
    return repository


def target_of(program, folder, name="target"):
    return Repository(program, folder / name, "keyfile").init()


def copy(source, target, *words, **options):
    key_file = target.words[target.words.index("--key-file") + 1]
    return source.json("copy", *words, "--to", target.path, "--to-key-file", key_file, **options)


def assert_equal(target, source, folder):
    snapshots = target.list()
    assert [each["time"] for each in snapshots] == [each["time"] for each in source.list()]
    for number, each in enumerate(snapshots):
        restored = folder / f"{secrets.token_hex(4)}.db"
        target.restore(each["snapshot"], restored)
        assert restored.read_bytes() == source.contents[number]
    assert target.verify("--data")["ok"]


def test_everything_is_copied_once(source, program, folder):
    target = target_of(program, folder)
    plan = copy(source, target, "--dry-run")
    assert_fits(plan, "copy")
    assert plan["copied"] == 3 and plan["dry_run"] and target.list() == []
    first = copy(source, target)
    assert_fits(first, "copy")
    assert (first["copied"], first["present"], first["failed"]) == (3, 0, 0)
    assert_equal(target, source, folder)
    objects = target.objects()
    again = copy(source, target)
    assert (again["copied"], again["present"], again["bytes_added"]) == (0, 3, 0)
    assert target.objects() == objects

    shown = target.json("show", "latest")
    assert_fits(shown, "show")
    assert shown["origin"]["snapshot"] == source.list()[-1]["snapshot"]
    assert shown["tags"] == {"day": "2"}
    assert shown["origin"]["snapshot"] in target.run("show", "latest").stdout
    assert source.json("show", "latest")["origin"] is None


def test_some_are_copied(source, program, folder):
    target = target_of(program, folder)
    assert copy(source, target, "latest~1")["copied"] == 1
    assert copy(source, target, "--tag", "day=2", "--source", source.list()[0]["source"])["copied"] == 1
    assert [each["tags"]["day"] for each in target.list()] == ["1", "2"]
    assert copy(source, target, "--source", "nobody", code=2)["error"]["code"] == "source_unknown"


def test_into_what_is_not_encrypted_only_if_that_is_meant(source, program, folder):
    plain = Repository(program, folder / "plain").init()
    refused = source.run("copy", "--to", plain.path, "--json", code=12)
    assert refused.error["code"] == "not_encrypted"
    config = folder / "c.yaml"
    config.write_text(f"version: 1\nrepositories:\n  plain: {{url: {plain.path}, encryption: none}}\n")
    assert source.json("copy", "--config", config, "--to", "plain", "--compression", "gzip")["copied"] == 3
    assert_equal(plain, source, folder)


def test_by_a_passphrase_of_its_own(source, program, folder):
    target = Repository(program, folder / "target", "passphrase").init()
    refused = source.run("copy", "--to", target.path, "--json", code=12)
    assert refused.error["code"] == "key_missing"
    environment = {"DB_BACKUP_TO_PASSPHRASE": PASSPHRASE}
    assert source.json("copy", "--to", target.path, env=environment)["copied"] == 3
    assert_equal(target, source, folder)
    wrong = source.run("copy", "--to", target.path, "--json", code=12, env={"DB_BACKUP_TO_PASSPHRASE": "a guess"})
    assert wrong.error["code"] == "wrong_key" and "a guess" not in wrong.text


def test_backups_go_on_in_the_copy(source, program, folder, database):
    target = target_of(program, folder)
    copy(source, target)
    databases.change(database, 99)
    databases.settle(database)
    next_one = target.backup(database)
    assert next_one["mode"] == "incremental" and next_one["parent"] == target.list()[-2]["snapshot"]
    assert next_one["chunks_reused"] + next_one["chunks_delta"] > 0
    source.contents.append(database.read_bytes())
    back = copy(target, source)
    assert (back["copied"], back["present"]) == (1, 3)
    assert_equal(source, source, folder)


def test_a_damaged_snapshot_stays_away(source, program, folder):
    target = target_of(program, folder)
    manifest = next(source.path.glob(f"manifests/*/{source.list()[0]['snapshot']}"))
    bytes_of = bytearray(manifest.read_bytes())
    bytes_of[len(bytes_of) // 2] ^= 1
    manifest.chmod(0o600)
    manifest.write_bytes(bytes_of)
    report = copy(source, target, code=13)
    assert report["copied"] == 2
    assert target.verify("--data")["ok"] and len(target.list()) == 2


def test_where_nothing_is(source, folder):
    missing = source.run("copy", "--to", folder / "nowhere", "--json", code=10)
    assert "init" in missing.error["hint"]
    assert source.run("copy", "--json", code=2).error["message"] == "copy needs --to"
    assert source.run("copy", "--to", source.path, "--json", code=2).error["code"] == "same_repository"


def test_killed_copies_are_completed(program, folder, database):
    source = Repository(program, folder / "source", "keyfile").init()
    source.contents = []
    large = databases.make(folder / "large.db", rows=30_000)
    for seed in range(2):
        source.backup(large)
        source.contents.append(large.read_bytes())
        databases.change(large, seed, updates=500)
        databases.settle(large)
    target = target_of(program, folder)
    key_file = target.words[target.words.index("--key-file") + 1]
    rng = random.Random(5)
    for _ in range(6):
        process = source.start("copy", "--to", target.path, "--to-key-file", key_file)
        try:
            process.wait(rng.uniform(0.02, 0.4))
        except subprocess.TimeoutExpired:
            process.kill()
        program.finish(process)
        assert target.verify("--data")["ok"]
    copy(source, target)
    assert_equal(target, source, folder)
    target.run("prune")
    assert_equal(target, source, folder)
