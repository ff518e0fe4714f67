"""Passphrases and key files: contradictions are refused before anything is written, files that others can
read are told, and what a secret's file or command holds is never shown."""

import os
import secrets
import signal
import stat
import subprocess
import time

import pytest

from program import PASSPHRASE, Repository, wait_until_heard

FILE, ENV = "DB_BACKUP_PASSPHRASE_FILE", "DB_BACKUP_PASSPHRASE"


def new_key(path, mode=0o600):
    path.write_text(secrets.token_hex(32) + "\n")
    path.chmod(mode)
    return path


# --- init -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("words, env, yaml", (
    (("--encryption", "none", "--key-file", "the.key"), {}, ""),
    (("--encryption", "none"), {ENV: PASSPHRASE}, ""),
    (("--encryption", "passphrase", "--key-file", "the.key"), {ENV: PASSPHRASE}, ""),
    (("--key-file", "the.key"), {ENV: PASSPHRASE}, ""),
    ((), {ENV: PASSPHRASE, "DB_BACKUP_KEY_FILE": "the.key"}, ""),
    (("--encryption", "none"), {}, "encryption: passphrase"),
    (("--encryption", "keyfile", "--key-file", "the.key"), {}, "encryption: passphrase"),
    (("--key-file", "the.key"), {}, "encryption: none"),
))
def test_init_refuses_contradictions(program, folder, words, env, yaml):
    config = folder / "c.yaml"
    config.write_text(f"version: 1\nrepositories:\n  main:\n    url: {folder}/repository\n    {yaml}\n")
    before = sorted(os.listdir(folder))
    error = program.run("init", *words, "--config", config, "--json", env=env, code=2).error
    assert error["code"] in ("usage", "secret_ambiguous") and error["hint"], error
    assert sorted(os.listdir(folder)) == before


def test_the_first_backup_refuses_two_secrets(program, folder, database):
    env = {ENV: PASSPHRASE, "DB_BACKUP_KEY_FILE": str(new_key(folder / "the.key"))}
    error = program.run("backup", "--type", "sqlite", "--database", database, "--json", env=env, code=2).error
    assert error["code"] == "secret_ambiguous", error
    assert not (folder / "home/data").exists()


@pytest.mark.parametrize("trouble", ("full", "folder"))
def test_a_failed_init_leaves_no_key_file(program, folder, trouble):
    """Neither a whole one nor a part of one."""
    place = folder / "place"
    if trouble == "full":
        place.mkdir()
        (place / "something").write_text("else")
    else:
        place.write_text("a file")
    words = ("init", "--repository", place, "--key-file", folder / "the.key")
    program.run(*words, code=(2, 10, 14, 30))
    assert [name for name in os.listdir(folder) if "the.key" in name] == []
    new_key(folder / "the.key")
    program.run(*words, code=(2, 10, 14, 30))
    assert (folder / "the.key").exists(), "one that was there before stays"


def test_a_new_key_file_is_whole_and_private(program, folder):
    Repository(program, folder / "repository", "none")
    program.run("init", "--repository", folder / "repository", "--key-file", folder / "the.key")
    assert stat.S_IMODE((folder / "the.key").stat().st_mode) == 0o600
    assert [name for name in os.listdir(folder) if "the.key" in name] == ["the.key"]
    program.run("list", "--repository", folder / "repository", "--key-file", folder / "the.key")


# --- the wrong kind -------------------------------------------------------------------------------


def test_a_secret_of_the_wrong_kind_is_told(program, folder):
    locked = Repository(program, folder / "locked", "passphrase").init()
    error = program.run("list", "--repository", locked.path, "--key-file", new_key(folder / "a.key"), "--json", code=12).error
    assert "opened by a passphrase" in error["message"] and FILE in error["hint"], error
    keyed = Repository(program, folder / "keyed", "keyfile").init()
    error = program.run("list", "--repository", keyed.path, "--json", env={ENV: PASSPHRASE}, code=12).error
    assert "opened by a key file" in error["message"] and "--key-file" in error["hint"], error


# --- files ----------------------------------------------------------------------------------------


def test_a_secret_file_has_one_line(program, folder):
    (folder / "pass").write_text(f"{PASSPHRASE}\nsecond line\n")
    for env in ({FILE: f"{folder}/pass"}, {"DB_BACKUP_PASSPHRASE_COMMAND": f"cat {folder}/pass"}):
        result = program.run("init", "--repository", folder / "r", "--json", env=env, code=2)
        assert result.error["code"] == "secret_unavailable" and "more than one line" in result.error["message"]
        assert PASSPHRASE not in result.text and "second" not in result.text
    assert not (folder / "r").exists()


@pytest.mark.parametrize("mode", (0o640, 0o604, 0o600))
def test_a_secret_file_that_others_can_read_is_told_once(program, folder, database, mode):
    (folder / "pass").write_text(PASSPHRASE)
    (folder / "pass").chmod(mode)
    new_key(folder / "the.key", mode)
    backup = ("backup", "--type", "sqlite", "--database", database)
    for number, name, options in ((0, "pass", {"env": {FILE: f"{folder}/pass"}}), (1, "the.key", {})):
        key = ("--key-file", folder / "the.key") if number == 1 else ()
        place = ("--repository", folder / f"r{number}")
        for words in (("init",), backup):
            result = program.run(*words, *place, *key, **options)
            assert result.stderr.count(f"{name} can be read by other users") == (0 if mode == 0o600 else 1), str(result)
    first = program.run(*backup, env={FILE: f"{folder}/pass"})  # Makes the default repository and opens it.
    assert first.stderr.count("can be read by other users") == (0 if mode == 0o600 else 1), str(first)


def test_pipes_hold_secrets_too(program, folder):
    repository = Repository(program, folder / "repository", "passphrase").init()
    command = f'"$0" list --repository "{repository.path}"'
    env = {**program.environment}


    for script in (f"{FILE}=<(echo '{PASSPHRASE}') {command}", f"echo '{PASSPHRASE}' | {FILE}=/dev/stdin {command}"):
        subprocess.run(["bash", "-c", script, program.path], env=env, check=True, timeout=60)


@pytest.mark.parametrize("kind", ("passphrase", "keyfile"))
def test_a_pipe_that_nobody_writes_into_can_be_interrupted(program, folder, kind):
    repository = Repository(program, folder / "repository", kind).init()
    os.mkfifo(folder / "pipe")
    words = ("--key-file", folder / "pipe") if kind == "keyfile" else ()
    env = {FILE: f"{folder}/pipe"} if kind == "passphrase" else {}
    process = program.start("list", "--repository", repository.path, *words, env=env)
    wait_until_heard(process, signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert program.finish(process, timeout=60).code == 130


# --- commands -------------------------------------------------------------------------------------


def test_what_a_command_complains_is_never_shown(program, folder):
    env = {"DB_BACKUP_PASSPHRASE_COMMAND": "echo cannot unlock with hunter2 >&2; exit 5"}
    log = folder / "log.txt"
    result = program.run("init", "--repository", folder / "r", "--log-file", log, "--json", env=env, code=2)
    assert "exit status 5" in result.error["message"]
    assert "hunter2" not in result.text and "hunter2" not in log.read_text()
