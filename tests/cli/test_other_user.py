"""A backup that runs as another user than the application never locks the application out.

Method: the application is a user without a name, its database lies in a folder of its own, and it writes
again after each backup, successful or refused. Real processes, so that the kernel judges permissions.
"""

import os
import stat
import subprocess

import pytest

import databases
from requirements import not_possible_here
from users import APPLICATION, BACKUP, MEMBER, OWN, ROOT, ROWS, SHARED, STRANGER, WRITE
from users import Application, Backup, as_user, need_root, run_python


@pytest.fixture(autouse=True)
def _root():
    need_root()


@pytest.mark.parametrize("mode", (0o644, 0o660, 0o600, 0o640), ids=oct)
@pytest.mark.parametrize("journal", ("wal", "delete"))
def test_root_beside_a_closed_application(folder, journal, mode):
    application = Application(folder, journal, mode)
    backup = Backup(folder, ROOT)
    backup.check(backup.take(application), ROWS)
    application.check_companions()
    application.write()
    backup.check(backup.take(application), ROWS + 1)
    application.check_companions()
    application.write()


@pytest.mark.parametrize("mode", (0o644, 0o660, 0o640), ids=oct)
@pytest.mark.parametrize("folder_mode", (0o770, 0o2770, 0o750, 0o550), ids=oct)
def test_a_member_of_the_group_beside_a_closed_application(folder, folder_mode, mode):
    check_beside_a_closed_application(folder, "wal", folder_mode, mode)


def test_a_member_of_the_group_in_rollback_mode(folder):
    check_beside_a_closed_application(folder, "delete", 0o770, 0o660)


def check_beside_a_closed_application(folder, journal, folder_mode, mode):
    application = Application(folder, journal, mode, folder_mode)
    before = application.names()
    backup = Backup(folder, MEMBER)
    first = backup.take(application)
    assert application.names() == before, "companions were made that the application did not make"
    backup.check(first, ROWS)
    assert backup.take(application)["capture"] == "unchanged"
    assert application.names() == before
    application.folder.chmod(0o770)
    application.write()
    second = backup.take(application)
    assert second["capture"] == "compared"
    backup.check(second, ROWS + 1)
    application.write()


def test_the_application_itself(folder):
    """Its own backup makes log and index as ever, since they are its own."""
    application = Application(folder)
    backup = Backup(folder, as_user(APPLICATION, SHARED, OWN))
    backup.check(backup.take(application), ROWS)
    application.check_companions()
    application.write()


@pytest.mark.parametrize("groups", ((SHARED,), ()), ids=("member", "no-member"))
def test_an_owner_whose_own_group_is_another(folder, groups):
    """The other members of the database's group must be able to use what he makes."""
    application = Application(folder, mode=0o660, folder_mode=0o770)
    backup = Backup(folder, as_user(APPLICATION, OWN, *groups))
    before = application.names()
    backup.check(backup.take(application), ROWS)
    assert groups or application.names() == before
    application.check_companions()
    run_python(WRITE, application.path, **MEMBER)


@pytest.mark.parametrize("mode", (0o644, 0o600), ids=oct)
def test_root_that_may_not_give_files_away(folder, mode):
    """In a container without CAP_CHOWN, SQLite's own fchown fails without a word."""
    prefix = ["setpriv", "--bounding-set=-chown", "--inh-caps=-chown"]
    if subprocess.run([*prefix, "true"], capture_output=True).returncode != 0:
        not_possible_here("setpriv can not take CAP_CHOWN away here")
    application = Application(folder, mode=mode)
    before = application.names()
    backup = Backup(folder, ROOT)
    backup.check(backup.take(application, prefix=prefix), ROWS)
    assert application.names() == before
    application.write()


def test_a_reader_who_may_write_nothing(folder):
    application = Application(folder)
    before = application.names()
    backup = Backup(folder, STRANGER)
    backup.check(backup.take(application), ROWS)
    assert application.names() == before
    application.write()


