"""`show --tables` tells what SQLite itself counts in the original, and how it grew since the parent.

Method: the virtual table dbstat of the source beside the program's answer, for a full snapshot, an incremental
one and several databases; then chunks are damaged.
"""

import shutil
import sqlite3

import pytest

import databases
from databases import opened
from test_output import assert_fits
from test_tables import make_odd, fill


def counted(path):
    """Bytes of each table and index, as SQLite counts them."""
    with opened(f"file:{path}?mode=ro", uri=True) as database:
        try:
            return dict(database.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"))
        except sqlite3.OperationalError:
            pytest.skip("this SQLite has no dbstat")


def rows_of(path, table):
    with opened(f"file:{path}?mode=ro", uri=True) as database:
        return database.execute(f"SELECT count(*) FROM {databases.quoted(table)}").fetchone()[0]


def tables(repository, *words, snapshot="latest", **options):
    shown = repository.json("show", snapshot, "--tables", *words, **options)
    assert_fits(shown, "show")
    return {table["table"]: table for table in shown["tables"]}


def assert_as_counted(told, sizes, path):
    """Nothing is missing, and nothing is told twice."""
    seen = {}
    for name, table in told.items():
        if table["change"] == "gone":
            continue
        seen[name] = table["bytes"] - table["bytes_indexes"]
        seen.update({index["name"]: index["bytes"] for index in table["indexes"]})
        if table["rows"] is not None:
            assert table["rows"] == rows_of(path, name), name
    assert {name: size for name, size in seen.items() if size} == sizes


def test_sizes_and_growth_are_those_of_the_source(quick_repository, folder):
    repository, source = quick_repository, make_odd(folder / "odd.db", rows=1500)
    with opened(source) as database:
        database.execute("CREATE TABLE leaves(a)")
        database.executemany("INSERT INTO leaves VALUES(?)", [(b"x" * 5000,)] * 20)
    first = repository.backup(source)["snapshot"]
    before = counted(source)
    told_before = tables(repository)
    assert_as_counted(told_before, before, source)
    assert {table["change"] for table in told_before.values()} == {"unknown"}

    fill(source, 2, rows=600)
    with opened(source) as database:
        database.execute("DROP TABLE leaves")
        database.execute('CREATE TABLE "new\n\'one"(a PRIMARY KEY)')
        database.execute("DELETE FROM numbered WHERE rowid % 10 <> 0")
        database.execute("VACUUM")
    assert repository.backup(source)["parent"] == first
    told = tables(repository)
    assert_as_counted(told, counted(source), source)
    assert told["leaves"]["change"] == "gone" and told["leaves"]["bytes"] == 0
    assert told["leaves"]["bytes_parent"] == told_before["leaves"]["bytes"] == before["leaves"]
    assert told["leaves"]["rows_parent"] == 20
    assert told['new\n\'one']["change"] == "new" and told['new\n\'one']["bytes_parent"] is None
    for name, table in told.items():
        if table["change"] == "kept":
            assert table["bytes_parent"] == told_before[name]["bytes"], name
            assert table["rows_parent"] == told_before[name]["rows"], name
    assert told["log"]["bytes"] > told["log"]["bytes_parent"]
    assert told["numbered"]["bytes"] < told["numbered"]["bytes_parent"]

    lines = repository.run("show", "latest", "--tables").stdout.splitlines()
    line = {words[0]: words for words in map(str.split, lines) if words}
    assert "gone," in line["leaves"] and "shadow" in line["words_data"]
    assert line["numbered"][4].startswith("-") and line["log"][4].startswith("+")
    assert any("new" in words and "table" in words for words in line.values())


def test_an_unchanged_database_is_not_read_twice(plain_repository, database):
    plain_repository.backup(database)
    once = plain_repository.run("show", "latest", "--tables", "-v")
    plain_repository.backup(database)
    again = plain_repository.run("show", "latest", "--tables", "-v")
    fetched = [[word for word in each.stderr.split() if word.startswith("bytes_fetched=")] for each in (once, again)]
    assert fetched[0] == fetched[1] != [], again
    assert {table["bytes"] - table["bytes_parent"] for table in tables(plain_repository).values()} == {0}


def test_patterns_choose_tables_and_databases(plain_repository, folder):
    place = folder / "shop"
    place.mkdir()
    for number, name in enumerate(("cart.db", "orders.sqlite", "users")):
        databases.make(place / name, rows=100 + 200 * number, seed=number)
    plain_repository.json("backup", "--type", "sqlite", "--all", place)

    def chosen(*words):
        shown = plain_repository.json("show", "latest", "--tables", *words)
        return [(table["stream"], table["table"]) for table in shown["tables"]]

    every = [(name, table) for name in ("cart.db", "orders.sqlite", "users") for table in ("sqlite_schema", "t", "notes")]
    assert chosen() == every
    assert chosen("--include", "users") == every[6:]
    assert chosen("--include", "cart.db.T", "--include", "users.notes") == [("cart.db", "t"), ("users", "notes")]
    assert chosen("--exclude", "sqlite_*", "--exclude", "users") == [each for each in every[:6] if each[1][0] != "s"]
    shown = plain_repository.json("show", "latest", "--tables")["tables"]
    for name in ("cart.db", "orders.sqlite", "users"):
        told = {table["table"]: table for table in shown if table["stream"] == name}
        assert_as_counted(told, counted(place / name), place / name)
    assert "DATABASE" in plain_repository.run("show", "latest", "--tables").stdout

    (place / "users").unlink()
    plain_repository.json("backup", "--type", "sqlite", "--all", place)
    shown = plain_repository.json("show", "latest", "--tables")["tables"]
    assert [table["table"] for table in shown if table["change"] == "gone"] == ["sqlite_schema", "t", "notes"]

    error = plain_repository.json("show", "latest", "--tables", "--include", "ordres", code=2)["error"]
    assert error["code"] == "selection_matches_nothing" and "ordres" in error["message"]
    error = plain_repository.json("show", "latest", "--include", "t", code=2)["error"]
    assert error["code"] == "usage" and "--tables" in error["hint"]


def test_what_damage_hides_is_named_and_the_rest_is_told(plain_repository, folder):
    place = folder / "shop"
    place.mkdir()
    # Pages that do not compress, and more of them than a chunk has.
    for name in ("good.db", "bad.db"):
        with opened(place / name) as database:
            database.execute("CREATE TABLE early(a)")
            database.execute("CREATE TABLE late(a)")
            database.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<2000) "
                             "INSERT INTO late SELECT randomblob(3000) FROM n")
    # What is lost of this one is found in the packs of its own snapshot.
    plain_repository.json("backup", "--type", "sqlite", "--database", place / "good.db")
    held = set(plain_repository.objects())
    snapshot = plain_repository.json("backup", "--type", "sqlite", "--all", place)["snapshot"]
    packs = [name for name in plain_repository.objects() if name.startswith("packs/") and name not in held]
    assert packs
    largest = plain_repository.path / max(packs, key=lambda name: (plain_repository.path / name).stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) * 3 // 8] ^= 1  # bad.db comes first; its first pages are well before that.
    largest.chmod(0o600)
    largest.write_bytes(content)

    result = plain_repository.run("show", snapshot, "--tables", "--json", code=13)
    assert_fits(result.json, "show")
    assert "'late' of 'bad.db' cannot be told" in result.stderr and largest.name in result.stderr
    told = {(table["stream"], table["table"]): table for table in result.json["tables"]}
    assert told["bad.db", "late"]["bytes"] is None and largest.name in told["bad.db", "late"]["problem"]
    for key in (("good.db", "late"), ("good.db", "early"), ("bad.db", "early")):
        assert told[key]["problem"] is None and told[key]["bytes"] == counted(place / key[0])[key[1]]
    assert "?" in plain_repository.run("show", snapshot, "--tables", code=13).stdout
    # Without its first page nothing is known of a database, but all of the other one.
    for name in packs:
        (plain_repository.path / name).unlink()
    result = plain_repository.run("show", snapshot, "--tables", "--json", code=13)
    assert "the tables of 'bad.db' cannot be told" in result.stderr
    assert {table["stream"] for table in result.json["tables"]} == {"good.db"}


def test_a_snapshot_of_which_nothing_can_be_told_is_an_error(plain_repository, database):
    plain_repository.backup(database)
    shutil.rmtree(plain_repository.path / "packs")
    error = plain_repository.json("show", "latest", "--tables", code=13)["error"]
    assert "pack" in error["message"]
    plain_repository.run("show", "latest")
