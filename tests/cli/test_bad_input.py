"""Bad sources, targets, snapshots and words: each has its exit code, says why and what to do, and
leaves nothing half-written. Afterwards the repository verifies, restores and takes the next backup.
"""

import os
import re
import sqlite3
import subprocess
import time

import pytest

import databases
from bad_input import WITHOUT_ROOT_POWERS, need_permissions_to_count, refusal  # noqa: F401
from databases import opened
from preload import preloaded


def backup_of(path):
    return ("backup", "--type", "sqlite", "--database", path)


# --- the source -----------------------------------------------------------------------------------


def test_missing_file(refusal, folder):
    refusal.expect(20, "source_missing", *backup_of(folder / "none.db"), says="none.db")


def test_missing_folder(refusal, folder):
    refusal.expect(20, "source_missing", *backup_of(folder / "no/such/none.db"), says="none.db")


def test_a_folder_instead_of_a_file(refusal, folder):
    (folder / "folder.db").mkdir()
    refusal.expect(20, "not_a_database", *backup_of(folder / "folder.db"), says="folder")


def test_a_pipe_instead_of_a_file(refusal, folder):
    os.mkfifo(folder / "pipe.db")
    refusal.expect(20, "not_a_database", *backup_of(folder / "pipe.db"), says="pipe.db")


@pytest.mark.parametrize("name, bytes_", (
    ("text.db", b"this is no database, and it is longer than a header of SQLite is\n" * 20),
    ("short.db", b"SQLite"),
    ("encrypted.db", bytes(range(256)) * 32),
))
def test_not_a_database(refusal, folder, name, bytes_):
    (folder / name).write_bytes(bytes_)
    error = refusal.expect(20, "not_a_database", *backup_of(folder / name), says="not a database")
    assert "encrypted" in error["message"] + error["hint"]


def test_unreadable_file(refusal, folder):
    need_permissions_to_count()
    other = databases.make(folder / "secret.db")
    other.chmod(0)
    refusal.expect(20, "source_unreadable", *backup_of(other), says="secret.db", prefix=WITHOUT_ROOT_POWERS)


def test_unreadable_folder(refusal, folder):
    need_permissions_to_count()
    (folder / "closed").mkdir()
    other = databases.make(folder / "closed/secret.db")
    (folder / "closed").chmod(0)
    try:
        refusal.expect(20, None, *backup_of(other), says="secret.db", prefix=WITHOUT_ROOT_POWERS)
    finally:
        (folder / "closed").chmod(0o755)


@pytest.mark.parametrize("journal", ("delete", "wal"))
def test_locked_file(refusal, folder, journal):
    other = databases.make(folder / "busy.db", journal=journal)
    with opened(other) as connection:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("INSERT INTO notes(note) VALUES('in the way')")
        error = refusal.expect(20, "source_locked", *backup_of(other), "--lock-timeout", "1s", says="lock")
        assert "--lock-timeout" in error["hint"], error
        connection.execute("ROLLBACK")


def test_a_lock_timeout_is_kept(plain_repository, folder):
    """Given by the option or the source, and not the five seconds of old."""
    busy = databases.make(folder / "busy.db")
    begun = time.monotonic()
    plain_repository.run(*backup_of(busy))
    usual_s = time.monotonic() - begun
    (folder / "c.yaml").write_text(f"version: 1\nsources:\n  busy: {{type: sqlite, database: {busy}, lock_timeout: 0s}}\n")
    with opened(busy) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        for words in ((*backup_of(busy), "--lock-timeout", "0s"), ("backup", "--source", "busy", "--config", folder / "c.yaml")):
            begun = time.monotonic()
            plain_repository.run(*words, code=20)
            assert time.monotonic() - begun < usual_s + 4, words
        connection.execute("ROLLBACK")


