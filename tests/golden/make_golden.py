#!/usr/bin/env python3
"""Makes the golden repositories of one format version; run once per version, never again.

usage: make_golden.py PROGRAM FOLDER [NAME...]

A golden repository is what a released program wrote. Every later program must read it: the files
are never made again for a format version that is out. Each repository gets an `expected.json` with
the SHA-256 of every snapshot's database.
"""

import json
import os
import pathlib
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))

import databases  # noqa: E402
from postgres_server import PostgresServer  # noqa: E402
from program import Program, Repository  # noqa: E402

KINDS = ("none", "keyfile", "passphrase")
# With pins, an ended pin and a record of damage; behind the dash is the encryption.
KEPT = ("kept-none", "kept-keyfile")
# Rows of PostgreSQL: columns, deltas on them, and streams that are not of tables.
ROWS = ("rows-keyfile",)
SHOP = """
CREATE TYPE state AS ENUM ('new', 'paid', 'sent');
CREATE TABLE orders(id bigserial PRIMARY KEY, uuid uuid, state state, placed timestamptz, day date, total numeric(10, 2), score float8,
  is_paid boolean, note text, tags text[], more jsonb);
INSERT INTO orders(uuid, state, placed, day, total, score, is_paid, note, tags, more)
  SELECT md5(i::text)::uuid, (ARRAY['new', 'paid', 'sent'])[i % 3 + 1]::state, '2024-01-01 UTC'::timestamptz + i * interval '97.25 s',
    '2024-01-01'::date + i % 400, i * 1.37, sqrt(i), i % 3 > 0, CASE i % 7 WHEN 0 THEN NULL WHEN 1 THEN E'a\\ttab\\nand a line' ELSE md5(i::text) END,
    ARRAY['t' || i % 5], json_build_object('n', i % 11) FROM generate_series(1, 2500) i;
CREATE TABLE days(day date NOT NULL, n int) PARTITION BY RANGE (day);
CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
INSERT INTO days SELECT '2024-01-01'::date + i, i FROM generate_series(0, 300) i;
CREATE TABLE nothing(a int);
SELECT lo_from_bytea(4711, 'a large object');
"""
CHANGES = (
    "UPDATE orders SET total = total + 1 WHERE id % 100 = 3; INSERT INTO orders(note) VALUES ('new')",
    "DELETE FROM orders WHERE id BETWEEN 100 AND 120; INSERT INTO nothing VALUES (1)",
)


def rounds(database):
    """The changes before each backup and its options: every mode and every codec."""
    yield "full", ()
    databases.change(database, seed=2, updates=3, inserts=2)
    yield "incremental", ()
    databases.change(database, seed=3, updates=3, inserts=40)
    yield "incremental", ("--compression", "gzip")
    databases.change(database, seed=4, updates=1, inserts=1)
    yield "differential", ("--compression", "none")
    yield "incremental", ()


def make(program, folder, kind):
    repository = Repository(program, folder / kind / "repository", kind).init()
    database = databases.make(folder / "golden.db", rows=300, page_size=1024)
    expected = {}
    for mode, words in rounds(database):
        taken = repository.backup(database, "--mode", mode, *words, "--tag", f"mode={mode}")
        expected[taken["snapshot"]] = databases.digest(database)
    database.unlink()
    assert repository.verify("--data")["ok"]
    (folder / kind / "expected.json").write_text(json.dumps(expected, indent=2) + "\n")


def make_kept(program, folder, name):
    """One snapshot is pinned, the pin of another has ended; a pack is damaged, and a record says so."""
    repository = Repository(program, folder / name / "repository", name.partition("-")[2]).init()
    database = databases.make(folder / "golden.db", rows=300, page_size=1024)
    expected = {}

    def take(*words):
        taken = repository.backup(database, *words)["snapshot"]
        expected[taken] = {"digest": databases.digest(database), "pinned": None}
        return taken

    first, pinned, freed = database.read_bytes(), take(), None
    (pack,) = [each for each in repository.objects() if each.startswith("packs/")]
    for seed in (2, 3):
        databases.change(database, seed=seed, updates=3, inserts=2)
        freed = take("--mode", "incremental")
    repository.run("pin", pinned, "--reason", "golden: keeps its snapshot")
    expected[pinned]["pinned"] = "golden: keeps its snapshot"
    repository.run("pin", freed, "--reason", "golden: has ended")
    repository.run("unpin", freed)
    (repository.path / pack).chmod(0o600)
    content = bytearray((repository.path / pack).read_bytes())
    content[len(content) // 2] ^= 1
    (repository.path / pack).write_bytes(content)
    # The record makes the next backup store anew what was in the pack, and that mends all snapshots.
    repository.json("repair", "--data", code=3)
    database.write_bytes(first)
    take("--mode", "full")
    database.unlink()
    (folder / name / "expected.json").write_text(
        json.dumps({"snapshots": expected, "damaged": [pack]}, indent=2) + "\n"
    )


def make_rows(program, folder, name):
    """A full backup and two incrementals of a database of PostgreSQL."""
    repository = Repository(program, folder / name / "repository", name.partition("-")[2]).init()
    server = PostgresServer("postgres17", folder / "server")
    try:
        server.make_database("shop")
        server.psql(SHOP, "shop")
        expected = {}
        for sql in ("", *CHANGES):
            server.psql(sql, "shop")
            words = ("--uri", server.uri("shop"), "--source-name", "shop")
            taken = repository.json("backup", *words, env=server.environment())["snapshot"]
            expected[taken] = rows_of(server, "shop")
    finally:
        server.stop()
        shutil.rmtree(folder / "server")
    assert repository.verify("--data")["ok"]
    (folder / name / "expected.json").write_text(json.dumps(expected, indent=2) + "\n")


def rows_of(server, database):
    """Of each table how many rows, and a hash of them; and what else there is."""
    facts = {}
    for table in ("orders", "days", "nothing"):
        query = f"SELECT count(*), md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text COLLATE \"C\"), '')) FROM {table} t"
        facts[table] = server.psql(f"SET TimeZone = 'UTC'; {query}", database)
    facts["sequence"] = server.psql("SELECT last_value FROM orders_id_seq", database)
    facts["large object"] = server.psql("SELECT encode(lo_get(4711), 'escape')", database)
    return facts


def main():
    os.environ["DB_BACKUP_PROGRAM"] = str(pathlib.Path(sys.argv[1]).resolve())
    folder = pathlib.Path(sys.argv[2]).resolve()
    for name in sys.argv[3:] or (*KINDS, *KEPT, *ROWS):
        (folder / name).mkdir(parents=True)  # Fails when it is there: golden files are never overwritten.
        with tempfile.TemporaryDirectory() as home:
            way = make if name in KINDS else make_rows if name in ROWS else make_kept
            way(Program(home), folder, name)


if __name__ == "__main__":
    main()
