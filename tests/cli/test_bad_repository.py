"""Repositories that are not there, are something else, are of a newer version, half-made, locked with
another key or use an unknown feature; and clocks that jump.
"""

import hashlib
import json
import os
import secrets
import shutil

import pytest

import databases
from bad_input import WITHOUT_ROOT_POWERS, names_below, need_permissions_to_count
from preload import preloaded
from program import Repository

COMMANDS = (("list",), ("verify",), ("stats",), ("show", "latest"), ("restore", "latest", "--to", "x.db"))


def every_command(folder, database):
    return [*COMMANDS, ("backup", "--type", "sqlite", "--database", database)]


def checked(document):
    """A JSON object of the repository with its own hash made right again, as the format says."""
    document.pop("sha256", None)
    hashed = {key: value for key, value in document.items() if key != "mac"}
    text = json.dumps(hashed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    document["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False) + "\n"


def expect(repository, words, exit_code, error_code, folder, **options):
    before = names_below(folder)
    result = repository.run(*words, "--json", code=exit_code, **options)
    assert error_code is None or result.error["code"] == error_code, str(result)
    assert result.error["hint"], str(result)
    assert names_below(folder) == before, f"files came or went: {set(names_below(folder)) ^ set(before)}"
    return result.error


def test_no_repository_there(program, database, folder):
    repository = Repository(program, folder / "none")
    for words in every_command(folder, database):
        error = expect(repository, words, 10, None, folder)
        assert "init" in error["hint"] and "none" in error["message"]


def test_an_empty_folder_is_no_repository(program, database, folder):
    """As an unmounted disk looks: it must not become an empty repository."""
    (folder / "empty").mkdir()
    repository = Repository(program, folder / "empty")
    for words in every_command(folder, database):
        expect(repository, words, 10, None, folder)


def test_something_else_is_there(program, database, folder):
    (folder / "photos").mkdir()
    (folder / "photos/cat.jpg").write_bytes(b"miaow")
    repository = Repository(program, folder / "photos")
    for words in every_command(folder, database):
        expect(repository, words, 10, None, folder)
    error = expect(repository, ("init", "--encryption", "none"), 2, "target_not_empty", folder)
    assert "photos" in error["message"]
    assert (folder / "photos/cat.jpg").read_bytes() == b"miaow"


def test_a_file_is_there(program, database, folder):
    (folder / "file").write_text("x")
    repository = Repository(program, folder / "file")
    for words in every_command(folder, database):
        expect(repository, words, (10, 30), None, folder)


def test_the_hint_can_be_pasted(program, database, folder):
    """Also for a place with a space in its name, an empty one, a half-made one, and by a configured name."""
    place = folder / "my backups"
    config = folder / "c.yaml"
    config.write_text(f"version: 1\nrepositories:\n  main: {{url: '{place}'}}\n")
    config.chmod(0o600)

    def hints(code):
        by_path = program.run("list", "--repository", place, "--json", code=code).error["hint"]
        by_name = program.run("list", "--config", config, "--json", code=code).error["hint"]
        assert f"db-backup init --repository '{place}'" in by_path, by_path
        assert by_name.endswith("db-backup init --repository main"), by_name

    hints(10)
    place.mkdir()
    hints(10)
    (place / "runs/0123").mkdir(parents=True)
    (place / "runs/0123/probe").write_text("first")
    hints(14)


def test_init_twice(quick_repository, database, folder):
    quick_repository.backup(database)
    objects = quick_repository.objects()
    expect(quick_repository, ("init", "--encryption", quick_repository.encryption), 14, "repository_exists", folder)
    assert quick_repository.objects() == objects and quick_repository.verify("--data")["ok"]


def test_a_newer_version(quick_repository, database, folder):
    quick_repository.backup(database)
    config = quick_repository.path / "config"
    good = config.read_bytes()
    config.chmod(0o600)
    config.write_text(checked({**json.loads(good), "format": 2}))
    for words in every_command(folder, database):
        error = expect(quick_repository, words, 14, "newer_format", folder)
        assert "2" in error["message"] and "newer" in error["hint"]
    config.write_bytes(good)
    assert quick_repository.verify("--data")["ok"] and quick_repository.backup(database)


def test_an_unknown_feature(quick_repository, database, folder):
    quick_repository.backup(database)
    feature = quick_repository.path / "features/quantum"
    feature.parent.mkdir(exist_ok=True)
    feature.write_text(checked({"needed_for": ["read", "write"]}))
    for words in every_command(folder, database):
        error = expect(quick_repository, words, 14, "unknown_feature", folder)
        assert "quantum" in error["message"]
    feature.unlink()
    assert quick_repository.verify("--data")["ok"] and quick_repository.backup(database)


def test_a_half_made_one(program, database, folder):
    """What an interrupted `init` leaves: key slots, but no config."""
    repository = Repository(program, folder / "repository", "keyfile").init()
    os.unlink(repository.path / "config")
    for words in every_command(folder, database):
        error = expect(repository, words, 14, "half_made", folder)
        assert "init" in error["hint"]
    # Trying again completes it.
    repository.init()
    repository.backup(database)
    assert repository.verify("--data")["ok"]


def test_a_lost_config(quick_repository, database, folder):
    quick_repository.backup(database)
    config = (quick_repository.path / "config").read_bytes()
    os.unlink(quick_repository.path / "config")
    for words in every_command(folder, database):
        expect(quick_repository, words, (10, 14), None, folder)
    expect(quick_repository, ("init", "--encryption", quick_repository.encryption), (2, 14), None, folder)
    (quick_repository.path / "config").write_bytes(config)
    assert quick_repository.verify("--data")["ok"]


# --- keys -----------------------------------------------------------------------------------------


def test_wrong_passphrase(program, database, folder):
    repository = Repository(program, folder / "repository", "passphrase").init()
    repository.backup(database)
    for words in (("list",), ("backup", "--type", "sqlite", "--database", database)):
        error = expect(repository, words, 12, None, folder, env={"DB_BACKUP_PASSPHRASE": "wrong guess"})
        assert "wrong guess" not in str(error)
    assert repository.verify("--data")["ok"]


def test_wrong_key_file(program, database, folder):
    repository = Repository(program, folder / "repository", "keyfile").init()
    repository.backup(database)
    (folder / "other.key").write_text(secrets.token_hex(32) + "\n")
    for words in every_command(folder, database):
        result = program.run(*words, "--repository", repository.path, "--key-file", folder / "other.key", "--json", code=12)
        assert result.error["hint"]
    assert repository.verify("--data")["ok"]


def test_no_key_at_all(program, database, folder):
    repository = Repository(program, folder / "repository", "keyfile").init()
    for words in every_command(folder, database):
        result = program.run(*words, "--repository", repository.path, "--json", code=12)
        assert "--key-file" in result.error["hint"], str(result)


@pytest.mark.parametrize("content", ("", "short\n", "zz" * 32, "00" * 31, "00" * 33, None))
def test_a_bad_key_file(program, database, folder, content):
    repository = Repository(program, folder / "repository", "keyfile").init()
    bad = folder / "bad.key"
    if content is not None:
        bad.write_text(content)
    error = program.run("list", "--repository", repository.path, "--key-file", bad, "--json", code=2).error
    assert "bad.key" in error["message"] and error["hint"]


def test_init_with_a_key_file_that_can_not_be_looked_for(program, folder):
    need_permissions_to_count()
    (folder / "closed").mkdir()
    (folder / "closed").chmod(0)
    try:
        words = ("init", "--repository", folder / "r", "--encryption", "keyfile", "--key-file", folder / "closed/the.key")
        error = program.run(*words, "--json", code=2, prefix=WITHOUT_ROOT_POWERS).error
    finally:
        (folder / "closed").chmod(0o755)
    assert error["code"] == "bad_key_file" and "closed" in error["message"] and error["hint"], error
    assert not (folder / "r").exists()


def test_a_key_for_an_unencrypted_repository(plain_repository, program, database, folder):
    """Somebody may have replaced the encrypted repository by one that is not."""
    (folder / "some.key").write_text(secrets.token_hex(32) + "\n")
    for words in every_command(folder, database):
        for options in ({"env": {"DB_BACKUP_PASSPHRASE": "x"}}, {}):
            key = () if options else ("--key-file", folder / "some.key")
            before = plain_repository.objects()
            result = program.run(*words, "--repository", plain_repository.path, *key, "--json", code=12, **options)
            assert result.error["code"] == "not_encrypted", str(result)
            assert plain_repository.objects() == before


def test_passphrase_sources(program, database, folder):
    repository = Repository(program, folder / "repository", "passphrase").init()
    (folder / "pass").write_text("correct horse battery staple\n")
    for env in ({"DB_BACKUP_PASSPHRASE_FILE": str(folder / "pass")}, {"DB_BACKUP_PASSPHRASE_COMMAND": f"cat '{folder}/pass'"}):
        program.run("list", "--repository", repository.path, env=env)
    both = {"DB_BACKUP_PASSPHRASE": "x", "DB_BACKUP_PASSPHRASE_FILE": str(folder / "pass")}
    assert program.run("list", "--repository", repository.path, "--json", env=both, code=2).error["hint"]
    for env in ({"DB_BACKUP_PASSPHRASE_FILE": str(folder / "none")}, {"DB_BACKUP_PASSPHRASE_COMMAND": "exit 7"}):
        error = program.run("list", "--repository", repository.path, "--json", env=env, code=2).error
        assert error["message"]


def test_init_asks_for_a_passphrase_and_nobody_answers(program, folder):
    error = program.run("init", "--repository", folder / "r", "--json", code=2).error
    assert error["code"] == "passphrase_missing" and "DB_BACKUP_PASSPHRASE" in error["hint"]
    assert not (folder / "r").exists()


# --- permissions and surroundings -----------------------------------------------------------------


def test_a_repository_that_may_not_be_written(plain_repository, database, folder):
    need_permissions_to_count()
    plain_repository.backup(database)
    folders = [path for path in (plain_repository.path, *plain_repository.path.rglob("*")) if path.is_dir()]
    for path in folders:
        path.chmod(0o555)
    databases.change(database)
    result = plain_repository.run(
        "backup", "--type", "sqlite", "--database", database, "--json", code=30, prefix=WITHOUT_ROOT_POWERS
    )
    assert result.error["hint"], str(result)
    # Reading needs no right to write.
    assert plain_repository.verify("--data", prefix=WITHOUT_ROOT_POWERS)["ok"]
    for path in folders:
        path.chmod(0o755)
    assert plain_repository.backup(database)["parent"]


def test_the_repository_is_copied_to_another_place(quick_repository, database, folder, program):
    quick_repository.backup(database)
    expected = databases.content(database)
    moved = folder / "moved"
    shutil.move(quick_repository.path, moved)
    key = quick_repository.words[2:]
    program.run("restore", "latest", "--to", folder / "restored.db", "--verify", "--repository", moved, *key)
    databases.assert_equal(expected, folder / "restored.db")
    program.run("list", "--repository", f"file://{moved}", *key)


def test_an_unknown_storage(program):
    for url in ("ftp://host/x", "azure://container/x"):
        error = program.run("list", "--repository", url, "--json", code=2).error
        assert url.split(":")[0] in error["message"], error
        assert error["code"] == "unknown_scheme", error


# --- clocks ---------------------------------------------------------------------------------------

SHIFTED_CLOCK = r"""
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec* now) {
    long result = syscall(SYS_clock_gettime, clock, now);
    if (clock == CLOCK_REALTIME) now->tv_sec += atol(getenv("SHIFTED_CLOCK_S"));
    return (int)result;
}
time_t time(time_t* out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
"""


def test_objects_that_may_not_be_read_are_all_told(plain_repository, database, folder):
    """The first does not hide the others, nor the snapshots that can be read."""
    need_permissions_to_count()
    taken = []
    for seed in range(5):
        databases.change(database, seed=seed)
        taken.append(plain_repository.backup(database)["snapshot"])
    first_pack = next(name for name in plain_repository.objects() if name.startswith("packs/"))
    manifests = [next(name for name in plain_repository.objects() if name.endswith(each)) for each in taken[1:3]]
    closed = [plain_repository.path / name for name in (first_pack, *manifests)]
    options = {"prefix": WITHOUT_ROOT_POWERS, "code": 13}
    for path in closed:
        path.chmod(0)
    try:
        listed = plain_repository.run("list", "--json", **options)
        found = plain_repository.json("verify", **options)
        data = plain_repository.json("verify", "--data", **options)
        text = plain_repository.run("verify", "--data", **options)
    finally:
        for path in closed:
            path.chmod(0o600)
    assert [each["snapshot"] for each in listed.json] == [taken[0], *taken[3:]]
    assert all(name in listed.stderr for name in manifests), str(listed)
    assert {each["object"] for each in found["findings"]} >= set(manifests), found
    assert {each["object"] for each in data["findings"]} >= {first_pack, *manifests}, data
    for name in (first_pack, *manifests):
        assert f"{name}: cannot read" in text.stdout and "Permission denied" in text.stdout, str(text)
    assert data["damaged_snapshots"]
    for snapshot in data["damaged_snapshots"]:
        assert f"  snapshot {snapshot}\n" in text.stdout, str(text)
    assert plain_repository.verify("--data")["ok"]


def test_a_clock_that_jumps_back(quick_repository, database, folder):
    """The order of snapshots is their sequence, never the clock."""
    preload = preloaded(quick_repository.program, "clock", SHIFTED_CLOCK)
    ids, states = [], []
    for number, shift in enumerate((0, -400 * 86_400, 3600, -10 * 365 * 86_400)):
        databases.change(database, seed=number)
        states.append(databases.content(database))
        taken = quick_repository.backup(database, env={**preload, "SHIFTED_CLOCK_S": str(shift)})
        assert taken["parent"] == (ids[-1] if ids else None)
        ids.append(taken["snapshot"])
    listed = quick_repository.list()
    assert [each["snapshot"] for each in listed] == ids
    assert listed[1]["time"] < listed[0]["time"], "the clock was not shifted, so nothing was tested"
    assert quick_repository.verify("--data")["ok"]
    for number, snapshot in enumerate(ids):
        name = folder / f"{number}.db"
        quick_repository.restore(snapshot if number < 3 else "latest", name, "--verify")
        databases.assert_equal(states[number], name)
