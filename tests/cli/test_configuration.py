"""What the configuration, `.env` and the environment say reaches the commands."""

import contextlib
import pathlib
import re
import secrets
import sqlite3
import time

import pytest

import databases
from program import ENCRYPTIONS, PASSPHRASE, Repository

EXAMPLES = sorted((pathlib.Path(__file__).resolve().parents[2] / "configs").glob("*.yaml"))
WHERE = ("environment", ".env")


@pytest.fixture
def configured(program, folder):
    """Calls the program with variables in the environment or in `.env` beside a configuration file."""

    def run(where, variables, *words, yaml="version: 1\n", **options):
        (folder / "c.yaml").write_text(yaml)
        dotenv = folder / ".env"
        dotenv.unlink(missing_ok=True)
        if where == ".env":
            dotenv.touch(mode=0o600)
            dotenv.write_text("".join(f"{name}='{value}'\n" for name, value in variables.items()))
            variables = {}
        return program.run(*words, "--config", folder / "c.yaml", env=variables, **options)

    return run


def backup_of(path):
    return ("backup", "--type", "sqlite", "--database", path)


def default_repository(folder):
    return folder / "home/data/db-backup/repository"


# --- the plain variables --------------------------------------------------------------------------


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("is_name", (True, False))
def test_the_repository(configured, folder, database, where, is_name):
    yaml = f"version: 1\nrepositories:\n  main: {{url: {folder}/main}}\n  other: {{url: {folder}/other}}\n"
    variables = {"DB_BACKUP_REPOSITORY": "other" if is_name else f"{folder}/third"}
    configured(where, variables, "init", "--encryption", "none", yaml=yaml)
    configured(where, variables, *backup_of(database), yaml=yaml)
    assert (folder / ("other" if is_name else "third") / "config").exists()
    assert not (folder / "main").exists() and not default_repository(folder).exists()
    configured(where, variables, "restore", "latest", "--to", folder / "restored.db", yaml=yaml)
    databases.assert_equal(databases.content(database), folder / "restored.db")


@pytest.mark.parametrize("where", WHERE)
def test_a_missing_repository_of_the_variable_is_not_made(configured, folder, database, where):
    result = configured(where, {"DB_BACKUP_REPOSITORY": f"{folder}/unmounted"}, *backup_of(database), code=10)
    assert f"db-backup init --repository {folder}/unmounted" in result.stderr, str(result)
    assert not (folder / "unmounted").exists()


def ways(folder):
    (folder / "passphrase").write_text("open sesame\n")
    (folder / "the.key").write_text(secrets.token_hex(32) + "\n")
    return {
        "DB_BACKUP_PASSPHRASE": "open sesame",
        "DB_BACKUP_PASSPHRASE_FILE": f"{folder}/passphrase",
        "DB_BACKUP_PASSPHRASE_COMMAND": f"cat {folder}/passphrase",
        "DB_BACKUP_KEY_FILE": f"{folder}/the.key",
    }


WAYS = ("DB_BACKUP_PASSPHRASE", "DB_BACKUP_PASSPHRASE_FILE", "DB_BACKUP_PASSPHRASE_COMMAND", "DB_BACKUP_KEY_FILE")


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("name", WAYS)
def test_a_secret_encrypts_the_default_repository(configured, folder, database, where, name):
    variables = {name: ways(folder)[name]}
    result = configured(where, variables, *backup_of(database))
    assert "not encrypted" not in result.text, str(result)
    assert "aes" in (default_repository(folder) / "config").read_text().lower()
    configured(where, variables, "list")
    configured(where, {}, "list", code=12)


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("name", WAYS)
def test_a_secret_refuses_an_unencrypted_repository(configured, plain_repository, folder, where, name):
    """Somebody may have replaced the encrypted repository by one that is not."""
    result = configured(where, {name: ways(folder)[name]}, "list", "--json", *plain_repository.words, code=12)
    assert result.error["code"] == "not_encrypted", str(result)


@pytest.mark.parametrize("where", WHERE)
def test_an_empty_passphrase_is_not_none(configured, folder, database, where):
    result = configured(where, {"DB_BACKUP_PASSPHRASE": ""}, *backup_of(database), code=2)
    assert "empty" in result.stderr, str(result)
    assert not default_repository(folder).exists(), "a repository was made, perhaps without encryption"


