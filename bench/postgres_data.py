"""Makes and changes the PostgreSQL database that the benchmark runs on, by SQL in the server.

Half of it is what `pgbench -i` makes, which compresses very well; half is mixed: documents with text, JSON, numbers,
dates and UUIDs, and narrow rows of events. All of that follows from a seed, on every version of the server.
"""

import random

SYLLABLES = [f"{first}{second}" for first in "bdfgklmnprst" for second in ("a", "e", "i", "o", "u", "an", "er")]
WORD_BITS = 15
# What these take with their indexes.
SCALE_BYTES, DOCUMENT_BYTES, EVENT_BYTES = 15_700_000, 1016, 121
DOCUMENTS_SHARE = 0.8  # of what is not of pgbench
TABLES = ("documents", "events", "pgbench_accounts")

SCHEMA = """
CREATE TABLE documents (
    id bigint PRIMARY KEY, key uuid NOT NULL, title text NOT NULL, body text NOT NULL, attributes jsonb NOT NULL,
    price numeric(12, 2), rating double precision, made timestamptz NOT NULL, due date, tags text[], digest bytea NOT NULL);
CREATE TABLE events (
    id bigint PRIMARY KEY, document bigint NOT NULL, kind text NOT NULL, quantity integer NOT NULL, amount numeric(10, 2),
    at timestamptz NOT NULL);
"""
INDEXES = "CREATE INDEX ON documents (made); CREATE UNIQUE INDEX ON documents (key); CREATE INDEX ON events (at);"


def vocabulary(seed):
    """A constant of the server's: of `name`, whose values have one length, since any of an array of texts is searched for."""
    made = random.Random(seed)
    words = ["".join(made.choices(SYLLABLES, k=made.choice((1, 2, 2, 3, 3, 4)))) for _ in range(2**WORD_BITS)]
    return f"'{{{','.join(words)}}}'::name[]"


def word(number):
    """The more common a word, the lower its place: a product of two even numbers is not even."""
    mask = 2**WORD_BITS - 1
    return f"(vocabulary.words)[1 + ((({number}) & {mask}) * ((({number}) >> {WORD_BITS}) & {mask}) >> {WORD_BITS})]"


def text(count, seed):
    """So many words for the row of number `i`."""
    one = word("hashint8extended(i * 256 + k, {})".format(seed))
    return f"(SELECT string_agg({one}, ' ') FROM generate_series(1, {count}) AS k)"


def documents(first, last, seed):
    return f"""
INSERT INTO documents
SELECT i, md5('{seed}:' || i)::uuid, initcap({text("3 + h % 5", seed)}), {text("10 + (h >> 8) % 90", seed + 1)},
    jsonb_build_object('customer', g % 100000, 'state', (ARRAY['new', 'paid', 'sent', 'returned'])[1 + (g >> 20) % 4],
        'gift', g % 7 = 0, 'weight', round((g % 90000) / 1000.0, 3), 'sizes', jsonb_build_array(h % 50, g % 50, (h + g) % 50),
        'session', md5('s{seed}:' || i)::uuid, 'token', encode(sha256(('t{seed}:' || i)::bytea), 'base64'),
        'address', jsonb_build_object('street', {word("g >> 4")} || ' ' || h % 200, 'city', {word("h >> 5")}, 'zip', g % 90000 + 10000)),
    (h % 1000000) / 100.0, sqrt(g % 1000003), '2020-01-01 00:00:00+00'::timestamptz + make_interval(secs => i * 60 + g % 3600),
    CASE WHEN h % 4 > 0 THEN '2020-01-01'::date + (g % 3000)::int END, ARRAY[{word("h >> 9")}, {word("g >> 11")}]::text[],
    sha256(('d{seed}:' || i)::bytea)
FROM generate_series({first}, {last}) AS i,
    LATERAL (SELECT hashint8extended(i, {seed}) & 1152921504606846975 AS h, hashint8extended(i, {seed} + 1) & 1152921504606846975 AS g) AS numbers,
    LATERAL (SELECT {vocabulary(1)} AS words) AS vocabulary;
"""


def events(first, last, seed):
    return f"""
INSERT INTO events
SELECT i, h % 1000000, (ARRAY['view', 'search', 'basket', 'order', 'refund'])[1 + (h >> 24) % 5], 1 + (h >> 30) % 20,
    ((h >> 8) % 100000) / 100.0, '2020-01-01 00:00:00+00'::timestamptz + make_interval(secs => i * 5 + h % 60)
FROM generate_series({first}, {last}) AS i, LATERAL (SELECT hashint8extended(i, {seed}) & 1152921504606846975 AS h) AS numbers;
"""


def make(server, database, megabytes, seed=1):
    """With indexes it takes about `megabytes` (of 10^6 bytes)."""
    half = megabytes * 1e6 / 2
    server.make_database(database)
    scale = max(1, round(half / SCALE_BYTES))
    server.call("pgbench", "-i", "-q", "-I", "dtGp", "-s", scale, server.uri(database))
    document_count = round(half * DOCUMENTS_SHARE / DOCUMENT_BYTES)
    event_count = round(half * (1 - DOCUMENTS_SHARE) / EVENT_BYTES)
    filled = SCHEMA + documents(1, document_count, seed) + events(1, event_count, seed)
    server.psql(f"SET max_parallel_workers_per_gather = 0; {filled} {INDEXES} VACUUM (ANALYZE);", database)


def change(server, database, seed):
    """Updates 1 % of the rows of each table, all over it, and appends 1 %."""
    counts = {table: int(server.psql(f"SELECT count(*) FROM {table}", database)) for table in TABLES}
    some = "hashint8extended({}, " + str(seed) + ") % 100 = 0"
    server.psql(
        f"""
UPDATE documents SET price = price + 1, attributes = attributes || jsonb_build_object('state', 'changed', 'by', {seed}) WHERE {some.format("id")};
UPDATE events SET quantity = quantity + 1, kind = 'changed' WHERE {some.format("id")};
UPDATE pgbench_accounts SET abalance = abalance + aid % 5000 WHERE {some.format("aid")};
{documents(*new_rows(counts["documents"]), seed)} {events(*new_rows(counts["events"]), seed)}
INSERT INTO pgbench_accounts SELECT aid, 1, aid % 5000, '' FROM generate_series({", ".join(map(str, new_rows(counts["pgbench_accounts"])))}) AS aid;
""",
        database,
    )  # fmt: skip


def new_rows(count):
    """Their first and last number; numbers began at 1 and none is missing."""
    return count + 1, count + count // 100


def warm(server, database):
    """Reads all rows once, as users do through the day: what the first reader would do to the changed pages is done."""
    scans = "".join(f"SELECT count(*) FROM {table};" for table in TABLES)
    server.psql(f"SET enable_indexscan = off; SET enable_indexonlyscan = off; {scans} CHECKPOINT;", database)
