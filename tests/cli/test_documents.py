"""The commands of the pages that people read when something is lost are run as they stand there."""

import pathlib
import re
import subprocess

import pytest

import databases

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
FOLDERS = ("/mnt/backup2", "/mnt/backup", "/srv/shop", "/etc/db-backup", "/root")


def shell_blocks(page):
    """Each ```sh block of a page, with the heading that it stands below."""
    heading, blocks = "", []
    for match in re.finditer(r"^## (?P<title>[^\n]+)$|^```sh\n(?P<script>.*?)^```$",
                             (DOCS / page).read_text("utf-8"), re.MULTILINE | re.DOTALL):
        if match["title"]:
            heading = match["title"]
        else:
            blocks.append((heading, match["script"]))
    return blocks


class Host:
    """A machine of which only the folders that the pages name exist, below `folder`."""

    def __init__(self, program, folder):
        self.folder = folder
        self.program = program
        (folder / "bin").mkdir()
        (folder / "bin" / "db-backup").symlink_to(program.path)
        for name in FOLDERS:
            (folder / name[1:]).mkdir(parents=True)

    def path(self, name):
        return self.folder / name[1:]

    def run(self, *scripts):
        """One shell for all, so that what one block exports is there for the next."""
        script = "\n".join(scripts)
        for name in FOLDERS:
            script = re.sub(rf"(?<![\w.]){name}(?![\w-])", str(self.path(name)), script)
        environment = self.program.environment | {
            "PATH": f"{self.folder / 'bin'}:{self.program.environment['PATH']}"}
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], env=environment, cwd=self.folder,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{script}\n--- exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture
def host(program, folder):
    """The shop's database, backed up, changed, and backed up again."""
    host = Host(program, folder)
    database = databases.make(host.path("/srv/shop") / "shop.db")
    repository = ("--repository", host.path("/mnt/backup") / "db")
    key_file = ("--key-file", host.path("/etc/db-backup") / "main.key")
    program.run("init", *repository, "--encryption", "keyfile", *key_file)
    for number in range(2):
        databases.change(database, number)
        program.run("backup", "--type", "sqlite", "--database", database, "--source-name", "shop",
                    *repository, *key_file)
    (host.path("/root") / "safe").mkdir()
    (host.path("/root") / "safe" / "main.key").write_bytes(key_file[1].read_bytes())
    return host


def test_disaster_recovery(host):
    database = host.path("/srv/shop") / "shop.db"
    expected = databases.content(database)
    blocks = shell_blocks("disaster-recovery.md")

    here = [script for heading, script in blocks if heading.startswith("A database is lost")]
    databases.change(database, 7)  # What went wrong.
    host.run(*here)
    databases.assert_equal(expected, database)
    databases.assert_equal(expected, database.parent / "restored.db")

    database.unlink()
    database.parent.joinpath("restored.db").unlink()
    database.parent.rmdir()
    host.path("/etc/db-backup").joinpath("main.key").unlink()
    elsewhere = [script for heading, script in blocks if not heading.startswith("A database is lost")]
    assert len(elsewhere) >= 6
    host.run(*elsewhere)
    databases.assert_equal(expected, database)


def test_operations(host):
    watch = [script for heading, script in shell_blocks("operations.md") if heading == "Noticing"]
    chosen = "export DB_BACKUP_REPOSITORY=/mnt/backup/db DB_BACKUP_KEY_FILE=/etc/db-backup/main.key"
    assert watch
    assert host.run(chosen, *watch) == ""
    old = "date() { if [ \"$1\" = +%s ]; then command date -d '+2 days' +%s; else command date \"$@\"; fi; }"
    assert "the newest backup of shop is of " in host.run(chosen, old, *watch)


def test_the_reference_is_what_the_program_says(program):
    """`scripts/site/reference.py PROGRAM` writes it."""
    done = subprocess.run([DOCS.parent / "scripts/site/reference.py", program.path, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