@pytest.mark.parametrize("where", WHERE)
def test_a_secret_of_the_repository_wins(configured, folder, database, where):
    yaml = f"version: 1\nrepositories:\n  main: {{url: {folder}/main, passphrase: its own}}\n"
    variables = {"DB_BACKUP_KEY_FILE": f"{folder}/none.key"}
    configured(where, variables, "init", yaml=yaml)
    configured(where, variables, *backup_of(database), yaml=yaml)
    assert not (folder / "none.key").exists()


def test_the_command_for_the_first_passphrase_runs_once(program, folder, database):
    command = f"echo called >> '{folder}/calls' && echo open sesame"
    program.run(*backup_of(database), env={"DB_BACKUP_PASSPHRASE_COMMAND": command})
    assert (folder / "calls").read_text() == "called\n"


@pytest.mark.parametrize("where", WHERE)
def test_config_show_lists_the_variables(configured, folder, where):
    variables = {"DB_BACKUP_REPOSITORY": f"{folder}/r", "DB_BACKUP_PASSPHRASE": "open sesame"}
    result = configured(where, variables, "config", "show", "--json")
    rows = {row["key"]: (row["value"], row["origin"]) for row in result.json}
    origins = ("environment", "environment") if where == "environment" else (".env:1", ".env:2")
    assert rows["DB_BACKUP_REPOSITORY"] == (f"{folder}/r", origins[0])
    assert rows["DB_BACKUP_PASSPHRASE"] == ("(secret)", origins[1])
    assert "open sesame" not in result.text


# --- the repository of a source -------------------------------------------------------------------


def test_a_source_chooses_its_repository(program, folder, database):
    """Wherever a source is named; --repository wins."""
    config = folder / "c.yaml"
    config.write_text(
        f"version: 1\nrepositories:\n  main: {{url: {folder}/main}}\n  other: {{url: {folder}/other}}\n"
        f"sources:\n  shop: {{type: sqlite, database: {database}, repository: other}}\n"
    )
    for name in ("main", "other"):
        program.run("init", "--repository", name, "--encryption", "none", "--config", config)
    taken = program.json("backup", "--source", "shop", "--config", config)
    assert taken["repository"] == f"{folder}/other"
    words = ("--source", "shop", "--config", config)
    assert [each["snapshot"] for each in program.json("list", *words)] == [taken["snapshot"]]
    assert program.json("show", "latest", *words)["snapshot"] == taken["snapshot"]
    assert program.json("verify", "latest", *words)["snapshots"] == 1
    program.run("restore", "latest", "--to", folder / "restored.db", *words)
    databases.assert_equal(databases.content(database), folder / "restored.db")
    assert program.json("list", "--source", "shop", "--repository", "main", "--config", config) == []
    error = program.run("list", "--config", config, "--json", code=2).error
    assert error["code"] == "repository_ambiguous", error


# --- how a repository must be encrypted -----------------------------------------------------------


@pytest.mark.parametrize("configured", ENCRYPTIONS)
@pytest.mark.parametrize("made", ENCRYPTIONS)
def test_the_configured_encryption_is_enforced(program, folder, database, made, configured):
    """Whatever secrets are there: somebody may have replaced the repository."""
    repository = Repository(program, folder / "repository", made).init()
    if made != "keyfile":
        (folder / "repository.key").write_text(secrets.token_hex(32) + "\n")
    (folder / "repository.key").chmod(0o600)
    config = folder / "c.yaml"
    key = f", key_file: {folder}/repository.key" if configured == "keyfile" else ""
    config.write_text(f"version: 1\nrepositories:\n  main: {{url: {repository.path}, encryption: {configured}{key}}}\n")
    every_secret = {"DB_BACKUP_PASSPHRASE": PASSPHRASE}
    if configured == "passphrase":
        every_secret["DB_BACKUP_KEY_FILE"] = f"{folder}/repository.key"
    before = repository.objects()
    for words in (("list",), ("verify",), ("stats",), backup_of(database)):
        if made == configured:
            program.run(*words, "--config", config, env=every_secret)
            continue
        error = program.run(*words, "--config", config, "--json", env=every_secret, code=12).error
        assert error["code"] == "wrong_encryption" and f"encryption: {configured}" in error["message"], error
        assert error["hint"] and repository.objects() == before


