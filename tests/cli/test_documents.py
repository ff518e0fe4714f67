"""The commands of the documentation are run as they stand there, on a machine on which the folders that the pages name exist.

Pages whose commands build upon each other are run as a whole. In the others each command is one of several that a
reader chooses from, and is run by itself: tests/cli/test_document_lines.py.
"""

import re
import shutil
import subprocess

import pytest

import databases
from documents import DOCS, ROOT, Host, blocks, pages, to_run, untold
from test_document_lines import PAGES as BY_LINES

# How many blocks may be left out, each with its reason in the page: fewer is better.
NOT_RUN_MAX = 10
WHOLE = ("configuration.md", "disaster-recovery.md", "index.md", "local.md", "operations.md", "retention.md", "scheduling.md", "sqlite.md")


@pytest.fixture
def host(program, folder):
    """The shop's database, backed up, changed, and backed up again."""
    host = Host(program, folder)
    database = databases.make(host.path("/srv/shop") / "shop.db")
    with databases.opened(database) as opened:
        opened.execute("CREATE TABLE orders(id INTEGER PRIMARY KEY, customer_id INTEGER, placed TEXT)")
        opened.execute("INSERT INTO orders(customer_id, placed) VALUES(7, '2026-11-22'), (8, '2026-11-23')")
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


def scripts(page):
    found = [block.script for block in to_run(page)]
    assert found
    return found


def test_first_backup(program, folder):
    host = Host(program, folder)
    databases.make(host.path("/srv/shop") / "shop.db")
    said = host.run(*scripts("index.md"))
    assert "third" in said and "nightly" in said
    with databases.opened(folder / "before.db") as before:
        assert before.execute("SELECT count(*) FROM note").fetchone() == (2,)
    databases.assert_equal(databases.content(folder / "test.db"), folder / "restored.db")
    host.run("db-backup restore latest --source shop --to back.db", env={"DB_BACKUP_CONFIG": str(host.path("/etc/db-backup") / "config.yaml")})
    databases.assert_equal(databases.content(host.path("/srv/shop") / "shop.db"), folder / "back.db")


def test_sqlite(program, folder):
    host = Host(program, folder)
    database = databases.make(host.path("/srv/shop") / "shop.db")
    with databases.opened(database) as opened:
        opened.execute("CREATE TABLE orders(id INTEGER PRIMARY KEY)")
    expected = databases.content(database)
    host.run(*scripts("sqlite.md"))
    databases.assert_equal(expected, host.path("/srv/shop") / "restored.db")
    assert "orders_of_yesterday" in str(databases.content(database)["schema"])


def test_local_disk(host):
    host.path("/etc/db-backup").joinpath("main.key").unlink()  # `init` of the page makes one.
    host.run("export DB_BACKUP_KEY_FILE=/etc/db-backup/main.key", *scripts("local.md"))
    assert (host.path("/mnt/backup2") / "db/config").is_file()


def test_retention(host):
    host.run(*scripts("retention.md"))
    left = host.program.json("list", "--repository", host.path("/mnt/backup") / "db",
                             "--key-file", host.path("/etc/db-backup") / "main.key")
    assert len(left) == 1


def test_scheduling(host):
    host.add_program("kubectl", "cat > applied.yaml")
    (host.path("/etc/db-backup") / "config.yaml").write_text(f"""version: 1
repositories: {{main: {{url: {host.path('/mnt/backup')}/db, key_file: {host.path('/etc/db-backup')}/main.key}}}}
sources: {{shop: {{type: sqlite, database: {host.path('/srv/shop')}/shop.db, repository: main}}}}
schedules: {{nightly: {{source: shop, cron: "30 2 * * *"}}}}
""")
    host.run("export DB_BACKUP_CONFIG=/etc/db-backup/config.yaml", *scripts("scheduling.md"))
    assert sorted(path.name for path in host.path("/etc/systemd/system").iterdir()) == ["db-backup-nightly.service", "db-backup-nightly.timer"]
    assert "db-backup" in (host.path("/etc/cron.d") / "db-backup").read_text()
    assert "CronJob" in (host.folder / "applied.yaml").read_text()


def test_configuration(host):
    """The worked example, with the files that it shows."""
    yaml, dotenv = ([block.script for block in blocks("configuration.md", (kind,)) if block.heading == "A worked example"][0]
                    for kind in ("yaml", "ini"))
    folder = host.path("/etc/db-backup")
    (folder / "config.yaml").write_text(host.here(yaml).replace("/var/log/", f"{host.folder}/log/"))
    (folder / ".env").write_text(host.here(dotenv))
    (folder / "passphrase").write_text("open sesame\n")
    for name in (".env", "passphrase"):
        (folder / name).chmod(0o600)
    host.run("export DB_BACKUP_CONFIG=/etc/db-backup/config.yaml", *scripts("configuration.md"))
    assert (host.path("/mnt/backup") / "db-backup/config").is_file()
    assert (host.folder / "log/db-backup/db-backup.log").stat().st_size


