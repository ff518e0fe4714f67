"""PostgreSQL through the program: everything that pg_dump carries comes back, on the same major version and on a later one."""

import pathlib

import pytest

from postgres_compare import Database, assert_equal, drop_database
from postgres_server import PostgresServer
from program import Repository

SQL = pathlib.Path(__file__).resolve().parents[1] / "support/postgres"
IN_PLACE = ("--set", "allow_in_place_tablespaces=on")


@pytest.fixture(scope="module")
def old(servers):
    """PostgreSQL 15 with everything."""
    folder, started = servers
    started.append(PostgresServer("postgres15", folder, *IN_PLACE))
    started[-1].load(SQL / "roles.sql")
    started[-1].make_database("all")
    started[-1].load(SQL / "everything.sql", "all")
    return started[-1]


@pytest.fixture(scope="module")
def new(servers):
    """PostgreSQL 17 with everything that it knows."""
    folder, started = servers
    started.append(PostgresServer("postgres17", folder, *IN_PLACE))
    started[-1].load(SQL / "roles.sql")
    started[-1].make_database("all")
    started[-1].load(SQL / "everything.sql", "all")
    started[-1].load(SQL / "since_17.sql", "all")
    return started[-1]


@pytest.fixture
def stored(program, folder):
    return Repository(program, folder / "repository", "keyfile").init()


def back_up(repository, server, database, *words):
    return repository.json("backup", "--uri", server.uri(database), *words, env=server.environment())


def restore(repository, server, database, *words, **options):
    words = ("restore", "latest", "--to", server.uri(database), *words)
    return repository.run(*words, "--json", env=server.environment(), **options).json


@pytest.mark.parametrize("name", ("old", "new"))
def test_everything_comes_back(request, stored, name):
    server = request.getfixturevalue(name)
    taken = back_up(stored, server, "all")
    assert taken["type"] == "postgres" and taken["capture"] == "full" and taken["consistency"] == "view", taken
    restored = restore(stored, server, "back", "--verify")
    assert restored["verified"] and restored["rows"] == taken["rows"], restored
    assert_equal(Database(server, "all"), Database(server, "back"))
    drop_database(Database(server, "back"))


def test_everything_goes_to_a_later_major(stored, old, new):
    back_up(stored, old, "all")
    restore(stored, new, "from_15", "--verify")
    assert_equal(Database(old, "all"), Database(new, "from_15"))
    drop_database(Database(new, "from_15"))


def test_what_a_later_pg_dump_told_comes_back_to_the_older_server(stored, servers, new):
    folder, started = servers
    oldest = PostgresServer("postgres14", folder)
    started.append(oldest)
    oldest.make_database("few")
    oldest.psql(
        "CREATE TABLE t(id int PRIMARY KEY, x text);"
        "CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$BEGIN\nSET transaction_timeout = 0;\nRETURN 'x';\nEND$$;"
        "INSERT INTO t SELECT i, i FROM generate_series(1, 100) i; CREATE INDEX ON t(x)",
        "few",
    )
    environment = oldest.environment(PATH=new.environment()["PATH"])  # No other programs of 14 are installed.
    stored.json("backup", "--uri", oldest.uri("few"), env=environment)
    stored.run("restore", "latest", "--to", oldest.uri("again"), "--verify", env=environment)
    assert_equal(Database(oldest, "few"), Database(oldest, "again"), ("schema", "rows", "sequence"))