def cut(path):
    os.truncate(path, path.stat().st_size // 2)


def no_schema(path):
    with open(path, "r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 400)


def wrong_page_size(path):
    with open(path, "r+b") as file:
        file.seek(16)
        file.write(b"\x03\x01")


@pytest.mark.parametrize("damage", (cut, no_schema))
def test_corrupt_file(refusal, folder, damage):
    other = databases.make(folder / "corrupt.db", rows=2000)
    damage(other)
    damaged = databases.digest(other)
    error = refusal.expect(20, "source_corrupt", *backup_of(other), says="corrupt.db")
    assert "--allow-corrupt" in error["hint"], error
    # With --allow-corrupt it is taken as it is, and the exit code tells.
    result = refusal.repository.run(*backup_of(other), "--allow-corrupt", "--json", code=3)
    taken = result.json
    assert taken["warnings"] and taken["incomplete"] is True
    refusal.repository.restore(taken["snapshot"], folder / "as-it-was.db")
    assert databases.digest(other) == damaged
    if damage is not cut:  # A file cut in the middle of its pages has no length of its own.
        assert databases.digest(folder / "as-it-was.db") == damaged


def test_a_header_that_can_not_be(refusal, folder):
    other = databases.make(folder / "header.db")
    wrong_page_size(other)
    refusal.expect(20, None, *backup_of(other), says="header.db")


def test_the_file_vanishes_between_two_backups(refusal, folder):
    gone = databases.make(folder / "gone.db")
    refusal.repository.backup(gone)
    gone.unlink()
    refusal.expect(20, "source_missing", *backup_of(gone))


# --- the snapshot ---------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ("show", "restore"))
@pytest.mark.parametrize("text", ("deadbeefdeadbeef", "latest~9", "1999-01-01", "nonsense", "ab", ""))
def test_unknown_snapshot(refusal, folder, command, text):
    words = ("--to", folder / "x.db") if command == "restore" else ()
    error = refusal.expect(2, None, command, text, *words)
    assert error["code"] in ("snapshot_unknown", "usage", "bad_snapshot"), error


SAME_BEGINNINGS = r"""
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>
ssize_t getrandom(void* bytes, size_t count, unsigned flags) {
    ssize_t got = syscall(SYS_getrandom, bytes, count, flags);
    if (got == 16) {  // The length of an id.
        ((unsigned char*)bytes)[0] = 0xab;
        ((unsigned char*)bytes)[1] = 0xcd;
    }
    return got;
}
"""


def test_ambiguous_snapshot(refusal):
    """Two ids that begin alike, because the random numbers of the program do."""
    env = preloaded(refusal.repository.program, "random", SAME_BEGINNINGS)
    ids = [refusal.repository.backup(refusal.database, env=env)["snapshot"] for _ in range(2)]
    assert ids[0] != ids[1] and all(text.startswith("abcd") for text in ids), ids
    for words in (("show", "abcd"), ("verify", "abcd"), ("restore", "abcd", "--to", refusal.folder / "x.db")):
        error = refusal.expect(2, "snapshot_ambiguous", *words, says="2 snapshot ids")
        assert "more digits" in error["hint"], error
    for text in ids:
        length = next(length for length in range(4, 33) if ids[0][:length] != ids[1][:length])
        assert refusal.repository.json("show", text[:length])["snapshot"] == text


def test_latest_of_two_sources(refusal, folder):
    refusal.repository.backup(databases.make(folder / "second.db", seed=3))
    error = refusal.expect(2, "source_ambiguous", "restore", "latest", "--to", folder / "x.db")
    assert "sqlite-second" in error["message"] + error["hint"]


def test_unknown_source(refusal, folder):
    refusal.expect(2, "source_unknown", "restore", "latest", "--source", "nobody", "--to", folder / "x.db", says="nobody")


# --- the target -----------------------------------------------------------------------------------


def test_restore_without_a_target(refusal):
    refusal.expect(2, None, "restore", "latest")


def test_target_is_there(refusal, folder):
    other = databases.make(folder / "other.db", seed=4)
    before = databases.digest(other)
    error = refusal.expect(2, "target_not_empty", "restore", "latest", "--to", other, says="other.db")
    assert "--clean" in error["hint"]
    assert databases.digest(other) == before


def test_target_is_the_source(refusal):
    before = databases.digest(refusal.database)
    refusal.expect(2, "target_is_source", "restore", "latest", "--to", refusal.database, says="shop.db")
    assert databases.digest(refusal.database) == before


def test_target_is_no_database(refusal, folder):
    (folder / "letter.txt").write_text("dear all\n" * 500)
    for clean in ((), ("--clean",)):
        words = ("restore", "latest", "--to", folder / "letter.txt", *clean)
        refusal.expect(2, "target_not_a_database", *words, says="letter.txt")
    assert (folder / "letter.txt").read_text() == "dear all\n" * 500


@pytest.mark.parametrize("to", ("folder", "folder/"))
def test_target_is_a_folder(refusal, folder, to):
    (folder / "folder").mkdir()
    refusal.expect(2, "target_is_folder", "restore", "latest", "--to", f"{folder}/{to}")


def test_target_in_a_missing_folder(refusal, folder):
    refusal.expect(2, "target_missing_folder", "restore", "latest", "--to", folder / "none/x.db")


def test_target_in_a_file(refusal, folder):
    refusal.expect(2, None, "restore", "latest", "--to", refusal.database / "x.db")


def test_target_not_writable(refusal, folder):
    need_permissions_to_count()
    (folder / "closed").mkdir(mode=0o555)
    refusal.expect(2, "target_not_writable", "restore", "latest", "--to", folder / "closed/x.db", says="closed",
                   prefix=WITHOUT_ROOT_POWERS)


@pytest.mark.parametrize("below", ("x.db", "packs/x.db"))
def test_target_inside_the_repository(refusal, below):
    objects = refusal.repository.objects()
    words = ("restore", "latest", "--to", refusal.repository.path / below)
    refusal.expect(2, "target_in_repository", *words, says="repository")
    assert refusal.repository.objects() == objects


def test_target_inside_the_repository_by_a_link(refusal, folder):
    (folder / "way").symlink_to(refusal.repository.path)
    refusal.expect(2, "target_in_repository", "restore", "latest", "--to", folder / "way/x.db")


def test_target_with_a_journal_of_somebody_else(refusal, folder):
    (folder / "new.db-wal").write_bytes(b"x" * 100)
    refusal.expect(2, "target_has_journal", "restore", "latest", "--to", folder / "new.db", says="new.db-wal")


def test_a_source_that_cannot_be_seen_is_no_obstacle(plain_repository, folder):
    """Restoring over another database asks whether it is the source; the answer may be out of reach."""
    need_permissions_to_count()
    (folder / "closed").mkdir()
    source = databases.make(folder / "closed/shop.db")
    expected = databases.content(source)
    plain_repository.backup(source)
    other = databases.make(folder / "other.db", seed=4)
    (folder / "closed").chmod(0)
    plain_repository.restore("latest", other, "--clean", "--verify", prefix=WITHOUT_ROOT_POWERS)
    databases.assert_equal(expected, other)


def test_target_is_locked(refusal, folder):
    other = databases.make(folder / "busy.db", seed=4)
    with opened(other) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        words = ("restore", "latest", "--to", other, "--clean", "--lock-timeout", "0s")
        error = refusal.expect(20, "target_locked", *words, says="busy.db")
        assert "--lock-timeout" in error["hint"], error
        connection.execute("ROLLBACK")
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_the_working_folder_is_gone(refusal, folder):
    """What is absolute works; what is relative is wrong usage."""
    script = 'mkdir -p "$0" && cd "$0" && rmdir "$0" && exec "$@"'
    prefix = ("sh", "-c", script, folder / "gone")
    refusal.expect(2, "working_folder_missing", "restore", "latest", "--to", "x.db", says="x.db", prefix=prefix)
    refusal.expect(2, "working_folder_missing", "list", "--repository", "r", says="r", prefix=prefix, unlock=False)
    refusal.repository.run("list", prefix=prefix)
    refusal.repository.run(*backup_of(refusal.database), prefix=prefix)


# --- the words ------------------------------------------------------------------------------------


@pytest.mark.parametrize("words, says", (
    (("--nonsense",), "--nonsense"),
    (("backup", "--type", "sqlite", "--databse", "x"), "--databse"),
    (("nonsense",), "nonsense"),
    (("backup",), "database"),
    (("backup", "--type", "oracle", "--database", "x"), "oracle"),
    (("backup", "--type", "sqlite", "--database"), "--database"),
    (("backup", "--database", "x"), "--type"),
    (("backup", "--type", "sqlite", "--database", "x", "--mode", "partial"), "partial"),
    (("backup", "--type", "sqlite", "--database", "x", "--compression", "zstd:99"), "zstd:99"),
    (("backup", "--type", "sqlite", "--database", "x", "--compression", "rar"), "rar"),
    (("backup", "--type", "sqlite", "--database", "x", "--compression", "zip"), "zip"),
    (("backup", "--type", "sqlite", "--database", "x", "--jobs", "0"), "--jobs"),
    (("backup", "--type", "sqlite", "--database", "x", "--jobs", "many"), "--jobs"),
    (("backup", "--type", "sqlite", "--database", "x", "--spool", "1 banana"), "--spool"),
    (("backup", "--type", "sqlite", "--database", "x", "--tag", "=x"), "--tag"),
    (("backup", "--type", "sqlite", "--database", "x", "--lock-timeout", "5"), "--lock-timeout"),
    (("backup", "--source", "nobody"), "nobody"),
    (("restore",), "SNAPSHOT"),
    (("show",), "SNAPSHOT"),
    (("config",), "config"),
    (("list", "surplus"), "surplus"),
))
def test_wrong_words(program, words, says):
    result = program.run(*words, code=2)
    assert result.stdout == "" and says in result.stderr and "hint:" in result.stderr, str(result)
    error = program.run("--json", *words, code=2).error
    assert says in error["message"] and error["hint"] and error["exit_code"] == 2


def test_the_nearest_word_is_offered(program):
    assert "--database" in program.run("backup", "--databse", "x", "--json", code=2).error["hint"]
    assert "backup" in program.run("bakup", "--json", code=2).error["hint"]


def test_no_words_at_all_show_the_help(program):
    result = program.run(code=2)
    assert "usage: db-backup" in result.stdout


@pytest.mark.parametrize("type_", ("mysql", "mariadb", "mongodb"))
def test_a_type_that_is_not_built_in_says_so(program, type_):
    error = program.run("backup", "--type", type_, "--database", "x", "--json", code=2).error
    assert type_ in error["message"]


# --- the configuration ----------------------------------------------------------------------------


def test_all_errors_of_the_configuration_at_once(program, folder):
    (folder / "bad.yaml").write_text("version: 1\nrepositries:\n  a: {url: /x}\nsources:\n  s: {typ: sqlite, jobs: lots}\n")
    error = program.run("config", "validate", "--config", folder / "bad.yaml", "--json", code=2).error
    for expected in ("bad.yaml:2", "repositries", "repositories", "bad.yaml:5", "typ", "jobs"):
        assert expected in error["message"] + error["hint"], (expected, error)


def test_configuration_that_is_not_there(program, folder):
    error = program.run("config", "validate", "--config", folder / "none.yaml", "--json", code=2).error
    assert "none.yaml" in error["message"]


def test_configuration_that_is_no_yaml(program, folder):
    (folder / "bad.yaml").write_text("version: [1\nfoo: }")
    error = program.run("config", "validate", "--config", folder / "bad.yaml", "--json", code=2).error
    assert re.search(r"bad\.yaml:\d+", error["message"]), error


def test_a_target_that_is_the_programs_output(plain_repository, database, folder):
    """The report would be written over the restored database."""
    plain_repository.backup(database)
    out = folder / "out.db"
    program = [str(plain_repository.program.path), "restore", "latest", "--to", "/dev/stdout", *map(str, plain_repository.words)]
    with open(out, "wb") as file:
        result = subprocess.run(program, stdout=file, stderr=subprocess.PIPE, env=plain_repository.program.environment)
    assert result.returncode == 2 and b"own output" in result.stderr
    assert out.stat().st_size == 0


def test_a_log_file_that_is_something_else(plain_repository, database, folder):
    """It would be appended to, and renamed or deleted when it grows."""
    plain_repository.backup(database)
    before = databases.digest(database)
    config = (plain_repository.path / "config").read_bytes()
    for path in (database, plain_repository.path / "config"):
        result = plain_repository.run("list", "--log-file", path, "--json", code=2)
        assert result.error["code"] == "not_a_log", str(result)
    assert databases.digest(database) == before and (plain_repository.path / "config").read_bytes() == config
    log = folder / "log"
    for form in ("text", "json", "text"):
        plain_repository.run("list", "--log-file", log, "--log-format", form, "--log-level", "debug")
        plain_repository.backup(database, "--log-file", log, "--log-format", form)
