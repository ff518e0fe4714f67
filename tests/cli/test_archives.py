"""Archives: ordinary files that standard tools open without the program, and that it restores.

Method: each kind is made of a live database and of a snapshot, opened by the tool that people have for it,
compared byte by byte with the database, restored, and damaged.
"""

import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import time
import zipfile

import pytest

import databases
from program import wait_until_heard

SUFFIXES = {"none": ".sqlite", "gzip": ".sqlite.gz", "zstd": ".sqlite.zst", "zip": ".zip"}
KINDS = tuple(SUFFIXES)


def unpacked(archive, kind, name="sqlite-shop.sqlite"):
    """The database in an archive, as the tool that everybody has gives it."""
    command = {
        "none": ["cat", archive],
        "gzip": ["gunzip", "-c", archive],
        "zstd": ["zstd", "-qdc", archive],
        "zip": ["unzip", "-p", archive, name],
    }[kind]
    return subprocess.run(list(map(str, command)), check=True, capture_output=True).stdout


def check_sum(archive):
    """sha256sum finds the archive to be what the file beside it says."""
    subprocess.run(["sha256sum", "-c", "--status", archive.name + ".sha256"], cwd=archive.parent, check=True)


def leftovers(folder):
    return sorted(path.name for path in folder.iterdir() if "db-backup" in path.name or path.name.startswith("."))


@pytest.fixture
def snapshot(plain_repository, database):
    plain_repository.backup(database)
    return plain_repository


@pytest.mark.parametrize("kind", KINDS)
def test_standard_tools_open_an_export(snapshot, folder, database, kind):
    archive = folder / ("out" + SUFFIXES[kind])
    document = snapshot.json("export", "latest", "-o", archive)
    assert unpacked(archive, kind) == database.read_bytes()
    check_sum(archive)
    assert archive.stat().st_mode & 0o777 == 0o600
    told = document["archive"]
    assert told["compression"] == kind and told["output"] == str(archive)
    assert told["bytes"] == archive.stat().st_size and told["sha256"] == databases.digest(archive)
    assert told["checksum_file"] == f"{archive}.sha256"
    assert told["databases"][0]["sha256"] == databases.digest(database)
    assert document["bytes_source"] == database.stat().st_size


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_needs_no_repository_and_comes_back(program, folder, database, kind):
    archive = folder / ("out" + SUFFIXES[kind])
    document = program.json(
        "backup", "--type", "sqlite", "--database", database, "--format", "archive", "--compression", kind, "-o", archive
    )
    assert document["snapshot"] is None and document["repository"] is None and document["mode"] == "full"
    assert document["bytes_added"] == document["archive"]["bytes"] == archive.stat().st_size
    assert unpacked(archive, kind) == database.read_bytes()
    check_sum(archive)
    restored = program.json("restore", archive, "--to", folder / "restored.db", "--verify")
    assert restored["verified"] and restored["archive"]["checksum_verified"]
    assert restored["archive"]["kind"] == {"none": "SQLite file"}.get(kind, kind)
    assert (folder / "restored.db").read_bytes() == database.read_bytes()
    assert not (program.folder / "home" / ".local" / "share" / "db-backup").exists()
    assert leftovers(folder) == []


def test_a_live_database_in_wal_mode_is_archived_with_its_log(program, folder):
    database = databases.make(folder / "shop.db", journal="wal")
    with databases.opened(database) as writer:
        writer.execute("INSERT INTO notes(note) VALUES('only in the log')")
        assert (folder / "shop.db-wal").stat().st_size > 0
        program.run(
            "backup", "--type", "sqlite", "--database", database, "--format", "archive", "-o", folder / "out.sqlite.gz"
        )
        # The database itself is no archive while part of it is in its log.
        result = program.run("restore", database, "--to", folder / "wrong.db", "--json", code=2)
        assert result.error["code"] == "archive_in_use"
        # Nor is a link to it, beside which no log lies.
        (folder / "links").mkdir()
        (folder / "links" / "link.db").symlink_to(database)
        result = program.run("restore", folder / "links" / "link.db", "--to", folder / "wrong.db", "--json", code=2)
        assert result.error["code"] == "archive_in_use" and not (folder / "wrong.db").exists()
    program.run("restore", folder / "out.sqlite.gz", "--to", folder / "restored.db")
    databases.assert_equal(databases.content(database), folder / "restored.db")