@pytest.mark.parametrize("user", (ROOT, MEMBER, STRANGER), ids=("root", "member", "stranger"))
@pytest.mark.parametrize("mode", (0o664, 0o644), ids=oct)
@pytest.mark.parametrize("journal", ("wal", "delete"))
def test_beside_a_running_application(folder, journal, mode, user):
    application = Application(folder, journal, mode, 0o775)
    backup = Backup(folder, user)
    with application.running():
        backup.check(backup.take(application), ROWS + 1)
    application.write()
    backup.check(backup.take(application), ROWS + 3)
    application.write()


@pytest.mark.parametrize("user", (ROOT, MEMBER, STRANGER), ids=("root", "member", "stranger"))
def test_beside_an_application_that_comes_and_goes(folder, user, is_long):
    """Between any two steps of the backup: it succeeds or says why not, and the application never notices."""
    application = Application(folder, mode=0o644, folder_mode=0o775)
    backup = Backup(folder, user)
    words = ("backup", "--type", "sqlite", "--database", application.path, "--json")
    refusals = []
    with application.coming_and_going():
        for _ in range(60 if is_long else 6):
            result = backup.repository.run(*words, code=(0, 20), **user)
            if result.code == 20:
                refusals.append((result.error["code"], result.error["message"]))
    assert {code for code, _ in refusals} <= {"source_locked", "view_lost"}, refusals
    assert not refusals or user is not ROOT, refusals
    application.write()
    target = backup.folder / "restored.db"
    for listed in backup.repository.list(**user):
        backup.repository.restore(listed["snapshot"], target, "--verify", **user)
        with databases.opened(target) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        for path in backup.folder.glob("restored.db*"):
            path.unlink()
    backup.check(backup.take(application), application.rows)


def test_empty_companions_that_an_earlier_backup_left(folder):
    """Root's backup leaves them; who may only read them reads beside them."""
    application = Application(folder)
    Backup(folder, ROOT).take(application)
    assert application.names() == ["shop.db", "shop.db-shm", "shop.db-wal"]
    (folder / "backup").rename(folder / "backup-of-root")
    backup = Backup(folder, STRANGER)
    backup.check(backup.take(application), ROWS)
    application.check_companions()
    application.write()


@pytest.mark.parametrize("user", (ROOT, MEMBER), ids=("root", "member"))
def test_a_hot_journal(folder, user):
    application = Application(folder, "delete", 0o660, 0o770)
    application.die()
    assert "shop.db-journal" in application.names()
    os.chown(application.path.with_name("shop.db-journal"), APPLICATION, SHARED)
    backup = Backup(folder, user)
    backup.check(backup.take(application), ROWS)
    application.check_companions()
    application.write()


@pytest.mark.parametrize("mode, folder_mode", ((0o640, 0o770), (0o660, 0o750)), ids=oct)
def test_a_hot_journal_that_may_not_be_rolled_back(folder, mode, folder_mode):
    application = Application(folder, "delete", mode, folder_mode)
    application.die()
    os.chown(application.path.with_name("shop.db-journal"), APPLICATION, SHARED)
    error = Backup(folder, MEMBER).refused(application)
    assert str(BACKUP) in error["message"] and str(application.folder) in error["message"], error
    assert str(APPLICATION) in error["hint"], error
    application.write()


@pytest.mark.parametrize("user", (ROOT, MEMBER), ids=("root", "member"))
def test_a_log_that_a_crash_left(folder, user):
    application = Application(folder, mode=0o660, folder_mode=0o2770)
    application.die("commit")
    backup = Backup(folder, user)
    backup.check(backup.take(application), ROWS)
    application.write()


@pytest.mark.parametrize("mode", (0o660, 0o644), ids=oct)
def test_a_log_without_an_index(folder, mode):
    application = Application(folder, mode=mode, folder_mode=0o770)
    application.die("commit")
    application.path.with_name("shop.db-shm").unlink()
    error = Backup(folder, MEMBER).refused(application)
    assert "index" in error["message"] and str(APPLICATION) in error["hint"], error
    application.write()