def test_disaster_recovery(host):
    database = host.path("/srv/shop") / "shop.db"
    expected = databases.content(database)
    found = to_run("disaster-recovery.md")

    here = [block.script for block in found if block.heading.startswith("A database is lost")]
    databases.change(database, 7)  # What went wrong.
    host.run(*here)
    databases.assert_equal(expected, database)
    databases.assert_equal(expected, database.parent / "restored.db")

    database.unlink()
    database.parent.joinpath("restored.db").unlink()
    database.parent.rmdir()
    host.path("/etc/db-backup").joinpath("main.key").unlink()
    elsewhere = [block.script for block in found if not block.heading.startswith("A database is lost")]
    assert len(elsewhere) >= 6
    host.run(*elsewhere)
    databases.assert_equal(expected, database)


def test_operations(host):
    chosen = "export DB_BACKUP_REPOSITORY=/mnt/backup/db DB_BACKUP_KEY_FILE=/etc/db-backup/main.key"
    watch = scripts("operations.md")
    assert host.run(chosen, *watch) == ""
    old = "date() { if [ \"$1\" = +%s ]; then command date -d '+2 days' +%s; else command date \"$@\"; fi; }"
    assert "the newest backup of shop is of " in host.run(chosen, old, *watch)


def test_every_command_is_run_or_says_why_not(report):
    """A new page is either named here or in test_document_lines.py, or has no commands that could be run."""
    assert [f"{block.page}:{block.line}" for page in pages() for block in untold(page)] == []
    for page in pages():
        if page not in WHOLE and page not in BY_LINES:
            assert [f"{page}:{block.line}" for block in to_run(page)] == []
    left_out = [block for page in pages() for block in blocks(page) if block.not_run]
    report("blocks_run", sum(len(to_run(page)) for page in pages()))
    report("blocks_not_run", len(left_out))
    assert len(left_out) <= NOT_RUN_MAX, [f"{block.page}:{block.line} {block.not_run}" for block in left_out]


# What a page's piece of a configuration may refer to.
AROUND = {
    "version": "1",
    "repositories": "{main: {url: /mnt/backup/db}}",
    "sources": "{shop: {type: sqlite, database: /srv/shop/shop.db, repository: main}}",
    "retention": "{keep-90-days: {daily: 90}}",
    "notifications": "{ops: {type: ping, ping_url_file: /etc/db-backup/ping}}",
}


def test_the_pieces_of_configurations_are_valid(program, folder):
    found = [block for page in pages() for block in blocks(page, ("yaml",))]
    checked = 0
    for block in found:
        sections = set(re.findall(r"^(\w+):", block.script, re.MULTILINE))
        if "scrape_configs" in sections:
            (folder / "prometheus.yml").write_text(block.script)
            shutil.copy(ROOT / "configs/prometheus/db-backup.rules.yml", folder)
            done = subprocess.run(["promtool", "check", "config", folder / "prometheus.yml"], capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
            continue
        around = "".join(f"{name}: {text}\n" for name, text in AROUND.items() if name not in sections)
        (folder / "config.yaml").write_text(block.script + around)
        result = program.run("config", "validate", "--config", folder / "config.yaml", env={"BACKUP_DISK": "/mnt/backup"}, code=None)
        assert result.code == 0, f"{block.page}:{block.line}\n{result}"
        checked += 1
    assert checked >= 8


def test_the_code_in_pages_is_the_code_of_the_examples():
    """As it stands there, line by line, so that it is built and tested."""
    sources = [path.read_text("utf-8") for folder in ("examples", "tests/examples") for path in (ROOT / folder).iterdir()]
    shown = [block for page in pages() if page.startswith("extending/") for block in blocks(page, ("cpp",))]
    assert len(shown) >= 8
    for block in shown:
        assert any(block.script in source for source in sources), f"{block.page}:{block.line} is nowhere in examples/"


def test_the_plots_are_those_of_the_tables():
    """`bench/plots.py` draws them."""
    done = subprocess.run([ROOT / "bench/plots.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_reference_is_what_the_program_says(program):
    """`scripts/site/reference.py PROGRAM` writes it."""
    done = subprocess.run([ROOT / "scripts/site/reference.py", program.path, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_guide_knows_every_command_and_option(program):
    guide = (DOCS / "cli.md").read_text("utf-8")

    def names(command):
        for option in command["options"]:
            yield from (name for name in option["names"] if name.startswith("--"))
        for each in command["commands"]:
            yield each["name"]
            yield from names(each)

    said = set(names(program.run("__describe").json))
    assert sorted(name for name in said if f"`{name}" not in guide and f" {name}" not in guide) == []
