"""Ctrl-C and SIGTERM stop every command soon, with exit code 130, and everything stays usable.

The time from signal to end is reported.
"""

import os
import signal
import time

import pytest

import databases
from program import Repository, wait_until_heard
from writers import Writers

# The promise is a second. What is asserted is that nothing hangs: on a busy machine, and in builds that
# measure themselves, a second says nothing. Each test reports its longest stop.
STOP_S_MAX = 60


def interrupted(repository, words, number, after_s):
    """Starts a call, sends the signal after a while; returns the result and the seconds until the end."""
    process = repository.start(*words)
    time.sleep(after_s)
    wait_until_heard(process, number)
    process.send_signal(number)
    begun = time.monotonic()
    result = repository.program.finish(process, words)
    return result, time.monotonic() - begun


def duration_of(action):
    begun = time.monotonic()
    action()
    return time.monotonic() - begun


@pytest.fixture
def big(folder):
    return databases.make(folder / "big.db", rows=150_000)


# A chunk that is being compressed is finished first, which takes about a second at level 19.
LEVELS = ("zstd:9", "zstd:19")


@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM))
@pytest.mark.parametrize("compression", LEVELS)
def test_a_backup_is_interrupted(program, folder, big, number, compression, report):
    repository = Repository(program, folder / "repository", "keyfile").init()
    small = databases.make(folder / "small.db")
    earlier = repository.backup(small)["snapshot"]
    words = ("backup", "--type", "sqlite", "--database", big, "--compression", compression, "--json")
    latest, hits = 0.0, 0
    for after_s in (0.02, 0.05, 0.1, 0.2, 0.4, 0.8):
        result, seconds = interrupted(repository, words, number, after_s)
        latest = max(latest, seconds)
        if result.code == 0:
            break  # It was quicker than the signal.
        if result.code == -number:
            continue  # The signal came before the program had begun.
        assert result.code == 130, str(result)
        hits += 1
        assert result.error["code"] == "cancelled" and result.error["exit_code"] == 130
        assert result.error["hint"], "nothing says what remains usable"
        assert [each["snapshot"] for each in repository.list("--source", "sqlite-small")] == [earlier]
        assert repository.verify("--data")["ok"]
    report("longest_stop_s", round(latest, 3))
    assert hits, "no signal arrived in time"
    assert latest < STOP_S_MAX
    repository.restore(earlier, folder / "small-again.db", "--verify")
    taken = repository.backup(big)
    repository.restore(taken["snapshot"], folder / "big-again.db", "--verify")
    assert databases.digest(folder / "big-again.db") == databases.digest(big)


@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM))
def test_a_restore_is_interrupted(plain_repository, folder, big, number, report):
    plain_repository.backup(big)
    target = folder / "restored.db"
    words = ("restore", "latest", "--to", target, "--verify", "--json")
    usual = duration_of(lambda: plain_repository.run(*words))
    target.unlink()
    names = sorted(os.listdir(folder))
    latest, hits = 0.0, 0
    for part in (0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02):  # The machine may be quicker than it was just now.
        result, seconds = interrupted(plain_repository, words, number, usual * part)
        latest = max(latest, seconds)
        if result.code == 130:
            hits += 1
            assert sorted(os.listdir(folder)) == names, "something half-written was left"
        else:
            assert result.code in (0, -number), str(result)
            target.unlink(missing_ok=True)
    report("longest_stop_s", round(latest, 3))
    assert hits, "no signal arrived in time"
    assert latest < STOP_S_MAX
    plain_repository.restore("latest", target, "--verify")


@pytest.mark.parametrize("verify", ((), ("--verify",)))
@pytest.mark.parametrize("journal", ("delete", "wal"))
def test_a_restore_over_a_database_is_interrupted(plain_repository, folder, big, journal, verify):
    """The old database is there as a whole, and it says so, or the restored one."""
    plain_repository.backup(big)
    new = databases.content(big)
    target = databases.make(folder / "target.db", rows=100, seed=8, journal=journal)
    old = databases.content(target)
    words = ("restore", "latest", "--to", target, "--clean", *verify, "--json")
    usual = duration_of(lambda: plain_repository.run(*words))
    databases.assert_equal(new, target)
    for part in (0.2, 0.4, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95):
        databases.make(folder / "old.db", rows=100, seed=8, journal=journal)
        for name in ("target.db", "target.db-wal", "target.db-shm"):
            (folder / name).unlink(missing_ok=True)
        (folder / "old.db").rename(target)
        result, _ = interrupted(plain_repository, words, signal.SIGINT, usual * part)
        if result.code == 0:
            databases.assert_equal(new, target)
            assert not verify or result.json["verified"] or result.json["warnings"], str(result)
            continue
        assert result.code == 130, str(result)
        databases.assert_equal(old, target)
        assert result.code != 130 or "as it was before" in result.error["hint"]
    plain_repository.restore("latest", target, "--clean", "--verify")
    databases.assert_equal(databases.content(big), target)


