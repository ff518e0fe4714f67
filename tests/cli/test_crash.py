"""The program may die at any storage operation, and the store may fail for good after any: all earlier
snapshots restore, no half snapshot shows, and the next run works and reuses what was stored. How: deaths.py.

And, less exactly but for real, kill -9 at random moments while four processes write to the database.
"""

import os
import random
import shutil
import signal
import time

import pytest

import databases
from copies import Copies
from deaths import KILLED, WAYS, assert_whole, backup_dies, init_dies, operations, restore_dies
from program import Repository
from writers import Writers


@pytest.mark.parametrize("encryption", ("none", "keyfile"))
@pytest.mark.parametrize("way", WAYS)
def test_init_dies_at_every_operation(program, folder, database, encryption, way):
    init_dies(Repository(program, folder / "repository", encryption), database, folder, encryption, way)


@pytest.mark.parametrize("mode", ("full", "incremental"))
@pytest.mark.parametrize("way", WAYS)
def test_backup_dies_at_every_operation(program, folder, way, mode):
    backup_dies(Repository(program, folder / "repository", "keyfile").init(), folder, way, mode)


@pytest.mark.parametrize("way", WAYS)
def test_the_next_run_reuses_what_a_dead_one_stored(program, folder, way):
    """An index follows every eight packs; what it names is not stored again."""
    repository = Repository(program, folder / "repository", "keyfile").init()
    database = folder / "big.db"
    with databases.opened(database) as opened:
        opened.execute("CREATE TABLE t(data BLOB)")
        opened.execute(
            "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2600)"
            " SELECT randomblob(100000) FROM n"
        )
    copies = Copies([repository.path, folder / "home"], folder)
    words = ("backup", "--type", "sqlite", "--database", database)
    done = operations(repository, words, folder)
    copies.reset()
    index_put = next(number for number, line in enumerate(done, 1) if any("indexes/" in word for word in line))
    # Threads let the order differ by a few from run to run.
    result = repository.run(*words, code=None, env={way: str(index_put + 2)})
    assert result.code == (30 if way.endswith("FAIL_AFTER") else KILLED), str(result)
    assert repository.list() == []
    stored = repository.bytes()
    assert stored > 120_000_000, "it died before the index"
    assert repository.backup(database)["bytes_added"] < 150_000_000
    assert_whole(repository, folder, {repository.list()[0]["snapshot"]: databases.digest(database)})


def test_the_default_repository_is_made_again_after_a_crash(program, folder, database):
    """The first backup makes it; a crash in the middle must not stand in the way of the next one."""
    log = folder / "operations"
    words = ("backup", "--type", "sqlite", "--database", database)
    program.run(*words, env={"DB_BACKUP_TEST_COUNT_FILE": str(log)})
    count = len(log.read_text().splitlines())
    for number in range(1, count + 1):
        for name in ("data", "state"):  # This machine must not remember the repository of the last round.
            shutil.rmtree(folder / "home" / name, ignore_errors=True)
        program.run(*words, code=(0, KILLED), env={"DB_BACKUP_TEST_CRASH_AFTER": str(number)})
        program.run(*words)
        program.run("restore", "latest", "--to", folder / "restored.db")
        assert databases.digest(folder / "restored.db") == databases.digest(database)
        (folder / "restored.db").unlink()


@pytest.mark.parametrize("way", ("DB_BACKUP_TEST_CRASH_AFTER", "DB_BACKUP_TEST_FAIL_AFTER"))
def test_restore_dies_at_every_operation(plain_repository, folder, database, way):
    restore_dies(plain_repository, folder, database, way)


@pytest.mark.parametrize("journal", ("wal", "delete"))
def test_kill_9_while_four_processes_write(program, folder, journal, is_long, report):
    rounds = int(os.environ.get("DB_BACKUP_TEST_KILLS", "100" if is_long else "5"))
    seed = random.randrange(2**32)
    rng = random.Random(seed)
    print(f"seed {seed}")
    repository = Repository(program, folder / "repository", "keyfile").init()
    database = folder / "accounts.db"
    kills = 0
    with Writers(database, journal, rows=3000) as writers:
        begun = time.monotonic()
        known = {repository.backup(database)["snapshot"]}
        usual = time.monotonic() - begun
        for number in range(rounds):
            process = repository.start(
                "backup", "--type", "sqlite", "--database", database, "--mode", rng.choice(("full", "incremental")),
                "--spool", "64KiB" if number % 2 else "1GiB",
            )
            time.sleep(rng.random() * usual * 1.2)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += process.returncode == -signal.SIGKILL
            listed = {each["snapshot"] for each in repository.list()}
            assert known <= listed and len(listed - known) <= 1
            known = listed
            # The writers were never in danger: nothing of ours stays in the file's way.
            writers.assert_moving()
            if number % 5 == 4 or number == rounds - 1:
                known.add(repository.backup(database)["snapshot"])
                repository.restore("latest", folder / "restored.db", "--verify")
                writers.assert_consistent(folder / "restored.db")
                (folder / "restored.db").unlink()
    report("kills", kills)
    writers.assert_consistent(database)
    for snapshot in rng.sample(sorted(known), min(len(known), 10)):
        repository.restore(snapshot, folder / "restored.db", "--verify")
        writers.assert_consistent(folder / "restored.db")
        (folder / "restored.db").unlink()
    assert repository.verify("--data")["ok"]