# --- a default repository that is gone ------------------------------------------------------------


@pytest.mark.parametrize("secret", ({}, {"DB_BACKUP_PASSPHRASE": PASSPHRASE}))
def test_a_lost_default_repository_is_not_made_again(program, folder, database, secret):
    """Its disk may not be mounted; a new one would hide that, and with it that the backups are gone."""
    place = default_repository(folder)
    program.run(*backup_of(database), env=secret)
    program.run(*backup_of(database), env=secret)
    place.rename(folder / "unmounted")
    for words in ((), ("--dry-run",)):
        error = program.run(*backup_of(database), *words, "--json", env=secret, code=10).error
        assert error["code"] == "repository_gone" and str(place) in error["message"], error
        assert "db-backup init" in error["hint"] and not place.exists()
    (folder / "unmounted").rename(place)
    program.run(*backup_of(database), env=secret)
    place.rename(folder / "removed")
    program.run("init", *(() if secret else ("--encryption", "none")), env=secret)
    program.run(*backup_of(database), env=secret)


# --- the file and what validation finds -----------------------------------------------------------


@pytest.mark.parametrize("words", (("list",), ("config", "validate"), ("config", "show"), ("init", "--encryption", "none")))
def test_a_configuration_that_is_named_must_exist(program, folder, words):
    for named in ({"words": ("--config", folder / "none.yaml")}, {"env": {"DB_BACKUP_CONFIG": f"{folder}/none.yaml"}}):
        error = program.run(*words, *named.get("words", ()), "--json", env=named.get("env"), code=2).error
        assert error["code"] == "config_missing" and "none.yaml" in error["message"], error


@pytest.mark.parametrize("url, says", (
    ("ftp://host/x", "unknown repository scheme 'ftp'"),
    ("file://relative/x", "must name an absolute path"),
    ("s3:bucket/x", "that '//' does not follow"),
    ("s3://", "names no bucket"),
    ("file:///x?a=1&a=2", "twice"),
))
def test_validation_looks_at_urls(program, folder, url, says):
    config = folder / "c.yaml"
    config.write_text(f"version: 1\nrepositories:\n  good: {{url: backups}}\n  main:\n    url: {url}\n")
    error = program.run("config", "validate", "--config", config, "--json", code=2).error
    assert says in error["message"] and "c.yaml:5" in error["message"], error
    assert error["code"] == "config_invalid" and "repositories.main.url" in error["message"], error
    config.write_text(f"version: 1\nrepositories:\n  good: {{url: backups}}\n  also: {{url: 'file://{folder}/x'}}\n")
    program.run("config", "validate", "--config", config)
    assert not (folder / "backups").exists() and not (folder / "x").exists()


# --- warnings -------------------------------------------------------------------------------------


def test_a_misspelt_variable_is_told(configured):
    for where in WHERE:
        result = configured(where, {"DB_BACKUP_PASSPHRSE": "x"}, "config", "validate")
        assert "DB_BACKUP_PASSPHRSE" in result.stderr and "DB_BACKUP_PASSPHRASE" in result.stderr, str(result)
        assert configured(where, {"DB_BACKUP_PASSPHRSE": "x"}, "config", "validate", "--json").json["ok"]


def test_a_secret_that_others_can_read_is_told(program, folder):
    config = folder / "c.yaml"
    config.write_text("version: 1\nrepositories: {m: {url: /r, passphrase: x}}\n")
    config.chmod(0o644)
    log = folder / "log.txt"
    result = program.run("config", "validate", "--config", config, "--log-file", log)
    assert "chmod 600" in result.stderr and "chmod 600" in log.read_text(), str(result)


# --- logging --------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", WHERE)
def test_the_level_is_of_stderr_without_a_file(configured, plain_repository, database, folder, where):
    words = (*backup_of(database), *plain_repository.words)
    level = "DB_BACKUP__LOGGING__LEVEL"
    assert "took a snapshot" in configured(where, {level: "info"}, *words).stderr
    assert "took a snapshot" not in configured(where, {}, *words).stderr
    with_file = configured(where, {level: "info"}, *words, "--log-file", folder / "log.txt")
    assert "took a snapshot" not in with_file.stderr and "took a snapshot" in (folder / "log.txt").read_text()
    misspelt = {"DB_BACKUP_PASSPHRSE": "x"}
    assert "PASSPHRSE" not in configured(where, {level: "error", **misspelt}, *words).stderr


