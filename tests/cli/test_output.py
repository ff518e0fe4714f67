"""What comes out: JSON that fits its schema, also on failure; nothing else on stdout; no secret anywhere;
colours and widths as the terminal wants them.
"""

import fcntl
import json
import os
import pathlib
import pty
import re
import struct
import subprocess
import termios
import time

import pytest

import databases
import json_schema
from program import PASSPHRASE, Repository

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "docs/json"
ESCAPE = re.compile("\x1b")


def schema(name):
    path = SCHEMAS / f"{name}.schema.json"
    assert path.exists(), f"there is no {path}"
    return json.loads(path.read_text())


def assert_fits(document, name):
    found = json_schema.problems(document, schema(name))
    assert not found, f"{name}: {found[:5]}\n{json.dumps(document, indent=2)[:3000]}"


# --- JSON -----------------------------------------------------------------------------------------


def test_every_command_fits_its_schema(program, folder, database):
    repository = Repository(program, folder / "repository", "keyfile")
    assert_fits(repository.json("init", "--encryption", "keyfile"), "init")
    assert_fits(repository.list(), "list")
    assert_fits(repository.backup(database, "--dry-run"), "backup")
    assert_fits(repository.backup(database, "--tag", "env=prod", "--tag", "who=me"), "backup")
    assert_fits(repository.backup(database), "backup")
    databases.change(database)
    assert_fits(repository.backup(database, "--mode", "differential"), "backup")
    assert_fits(repository.list(), "list")
    assert len(repository.list("--tag", "env=prod")) == 1
    assert_fits(repository.json("show", "latest"), "show")
    assert_fits(repository.json("restore", "latest", "--to", folder / "r.db", "--dry-run"), "restore")
    assert_fits(repository.restore("latest", folder / "r.db", "--verify"), "restore")
    assert_fits(repository.restore("latest", folder / "n.db", "--include", "notes", "--dry-run"), "restore")
    assert_fits(repository.restore("latest", folder / "n.db", "--include", "notes"), "restore")
    assert_fits(repository.verify(), "verify")
    assert_fits(repository.verify("--data"), "verify")
    assert_fits(repository.json("repair", "--data"), "repair")
    assert_fits(repository.restore("latest", folder / "partial.db", "--partial"), "restore")
    assert_fits(repository.json("export", "latest", "-o", folder / "export.zip"), "export")
    archive = repository.program.json("backup", "--type", "sqlite", "--database", database, "--format", "archive", "-o", folder / "a.gz")
    assert_fits(archive, "backup")
    assert_fits(repository.program.json("restore", folder / "a.gz", "--to", folder / "of-archive.db"), "restore")
    assert_fits(repository.json("prune", "--dry-run"), "prune")
    oldest = repository.list()[0]["snapshot"]
    assert_fits(repository.json("prune", oldest), "prune")
    assert oldest not in [snapshot["snapshot"] for snapshot in repository.list()]
    assert_fits(repository.restore("latest", folder / "after.db", "--verify"), "restore")
    assert_fits(repository.json("stats"), "stats")
    assert repository.json("stats")["storage"] == "local"
    assert_fits(repository.json("doctor", "--type", "sqlite", "--database", database), "doctor")
    assert_fits(repository.json("doctor", "--type", "sqlite", "--database", folder / "none.db", code=20), "doctor")
    assert_fits(repository.json("config", "validate"), "config-validate")
    assert_fits(repository.json("config", "show"), "config-show")


def test_the_version_fits_its_schema(program):
    assert_fits(program.run("--version", "--json").json, "version")
    for words in (("completion", "bash"), ("help", "list"), ("list", "--help")):
        error = program.run(*words, "--json", code=2).error
        assert error["code"] == "usage" and "--json" in error["message"], error


