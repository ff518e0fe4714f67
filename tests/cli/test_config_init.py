"""`config init`: by options alone and by answers on a terminal; what it writes works."""

import os
import pty
import select
import stat
import time

import pytest

import databases
import json_schema
from program import PASSPHRASE, Repository
from test_output import schema

USUAL = "home/config/db-backup/config.yaml"


@pytest.fixture
def words(folder, database):
    """Everything that has to be said, but for how the repository is encrypted."""
    return ["config", "init", "--database", database, "--repository", folder / "repository", "--retention", "last=3"]


def follow(program, commands, env=None):
    """Runs the commands that come next, as a shell would."""
    for command in commands:
        program.run(*command.split()[1:], env=env)


# --- by options -----------------------------------------------------------------------------------


def test_everything_by_options(program, folder, database, words):
    document = program.json(*words, "--encryption", "none")
    assert json_schema.problems(document, schema("config-init")) == []
    path = folder / USUAL
    assert document["file"] == str(path) and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert document["source"] == "shop" and not document["repository_exists"]
    assert document["next"] == ["db-backup init", "db-backup backup --source shop", "db-backup list",
                                "db-backup prune --retention standard --dry-run"]
    result = program.run("config", "validate")
    assert result.stderr == "", str(result)
    follow(program, document["next"])
    program.run("restore", "latest", "--to", folder / "copy.db", "--verify")
    databases.assert_equal(databases.content(database), folder / "copy.db")
    rows = {row["key"]: row["value"] for row in program.json("config", "show")}
    assert rows["retention.standard.last"] == "3" and rows["repositories.main.encryption"] == "none"


def test_a_passphrase_in_a_file(program, folder, words):
    (folder / "secret").write_text(PASSPHRASE + "\n")
    (folder / "secret").chmod(0o600)
    result = program.run(*words, "--passphrase-file", "secret", "--output", "here.yaml")
    config = folder / "here.yaml"
    assert f"passphrase_file: \"{folder}/secret\"" in config.read_text() and PASSPHRASE not in config.read_text()
    assert f"db-backup init --config {config}\n" in result.stdout, str(result)
    program.run("init", "--config", config)
    program.run("backup", "--source", "shop", "--config", config)


@pytest.mark.parametrize("way, env", (
    (("--passphrase-env", "VAULT"), {"VAULT": PASSPHRASE}), (("--passphrase-command", "echo $((6*7))$HOME"), {})))
def test_other_ways_to_a_passphrase(program, folder, words, way, env):
    document = program.json(*words, *way, env=env)
    follow(program, document["next"][:2], env=env)


def test_a_key_file_that_init_makes(program, folder, words):
    document = program.json(*words, "--key-file", folder / "the.key")
    assert document["encryption"] == "keyfile" and not (folder / "the.key").exists()
    follow(program, document["next"])
    assert (folder / "the.key").exists()


def test_a_folder_and_several_databases(program, folder):
    (folder / "all").mkdir()
    one, two = databases.make(folder / "all/one.db"), databases.make(folder / "all/$two {x}.db")
    rest = ("--repository", folder / "repository", "--encryption", "none", "--retention", "all")
    for source in (("--all", folder / "all"), ("--database", one, "--database", two, "--source-name", "both")):
        document = program.json("config", "init", *source, *rest, "--force")
        follow(program, document["next"])
        assert program.json("show", "latest", "--source", document["source"])["streams"][1:], "one database only"
        assert "prune" not in " ".join(document["next"])


@pytest.mark.parametrize("missing, given", (
    ("--database, --repository, --encryption, --retention", ()),
    ("--database, --repository, --encryption", ("--yes",)),
    ("--repository, --passphrase-file, --retention", ("--database", "shop.db", "--encryption", "passphrase")),
    ("--repository, --key-file", ("--all", ".", "--encryption", "keyfile", "--yes")),
    ("--key-file", ("--all", ".", "--repository", "r", "--encryption", "keyfile", "--yes")),
))
def test_what_is_missing_is_named_at_once(program, folder, missing, given):
    error = program.run("config", "init", *given, "--json", code=2).error
    assert error["code"] == "usage" and error["message"] == f"config init needs {missing}", error
    assert not (folder / USUAL).exists()


def test_all_that_is_wrong_with_the_options_is_named_at_once(program, folder):
    error = program.run("config", "init", "--all", ".", "--database", "x", "--encryption", "keyfile", "--passphrase-env", "P",
                        "--json", code=2).error
    assert error["code"] == "usage" and error["message"] == (
        "--database and --all exclude each other; a passphrase does not go with another --encryption; "
        "config init needs --repository, --key-file, --retention"
    )
    # What would be missing next is said before an encryption is chosen.
    error = program.run("config", "init", "--all", ".", "--json", code=2).error
    assert "keyfile needs --key-file" in error["hint"], error
    error = program.run("config", "init", "--encryption", "none", "--key-file", "k", "--json", code=2).error
    assert "--encryption none and --key-file exclude each other" in error["message"] and "--retention" in error["message"]