def test_the_type_is_taken_from_the_content(program, snapshot, folder, database):
    for number, kind in enumerate(KINDS):
        archive = folder / f"odd{number}.bin"
        snapshot.run("export", "latest", "-o", archive, "--compression", kind)
        (folder / f"odd{number}.bin.sha256").unlink()
        restored = program.json("restore", archive, "--to", folder / f"restored{number}.db")
        assert not restored["archive"]["checksum_verified"]
        assert (folder / f"restored{number}.db").read_bytes() == database.read_bytes()


def test_what_other_tools_packed_is_restored_too(program, folder, database):
    for command in (
        f"gzip -c {database} > {folder}/other.gz",
        f"(head -c 5000 {database} | gzip -c; tail -c +5001 {database} | gzip -c) > {folder}/members.gz",
        f"(head -c 5000 {database} | zstd -qc; tail -c +5001 {database} | zstd -qc) > {folder}/frames.zst",
    ):
        subprocess.run(command, shell=True, check=True)
    for number, name in enumerate(("other.gz", "members.gz", "frames.zst", "shop.db")):
        program.run("restore", folder / name, "--to", folder / f"restored{number}.db", "--verify")
        assert (folder / f"restored{number}.db").read_bytes() == database.read_bytes()
    # A zip of ours that was unpacked and packed again.
    program.run("backup", "--type", "sqlite", "--database", database, "--format", "archive", "-o", folder / "a.zip")
    subprocess.run("mkdir z && cd z && unzip -q ../a.zip && zip -q ../b.zip *", shell=True, check=True, cwd=folder)
    program.run("restore", folder / "b.zip", "--to", folder / "again.db", "--verify")
    assert (folder / "again.db").read_bytes() == database.read_bytes()


def test_standard_output_gets_the_archive_and_nothing_else(program, snapshot, folder, database):
    for words in (
        ("export", "latest", "-o", "-", *snapshot.words),
        ("backup", "--type", "sqlite", "--database", database, "--format", "archive", "--output", "-"),
    ):
        done = subprocess.run(
            [program.path, *map(str, words)], env=program.environment, capture_output=True, check=True, cwd=folder
        )
        (folder / "piped.zst").write_bytes(done.stdout)
        assert unpacked(folder / "piped.zst", "zstd") == database.read_bytes()
        assert b"sha256" in done.stderr
        (folder / "piped.zst").unlink()
    result = program.run("export", "latest", "-o", "-", *snapshot.words, "--json", code=2)
    assert result.error["code"] == "usage"
    # A reader that goes away has no whole archive, and the exit code says so.
    broken = subprocess.run(
        f"{program.path} export latest -o - --compression none {' '.join(snapshot.words)} | head -c 10 > /dev/null; "
        "exit ${PIPESTATUS[0]}",
        shell=True, executable="/bin/bash", env=program.environment, cwd=folder, capture_output=True,
    )
    assert broken.returncode in (0, 1)  # 0: the pipe took all of it before its reader went


def test_a_terminal_gets_no_archive(program, snapshot, folder):
    command = " ".join([str(program.path), "export", "latest", "-o", "-", *snapshot.words])
    done = subprocess.run(["script", "-qec", command, "/dev/null"], env=program.environment, capture_output=True, cwd=folder)
    assert done.returncode == 2 and b"terminal" in done.stdout