def test_a_log_with_an_index_that_may_only_be_read(folder):
    """Nobody has it open, so that nobody answers for the index."""
    application = Application(folder)
    application.die("commit")
    backup = Backup(folder, STRANGER)
    error = backup.refused(application, "--lock-timeout", "1s")
    assert str(application.path) + "-" in error["message"] and str(APPLICATION) in error["hint"], error
    with application.running():
        backup.check(backup.take(application), ROWS + 1)
    application.write()


def test_a_database_that_may_not_be_read(folder):
    application = Application(folder, mode=0o600)
    backup = Backup(folder, STRANGER)
    error = backup.refused(application)
    assert f"user {BACKUP} may not read it" in error["message"] and str(APPLICATION) in error["hint"], error
    application.folder.chmod(0o700)
    error = backup.refused(application)
    assert f"user {BACKUP} may not enter the folder {application.folder}" in error["message"], error
    application.write()


def test_a_log_that_may_not_be_read(folder):
    application = Application(folder)
    application.die("commit")
    application.path.with_name("shop.db-wal").chmod(0o600)
    error = Backup(folder, STRANGER).refused(application)
    assert str(application.path) + "-wal" in error["message"] and str(APPLICATION) in error["hint"], error
    application.write()


@pytest.mark.parametrize("mode", (0o660, 0o666), ids=oct)
def test_restoring_over_the_database_of_another_user(folder, mode):
    """Refused before log and index are made; with the application's own there it is done."""
    application = Application(folder, mode=mode, folder_mode=0o2770)
    backup = Backup(folder, MEMBER)
    taken = backup.take(application)
    application.write()
    before = application.names()
    words = ("restore", taken["snapshot"], "--to", application.path, "--clean", "--json")
    error = backup.repository.run(*words, code=2, **MEMBER).error
    assert error["code"] == "target_not_writable" and str(APPLICATION) in error["hint"], error
    assert application.names() == before
    application.write()
    with application.running():
        backup.repository.run(*words, **MEMBER)
        application.rows = ROWS
    application.write()


@pytest.mark.parametrize("suffix", ("-wal", "-shm", "-journal"))
@pytest.mark.parametrize("journal", ("wal", "delete"))
def test_a_companions_name_is_no_target(folder, journal, suffix):
    application = Application(folder, journal)
    backup = Backup(folder, ROOT)
    taken = backup.take(application)
    for path in application.folder.glob("shop.db-*"):
        path.unlink()
    target = application.path.with_name("shop.db" + suffix)
    error = backup.repository.run("restore", taken["snapshot"], "--to", target, "--json", code=2).error
    assert error["code"] == "target_is_companion" and str(target) in error["message"], error
    assert application.names() == ["shop.db"]
    # Without such a database it is a name like any other.
    backup.repository.restore(taken["snapshot"], folder / ("other.db" + suffix), "--verify")
    application.write()


def test_the_modes_of_these_tests_are_what_they_say(folder):
    """A umask or a mount that changes modes would make the tests above show nothing."""
    application = Application(folder, mode=0o660, folder_mode=0o2770)
    assert stat.S_IMODE(application.path.stat().st_mode) == 0o660
    assert stat.S_IMODE(application.folder.stat().st_mode) == 0o2770


def test_a_service_reads_the_jobs_that_root_adds(program, folder):
    """The configuration of a machine is root's, and readable by the group of the service alone."""
    place = folder / "etc"
    place.mkdir(mode=0o750)
    config = place / "config.yaml"
    config.write_text("version: 1\nsources: {shop: {type: sqlite, database: /srv/shop.db}}\n")
    config.chmod(0o640)
    for each in (place, config):
        os.chown(each, 0, SHARED)
    program.run("schedule", "add", "nightly", "--source", "shop", "--cron", "@daily", "--config", config)
    job = place / "schedules.d" / "nightly.yaml"
    for path, mode in ((job.parent, 0o750), (job, 0o640)):
        status = path.stat()
        assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (0, SHARED, mode), path
    assert "shop" in run_python("print(open(__import__('sys').argv[1]).read())", job, **MEMBER)
