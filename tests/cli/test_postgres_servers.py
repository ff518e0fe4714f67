"""The PostgreSQL servers that other tests rely on: what their roles may do, and that they end with the tests."""

import pathlib
import signal
import subprocess
import sys

import pytest

from postgres_compare import Database, assert_equal
from postgres_server import VERSIONS, PostgresServer, wait_until
from program import Repository

WAIT_S = 30
MAJORS = (12, 13, 14, 15, 16, 17, 18)
SHOP = """
CREATE SCHEMA app; CREATE TYPE state AS ENUM ('new', 'sent'); CREATE SEQUENCE numbers START 7;
CREATE TABLE customers(id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, more jsonb);
CREATE TABLE app.orders(id serial PRIMARY KEY, customer int REFERENCES customers, state state, total numeric(10, 2) CHECK (total >= 0),
  placed timestamptz, twice numeric GENERATED ALWAYS AS (total * 2) STORED);
CREATE INDEX ON app.orders(placed); CREATE STATISTICS both_of ON customer, state FROM app.orders;
CREATE TABLE days(day date NOT NULL, n int, PRIMARY KEY(day)) PARTITION BY RANGE (day);
CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.state := 'new'; RETURN NEW; END $$;
CREATE TRIGGER touched BEFORE UPDATE ON app.orders FOR EACH ROW EXECUTE FUNCTION touch();
CREATE VIEW app.some AS SELECT * FROM customers WHERE id < 5; CREATE PUBLICATION told FOR TABLE customers;
GRANT SELECT ON customers TO reader; COMMENT ON TABLE customers IS 'who buys';
INSERT INTO customers(name, more) SELECT 'customer ' || i, json_build_object('n', i) FROM generate_series(1, 50) i;
INSERT INTO app.orders(customer, state, total, placed) SELECT i % 50 + 1, 'sent', i, '2024-01-01 UTC'::timestamptz + i * interval '1 h'
  FROM generate_series(1, 5000) i;
INSERT INTO days SELECT '2024-01-01'::date + i, i FROM generate_series(0, 300) i;
CREATE MATERIALIZED VIEW counts AS SELECT state, count(*) FROM app.orders GROUP BY state;
SELECT lo_from_bytea(4711, 'large'), nextval('numbers');
"""


@pytest.fixture(scope="module", params=VERSIONS)
def server(request, servers):
    """One of each version."""
    folder, started = servers
    started.append(PostgresServer(request.param, folder))
    return started[-1]


@pytest.fixture
def start(servers):
    folder, started = servers

    def begin(name, *options):
        started.append(PostgresServer(name, folder, *options, place=f"{name}-{len(started)}"))
        return started[-1]

    return begin


def test_it_is_that_version_with_its_programs_and_languages(server):
    assert server.psql("SHOW server_version").startswith(f"{server.major}.")
    for program in ("pg_dump", "pg_dumpall", "pg_restore", "psql", "pgbench", "pg_amcheck"):
        assert f" {server.major}." in server.call(program, "--version").stdout, program
    server.psql("CREATE EXTENSION plperl; CREATE EXTENSION plpython3u")
    server.psql("CREATE FUNCTION perl() RETURNS text LANGUAGE plperl AS $$ use strict; return 'perl'; $$")
    server.psql("CREATE FUNCTION python() RETURNS text LANGUAGE plpython3u AS $$ import json; return json.dumps(1) $$")
    assert server.psql("SELECT perl(), python()") == "perl|1"
    assert server.psql("SELECT 'ä' < 'b' COLLATE \"de-x-icu\"") == "t"
    settings = "SELECT setting FROM pg_settings WHERE name IN ('fsync', 'summarize_wal', 'wal_level') ORDER BY name"
    assert server.psql(settings).split() == (["off", "on", "replica"] if server.major >= 17 else ["off", "replica"])


def test_the_reader_reads_everything_and_changes_nothing(server):
    server.psql("CREATE TABLE t(a int); INSERT INTO t VALUES(7); REVOKE ALL ON t FROM PUBLIC")
    assert server.psql("TABLE t; CHECKPOINT", user="reader") == "7"
    refused = server.call("psql", "-X", "-w", "-d", server.uri(user="reader"), "-c", "DELETE FROM t", code=1)
    assert "permission denied" in refused.stderr
    refused = subprocess.run(
        [server.bin / "psql", "-w", "-d", server.uri(user="reader")], env=server.environment(PGPASSFILE="/dev/null"), capture_output=True
    )
    assert refused.returncode == 2 and b"no password supplied" in refused.stderr