def test_nothing_is_overwritten(program, snapshot, folder, database):
    (folder / "there.gz").write_text("precious")
    (folder / "beside.gz.sha256").write_text("precious")
    (folder / "link.gz").symlink_to("nowhere")
    for name in ("there.gz", "beside.gz", "link.gz"):
        assert snapshot.run("export", "latest", "-o", folder / name, "--json", code=2).error["code"] == "target_not_empty"
    assert (folder / "there.gz").read_text() == "precious" == (folder / "beside.gz.sha256").read_text()
    assert not (folder / "beside.gz").exists() and not (folder / "nowhere").exists()
    for name, code in (
        ("nowhere/x.gz", "target_missing_folder"),
        (".", "target_is_folder"),
        ("repository/x.gz", "target_in_repository"),
    ):
        assert snapshot.run("export", "latest", "-o", folder / name, "--json", code=2).error["code"] == code
    program.run("backup", "--type", "sqlite", "--database", database, "--format", "archive", "-o", folder / "a.gz")
    program.run("restore", folder / "a.gz", "--to", folder / "r.db")
    assert program.run("restore", folder / "a.gz", "--to", folder / "r.db", "--json", code=2).error["code"] == "target_not_empty"
    databases.change(folder / "r.db")
    program.run("restore", folder / "a.gz", "--to", folder / "r.db", "--clean", "--verify")
    databases.assert_equal(databases.content(database), folder / "r.db")
    # The archive itself is no target either.
    program.run("restore", database, "--to", database, "--clean", code=2)


