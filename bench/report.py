"""Shows what was measured: as text, and as pages of the documentation with their plots."""

import pathlib

import plots
import promises

CASES = (
    ("full", "full backup"),
    ("second", "second backup, 1 % updated and 1 % appended"),
    ("unchanged", "backup of the unchanged database"),
    ("restore", "restore"),
    ("rounds_full", "full backup before the rounds"),
    ("rounds", "backup in the rounds (median of all)"),
    ("restore_first", "restore of the first"),
    ("restore_last", "restore after all rounds"),
    ("prune", "keep the last of all rounds, free the rest"),
    ("rebase", "prune --rebase after that"),
    ("restore_pruned", "restore after that"),
    ("fresh_full", "full backup of the same database, for comparison"),
    ("s3_full", "full backup to S3"),
    ("s3_full_passed_on", "full backup to S3 through a proxy"),
    ("s3_full_delayed", "the same, each answer 50 ms later"),
    ("s3_second", "second backup to S3"),
    ("s3_second_passed_on", "second backup to S3 through a proxy"),
    ("s3_second_delayed", "the same, each answer 50 ms later"),
    ("s3_unchanged", "unchanged backup to S3"),
    ("s3_unchanged_passed_on", "unchanged backup to S3 through a proxy"),
    ("s3_unchanged_delayed", "the same, each answer 50 ms later"),
    ("s3_restore", "restore from S3"),
    ("s3_restore_passed_on", "restore from S3 through a proxy"),
    ("s3_restore_delayed", "the same, each answer 50 ms later"),
    ("postgres_full", "full backup of PostgreSQL"),
    ("postgres_second", "second backup of PostgreSQL, 1 % updated and 1 % appended"),
    ("postgres_unchanged", "backup of the unchanged PostgreSQL"),
    ("postgres_restore", "restore into PostgreSQL"),
    ("version", "--version"),
    ("list", "list of 100 snapshots"),
)
MIB = 2**20


def spelled(value, unit):
    if value is None:
        return "not measured"
    scaled = {"MiB": value / MIB, "ms": value * 1000}.get(unit, value)
    digits = {"x": 3, "s": 3, "ms": 1}.get(unit, 0)
    return f"{scaled:,.{digits}f}" + ("" if unit == "x" else f" {unit}")


def columns(rows):
    """Aligns rows of words; the first column to the left, the others to the right."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return "\n".join(
        "  ".join(word.ljust(width) if at == 0 else word.rjust(width) for at, (word, width) in enumerate(zip(row, widths))).rstrip()
        for row in rows
    )


def measured_rows(result):
    """Header and one row of words for each case and rival."""
    has_requests = any("requests" in rows[0] for rivals in result["rows"].values() for rows in rivals.values())
    rows = [("case", "program", "time", "CPU time", "requests" if has_requests else "rate", "stored", "memory")]
    for case, text in CASES:
        for rival in result["rows"].get(case, {}):
            first = result["rows"][case][rival][0]
            # What a backup added, or what a prune left.
            field = next((field for field in ("added_bytes", "left_bytes") if field in first), None)
            stored = promises.middle(result, case, rival, field) if field else None
            rate = promises.middle(result, case, rival, "bytes_per_second") if "bytes_per_second" in first else None
            requests = promises.middle(result, case, rival, "requests") if "requests" in first else None
            rows.append((
                text, rival,
                spelled(promises.middle(result, case, rival), "s" if case not in ("version", "list") else "ms"),
                spelled(promises.middle(result, case, rival, "cpu_seconds"), "s"),
                f"{rate / 1e6:,.0f} MB/s" if rate is not None else f"{requests:,.0f}" if requests is not None else "",
                f"{stored / 1e6:,.2f} MB" if stored is not None else "",
                f"{promises.middle(result, case, rival, 'anonymous_bytes') / MIB:,.0f} MiB",
            ))
    return rows


def promise_rows(result):
    rows = [("promise", "value", "must", "goal", "")]
    for line in result["promises"]:
        goal = spelled(line["goal"], line["unit"]) if line["goal"] is not None else ""
        verdict = ("not measured" if line["value"] is None else "FAILED" if not line["kept"]
                   else "goal met" if line["goal"] is not None and line["goal_met"] else "kept")
        rows.append((line["text"], spelled(line["value"], line["unit"]), spelled(line["must"], line["unit"]), goal, verdict))
    return rows


def databases(result):
    """What was backed up."""
    facts, cases = result["facts"], result["rows"]
    found = []
    if "database_bytes" in facts and any(not case.startswith("postgres_") for case in cases):
        found.append(f"SQLite database of {facts['database_bytes'] / 1e6:,.0f} MB")
    if "postgres_bytes" in facts and any(case.startswith("postgres_") for case in cases):
        found.append(f"PostgreSQL database of {facts['postgres_bytes'] / 1e6:,.0f} MB with its indexes")
    return ", ".join(found) or "small databases"


def conditions(result):
    """Lines on where and with what it was measured."""
    machine = result["machine"]
    measured = {name for rivals in result["rows"].values() for name in rivals}
    lines = [
        f"{result['time']}, {machine['cpus']} CPUs ({machine['model']}), {machine['file_system']}, "
        f"Linux {machine['kernel']}, load {machine['load_at_start']:.1f} at the start",
        f"{databases(result)}, medians of {result['runs']}" + (f", {result['rounds']} rounds" if "rounds" in result["rows"] else ""),
        "versions: " + "; ".join(version for name, version in result["versions"].items() if name in measured),
    ]
    return lines + [f"not measured: {line}" for line in result["not_measured"]]


def text(result):
    return "\n\n".join(["\n".join(conditions(result)), columns(measured_rows(result)), columns(promise_rows(result))])


def table(rows):
    rows = [[word.replace("|", "\\|") for word in row] for row in rows]
    lines = ["| " + " | ".join(rows[0]) + " |", "|---" * len(rows[0]) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows[1:]])


PAGE = """# Benchmarks