def test_a_crash_loses_nothing_that_was_committed(start):
    server = start("postgres17", "--fsync")
    server.psql("CREATE TABLE t(a int); INSERT INTO t VALUES(1)")
    with subprocess.Popen([server.bin / "psql", "-q", "-d", server.uri()], env=server.environment(), stdin=subprocess.PIPE) as client:
        client.stdin.write(b"BEGIN; INSERT INTO t VALUES(2);\n\\! touch %s\n" % bytes(server.folder / "waits"))
        client.stdin.flush()
        wait_until((server.folder / "waits").exists)
        server.crash()
        client.communicate(b"COMMIT;\n", timeout=WAIT_S)
    server.restart()
    assert server.psql("TABLE t") == "1"


def test_a_standby_follows(start):
    server = start("postgres17")
    standby = start("postgres17-standby", "--of", server.folder)
    server.psql("CREATE TABLE t AS SELECT 5 AS a")
    wait_until(lambda: standby.psql("SELECT count(*) FROM pg_class WHERE relname = 't'") == "1")
    assert standby.psql("SELECT a, pg_is_in_recovery() FROM t", user="reader") == "5|t"
    standby.psql("SELECT pg_promote()")
    assert standby.psql("INSERT INTO t VALUES(6); SELECT count(*) FROM t") == "2"


def test_with_tls_nothing_else_is_accepted(start):
    settings = ("wal_level=minimal", "max_wal_senders=0")
    server = start("postgres15", "--tls", *(word for each in settings for word in ("--set", each)))
    trusted = server.uri(sslmode="verify-full", sslrootcert=server.folder / "ca.crt")
    asked = ("-X", "-A", "-t", "-c", "SELECT ssl, current_setting('wal_level') FROM pg_stat_ssl WHERE pid = pg_backend_pid()", "-d")
    assert server.call("psql", *asked, trusted).stdout == "t|minimal\n"
    server.call("psql", *asked, server.uri(sslmode="disable"), code=2)
    server.call("psql", *asked, server.uri(sslmode="verify-full", sslrootcert="/etc/ssl/certs/ca-certificates.crt"), code=2)


def test_it_ends_when_the_tests_are_killed(folder):
    code = f"""
import sys, time
sys.path.insert(0, {str(pathlib.Path(__file__).parent)!r})
from postgres_server import PostgresServer
PostgresServer("postgres17", sys.argv[1])
print("ready", flush=True)
time.sleep(1000)
"""
    with subprocess.Popen([sys.executable, "-c", code, folder], stdout=subprocess.PIPE) as tests:
        assert tests.stdout.readline() == b"ready\n"
        place = pathlib.Path((folder / "postgres17" / "place").read_text().strip())
        assert (place / "data/postmaster.pid").exists()
        tests.send_signal(signal.SIGKILL)
    wait_until(lambda: not place.exists())


@pytest.mark.parametrize("major", [major if major == MAJORS[0] else pytest.param(major, marks=pytest.mark.long) for major in MAJORS])
def test_each_major_there_and_back(start, program, folder, report, major):
    """In the daily run the oldest alone; docs/postgres.md names the versions that ran."""
    server = start(f"postgres{major}")
    version = server.psql("SHOW server_version")
    assert version.startswith(f"{major}.")
    report("version", version)
    server.make_database("shop")
    server.psql(SHOP, "shop")
    repository = Repository(program, folder / "repository").init()
    parts = ("schema", "rows", "sequence", "large object", "other")
    for words in ((), ("--clean",)):
        taken = repository.json("backup", "--uri", server.uri("shop"), env=server.environment())
        assert taken["consistency"] == "view", taken
        # Who is in a database that is replaced does not keep it.
        client = subprocess.Popen([server.bin / "psql", "-X", "-q", "-d", server.uri("again"), "-c", "SELECT pg_sleep(600)"],
                                  env=server.environment(), stderr=subprocess.DEVNULL) if words else None  # fmt: skip
        if client:
            wait_until(lambda: server.psql("SELECT count(*) FROM pg_stat_activity WHERE datname = 'again'") == "1")
        target = ("restore", "latest", "--to", server.uri("again"), "--verify", *words)
        restored = repository.json(*target, env=server.environment())
        assert restored["verified"] and not restored["warnings"], restored
        if client:
            assert client.wait(timeout=WAIT_S) != 0
        assert_equal(Database(server, "shop"), Database(server, "again"), parts)
        server.psql("UPDATE customers SET name = 'another' WHERE id = 3; SELECT nextval('numbers')", "shop")
    names = server.psql("SELECT datname FROM pg_database ORDER BY 1").split()
    assert names == ["again", "postgres", "shop", "template0", "template1"], names


def test_what_cannot_start_says_why_and_leaves_nothing(folder):
    script = pathlib.Path(__file__).resolve().parents[2] / "scripts/servers.sh"
    place = folder / "temporary"
    place.mkdir()
    place.chmod(0o755)
    done = subprocess.run(
        ["env", f"TMPDIR={place}", script, "start", "postgres17", folder / "server", "--set", "nonsense=1"], capture_output=True, text=True
    )
    assert done.returncode == 1 and 'unrecognized configuration parameter "nonsense"' in done.stderr
    assert list(place.iterdir()) == []