def test_a_killed_restore_leaves_nothing(plain_repository, folder, big):
    """Neither the target nor a file beside it that would take its space for ever."""
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_RDWR))
    except OSError as error:
        pytest.skip(f"no files without a name here: {error}")
    plain_repository.backup(big)
    target = folder / "restored.db"
    words = ("restore", "latest", "--to", target, "--verify")
    usual = duration_of(lambda: plain_repository.run(*words))
    target.unlink()
    names = sorted(os.listdir(folder))
    hits = 0
    for part in (0.9, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05):
        result, _ = interrupted(plain_repository, words, signal.SIGKILL, usual * part)
        if target.exists():  # It had its name, thus it was whole, before the signal came.
            assert databases.digest(target) == databases.digest(big), str(result)
            target.unlink()
        else:
            hits += 1
        assert sorted(os.listdir(folder)) == names, str(result)
    assert hits, "no signal arrived in time"


@pytest.mark.parametrize("words", (("verify", "--data"), ("stats",), ("list",)))
def test_reading_commands_are_interrupted(plain_repository, big, words):
    plain_repository.backup(big)
    result, seconds = interrupted(plain_repository, (*words, "--json"), signal.SIGINT, 0.03)
    assert result.code in (0, 130, -signal.SIGINT), str(result)
    assert seconds < STOP_S_MAX


def test_waiting_for_a_lock_is_interrupted(plain_repository, folder, report):
    database = databases.make(folder / "busy.db")
    with databases.opened(database) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        result, seconds = interrupted(
            plain_repository, ("backup", "--type", "sqlite", "--database", database, "--json"), signal.SIGINT, 0.5
        )
        connection.execute("ROLLBACK")
    assert result.code == 130, str(result)
    report("stop_s", round(seconds, 3))
    assert seconds < STOP_S_MAX


def test_a_second_signal_ends_it_at_once(plain_repository, big):
    process = plain_repository.start("backup", "--type", "sqlite", "--database", big, "--compression", "zstd:19")
    time.sleep(0.3)
    for _ in range(5):
        process.send_signal(signal.SIGINT)
        time.sleep(0.01)
    result = plain_repository.program.finish(process)
    assert result.code in (130, -signal.SIGINT, 0), str(result)
    assert plain_repository.verify("--data")["ok"]


def test_writers_go_on_after_an_interrupted_backup(plain_repository, folder):
    """The lock that the backup held is gone with it."""
    with Writers(folder / "accounts.db", "delete", rows=10_000) as writers:
        for after_s in (0.05, 0.1, 0.2):
            interrupted(
                plain_repository, ("backup", "--type", "sqlite", "--database", folder / "accounts.db"), signal.SIGINT, after_s
            )
            writers.assert_moving()
    writers.assert_consistent(folder / "accounts.db")


@pytest.mark.parametrize("json", ((), ("--json",)))
def test_waiting_for_the_reader_is_interrupted(plain_repository, database, json):
    """`db-backup list | less`: the pipe is full, and nobody reads."""
    tags = [word for number in range(60) for word in ("--tag", f"tag{number}={'x' * 1000}")]
    for _ in range(2):
        plain_repository.backup(database, *tags)
    process = plain_repository.start("list", *json)
    wait_until_heard(process, signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None, "the pipe took everything, so nothing was tested"
    process.send_signal(signal.SIGINT)
    begun = time.monotonic()
    assert process.wait(timeout=60) == 130
    assert time.monotonic() - begun < STOP_S_MAX
    process.communicate()


def test_a_hangup_of_the_reader_is_no_crash(plain_repository, database):
    """`db-backup list | head -1`: the pipe closes early."""
    for _ in range(3):
        plain_repository.backup(database)
    process = plain_repository.start("list")
    process.stdout.close()
    process.stderr.read()
    assert process.wait(timeout=60) in (0, 1, 141, -signal.SIGPIPE)