`bench/run` measures db-backup against other programs on the same files, side by side. Renew this page with
`bench/run --build build/release --docs`. Pages of their own: [an object store](benchmarks-s3.md),
[PostgreSQL](benchmarks-postgres.md).

{conditions}

![times and sizes](benchmarks/latest.svg)

## What is promised

"x" lines are ratios: db-backup's number over the other one.

{promises}

## What was measured

{measured}

## How

- **Data.** `bench/orders_data.py`: a shop's database with integers, words, prices, JSON and five indexes; everything
  follows from a seed. Compressed by `zstd -3` about 0.37 of it remains. The change updates 1 % of the orders at random
  places and appends 1 %, which touches a quarter of the pages.
- **Fair.** Every program gets the same file, read into the page cache before. Runs are interleaved (A B C A B C ...),
  so that noise hits all alike; every number is a median. Before each run, what is still dirty is put on the disk.
- **Durable.** A time ends when all that the program wrote is on the disk: `fsync` of its whole output is part of it.
- **Right.** Everything that was restored is compared with its source by SHA-256; a difference ends the benchmark.
- **Settings.** db-backup: local repository, AES-256-GCM, key file, defaults. restic: defaults (encrypted, compression
  `auto`). borg: `repokey-blake2`, `zstd,3`. `sqlite3 .backup` and then `zstd -3 -T2` are one time; that file is not
  encrypted. restic and borg read the file while nobody writes; only db-backup and `sqlite3 .backup` may run beside writers.
- **Rate** of a prune: what the repository held before, by the time.
- **Memory** is the greatest `RssAnon` of a process and its children, sampled every 20 ms.
"""


S3_PAGE = """# Benchmarks on an object store

`bench/run` also measures through one server that speaks S3. Renew this page with
`bench/run --build build/release --only s3 --docs`. The other page is [benchmarks](benchmarks.md), which says how.

{conditions}

![times and sizes](benchmarks/s3.svg)

## What is promised

"x" lines are ratios: db-backup's number over the other one.

{promises}

## What was measured

{measured}

- **The server** is versitygw on the same machine, through the loopback; it and its disk work for all alike. toxiproxy makes each answer
  50 ms later where that is said; the promise of it compares with the same proxy without the delay.
- **zstd+rclone** is `zstd -3 -T2 -c shop.db | rclone rcat`: it reads the file without a consistent view, and does not encrypt.
- **Requests** are those that the server logged; **bytes** are those that the proxy passed on, headers and all.
"""


POSTGRES_PAGE = """# Benchmarks of PostgreSQL

`bench/run` also measures on a real server. Renew this page with `bench/run --build build/release --only postgres --docs`.
The other page is [benchmarks](benchmarks.md), which says how.

{conditions}

![times and sizes](benchmarks/postgres.svg)

## What is promised

"x" lines are ratios: db-backup's number over the other one.

{promises}

## What was measured

{measured}

## How

- **Data.** `bench/postgres_data.py`: half is what `pgbench -i` makes, half is documents (text, JSON, numbers, dates, UUIDs)
  and events, with their indexes; everything follows from a seed. The change updates 1 % of the rows of each table all over
  it and appends 1 %; then every row is read once, as users do.
- **The server** is PostgreSQL 17 on the same machine, through the loopback, with `fsync` and `summarize_wal` on; it and its disk
  work for all alike. Before each run it makes a checkpoint. Its autovacuum is off: it would come at any time.
- **Durable.** A backup ends when its output is on the disk, a restore when the server has made a checkpoint after it.
- **Right.** Rows of every table that was restored are compared with the source; a difference ends the benchmark.
- **Settings.** db-backup: two jobs, local repository, AES-256-GCM, key file. restic encrypts, too; the others do not.
  `pg_dump+zstd` is `pg_dump | zstd -3 -T2`, restored by `psql`; `pg_dump+restic` is `pg_dump | restic backup --stdin`;
  `pg_dump -Fd` has its own gzip and `-j2`, and is restored by `pg_restore -j2`.
- **pgBackRest** runs with `process-max=2` and `compress-type=zst`, `blocks` with `repo-bundle` and `repo-block` as well. It copies the files of the
  whole server and restores them into an empty folder; archiving the server's log and replaying it is no part of its times. 2.45, that of
  Debian 12, knows no server later than 15, so it has one with the same rows.
- **Memory** is that of the client and its children, not of the server.
"""


def page_of(name):
    """Which page a case or a promise is on."""
    return next((page for page in ("s3", "postgres") if name.startswith(f"{page}_")), "local")


def write_docs(result, docs):
    docs = pathlib.Path(docs)
    parts = {
        page: {
            **result,
            "rows": {case: rows for case, rows in result["rows"].items() if page_of(case) == page},
            "promises": [line for line in result["promises"] if page_of(line["name"]) == page],
        }
        for page in ("local", "s3", "postgres")
    }
    if parts["local"]["rows"]:
        write_page(docs / "benchmarks.md", PAGE, parts["local"])
    if parts["s3"]["rows"]:
        write_page(docs / "benchmarks-s3.md", S3_PAGE, parts["s3"])
    if parts["postgres"]["rows"]:
        write_page(docs / "benchmarks-postgres.md", POSTGRES_PAGE, parts["postgres"])
    plots.write(docs)


def write_page(path, page, result):
    path.write_text(page.format(
        conditions="\n".join(f"- {line}" for line in conditions(result)),
        promises=table(promise_rows(result)),
        measured=table(measured_rows(result)),
    ))
