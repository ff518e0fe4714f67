"""Key slots: what opens a repository can be changed while it is in use, nobody locks himself out, and data
are never touched."""

import os
import pty
import secrets
import signal
import stat
import time

import pytest

import databases
from preload import preloaded
from program import PASSPHRASE, Repository
from test_output import assert_fits

NEW = "DB_BACKUP_NEW_PASSPHRASE"
OTHER = "purple monkey dishwasher"
KILLED = 137


@pytest.fixture
def keyed(program, folder):
    """Opened by a key file, which costs no time."""
    return Repository(program, folder / "repository", "keyfile").init()


def with_key(repository, path):
    """The same repository as whoever has that key file sees it."""
    other = Repository(repository.program, repository.path)
    other.words += ["--key-file", str(path)]
    return other


def slots(repository):
    return repository.json("key", "list")["slots"]


def opened(repository):
    return next(slot["slot"] for slot in slots(repository) if slot["opened"])


def new_key(path):
    path.write_text(secrets.token_hex(32) + "\n")
    path.chmod(0o600)
    return path


# --- what the commands do -------------------------------------------------------------------------


def test_slots_come_and_go(keyed, folder, database):
    snapshot = keyed.backup(database)["snapshot"]
    before = [name for name in keyed.objects() if not name.startswith("keys/")]
    first = opened(keyed)
    assert_fits(keyed.json("key", "list"), "key-list")
    added = keyed.json("key", "add", "--new-key-file", folder / "two.key", "--label", "safe")
    assert_fits(added, "key-add")
    assert added["slots"] == 2 and added["key_file"] == str(folder / "two.key")
    assert stat.S_IMODE((folder / "two.key").stat().st_mode) == 0o600
    two = with_key(keyed, folder / "two.key")
    assert opened(two) == added["slot"] and [slot["label"] for slot in slots(two)] == [None, "safe"]
    assert keyed.verify()["key_slots"] == 2

    rotated = two.json("key", "rotate", "--new-key-file", folder / "three.key")
    assert_fits(rotated, "key-rotate")
    assert rotated["removed"] == added["slot"] and rotated["label"] == "safe" and rotated["warnings"] == []
    assert two.run("list", "--json", code=12).error["code"] == "wrong_key"
    three = with_key(keyed, folder / "three.key")
    assert (folder / "two.key").exists(), "the old key file is its owner's to remove"

    removed = three.json("key", "remove", first[:8])
    assert_fits(removed, "key-remove")
    assert removed["slot"] == first and removed["slots"] == 1
    assert keyed.run("list", "--json", code=12).error["code"] == "wrong_key"
    assert [name for name in three.objects() if not name.startswith("keys/")] == before
    three.restore(snapshot, folder / "restored.db", "--verify")
    assert three.verify("--data")["ok"]
    assert three.json("prune")["leftovers_removed"] >= 0 and len(slots(three)) == 1


def test_passphrases_come_and_go(program, folder, database):
    """What this machine remembers of the repository and what is configured still fit after a rotation."""
    (folder / "old").write_text(PASSPHRASE)
    (folder / "new").write_text(OTHER)
    config = folder / "db-backup.yaml"
    config.write_text(f"version: 1\nrepositories:\n  main:\n    url: {folder}/r\n    encryption: passphrase\n"
                      f"    passphrase_file: {folder}/current\n")
    (folder / "current").symlink_to("old")
    for name in ("old", "new"):
        (folder / name).chmod(0o600)
    program.run("init")
    program.run("backup", "--type", "sqlite", "--database", database)
    error = program.run("key", "rotate", "--new-key-file", folder / "k", "--json", code=2).error
    assert "encryption: passphrase" in error["message"] and not (folder / "k").exists()
    result = program.run("key", "rotate", env={f"{NEW}_FILE": str(folder / "new")})
    assert "may have kept its master key" in result.stdout, str(result)
    assert program.run("list", "--json", code=12).error["code"] == "wrong_key"
    (folder / "current").unlink()
    (folder / "current").symlink_to("new")
    assert len(program.json("list")) == 1
    slot = program.json("key", "list")["slots"][0]
    assert slot["kind"] == "passphrase" and slot["cost"]["memory_bytes"] == 64 << 20
    assert program.run("backup", "--type", "sqlite", "--database", database).code == 0


