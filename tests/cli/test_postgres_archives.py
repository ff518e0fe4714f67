"""Archives of PostgreSQL: SQL that psql alone loads, made of a live database and of snapshots, and restored by the program.

Method: each kind is unpacked by the tool that people have for it, loaded by psql into a new database, and compared with the
source; then restored, and damaged.
"""

import pathlib
import signal
import subprocess
import time

import pytest

from postgres_compare import Database, assert_equal, drop_database
from postgres_server import PostgresServer
from program import Repository

SQL = pathlib.Path(__file__).resolve().parents[1] / "support/postgres"
IN_PLACE = ("--set", "allow_in_place_tablespaces=on")
SUFFIXES = {"none": ".sql", "gzip": ".sql.gz", "zstd": ".sql.zst", "zip": ".zip"}
PARTS = ("schema", "rows", "sequence", "large object", "other")  # What a database is beside that, its creator decides.


def full_server(servers, name, *scripts):
    folder, started = servers
    started.append(PostgresServer(name, folder, *IN_PLACE))
    started[-1].load(SQL / "roles.sql")
    started[-1].make_database("all")
    for script in scripts:
        started[-1].load(SQL / script, "all")
    started[-1].make_database("few")
    started[-1].psql(
        "CREATE TABLE t(id serial PRIMARY KEY, x text); INSERT INTO t(x) SELECT repeat(md5(i::text), 10) FROM generate_series(1, 50000) i;"
        "CREATE INDEX ON t(x); SELECT lo_from_bytea(4711, 'large'); ALTER DATABASE few SET work_mem = '5MB'",
        "few",
    )
    return started[-1]


@pytest.fixture(scope="module")
def old(servers):
    return full_server(servers, "postgres15", "everything.sql")


@pytest.fixture(scope="module")
def new(servers):
    return full_server(servers, "postgres17", "everything.sql", "since_17.sql")


@pytest.fixture
def stored(program, folder):
    return Repository(program, folder / "repository", "keyfile").init()


def archive(program, server, database, output, *words):
    """Of the database itself, without a repository."""
    return program.json("backup", "--uri", server.uri(database), "--format", "archive", "-o", output, *words, env=server.environment())


def export(repository, server, database, output, *words):
    repository.run("backup", "--uri", server.uri(database), *words, env=server.environment())
    return repository.json("export", "latest", "-o", output, env=server.environment())


def unpacked(file, kind, name):
    command = {"none": ["cat", file], "gzip": ["gunzip", "-c", file], "zstd": ["zstd", "-qdc", file], "zip": ["unzip", "-p", file, name]}[kind]
    return subprocess.run(list(map(str, command)), check=True, capture_output=True).stdout


def load(server, sql, folder, name):
    """By psql alone, into a new database."""
    (folder / "loaded.sql").write_bytes(sql)
    server.make_database(name, options="ENCODING 'UTF8'")
    server.load(folder / "loaded.sql", name)
    return Database(server, name)


def restore(program, server, file, database, *words, **options):
    options = {"env": server.environment(), **options}
    return program.run("restore", file, "--to", server.uri(database), *words, "--json", **options)


def databases_of(server):
    return server.psql("SELECT datname FROM pg_database ORDER BY 1").split()


@pytest.mark.parametrize("way", ("archive", "export", "native export"))
@pytest.mark.parametrize("name", ("old", "new"))
def test_psql_alone_loads_everything(request, program, stored, folder, name, way):
    server = request.getfixturevalue(name)
    file = folder / "out.sql.gz"
    if way == "archive":
        document = archive(program, server, "all", file)
        assert document["snapshot"] is None and document["mode"] == "full" and document["capture"] == "full", document
    else:
        export(stored, server, "all", file, "--method", "native" if way == "native export" else "auto")
    subprocess.run(["sha256sum", "-c", "--status", "out.sql.gz.sha256"], cwd=folder, check=True)
    loaded = load(server, unpacked(file, "gzip", ""), folder, "loaded")
    assert_equal(Database(server, "all"), loaded, PARTS)
    drop_database(loaded)
    document = restore(program, server, file, "restored").json
    assert document["archive"]["kind"] == "gzip" and document["archive"]["checksum_verified"], document
    assert_equal(Database(server, "all"), Database(server, "restored"))
    drop_database(Database(server, "restored"))


def test_an_archive_goes_to_a_later_major(program, folder, old, new):
    archive(program, old, "all", folder / "out.sql.zst")
    restore(program, new, folder / "out.sql.zst", "from_15")
    assert_equal(Database(old, "all"), Database(new, "from_15"))
    drop_database(Database(new, "from_15"))


