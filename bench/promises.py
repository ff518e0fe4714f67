"""What db-backup promises of its speed, its sizes and its memory, and whether the numbers keep it."""

import measure

MIB = 2**20
JOBS = 2
# Name of the line; what it says; must; goal (or None); unit.
LIMITS = (
    ("full_time_sqlite", "full backup, time of `sqlite3 .backup` + `zstd -3 -T2`", 0.75, 0.6, "x"),
    ("full_time_restic", "full backup, time of restic", 0.55, None, "x"),
    ("full_stored", "full backup, size of the zstd file", 1.03, None, "x"),
    ("second_stored", "second backup, size that restic adds", 1 / 15, 1 / 25, "x"),
    ("second_time", "second backup, time of restic", 0.4, None, "x"),
    ("unchanged_time", "backup of an unchanged database", 0.3, None, "s"),
    ("unchanged_read", "backup of an unchanged database, bytes read (headers and a sample)", (64 + 512) * 1024, None, "bytes"),
    ("restore_zstd", "restore, time of `zstd -d`", 1.0, None, "x"),
    ("restore_restic", "restore, time of restic", 0.7, None, "x"),
    ("rounds_stored", "all rounds together, size of the first full", 1.25, None, "x"),
    ("rounds_restore", "restore of the last round, time of the first", 2.0, 1.3, "x"),
    ("rebased_stored", "last round alone after `prune --rebase`, size of a fresh full", 1.15, None, "x"),
    ("memory", "peak anonymous memory", (256 + 16 * JOBS) * MIB, None, "MiB"),
    ("s3_full_restic", "full backup to S3, time of restic", 1.0, None, "x"),
    ("s3_full_rclone", "full backup to S3, time of `zstd -3 -T2` into `rclone rcat`", 1.0, None, "x"),
    ("s3_restore_restic", "restore from S3, time of restic", 1.0, None, "x"),
    ("s3_full_delayed", "full backup to S3, time with 50 ms more for each answer over that without", 1.3, None, "x"),
    ("s3_second_delayed", "second backup to S3, time with 50 ms more for each answer over that without", 2.0, None, "x"),
    ("s3_second_requests", "second backup to S3, requests", 400, None, "requests"),
    ("s3_restore_requests", "restore from S3, requests", 300, None, "requests"),
    ("s3_unchanged_requests", "unchanged backup to S3, requests", 12, None, "requests"),
    ("s3_second_sent_bytes", "second backup to S3, bytes sent over what it stores", 1.1, None, "x"),
    ("s3_second_received_bytes", "second backup to S3, bytes received over what the first one stored", 1.1, None, "x"),
    ("s3_restore_bytes", "restore from S3, bytes received over what is stored", 1.1, None, "x"),
    ("s3_unchanged_bytes", "unchanged backup to S3, bytes both ways", 64 * 1024, None, "bytes"),
    ("postgres_full_time", "PostgreSQL: full backup, time of the faster of `pg_dump | zstd -3 -T2` and pgBackRest 2.45", 1.0, 0.75, "x"),
    ("postgres_full_directory", "PostgreSQL: full backup, time of `pg_dump -Fd -j2`", 0.2, None, "x"),
    ("postgres_full_stored", "PostgreSQL: full backup, size of `pg_dump | zstd -3`", 1.0, None, "x"),
    ("postgres_second_restic", "PostgreSQL: second backup, size that `pg_dump | restic` adds", 1 / 20, None, "x"),
    ("postgres_second_pgbackrest", "PostgreSQL: second backup, size that pgBackRest adds with block incremental", 1 / 12, None, "x"),
    ("postgres_unchanged_time", "PostgreSQL: backup of an unchanged database", 1.0, None, "s"),
    ("postgres_unchanged_read", "PostgreSQL: backup of an unchanged database, bytes read (the sample)", 1_000_000, None, "bytes"),
    ("postgres_restore", "PostgreSQL: restore, time of `pg_restore -j2`", 0.9, None, "x"),
    ("postgres_memory", "PostgreSQL: peak anonymous memory", (256 + 16 * JOBS) * MIB, None, "MiB"),
    ("version", "`--version`", 0.020, None, "ms"),
    ("list", "`list` of 100 snapshots", 0.100, None, "ms"),
)


def middle(result, case, rival="db-backup", field="seconds"):
    """The median of a field, or None when that was not measured."""
    samples = result["rows"].get(case, {}).get(rival)
    return measure.median([sample[field] for sample in samples]) if samples else None


def ratio(ours, theirs):
    return ours / theirs if ours is not None and theirs else None


def passed_on(result, case, field):
    return middle(result, f"{case}_passed_on", field=field)


def least(*parts):
    return None if None in parts else min(parts)


def peak(result, is_counted):
    """Of all runs of db-backup in the cases that count."""
    samples = [sample for case, rivals in result["rows"].items() if is_counted(case) for sample in rivals.get("db-backup", [])]
    return max((sample["anonymous_bytes"] for sample in samples), default=None)