def test_an_unencrypted_repository_has_no_keys(plain_repository, folder):
    for words in (("list",), ("add", "--new-key-file", folder / "k"), ("remove", "12345678"), ("rotate",)):
        error = plain_repository.run("key", *words, "--json", code=2).error
        assert error["code"] == "not_encrypted" and error["hint"], error
    assert not (folder / "k").exists()


def test_what_is_refused_changes_nothing(keyed, folder):
    first = opened(keyed)
    key = new_key(folder / "there.key")
    content = key.read_text()
    before = keyed.objects()
    for words, env, code in (
        (("remove", first), {}, "key_last"),
        (("remove", "nonsense"), {}, "key_unknown"),
        (("remove", first[:3]), {}, "key_unknown"),
        (("remove",), {}, "usage"),
        ((), {}, "usage"),
        (("add",), {}, "passphrase_missing"),
        (("rotate",), {}, "usage"),  # Of the same kind: which file?
        (("add", "--kind", "keyfile"), {}, "usage"),
        (("add", "--kind", "passphrase", "--new-key-file", key), {NEW: OTHER}, "usage"),
        (("add", "--new-key-file", key), {NEW: OTHER}, "secret_ambiguous"),
        (("add", "--kind", "retina"), {}, "bad_option_value"),
        (("add", "--label", "x" * 201), {NEW: OTHER}, "bad_option_value"),
        (("add", "--new-key-file", keyed.path.with_suffix(".key")), {}, "key_known"),
        (("rotate", "--new-key-file", keyed.path.with_suffix(".key")), {}, "key_known"),
        (("add",), {NEW: ""}, "secret_unavailable"),
        (("add", "--new-key-file", folder / "no/such/folder.key"), {}, "bad_key_file"),
    ):
        error = keyed.run("key", *words, "--json", env=env, code=2).error
        assert error["code"] == code and error["hint"], (words, error)
    assert keyed.objects() == before and key.read_text() == content
    keyed.run("key", "add", "--new-key-file", key)
    assert key.read_text() == content, "an existing key file is used, never written over"


def test_nobody_removes_the_only_slot_that_he_can_open(keyed, folder):
    first = opened(keyed)
    second = keyed.json("key", "add", "--new-key-file", folder / "two.key")["slot"]
    error = keyed.run("key", "remove", first, "--json", code=2).error
    assert error["code"] == "key_in_use" and "rotate" in error["hint"], error
    keyed.run("key", "add", env={NEW: OTHER})
    # Whoever holds a second secret proves it, and may.
    keyed.run("key", "remove", first, env={"DB_BACKUP_PASSPHRASE": OTHER})
    assert keyed.run("key", "remove", second, "--json", code=12).error["code"] == "wrong_key"


def test_an_old_secret_that_still_opens_is_told(keyed, folder):
    """A slot put back from a copy of the repository, say."""
    name = next(name for name in keyed.objects() if name.startswith("keys/"))
    (keyed.path / "keys" / ("f" * 32)).write_bytes((keyed.path / name).read_bytes())
    rotated = keyed.json("key", "rotate", "--new-key-file", folder / "two.key")
    assert len(rotated["warnings"]) == 1 and "still opens" in rotated["warnings"][0]
    assert keyed.run("list").code == 0


def test_a_damaged_slot_is_listed(keyed, folder):
    other = keyed.json("key", "add", "--new-key-file", folder / "two.key")["slot"]
    path = keyed.path / "keys" / other
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content.replace(b"keyfile", b"keyfilf"))
    document = keyed.json("key", "list", code=13)
    assert_fits(document, "key-list")
    assert len(document["slots"]) == 1 and document["unusable"][0]["object"] == f"keys/{other}"
    assert not keyed.verify(code=13)["ok"]


def test_without_the_right_to_delete(keyed, folder):
    keyed.run("key", "add", "--new-key-file", folder / "two.key")
    second = opened(with_key(keyed, folder / "two.key"))
    env = preloaded(keyed.program, "no_unlink", """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <errno.h>
        #include <string.h>
        int unlink(const char* path) {
            if (strstr(path, "/keys/")) { errno = EACCES; return -1; }
            return ((int (*)(const char*))dlsym(RTLD_NEXT, "unlink"))(path);
        }
    """)
    before = keyed.objects()
    error = keyed.run("key", "remove", second, "--json", env=env, code=30).error
    assert error["code"] == "access_denied" and "right to delete" in error["hint"], error
    with_key(keyed, folder / "two.key").run("list")
    keyed.run("key", "remove", second)
    assert len(keyed.objects()) == len(before) - 1, "what the failed one left is gone too"