@pytest.mark.parametrize("kind", SUFFIXES)
@pytest.mark.parametrize("way", ("archive", "export"))
def test_each_kind_comes_back(program, stored, folder, new, way, kind):
    file = folder / ("out" + SUFFIXES[kind])
    document = (archive(program, new, "few", file) if way == "archive" else export(stored, new, "few", file))["archive"]
    assert document["compression"] == kind and document["bytes"] == file.stat().st_size, document
    assert [each["name"] for each in document["databases"]] == ([":roles", "main"] if kind == "zip" else ["main"]), document
    sql = unpacked(file, kind, "postgres-few.sql")
    loaded = load(new, sql, folder, "loaded")
    assert_equal(Database(new, "few"), loaded, PARTS)
    drop_database(loaded)
    if kind == "zip":
        assert b"CREATE ROLE reader" in unpacked(file, kind, "roles.sql")
    # The type is told by the content, whatever the name is; and a checksum is not needed.
    other = folder / "renamed.bin"
    file.rename(other)
    document = restore(program, new, other, "restored", "--verify").json
    assert not document["verified"] and "not compared" in " ".join(document["warnings"]), document
    assert_equal(Database(new, "few"), Database(new, "restored"))
    refused = restore(program, new, other, "restored", code=2)
    assert refused.error["code"] == "target_not_empty", refused
    new.psql("INSERT INTO t(x) VALUES('more')", "restored")
    restore(program, new, other, "restored", "--clean")
    assert_equal(Database(new, "few"), Database(new, "restored"))
    drop_database(Database(new, "restored"))


def test_what_is_cut_off_or_changed_is_refused(program, folder, new):
    for kind, suffix in SUFFIXES.items():
        archive(program, new, "few", folder / ("out" + suffix))
        whole = (folder / ("out" + suffix)).read_bytes()
        broken = folder / ("broken" + suffix)
        for number, content in enumerate((whole[: len(whole) // 2], whole[:-1], whole[:-40], whole[:100])):
            broken.write_bytes(content)
            refused = restore(program, new, broken, "broken", code=(2, 13))
            assert refused.code == 13 or number == 3, f"{kind}, {number}\n{refused}"
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 1
        (folder / ("out" + suffix)).write_bytes(flipped)
        assert restore(program, new, folder / ("out" + suffix), "broken", code=13).error["code"] == "archive_damaged"
    assert not [each for each in databases_of(new) if each.startswith("broken")]


def test_what_does_not_go_together_is_told(program, folder, new, database):
    archive(program, new, "few", folder / "out.sql")
    refused = program.run("restore", folder / "out.sql", "--to", folder / "out.db", "--json", code=2)
    assert refused.error["code"] == "target_of_another_kind", refused
    program.run("backup", "--type", "sqlite", "--database", database, "--format", "archive", "-o", folder / "out.sqlite")
    refused = restore(program, new, folder / "out.sqlite", "few", code=2)
    assert refused.error["code"] == "target_of_another_kind", refused
    for word in ("--no-owner", "--no-privileges"):
        assert restore(program, new, folder / "out.sql", "other", word, code=2).error["code"] == "not_supported"
    (folder / "foreign.sql").write_text("CREATE TABLE t();\n")
    assert restore(program, new, folder / "foreign.sql", "other", code=2).error["code"] == "archive_unknown"
    plan = restore(program, new, folder / "out.sql", "other", "--dry-run").json["plan"]
    assert "load the dump" in plan["steps"], plan
    assert "other" not in databases_of(new)


def test_roles_come_from_a_zip(program, servers, folder, old):
    old.psql("CREATE ROLE archived; ALTER TABLE t OWNER TO archived", "few")
    archive(program, old, "few", folder / "out.zip")
    archive(program, old, "few", folder / "out.sql.gz")
    started_in, started = servers
    other = PostgresServer("postgres15", started_in, place="lacking")
    started.append(other)
    lacking = restore(program, other, folder / "out.zip", "few", code=2)
    assert lacking.error["code"] == "target_lacks" and "archived" in lacking.error["message"], lacking
    lacking = restore(program, other, folder / "out.sql.gz", "few", "--roles", code=2)
    assert lacking.error["code"] == "not_supported", lacking
    restore(program, other, folder / "out.zip", "few", "--roles")
    assert_equal(Database(old, "few"), Database(other, "few"))
    old.psql("ALTER TABLE t OWNER TO admin; DROP ROLE archived", "few")


def wait_for(condition, what):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_who_dies_half_way_leaves_nothing_that_looks_done(program, folder, new):
    process = program.start("backup", "--uri", new.uri("few"), "--format", "archive", "-o", folder / "dead.sql", env=new.environment())
    wait_for(lambda: new.psql("SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = 'few' AND query LIKE 'COPY public.t %'") == "t", "pg_dump")
    process.kill()
    process.wait()
    assert not (folder / "dead.sql").exists() and not (folder / "dead.sql.sha256").exists()
    archive(program, new, "few", folder / "out.sql.gz")
    loading = "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname LIKE 'risen_restoring%' AND query LIKE 'COPY public.t %'"
    for death in ("program", "connection"):
        process = program.start("restore", folder / "out.sql.gz", "--to", new.uri("risen"), env=new.environment())
        wait_for(lambda: new.psql(loading) == "t", "psql did not begin")
        if death == "program":
            process.kill()
            process.wait()
            wait_for(lambda: new.psql(loading) == "f", "psql goes on")
        else:
            process.send_signal(signal.SIGSTOP)  # Else all may be loaded before the connection ends.
            new.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'risen_restoring%' AND query LIKE 'COPY%'")
            process.send_signal(signal.SIGCONT)
            assert program.finish(process).code == 20
        assert "risen" not in databases_of(new)
    restore(program, new, folder / "out.sql.gz", "risen")
    assert_equal(Database(new, "few"), Database(new, "risen"))
    assert not [each for each in databases_of(new) if "restoring" in each]
    drop_database(Database(new, "risen"))