# --- secrets --------------------------------------------------------------------------------------


def test_a_command_sees_no_secret(program, folder):
    """Neither our own variables nor those that the configuration names."""
    config = folder / "c.yaml"
    config.write_text(
        f"version: 1\nrepositories:\n"
        f"  main:\n    url: {folder}/main\n    passphrase_command: env > {folder}/seen && echo open sesame\n"
        f"  other:\n    url: {folder}/other\n    passphrase_env: VAULT\n"
    )
    env = {"VAULT": "secret-1", "DB_BACKUP_PASSPHRASE": "secret-2", "KEPT": "kept-value"}
    for name in ("main", "other"):
        program.run("init", "--repository", name, "--config", config, env=env)
    seen = (folder / "seen").read_text()
    assert "secret-" not in seen and "kept-value" in seen
    program.run("list", "--repository", "other", "--config", config, env=env)


# --- how much of the line ---------------------------------------------------------------------------


def test_the_bandwidth_is_limited_each_way(program, folder):
    """4 MB that do not compress, at 2 MB/s: one second's worth passes at once, the rest takes another."""
    database = folder / "noise.db"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE noise AS SELECT randomblob(4000000) AS bytes")
        connection.commit()
    config = folder / "c.yaml"
    config.write_text(f"version: 1\nrepositories: {{main: {{url: {folder}/r, bandwidth_limit: 2MB/s}}}}\n")
    program.run("init", "--encryption", "none", "--config", config)
    for words in (backup_of(database), ("restore", "latest", "--to", folder / "copy.db")):
        begun = time.monotonic()
        program.run(*words, "--config", config)
        assert 0.9 < time.monotonic() - begun < 60, words
    databases.assert_equal(databases.content(database), folder / "copy.db")
    config.write_text("version: 1\nrepositories: {main: {url: /r, bandwidth_limit: 2MB}}\n")
    error = program.run("config", "validate", "--config", config, "--json", code=2).error
    assert "is not a rate from 64.0 KiB/s" in error["message"], error


# --- the examples ---------------------------------------------------------------------------------


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_works(program, folder, example):
    """With its folders below one of ours: its repositories are made and each source is backed up."""
    config = folder / "c.yaml"
    config.write_text(re.sub(r"(?<=[ {])/(?=(srv|var|etc|mnt)/)", f"{folder}/", example.read_text()))
    env = {"OFFSITE": f"{folder}/mnt"}
    rows = {row["key"]: row["value"] for row in program.json("config", "show", "--config", config, env=env)}
    sources = {key.split(".")[1] for key in rows if key.startswith("sources.")}
    for key, value in rows.items():
        if key.endswith(("_file", ".database")):
            assert value.startswith(str(folder)), f"{key} of the example was not moved"
            pathlib.Path(value).parent.mkdir(parents=True, exist_ok=True)
        if key.endswith(".passphrase_file"):
            pathlib.Path(value).write_text("open sesame\n")
        if key.startswith("repositories.") and key.endswith(".url"):
            place = pathlib.Path(value.replace("${OFFSITE}", env["OFFSITE"]))
            place.parent.mkdir(parents=True, exist_ok=True)
    for name in sorted({key.split(".")[1] for key in rows if key.startswith("repositories.")}):
        program.run("init", "--repository", name, "--config", config, env=env)
    assert sources
    for name in sorted(sources):
        assert rows[f"sources.{name}.type"] == "sqlite"
        database = databases.make(rows[f"sources.{name}.database"])
        taken = program.json("backup", "--source", name, "--config", config, env=env)
        program.run("restore", taken["snapshot"], "--to", folder / f"{name}.db", "--verify", "--config", config,
                    "--repository", rows[f"sources.{name}.repository"], env=env)
        databases.assert_equal(databases.content(database), folder / f"{name}.db")


def test_patterns_are_not_for_sqlite(program, folder, database):
    config = folder / "c.yaml"
    config.write_text(f"version: 1\nsources:\n  shop:\n    type: sqlite\n    database: {database}\n    exclude: [sessions]\n")
    error = program.run("config", "validate", "--config", config, "--json", code=2).error
    assert "c.yaml:6" in error["message"] and "sources.shop.exclude" in error["message"], error