def total(*parts):
    return None if None in parts else sum(parts)


def values(result):
    """The measured value of each line; None where a part of it was not measured."""
    rounds = result["rows"].get("rounds", {}).get("db-backup")
    return {
        "full_time_sqlite": ratio(middle(result, "full"), middle(result, "full", "sqlite3+zstd")),
        "full_time_restic": ratio(middle(result, "full"), middle(result, "full", "restic")),
        "full_stored": ratio(
            middle(result, "full", field="added_bytes"), middle(result, "full", "sqlite3+zstd", "added_bytes")
        ),
        "second_stored": ratio(
            middle(result, "second", field="added_bytes"), middle(result, "second", "restic", "added_bytes")
        ),
        "second_time": ratio(middle(result, "second"), middle(result, "second", "restic")),
        "unchanged_time": middle(result, "unchanged"),
        "unchanged_read": middle(result, "unchanged", field="read_bytes"),
        "restore_zstd": ratio(middle(result, "restore"), middle(result, "restore", "sqlite3+zstd")),
        "restore_restic": ratio(middle(result, "restore"), middle(result, "restore", "restic")),
        "rounds_stored": ratio(
            sum(sample["added_bytes"] for sample in rounds) if rounds else None,
            middle(result, "rounds_full", field="added_bytes"),
        ),
        "rounds_restore": ratio(middle(result, "restore_last"), middle(result, "restore_first")),
        "rebased_stored": ratio(
            middle(result, "rebase", field="left_bytes"), middle(result, "fresh_full", field="added_bytes")
        ),
        "s3_full_restic": ratio(middle(result, "s3_full"), middle(result, "s3_full", "restic")),
        "s3_full_rclone": ratio(middle(result, "s3_full"), middle(result, "s3_full", "zstd+rclone")),
        "s3_restore_restic": ratio(middle(result, "s3_restore"), middle(result, "s3_restore", "restic")),
        "s3_full_delayed": ratio(middle(result, "s3_full_delayed"), middle(result, "s3_full_passed_on")),
        "s3_second_delayed": ratio(middle(result, "s3_second_delayed"), middle(result, "s3_second_passed_on")),
        "s3_second_requests": middle(result, "s3_second", field="requests"),
        "s3_restore_requests": middle(result, "s3_restore", field="requests"),
        "s3_unchanged_requests": middle(result, "s3_unchanged", field="requests"),
        "s3_second_sent_bytes": ratio(passed_on(result, "s3_second", "sent_bytes"), passed_on(result, "s3_second", "added_bytes")),
        "s3_second_received_bytes": ratio(
            passed_on(result, "s3_second", "received_bytes"), passed_on(result, "s3_second", "held_bytes")
        ),
        "s3_restore_bytes": ratio(passed_on(result, "s3_restore", "received_bytes"), passed_on(result, "s3_restore", "stored_bytes")),
        "s3_unchanged_bytes": total(
            passed_on(result, "s3_unchanged", "sent_bytes"), passed_on(result, "s3_unchanged", "received_bytes")
        ),
        **postgres_values(result),
        "memory": peak(result, lambda case: not case.startswith("postgres_")),
        "version": middle(result, "version"),
        "list": middle(result, "list"),
    }


def postgres_values(result):
    full, second = middle(result, "postgres_full"), middle(result, "postgres_second", field="added_bytes")
    return {
        "postgres_full_time": ratio(
            full, least(middle(result, "postgres_full", "pg_dump+zstd"), middle(result, "postgres_full", "pgBackRest 2.45"))
        ),
        "postgres_full_directory": ratio(full, middle(result, "postgres_full", "pg_dump -Fd")),
        "postgres_full_stored": ratio(
            middle(result, "postgres_full", field="added_bytes"), middle(result, "postgres_full", "pg_dump+zstd", "added_bytes")
        ),
        "postgres_second_restic": ratio(second, middle(result, "postgres_second", "pg_dump+restic", "added_bytes")),
        "postgres_second_pgbackrest": ratio(second, middle(result, "postgres_second", "pgBackRest blocks", "added_bytes")),
        "postgres_unchanged_time": middle(result, "postgres_unchanged"),
        "postgres_unchanged_read": middle(result, "postgres_unchanged", field="read_bytes"),
        "postgres_restore": ratio(middle(result, "postgres_restore"), middle(result, "postgres_restore", "pg_dump -Fd")),
        "postgres_memory": peak(result, lambda case: case.startswith("postgres_")),
    }


def check(result):
    """One line for each promise: its value, and whether it is kept. An unmeasured one is not."""
    measured = values(result)
    lines = []
    for name, text, must, goal, unit in LIMITS:
        value = measured[name]
        lines.append({
            "name": name, "text": text, "value": value, "must": must, "goal": goal, "unit": unit,
            "kept": value is not None and value <= must,
            "goal_met": value is not None and value <= (must if goal is None else goal),
        })
    return lines