def test_a_new_passphrase_is_asked_for_twice(keyed):
    words = [str(keyed.program.path), "key", "add", "--label", "typed", *keyed.words]
    for answers, code in (((OTHER, OTHER), 0), ((OTHER, "other"), 2), (("",), 2)):
        process, leader = pty.fork()
        if process == 0:
            os.execve(words[0], words, keyed.program.environment)
        shown, prompt, answers = b"", b"", list(answers)
        while True:
            try:
                part = os.read(leader, 4096)
            except OSError:
                break
            shown, prompt = shown + part, prompt + part
            if answers and prompt.endswith(b": "):
                os.write(leader, answers.pop(0).encode() + b"\n")
                prompt = b""
        os.close(leader)
        assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == code, shown
        assert OTHER.encode() not in shown
    assert [slot["label"] for slot in slots(keyed)] == [None, "typed"]


# --- at the same time -----------------------------------------------------------------------------


def wait_for(condition):
    for _ in range(2000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it never came")


def test_a_running_backup_goes_on(keyed, folder):
    """It holds the master key. Its own slot goes while it runs."""
    database = databases.make(folder / "big.db", rows=15_000)
    runs = keyed.path / "runs"
    process = keyed.start("backup", "--type", "sqlite", "--database", database, "--compression", "zstd:19", "--json")
    wait_for(lambda: any(runs.rglob("0")))
    process.send_signal(signal.SIGSTOP)
    assert process.poll() is None
    second = keyed.json("key", "add", "--new-key-file", folder / "two.key")["slot"]
    keyed.run("key", "rotate", "--new-key-file", folder / "three.key")
    three = with_key(keyed, folder / "three.key")
    three.run("key", "remove", second)
    keyed.run("list", code=12)
    process.send_signal(signal.SIGCONT)
    result = keyed.program.finish(process)
    assert result.code == 0, str(result)
    three.restore(result.json["snapshot"], folder / "restored.db", "--verify")
    assert databases.digest(folder / "restored.db") == databases.digest(database)


def test_two_remove_each_others_slot(keyed, folder):
    """Real processes at the same moment: at most one of them gets through, and somebody always can."""
    keyed.run("key", "add", "--new-key-file", folder / "two.key")
    mine, other = keyed, with_key(keyed, folder / "two.key")
    ids = [opened(mine), opened(other)]
    kept = {name: (keyed.path / name).read_bytes() for name in keyed.objects() if name.startswith("keys/")}
    for _ in range(6):
        both = [mine.start("key", "remove", ids[1]), other.start("key", "remove", ids[0])]
        codes = [keyed.program.finish(process).code for process in both]
        able = [repository.run("list", code=(0, 12)).code for repository in (mine, other)]
        assert 0 in able, (codes, able)
        assert codes.count(0) <= 1 or 12 in able, (codes, able)
        for path in (keyed.path / "keys").iterdir():
            path.unlink()
        for name, content in kept.items():
            (keyed.path / name).write_bytes(content)


def test_a_rotation_may_die_anywhere(keyed, folder):
    """The real program, at every storage operation: the old or the new key file opens it, and the same command
    or `key remove` completes what was begun."""
    kept = {name: (keyed.path / name).read_bytes() for name in keyed.objects() if name.startswith("keys/")}
    for number in range(1, 60):
        key = folder / f"{number}.key"
        words = ("rotate", "--new-key-file", key)
        died = keyed.run("key", *words, env={"DB_BACKUP_TEST_CRASH_AFTER": str(number)}, code=(0, KILLED)).code
        old = keyed.run("list", code=(0, 12)).code
        new = with_key(keyed, key).run("list", code=(0, 12)).code if key.exists() else 12
        assert 0 in (old, new), number
        if died == 0:
            assert (old, new) == (12, 0)
            break
        for path in (keyed.path / "keys").iterdir():
            path.unlink()
        for name, content in kept.items():
            (keyed.path / name).write_bytes(content)
    else:
        raise AssertionError("it never got through")
    assert number > 8
