"""`doctor`: all that a backup needs is looked at, what is missing is named with its remedy, and the exit code is that of a backup."""

import os
import time

import pytest

import databases
from postgres_server import PostgresServer
from program import Repository


def checks(document, subject):
    """By the name of the check: what was found."""
    return {each["check"]: each for each in document["checks"] if each["subject"] == subject}


def doctor(repository, *words, code=0, **options):
    document = repository.json("doctor", *words, code=code, **options)
    assert document["exit_code"] == code and document["ok"] == (code == 0), document
    assert document["problems"] == sum(each["verdict"] == "problem" for each in document["checks"])
    return document


# --- the repository and the configuration ---------------------------------------------------------


def test_where_all_is_well_nothing_is_left_behind(program, folder):
    database = databases.make(folder / "wal.db", journal="wal")
    repository = Repository(program, folder / "repository", "keyfile").init()
    before = repository.objects()
    found = doctor(repository, "--type", "sqlite", "--database", database)
    assert repository.objects() == before
    assert {name: each["verdict"] for name, each in checks(found, "repository").items()} == {
        "place": "ok", "key": "ok", "writing": "ok", "clock": "ok"}
    assert "encrypted" in checks(found, "repository")["key"]["message"]
    assert checks(found, "source")["full backup"]["verdict"] == "ok", found
    text = repository.run("doctor", "--type", "sqlite", "--database", database).stdout
    assert text.count("\nok  ") >= 6 and text.endswith("\nno problem, no warning\n"), text


def test_each_trouble_of_a_repository_is_named(program, folder, database):
    source = ("--type", "sqlite", "--database", database)
    repository = Repository(program, folder / "repository", "keyfile")
    key = repository.path.with_suffix(".key")
    missing = checks(doctor(repository, *source, code=10), "repository")["place"]
    assert missing["verdict"] == "problem" and "db-backup init" in missing["remedy"], missing
    repository.init()
    right = key.read_text()
    key.write_text("0" * 64 + "\n")
    wrong = checks(doctor(repository, *source, code=12), "repository")
    assert wrong["place"]["verdict"] == "ok" and wrong["key"]["verdict"] == "problem", wrong
    key.write_text(right)
    if os.geteuid() != 0:
        (repository.path / "runs").mkdir(exist_ok=True)
        (repository.path / "runs").chmod(0o555)
        assert checks(doctor(repository, *source, code=30), "repository")["writing"]["verdict"] == "problem"
        (repository.path / "runs").chmod(0o755)


def test_a_default_repository_that_is_still_to_be_made_is_no_problem(program, database, folder):
    words = ("doctor", "--type", "sqlite", "--database", database)
    found = program.json(*words)
    assert "the first backup makes it" in checks(found, "repository")["place"]["message"]
    assert not (folder / "home/data/db-backup/repository").exists()
    assert checks(program.json("doctor"), "configuration")["sources"]["verdict"] == "warning"


def test_all_of_the_configuration_or_one_source(program, folder, database):
    for name in ("main", "other"):
        Repository(program, folder / name).init()
    (folder / "c.yaml").write_text(
        f"version: 1\nrepositories:\n  main: {{url: {folder}/main}}\n  other: {{url: {folder}/other}}\nsources:\n"
        f"  good: {{type: sqlite, database: {database}, repository: main}}\n"
        f"  bad: {{type: sqlite, database: {folder}/none.db, repository: main}}\n"
    )
    words = ("doctor", "--config", folder / "c.yaml")
    found = program.json(*words, code=20)
    assert {(each["subject"], each["name"]) for each in found["checks"]} == {
        ("configuration", None), ("repository", "main"), ("repository", "other"), ("source", "good"), ("source", "bad")}
    problem, = (each for each in found["checks"] if each["verdict"] == "problem")
    assert problem["name"] == "bad" and problem["code"] == "source_missing" and problem["remedy"], problem
    one = program.json(*words, "--source", "good")
    assert {each["name"] for each in one["checks"]} == {None, "main", "good"}
    assert program.run(*words, "--source", "god", "--json", code=2).error["code"] == "source_unknown"
    text = program.run(*words, code=20).stdout
    assert "problem  source bad, " in text and "\n         remedy: " in text and text.endswith("\n1 problem, 1 warning\n"), text


def test_what_makes_writers_of_sqlite_wait_is_a_warning(plain_repository, folder):
    journal = databases.make(folder / "journal.db")
    beside = checks(doctor(plain_repository, "--type", "sqlite", "--database", journal), "source")["backup beside writers"]
    assert beside["verdict"] == "warning" and "journal_mode=WAL" in beside["remedy"], beside


# --- PostgreSQL -----------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=(15, 17))
def server(request, servers):
    folder, started = servers
    started.append(PostgresServer(f"postgres{request.param}", folder))
    one = started[-1]
    one.make_database("shop")
    one.psql("CREATE TABLE orders(id int); CREATE TABLE audit(id int); CREATE SCHEMA hidden; CREATE TABLE hidden.t(x int)", "shop")
    one.psql("CREATE ROLE poor LOGIN PASSWORD 'secret/of+reader'; GRANT SELECT ON orders TO poor", "shop")
    one.environment_of_poor = one.environment(PGPASSWORD=one.reader_password, PGPASSFILE="/nonexistent")
    return one