@pytest.mark.parametrize("change, code, name", (
    (("--database", "none.db"), 20, "source_missing"),
    (("--database", "text"), 20, None),
    (("--repository", "text"), 30, None),
    (("--repository", "text/below"), 30, None),
    (("--repository", "full"), 2, "target_not_empty"),
    (("--repository", "ftp://host/x"), 2, "unknown_scheme"),
    (("--encryption", "passphrase", "--passphrase-file", "none"), 2, "secret_unavailable"),
    (("--key-file", "text"), 2, "bad_key_file"),
    (("--key-file", "none/the.key"), 2, "place_not_writable"),
    (("--retention", "last=0"), 2, "bad_option_value"),
    (("--retention", "last=1,last=2"), 2, "bad_option_value"),
    (("--retention", "newest=1"), 2, "bad_option_value"),
    (("--source-name", "a b"), 2, "bad_option_value"),
    (("--type", "mysql"), 2, "not_built_in"),
    (("--all", "."), 2, "usage"),
    (("--passphrase-file", "x", "--passphrase-env", "Y"), 2, "usage"),
))
def test_each_answer_is_tried(program, folder, words, change, code, name):
    (folder / "text").write_text("no database, no key\n")
    (folder / "full").mkdir()
    (folder / "full/photo.jpg").touch()
    asked = [*words, *(() if "--encryption" in change or "--key-file" in change else ("--encryption", "none"))]
    if change[0] in asked:
        at = asked.index(change[0])
        del asked[at:at + 2]
    error = program.run(*asked, *change, "--json", code=code).error
    assert name in (None, error["code"]) and error["hint"], error
    assert not (folder / USUAL).exists() and not (folder / "home/config").exists()


def test_a_file_that_is_there_stays(program, folder, words):
    path = folder / USUAL
    path.parent.mkdir(parents=True)
    path.write_text("mine: yes\n")
    error = program.run(*words, "--encryption", "none", "--json", code=2).error
    assert error["code"] == "config_exists" and path.read_text() == "mine: yes\n"
    program.run(*words, "--encryption", "none", "--force")
    assert "mine" not in path.read_text() and [each.name for each in path.parent.iterdir()] == ["config.yaml"]
    program.run("config", "validate")


def test_a_repository_that_is_there(program, folder, words):
    Repository(program, folder / "repository", "keyfile").init()
    (folder / "wrong").write_text("00" * 32 + "\n")
    for key, code in (("wrong", 12), ("none.key", 2)):
        program.run(*words, "--key-file", folder / key, code=code)
    assert "is encrypted" in program.run(*words, "--encryption", "none", code=2).stderr
    document = program.json(*words, "--key-file", folder / "repository.key")
    assert document["repository_exists"] and document["next"][0] == "db-backup backup --source shop"
    follow(program, document["next"])


# --- on a terminal --------------------------------------------------------------------------------


class Dialogue:
    """The program on a terminal of its own."""

    def __init__(self, program, *words):
        self.process, self.leader = pty.fork()
        if self.process == 0:
            os.chdir(program.folder)
            os.execve(program.path, [str(program.path), *map(str, words)], program.environment)
        self.shown = ""

    def read(self, until=None, timeout=60):
        """Reads until the prompt is there, or the end."""
        begun, deadline = len(self.shown), time.monotonic() + timeout
        while until is None or not self.shown[begun:].endswith(": ") or until not in self.shown[begun:]:
            assert time.monotonic() < deadline, self.shown
            if not select.select([self.leader], [], [], 1)[0]:
                continue
            try:
                part = os.read(self.leader, 4096)
            except OSError:
                part = b""
            if not part:
                assert until is None, f"no {until!r} in {self.shown}"
                break
            self.shown += part.decode()

    def answer(self, prompt, text):
        self.read(prompt)
        os.write(self.leader, f"{text}\n".encode())

    def end(self):
        self.read()
        os.close(self.leader)
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])


def test_a_dialogue(program, folder, database):
    """Wrong answers are asked for again; empty ones mean what is proposed."""
    talk = Dialogue(program, "config", "init")
    talk.answer("SQLite database", "none.db")
    talk.answer("SQLite database", "")
    talk.answer("SQLite database", "shop.db")
    talk.answer("name of it [shop]", "")
    talk.answer("repository: ", "shop.db/below")
    talk.answer("repository: ", "~/backups")
    talk.answer("[passphrase]", "rot13")
    talk.answer("[passphrase]", "")
    talk.answer("file that holds", "")
    talk.answer("new passphrase", PASSPHRASE)
    talk.answer("once more", "something else")
    talk.answer("file that holds", "")
    talk.answer("new passphrase", PASSPHRASE)
    talk.answer("once more", PASSPHRASE)
    talk.answer("which snapshots stay", "")
    assert talk.end() == 0, talk.shown
    assert "none.db" in talk.shown and "differ" in talk.shown and PASSPHRASE not in talk.shown
    secret = folder / USUAL.replace("config.yaml", "passphrase")
    assert secret.read_text() == PASSPHRASE + "\n" and stat.S_IMODE(secret.stat().st_mode) == 0o600
    text = (folder / USUAL).read_text()
    assert PASSPHRASE not in text and f"url: \"{folder}/home/backups\"" in text
    assert "standard: {last: 7, daily: 30, weekly: 8, monthly: 12}" in text
    for words in (("config", "validate"), ("init",), ("backup", "--source", "shop"), ("list",)):
        assert program.run(*words).stderr == ""
    databases.assert_equal(databases.content(database), database)


def test_options_are_not_asked_for(program, folder, words):
    talk = Dialogue(program, *words)
    talk.answer("name of it", "")
    talk.answer("encryption: ", "keyfile")
    talk.answer("key file [", folder / "new.key")
    assert talk.end() == 0, talk.shown
    program.run("init")
    assert (folder / "new.key").exists()


@pytest.mark.parametrize("key", (b"\x03", b"\x04"), ids=("ctrl-c", "end of input"))
def test_giving_up_leaves_nothing(program, folder, words, key):
    talk = Dialogue(program, *words)
    talk.answer("name of it", "")
    talk.answer("encryption: ", "passphrase")
    talk.read("file that holds")
    os.write(talk.leader, key)
    assert talk.end() == 130, talk.shown
    assert "Nothing was changed" in talk.shown
    assert not (folder / "home/config").exists() and not (folder / "repository").exists()