def test_findings_of_verify_fit_the_schema(plain_repository, database):
    plain_repository.backup(database)
    name = next(name for name in plain_repository.objects() if name.startswith(("packs/", "manifests/")))
    path = plain_repository.path / name
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    document = plain_repository.json("verify", "--data", code=13)
    assert document["findings"] and not document["ok"]
    assert_fits(document, "verify")
    for words in (("--dry-run",), ("--data", "--yes"), ()):
        assert_fits(plain_repository.json("repair", *words, code=(0, 3, 13)), "repair")


@pytest.mark.parametrize("words, code", (
    (("list",), 10),
    (("show", "latest"), 10),
    (("verify",), 10),
    (("stats",), 10),
    (("prune",), 10),
    (("backup", "--type", "sqlite", "--database", "none.db"), 20),
    (("restore",), 2),
    (("nonsense",), 2),
    (("--nonsense",), 2),
    (("config", "validate", "--config", "none.yaml"), 2),
))
def test_failures_fit_the_schema(program, words, code):
    result = program.run(*words, "--json", code=code)
    assert_fits(result.json, "error")
    assert result.error["exit_code"] == code


def test_the_documented_error_is_the_one_that_comes(plain_repository, database, folder):
    plain_repository.backup(database)
    target = databases.make(folder / "restored.db")
    page = (SCHEMAS.parent / "cli.md").read_text()
    documented = json.loads(re.search(r"```json\n(.*?)```", page, re.DOTALL)[1])
    found = plain_repository.run("restore", "latest", "--to", target, "--json", code=2).json
    assert documented == json.loads(json.dumps(found).replace(str(target), "/home/anna/restored.db"))


def test_stdout_holds_the_document_and_nothing_else(repository, database, folder):
    """Also with logs, progress and remarks: those go to stderr. One document, ended by a line break."""
    for words in (("backup", "--type", "sqlite", "--database", database), ("list",), ("verify", "--data"), ("stats",),
                  ("show", "latest"), ("restore", "latest", "--to", folder / "x.db")):
        result = repository.run(*words, "--json", "--verbose", "--log-level", "debug")
        assert result.stdout.endswith("\n") and result.json is not None
        assert result.stdout == result.stdout.strip() + "\n"


def test_json_by_any_spelling(plain_repository, database):
    plain_repository.backup(database)
    for word in ("--json=true", "--json=1"):
        assert len(plain_repository.run("list", word).json) == 1
    assert plain_repository.run("list", "--json=false").stdout.startswith("ID")
    assert plain_repository.run("show", "nonsense", "--json=true", code=2).error["code"] == "snapshot_unknown"


def test_quiet_means_quiet(plain_repository, database, folder):
    for words in (("backup", "--type", "sqlite", "--database", database), ("verify",),
                  ("restore", "latest", "--to", folder / "x.db")):
        result = plain_repository.run(*words, "--quiet")
        assert (result.stdout, result.stderr) == ("", ""), str(result)
    assert plain_repository.run("list", "--quiet").stdout.strip(), "the answer itself is not noise"
    assert "error" in plain_repository.run("show", "nonsense", "--quiet", code=2).stderr


def test_times_are_utc(plain_repository, database):
    plain_repository.backup(database, env={"TZ": "Asia/Tokyo"})
    text = plain_repository.list()[0]["time"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text)
    assert abs(time.time() - time.mktime(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) + time.timezone) < 600


def test_a_closed_stdout_is_no_success(plain_repository, database):
    """Who pipes into a full disk must learn that the answer did not arrive."""
    plain_repository.backup(database)
    with open("/dev/full", "w") as full:
        process = subprocess.Popen(
            [str(plain_repository.program.path), "list", *plain_repository.words],
            env=plain_repository.program.environment, stdout=full, stderr=subprocess.PIPE, text=True,
        )
        _, stderr = process.communicate(timeout=60)
    assert process.returncode != 0, "the listing was lost and nobody says so"
    assert stderr


# --- for people -----------------------------------------------------------------------------------