def of_server(repository, server, user="reader", database="shop", words=(), code=0, **changes):
    environment = server.environment_of_poor if user == "poor" else server.environment()
    words = ("--uri", server.uri(database, user), *words)
    return checks(doctor(repository, *words, code=code, env={**environment, **changes}), "source")


def test_what_a_role_may_do_and_by_which_programs(plain_repository, server):
    found = of_server(plain_repository, server)
    assert found["server"]["verdict"] == "ok" and f"PostgreSQL {server.major}." in found["server"]["message"]
    assert "as the role reader" in found["server"]["message"]
    assert f"pg_dump of version {server.major}" in found["client programs"]["message"]
    assert "all of shop" in found["full backup"]["message"]
    tracked = found["tracked incremental"]
    if server.major < 17:
        assert tracked["verdict"] == "warning" and "PostgreSQL 17" in tracked["remedy"], tracked
    else:
        assert tracked["verdict"] == "ok", tracked
    assert plain_repository.list() == []


def test_what_a_role_lacks_is_named_with_the_grant(plain_repository, server):
    found = of_server(plain_repository, server, "poor", code=20)
    assert found["full backup"]["verdict"] == "problem"
    assert found["full backup"]["message"] == "the role poor may not read hidden.t, public.audit", found
    assert found["full backup"]["remedy"] == 'GRANT pg_read_all_data TO "poor";'
    assert found["passwords of roles"]["verdict"] == "warning"
    if server.major >= 17:
        assert "GRANT pg_checkpoint" in found["tracked incremental"]["remedy"]
    server.psql("GRANT pg_read_all_data TO poor")
    assert of_server(plain_repository, server, "poor")["full backup"]["verdict"] == "ok"
    server.psql("REVOKE pg_read_all_data FROM poor")


def test_rows_that_row_security_hides_are_a_problem(plain_repository, server):
    server.psql("ALTER TABLE orders ENABLE ROW LEVEL SECURITY", "shop")
    found = of_server(plain_repository, server, code=20)["full backup"]
    assert "public.orders" in found["message"] and found["remedy"] == 'ALTER ROLE "reader" BYPASSRLS;', found
    server.psql("ALTER TABLE orders DISABLE ROW LEVEL SECURITY", "shop")


def test_settings_that_make_incrementals_slow(plain_repository, server):
    if server.major < 17:
        pytest.skip("has no record of changes")

    def told(setting, value):
        server.psql(f"ALTER SYSTEM SET {setting} = '{value}'")
        server.psql("SELECT pg_reload_conf()")
        deadline = time.monotonic() + 30
        while server.psql(f"SHOW {setting}") != value:
            assert time.monotonic() < deadline
        found = of_server(plain_repository, server)["tracked incremental"]
        assert found["verdict"] == "warning", found
        return found

    assert "ALTER SYSTEM SET summarize_wal = on" in told("summarize_wal", "off")["remedy"]
    server.psql("ALTER SYSTEM SET summarize_wal = on")
    short = told("wal_summary_keep_time", "2h")
    assert "120 minutes" in short["message"] and "wal_summary_keep_time" in short["remedy"], short
    server.psql("ALTER SYSTEM RESET wal_summary_keep_time")
    server.psql("SELECT pg_reload_conf()")


def test_programs_that_are_not_there(plain_repository, server, folder):
    if server.major < 17:
        pytest.skip("newer programs may be installed here")
    empty = folder / "bin"
    empty.mkdir()
    words = ("doctor", "--uri", server.uri("shop", "reader"), "--json")
    document = plain_repository.run(*words, code=(0, 20), env=server.environment(PATH=str(empty))).json
    found = checks(document, "source")["client programs"]
    if found["verdict"] == "problem":  # Else this machine has them where Debian puts them.
        assert "pg_dump" in found["message"] and "postgresql-client-17" in found["remedy"], found


def test_a_server_that_does_not_answer_or_refuses(plain_repository, server):
    wrong = of_server(plain_repository, server, code=20, PGPASSFILE="/nonexistent", PGPASSWORD="wrong+word")["reached"]
    assert wrong["verdict"] == "problem" and wrong["code"] == "source_unreachable" and "password authentication failed" in wrong["message"]
    text = plain_repository.run("doctor", "--uri", "postgresql://nobody:very+secret@127.0.0.1:1/x", code=20).text
    assert "very+secret" not in text and "problem  source postgres, reached: " in text, text


def test_several_databases(plain_repository, server):
    server.make_database("closed", options="ALLOW_CONNECTIONS false")
    found = of_server(plain_repository, server, database="", words=("--all-databases",))
    assert found["full backup of shop"]["verdict"] == "ok", found
    assert found["databases"]["verdict"] == "warning" and "closed" in found["databases"]["message"]
    found = of_server(plain_repository, server, "poor", "postgres", ("--database", "shop", "--database", "postgres"), code=20)
    assert found["full backup of shop"]["verdict"] == "problem" and found["full backup of postgres"]["verdict"] == "ok"
    server.psql("DROP DATABASE closed")
