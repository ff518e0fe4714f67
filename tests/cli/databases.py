"""Small real SQLite databases, and what it means that two of them are equal."""

import contextlib
import hashlib
import pathlib
import random
import sqlite3
import time

SETTLED_S = 0.15  # The program waits for ten ticks of the slowest kernel clock, 100 ms.


@contextlib.contextmanager
def opened(path, **options):
    """A connection in autocommit mode that is really closed at the end."""
    database = sqlite3.connect(path, isolation_level=None, timeout=60, **options)
    try:
        yield database
    finally:
        database.close()


def make(path, rows=500, seed=1, page_size=4096, journal="delete", auto_vacuum=0):
    """Makes a database of about 100 bytes a row: table t with an index, and table notes."""
    rng = random.Random(seed)
    with opened(path) as database:
        database.execute(f"PRAGMA page_size={page_size}")
        database.execute(f"PRAGMA auto_vacuum={auto_vacuum}")
        database.execute(f"PRAGMA journal_mode={journal}")
        database.execute("BEGIN")
        database.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, number INTEGER, text TEXT, data BLOB)")
        database.execute("CREATE TABLE notes(id INTEGER PRIMARY KEY, note TEXT)")
        database.execute("CREATE INDEX t_number ON t(number)")
        add_rows(database, rng, rows)
        database.execute("COMMIT")
    return pathlib.Path(path)


def settle(path):
    """Waits until a later write would get a later timestamp: only then do timestamps prove anything."""
    path = pathlib.Path(path)
    for file in (path, path.with_name(path.name + "-wal")):
        if file.exists():
            time.sleep(max(0.0, file.stat().st_ctime + SETTLED_S - time.time()))


def add_rows(database, rng, rows):
    words = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta")
    database.executemany(
        "INSERT INTO t(number, text, data) VALUES(?, ?, ?)",
        ((rng.randrange(10**6), " ".join(rng.choices(words, k=6)), rng.randbytes(40)) for _ in range(rows)),
    )


def change(path, seed=2, updates=5, inserts=5):
    """Updates some rows at random places and appends some."""
    rng = random.Random(seed)
    with opened(path) as database:
        database.execute("BEGIN")
        rows = database.execute("SELECT count(*) FROM t").fetchone()[0]
        for number in rng.sample(range(1, rows + 1), min(updates, rows)):
            database.execute("UPDATE t SET number=?, data=? WHERE id=?", (rng.randrange(10**6), rng.randbytes(40), number))
        add_rows(database, rng, inserts)
        database.execute("INSERT INTO notes(note) VALUES(?)", (f"changed by seed {seed}",))
        database.execute("COMMIT")


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def content(path):
    """Returns everything that SQL shows of a database: schema, settings and the rows of all tables."""
    with opened(f"file:{pathlib.Path(path)}?mode=ro", uri=True) as database:
        found = {
            "schema": database.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY 1, 2").fetchall(),
            "settings": [
                database.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_size", "auto_vacuum", "encoding", "user_version", "application_id")
            ],
            "check": [row[0] for row in database.execute("PRAGMA integrity_check")],
        }
        for kind, name, _, sql in list(found["schema"]):
            if kind == "table" and not (sql or "").upper().startswith("CREATE VIRTUAL"):
                found[name] = sorted(map(repr, database.execute(f"SELECT * FROM {quoted(name)}")))
        return found


def assert_equal(expected, path):
    """`expected`: what content() gave for the original; `path`: the restored database."""
    found = content(path)
    assert found["check"] == ["ok"], f"{path}: integrity_check says {found['check'][:5]}"
    assert found == expected, f"{path} differs in {[key for key in expected if found.get(key) != expected[key]]}"


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