def on_a_terminal(program, *words, width=80, env=None):
    """Runs the program on a pseudo-terminal and returns its exit code and all that it showed."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 25, width, 0, 0))
    process = subprocess.Popen(
        [str(program.path), *map(str, words)], env={**program.environment, "TERM": "xterm", **(env or {})},
        stdin=follower, stdout=follower, stderr=follower, cwd=program.folder, start_new_session=True,
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(leader)
    return process.wait(), shown.decode(errors="replace")


def test_colours_only_on_a_terminal_that_wants_them(plain_repository, database):
    plain_repository.backup(database)
    program, words = plain_repository.program, ("show", "nonsense", *plain_repository.words)
    assert ESCAPE.search(on_a_terminal(program, *words)[1]), "a terminal gets colours"
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert not ESCAPE.search(on_a_terminal(program, *words, env=env)[1]), env
    assert not ESCAPE.search(on_a_terminal(program, *words, "--no-color")[1])
    assert not ESCAPE.search(program.run(*words, code=2).text)


@pytest.mark.parametrize("width", (40, 60, 80, 132))
def test_tables_fit_the_terminal(plain_repository, database, width):
    plain_repository.backup(database, "--tag", "purpose=a rather long tag that will not fit on small terminals")
    for words in (("list",), ("show", "latest"), ("stats",), ("--help",), ("backup", "--help")):
        words = words if "--help" in words else (*words, *plain_repository.words)
        code, shown = on_a_terminal(plain_repository.program, *words, width=width, env={"NO_COLOR": "1"})
        assert code == 0
        lines = shown.replace("\r", "").splitlines()
        # Examples, ids and fingerprints are there to be copied, so they are never cut.
        if words[0] in ("list", "stats"):
            too_long = [line for line in lines if len(line) > width]
            assert not too_long, f"{words[0]} at {width} columns: {too_long}"


def test_a_pipe_gets_whole_lines_of_any_length(plain_repository, database):
    tag = "x" * 200
    plain_repository.backup(database, "--tag", f"long={tag}")
    assert tag in plain_repository.run("list").stdout


def test_control_characters_never_reach_the_terminal(plain_repository, folder):
    evil = databases.make(folder / "e\x1b[31mvil\n.db")
    plain_repository.backup(evil, "--tag", "a=b\x1b]0;title\x07")
    for words in (("list",), ("show", "latest"), ("stats",)):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f]", plain_repository.run(*words).stdout)
    result = plain_repository.run("show", "\x1b[2Jx", code=2)
    assert "\x1b" not in result.text


@pytest.mark.parametrize("command", (
    (), ("backup",), ("restore",), ("init",), ("list",), ("show",), ("verify",), ("repair",), ("pin",), ("unpin",), ("undelete",), ("stats",), ("doctor",),
    ("schedule",), ("schedule", "start"), ("schedule", "list"), ("schedule", "add"), ("schedule", "run"), ("notify",), ("notify", "test"),
    ("config",), ("config", "show"), ("config", "init"),
))
def test_help_has_examples(program, command):
    result = program.run(*command, "--help")
    assert "usage: db-backup" in result.stdout and result.stderr == ""
    if command not in (("config", "show"),):
        assert "db-backup" in result.stdout.split("xample", 1)[-1]


def test_version(program):
    result = program.run("--version")
    assert re.fullmatch(r"db-backup \d+\.\d+\.\d+\S*\n", result.stdout) and result.stderr == ""


@pytest.mark.parametrize("shell", ("bash", "zsh", "fish"))
def test_completion(program, shell):
    script = program.run("completion", shell).stdout
    assert "restore" in script
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


# --- secrets --------------------------------------------------------------------------------------


def test_secrets_are_never_shown(program, folder, database):
    """Not on stdout or stderr, not in logs, not in the command line, not in the repository, not in a manifest."""
    secret = "s3cr3t-" + os.urandom(8).hex()
    env = {"DB_BACKUP_PASSPHRASE": secret}
    repository = Repository(program, folder / "repository", "passphrase")
    repository.env = env
    log = folder / "all.log"
    noise = ("--verbose", "--log-level", "debug", "--log-file", log)
    shown = ""
    for words in (("init", "--encryption", "passphrase"), ("backup", "--type", "sqlite", "--database", database),
                  ("list",), ("show", "latest"), ("verify", "--data"), ("config", "show")):
        shown += repository.run(*words, *noise).text + repository.run(*words, "--json", *noise, code=None).text
    shown += repository.run("list", *noise, env={"DB_BACKUP_PASSPHRASE": secret + "wrong"}, code=12).text
    assert secret not in shown and PASSPHRASE not in shown
    assert log.exists() and secret not in log.read_text()
    for path in (folder / "home").rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path
    for name in repository.objects():
        assert secret.encode() not in (repository.path / name).read_bytes()


def test_secrets_of_the_configuration_are_masked(program, folder):
    secret = "s3cr3t-" + os.urandom(8).hex()
    config = folder / "c.yaml"
    config.write_text(f"version: 1\nrepositories:\n  main:\n    url: {folder}/r\n    encryption: passphrase\n    passphrase: {secret}\n")
    for words in (("config", "show"), ("config", "show", "--json"), ("config", "validate"), ("list", "--json")):
        assert secret not in program.run(*words, "--config", config, code=None).text
    config.write_text(f"version: 1\nrepositories:\n  main:\n    url: {folder}/r\n    pasphrase: {secret}\n")
    assert secret not in program.run("config", "validate", "--config", config, code=2).text


def test_the_command_line_holds_no_secret(program, folder):
    """What everybody can read in /proc while it runs: only what the user typed."""
    repository = Repository(program, folder / "repository", "passphrase").init()
    database = databases.make(folder / "big.db", rows=30_000)
    process = repository.start("backup", "--type", "sqlite", "--database", database)
    seen = b""
    while process.poll() is None:
        try:
            seen += pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes()
            for task in os.listdir(f"/proc/{process.pid}/task"):
                for child in pathlib.Path(f"/proc/{process.pid}/task/{task}/children").read_text().split():
                    seen += pathlib.Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            pass
    process.communicate()
    assert b"backup" in seen and PASSPHRASE.encode() not in seen


def test_encrypted_objects_show_nothing_of_the_data(program, folder):
    repository = Repository(program, folder / "repository", "keyfile").init()
    database = folder / "open-name.db"
    marker = "very-remarkable-text-" * 3
    with databases.opened(database) as connection:
        connection.execute("CREATE TABLE t(a TEXT)")
        connection.executemany("INSERT INTO t VALUES(?)", [(marker,)] * 10)
    repository.backup(database, "--compression", "none", "--tag", "secret_tag=42")
    stored = b"".join((repository.path / name).read_bytes() for name in repository.objects())
    for word in (marker[:21], "SQLite format", "open-name", "secret_tag"):
        assert word.encode() not in stored, word
    key = (folder / "repository.key").read_text().strip()
    assert bytes.fromhex(key) not in stored and key.encode() not in stored


# --- logs -----------------------------------------------------------------------------------------


def test_logs_as_text_and_json_lines_with_an_id_of_the_run(plain_repository, database, folder):
    text, lines = folder / "log.txt", folder / "log.jsonl"
    words = ("backup", "--type", "sqlite", "--database", database)
    plain_repository.run(*words, "--log-file", text)
    for _ in range(2):
        plain_repository.run(*words, "--log-file", lines, "--log-format", "json")
    assert text.read_text().strip()
    records = [json.loads(line) for line in lines.read_text().splitlines()]
    assert records
    runs = {value for record in records for key, value in record.items() if "run" in key}
    assert len(runs) >= 2, f"no id tells the runs apart: {records[0]}"
    assert text.stat().st_mode & 0o077 == 0, "others may read the log"
