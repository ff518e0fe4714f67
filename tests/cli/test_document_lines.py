"""The commands of pages that tell what there is, each by itself: a reader chooses one of them.

Method: a machine with all that the pages name, made anew for each command: databases of SQLite, two PostgreSQL servers, an S3 server,
repositories with snapshots, archives, a configuration. Which of the repositories a command means without saying so is told by `meant`.
"""

import re
import shutil

import pytest

import databases
from azure_server import AzureServer
from documents import Host, blocks, to_run
from gcs_server import GcsServer
from postgres_server import PostgresServer
from program import Program
from receivers import HttpReceiver
from s3_server import S3Server

PAGES = ("archives.md", "azure.md", "cli.md", "gcs.md", "postgres.md", "s3.md")
# What builds upon the line before it.
IN_ORDER = {("cli.md", "pin"), ("cli.md", "key"), ("cli.md", "schedule"), ("azure.md", ""), ("gcs.md", ""), ("s3.md", "")}
PASSWORD = "…"  # As the page on PostgreSQL has it.
OLDEST, NEWEST = ("$(db-backup list --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[%d][\"snapshot\"])')" % at for at in (0, -1))
ADDED_SLOT = "$(db-backup key list --json | python3 -c 'import json, sys; print([s[\"slot\"] for s in json.load(sys.stdin)[\"slots\"] if not s[\"opened\"]][0])')"


def units():
    for page in PAGES:
        for block in to_run(page):
            if (page, block.heading) in IN_ORDER:
                yield pytest.param(page, block.heading, block.script, id=f"{page}:{block.line}")
            else:
                for number, line in enumerate(block.lines):
                    yield pytest.param(page, block.heading, line, id=f"{page}:{block.line + 1 + number}")


@pytest.fixture(scope="module")
def postgres(servers):
    """The servers db1 and db2; of the first the database shop, and what the page says that a role for backups needs."""
    folder, started = servers
    for name in ("db1", "db2"):
        started.append(PostgresServer("postgres17", folder, place=name))
    first, second = started[-2:]
    first.psql("".join(block.script for block in blocks("postgres.md", ("sql",))))
    for name in ("shop", "crm"):
        first.make_database(name)
    first.psql("""CREATE SCHEMA audit; CREATE TABLE audit.log(what text); CREATE TABLE sessions(id int);
        CREATE TABLE orders(id int PRIMARY KEY, customer_id int);
        INSERT INTO orders VALUES (1, 7), (2, 8); INSERT INTO audit.log VALUES ('a'); INSERT INTO sessions VALUES (1)""", "shop")
    return first, second


@pytest.fixture(scope="module")
def bucket(servers):
    folder, started = servers
    started.append(S3Server("versitygw", folder))
    started[-1].make_kept_bucket("acme-backups")
    return started[-1]


@pytest.fixture(scope="module")
def clouds(servers):
    """Google's and Microsoft's, as far as they can be had here."""
    folder, started = servers
    google, azure = GcsServer(folder), AzureServer(folder)
    started += [google, azure]
    google.make_bucket("acme-backups")
    azure.make_container("backups")
    return google, azure


@pytest.fixture(scope="module")
def receiver():
    one = HttpReceiver()
    yield one
    one.stop()


def add_databases(host):
    for path in (host.folder / "test.db", host.folder / "shop.db", host.path("/srv/shop") / "shop.db"):
        databases.make(path)
        with databases.opened(path) as database:
            database.execute("CREATE TABLE orders(id INTEGER PRIMARY KEY, customer_id INTEGER)")
            database.execute("CREATE TABLE customers(id INTEGER PRIMARY KEY)")
            database.execute("INSERT INTO orders(customer_id) VALUES(7), (8)")
    databases.make(host.path("/srv/shop") / "cache.db")


def configuration(host, receiver):
    return host.here(f"""version: 1
repositories:
  main: {{url: /mnt/backup/db, encryption: keyfile, key_file: /etc/db-backup/main.key}}
  offsite: {{url: /mnt/backup2/offsite, encryption: none}}
sources:
  shop: {{type: sqlite, database: /srv/shop/shop.db, repository: main}}
schedules: {{often: {{source: shop, rpo: 1h}}}}
retention: {{keep-90-days: {{last: 7, daily: 90}}}}
notifications: {{ops: {{type: slack, webhook_url: "{receiver.url}"}}}}
""")