def test_wrong_words_are_refused(program, snapshot, folder, database):
    source = ("--type", "sqlite", "--database", database)
    for words in (
        ("backup", *source, "--format", "archive"),
        ("backup", *source, "-o", "x.gz"),
        ("backup", *source, "--compression", "zip"),
        ("backup", *source, "--format", "archive", "-o", "x.gz", "--compression", "zip"),
        ("backup", *source, "--format", "archive", "-o", "x.gz", "--mode", "incremental"),
        ("backup", *source, "--format", "archive", "-o", "x.gz", "--dry-run"),
        ("backup", *source, "--format", "archive", "-o", "x.gz", *snapshot.words),
        ("backup", *source, "--format", "archive", "-o", "s3://bucket"),
        ("backup", *source, "--format", "archive", "-o", "s3://bucket/Upper.gz"),
        ("export", "latest", *snapshot.words),
        ("export", "latest", "-o", "x.gz", "--database", "other", *snapshot.words),
        ("restore", "x.gz", "--to", "y.db"),
        ("restore", "./", "--to", "y.db"),
        ("restore", database),
        ("restore", database, "--to", "y.db", "--source", "shop"),
        ("restore", database, "--to", "y.db", "--partial"),
        ("restore", database, "--to", "y.db", *snapshot.words),
    ):
        program.run(*words, code=2)
    (folder / "text.txt").write_text("no database")
    result = program.run("restore", folder / "text.txt", "--to", folder / "y.db", "--json", code=2)
    assert result.error["code"] == "archive_unknown"
    subprocess.run("gzip -k text.txt && zip -q text.zip text.txt", shell=True, check=True, cwd=folder)
    for name in ("text.txt.gz", "text.zip"):
        result = program.run("restore", folder / name, "--to", folder / "y.db", "--json", code=2)
        assert result.error["code"] == "archive_unknown"
    assert not (folder / "y.db").exists() and not (folder / "x.gz").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_archive_restores_nothing(program, folder, kind):
    database = databases.make(folder / "shop.db", rows=3000)
    archive = folder / ("out" + SUFFIXES[kind])
    program.run("backup", "--type", "sqlite", "--database", database, "--format", "archive", "-o", archive)
    good = archive.read_bytes()
    target = folder / "restored.db"
    cut = [good[: len(good) // 2], good[:-1], good[:-4097] if kind == "none" else good[:-9], b""]
    flipped = bytearray(good)
    flipped[len(good) // 3] ^= 0x10
    beside = pathlib.Path(f"{archive}.sha256")
    for bad in [*cut, bytes(flipped)]:
        archive.write_bytes(bad)
        assert program.run("restore", archive, "--to", target, "--json", code=13).error["code"] == "archive_damaged"
    sums = beside.read_text()
    beside.write_text("not a sum\n")
    program.run("restore", archive, "--to", target, code=13)
    beside.unlink()
    # A SQLite file has no checksum of its own, so that without the file beside it only its length tells.
    for bad in cut if kind == "none" else [*cut, bytes(flipped)]:
        archive.write_bytes(bad)
        assert program.run("restore", archive, "--to", target, "--json", code=13).error["code"] == "archive_damaged"
    assert not target.exists() and leftovers(folder) == []
    archive.write_bytes(good)
    beside.write_text(sums)
    program.run("restore", archive, "--to", target)


def test_a_damaged_snapshot_is_not_exported(snapshot, folder):
    for name in snapshot.objects():
        if name.startswith("packs/"):
            pack = snapshot.path / name
            content = bytearray(pack.read_bytes())
            content[len(content) // 2] ^= 1
            pack.chmod(0o600)
            pack.write_bytes(content)
    for kind, suffix in SUFFIXES.items():
        archive = folder / ("out" + suffix)
        snapshot.run("export", "latest", "-o", archive, code=13)
        assert not archive.exists() and not pathlib.Path(f"{archive}.sha256").exists(), kind
    snapshot.run("export", "latest", "-o", "-", code=13)
    assert leftovers(folder) == []


def test_several_databases_go_into_a_zip(program, plain_repository, folder):
    shops = folder / "shops"
    shops.mkdir()
    names = ("one.db", "two.db", "Größe 3.db")
    for seed, name in enumerate(names):
        databases.make(shops / name, rows=100, seed=seed)
    plain_repository.json("backup", "--type", "sqlite", "--all", shops)
    source = ("--type", "sqlite", "--all", shops)
    for number, call in enumerate((
        lambda *words, **how: plain_repository.run("export", "latest", *words, **how),
        lambda *words, **how: program.run("backup", *source, "--format", "archive", *words, **how),
    )):
        refused = call("-o", folder / f"{number}.gz", "--json", code=2)
        assert refused.error["code"] == "database_ambiguous"
        archive = folder / f"{number}.zip"
        call("-o", archive)
        with zipfile.ZipFile(archive) as opened:
            assert opened.testzip() is None
            assert sorted(opened.namelist()) == sorted([*names, "manifest.json"])
            manifest = json.loads(opened.read("manifest.json"))
            assert [each["name"] for each in manifest["databases"]] == sorted(names)
            for name in names:
                assert opened.read(name) == (shops / name).read_bytes()
        document = program.json("restore", archive, "--to", folder / f"restored{number}", "--verify")
        assert sorted(document["databases"]) == sorted(names)
        for name in names:
            assert (folder / f"restored{number}" / name).read_bytes() == (shops / name).read_bytes()
        program.run("restore", archive, "--include", "two.db", "--to", folder / f"two{number}.db")
        assert (folder / f"two{number}.db").read_bytes() == (shops / "two.db").read_bytes()
        program.run("restore", archive, "--include", "one.db.notes", "--to", folder / f"notes{number}.db")
    plain_repository.run("export", "latest", "--database", names[2], "-o", folder / "three.db")
    assert (folder / "three.db").read_bytes() == (shops / names[2]).read_bytes()
    unknown = plain_repository.run("export", "latest", "--database", "four.db", "-o", folder / "4.db", "--json", code=2)
    assert unknown.error["code"] == "database_unknown"


def test_a_database_that_cannot_be_read_is_left_out_and_named(program, folder):
    shops = folder / "shops"
    shops.mkdir()
    databases.make(shops / "one.db", rows=100)
    databases.make(shops / "two.db", rows=100)
    with databases.opened(shops / "two.db") as writer:
        writer.execute("BEGIN EXCLUSIVE")
        document = program.json(
            "backup", "--type", "sqlite", "--all", shops, "--format", "archive", "-o", folder / "a.zip",
            "--lock-timeout", "0s", code=3,
        )
    assert document["incomplete"] and any("two.db" in each for each in document["warnings"])
    with zipfile.ZipFile(folder / "a.zip") as opened:
        assert opened.namelist() == ["one.db", "manifest.json"]


def test_chosen_tables_come_out_of_an_archive(program, folder, database):
    program.run("backup", "--type", "sqlite", "--database", database, "--format", "archive", "-o", folder / "a.sqlite.zst")
    document = program.json(
        "restore", folder / "a.sqlite.zst", "--include", "t", "--where", "t: id <= 10", "--to", folder / "part.db"
    )
    assert document["tables"] == [{"table": "t", "target": "t", "rows": 10}]
    with databases.opened(folder / "part.db") as part:
        assert part.execute("SELECT count(*) FROM t").fetchone() == (10,)
    plan = program.json("restore", folder / "a.sqlite.zst", "--to", folder / "no.db", "--dry-run")
    assert plan["plan"]["bytes_needed"] == database.stat().st_size and not (folder / "no.db").exists()


def test_no_file_of_an_archive_leads_out_of_the_folder(program, folder, database):
    """A manifest may name what it likes: only safe entries that it names are read, and nothing else is."""
    program.run("backup", "--type", "sqlite", "--database", database, "--format", "archive", "-o", folder / "a.zip")
    with zipfile.ZipFile(folder / "a.zip") as opened:
        manifest, content = json.loads(opened.read("manifest.json")), opened.read("sqlite-shop.sqlite")
    for number, (name, file, code) in enumerate((
        ("main", "../evil.db", 13), ("main", "/evil.db", 13), ("../evil.db", "x.db", 13), ("main", "missing.db", 13), ("main", "x.db", 0),
    )):
        manifest["databases"][0].update(name=name, file=file)
        archive = folder / f"evil{number}.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
            made.writestr("../outside.txt", "never unpacked")
            if file != "missing.db":
                made.writestr(file, content)
            made.writestr("manifest.json", json.dumps(manifest))
        inside = folder / f"inside{number}"
        inside.mkdir()
        program.run("restore", archive, "--to", inside / "restored.db", code=code)
    assert not (folder / "evil.db").exists() and not (folder / "outside.txt").exists()
    assert [path.name for path in inside.iterdir()] == ["restored.db"]


@pytest.mark.parametrize("end", (signal.SIGINT, signal.SIGKILL))
def test_a_killed_archive_leaves_no_file_of_its_name(program, snapshot, folder, end):
    big = databases.make(folder / "big.db", rows=200_000)
    process = program.start(
        "backup", "--type", "sqlite", "--database", big, "--format", "archive", "-o", folder / "big.gz", "--compression", "gzip:9"
    )
    time.sleep(0.15)
    wait_until_heard(process, end)
    process.send_signal(end)
    result = program.finish(process)
    if result.code != 0:
        assert result.code == (130 if end == signal.SIGINT else -signal.SIGKILL)
        assert not (folder / "big.gz").exists() and not (folder / "big.gz.sha256").exists()
    (folder / "big.gz").unlink(missing_ok=True)
    (folder / "big.gz.sha256").unlink(missing_ok=True)
    program.run("backup", "--type", "sqlite", "--database", big, "--format", "archive", "-o", folder / "big.gz", "--compression", "gzip:1")
    assert leftovers(folder) == []


def test_an_empty_database_is_archived_and_restored(program, folder):
    empty = folder / "empty.db"
    sqlite3.connect(empty).close()
    empty.touch()
    for kind, suffix in SUFFIXES.items():
        archive = folder / ("out" + suffix)
        program.run("backup", "--type", "sqlite", "--database", empty, "--format", "archive", "-o", archive)
        program.run("restore", archive, "--to", folder / f"{kind}.db", "--verify")
        assert (folder / f"{kind}.db").stat().st_size == 0


def test_a_pipe_is_no_archive(program, folder):
    """To open one might take for ever, and no signal would end it."""
    os.mkfifo(folder / "shop.gz")
    result = program.run("restore", folder / "shop.gz", "--to", folder / "r.db", "--json", code=2)
    assert result.error["code"] == "archive_missing", result