def connect(host, postgres, bucket, clouds):
    """What a command names, and is elsewhere here; and whose passwords and keys it needs."""
    first, second = postgres
    google, azure = clouds
    (host.path("/etc/db-backup") / "google.json").write_bytes(google.credentials.read_bytes())
    host.words += [
        (r"\b(db1|old)\.example\b", f"127.0.0.1:{first.port}"), (r"\bdb2\.example\b", f"127.0.0.1:{second.port}"),
        (r"'?(s3://acme-backups/[\w./-]*)(?:\?region=[\w-]+)?'?", rf"'\1?endpoint={bucket.endpoint}&region=us-east-1'"),
        (r"(gs://acme-backups/\w+)", f"'{google.url('PLACE')}'".replace("gs://PLACE", r"\1")),
        (r"'az://backups/prod\?account=acme'", f"'{azure.url('backups/prod')}'"),
        (r"\bkey remove [0-9a-f]{8}\b", f"key remove {ADDED_SLOT}"), (r"\bunpin [0-9a-f]{8}\b", f"unpin {NEWEST}"),
        (r"\b(show|prune) [0-9a-f]{8}\b", rf"\1 {OLDEST}"),
    ]
    passwords = host.folder / "pgpass"
    passwords.write_text(f"*:{first.port}:*:backup:{PASSWORD}\n" + "".join((each.folder / "pgpass").read_text() for each in postgres))
    passwords.chmod(0o600)
    host.environment |= bucket.environment() | azure.environment() | {
        "NO_GCE_CHECK": "true",
        "PATH": f"{host.folder / 'bin'}:{first.environment()['PATH']}", "PGPASSFILE": str(passwords), "PGUSER": "admin",
        "PGHOST": "127.0.0.1", "PGPORT": str(second.port)}


PREPARE = """
db-backup init --repository main
for place in /mnt/backup/test /mnt/backup/servers /mnt/backup/several /mnt/backup/new /mnt/disk/backups; do
  db-backup init --repository $place
done
env -u DB_BACKUP_KEY_FILE db-backup init --repository /mnt/backup2/offsite --encryption none
for number in 1 2; do
  db-backup backup --source shop
  db-backup backup --type sqlite --database test.db --repository /mnt/backup/test --tag env=prod
  sqlite3 test.db "INSERT INTO orders(customer_id) VALUES (9)"
done
db-backup backup --uri postgresql://backup@db1.example/shop --repository /mnt/backup/servers --source-name postgres-shop
db-backup backup --uri postgresql://backup@db1.example --all-databases --repository /mnt/backup/several
db-backup backup --type sqlite --database test.db --format archive -o kept.sqlite.gz
db-backup backup --uri postgresql://backup@db1.example/shop --format archive -o kept.sql.gz
db-backup backup --type sqlite --all /srv/shop --format archive -o shops.zip
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory, postgres, bucket, clouds, receiver):
    folder = tmp_path_factory.mktemp("documents") / "host"
    folder.mkdir()
    host = Host(Program(folder), folder)
    for name, script in {"ssh": 'shift\nexec sh -c "$*"'}.items():
        host.add_program(name, script)
    add_databases(host)
    for name in (".zfunc", ".config/fish/completions"):
        (host.home / name).mkdir(parents=True)
    connect(host, postgres, bucket, clouds)
    config = host.path("/etc/db-backup") / "config.yaml"
    config.touch(mode=0o600)
    config.write_text(configuration(host, receiver))
    host.environment |= {"DB_BACKUP_CONFIG": str(config),
                         "DB_BACKUP_KEY_FILE": str(host.path("/etc/db-backup") / "main.key")}
    host.run(PREPARE)
    host.run("db-backup init --repository s3://acme-backups/kept",
             "db-backup backup --type sqlite --all /srv/shop --format archive -o s3://acme-backups/archives/shop.zip")
    host.keep()
    return host


def meant(script):
    """The repository that a command means without saying so."""
    if script.startswith("db-backup undelete"):
        return "s3://acme-backups/kept"
    if "backup --uri" in script:
        return "/mnt/backup/new"
    if re.search(r"db2\.example( |$)", script):
        return "/mnt/backup/several"
    return "/mnt/backup/servers" if re.search(r"postgresql:|postgres-shop", script) else "/mnt/backup/test"


def environment_for(host, heading, script):
    found = {"DB_BACKUP_REPOSITORY": host.here(meant(script)).strip("'")}
    if "--source shop" in script or "--repository main" in script:
        found["DB_BACKUP_REPOSITORY"] = None
    if "--encryption none" in script or "--encryption passphrase" in script or heading == "init" and "--key-file" not in script:
        found |= {"DB_BACKUP_KEY_FILE": None, "DB_BACKUP_CONFIG": None}
    if "--encryption passphrase" in script or heading == "init" and "--encryption" not in script:
        found["DB_BACKUP_PASSPHRASE"] = "open sesame"
    return found


def prepare_servers(postgres, script):
    first, second = postgres
    for name in ("shop", "crm", "some"):
        second.psql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    if "db1.example/shop --include" in script:
        first.psql("DROP SCHEMA IF EXISTS restored CASCADE; DROP TABLE IF EXISTS orders", "shop")


@pytest.mark.parametrize(("page", "heading", "script"), list(units()))
def test_a_command(host, postgres, page, heading, script):
    host.put_back()
    if page not in ("s3.md", "gcs.md", "azure.md"):
        script = script.replace("s3://acme-backups/prod", "s3://acme-backups/kept")
    if not re.search(r"db-backup (backup|export) ", script):
        for name in ("shop.sqlite.gz", "test.sqlite.gz", "shop.sql.gz"):
            shutil.copy(host.folder / f"kept.{name.partition('.')[2]}", host.folder / name)
    if "postgresql:" in script or "createdb" in script:
        prepare_servers(postgres, script)
    host.run(script, env=environment_for(host, heading, script))
