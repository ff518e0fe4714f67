"""Archives where they are hard to write: on an object store, and beyond 4 GiB."""

import os
import shutil
import subprocess
import time

import pytest

import databases
from azure_server import AzureServer
from gcs_server import GcsServer
from s3_server import BUCKET, S3Server, running_versitygw
from stores import StoreRepository
from test_archives import check_sum, unpacked


@pytest.fixture(params=("s3", "gs", "az"), scope="module")
def server(request, servers):
    folder, started = servers
    if request.param == "s3":
        started.append(S3Server("versitygw", folder))
        started[-1].make_bucket(BUCKET)
    elif request.param == "gs":
        started.append(GcsServer(folder))
        started[-1].make_bucket(BUCKET)
    else:
        started.append(AzureServer(folder))
        started[-1].make_container(BUCKET)
    return started[-1]


@pytest.fixture(scope="module")
def large(servers):
    """A database that no store takes in one part."""
    return databases.make(servers[0] / "large.db", rows=120_000)


def test_an_archive_on_an_object_store(program, plain_repository, folder, database, server):
    """What its own tools get is what gunzip reads; restored by its URL, never overwritten, refused when it is damaged."""
    plain_repository.backup(database)
    environment = server.environment()
    for number, (call, words) in enumerate((
        (program.json, ("backup", "--type", "sqlite", "--database", database, "--format", "archive")),
        (plain_repository.json, ("export", "latest")),
    )):
        name = f"shop-{number}.sqlite.gz"
        url = server.url(f"{BUCKET}/archives/{name}")
        told = call(*words, "-o", url, env=environment)["archive"]
        assert told["output"] == url and told["checksum_file"] == server.url(f"{BUCKET}/archives/{name}.sha256")
        for each in (name, f"{name}.sha256"):
            (folder / each).write_bytes(server.get_object(f"{BUCKET}/archives/{each}"))
        check_sum(folder / name)
        assert unpacked(folder / name, "gzip") == database.read_bytes()
        restored = program.json("restore", url, "--to", folder / f"restored{number}.db", env=environment)
        assert restored["archive"]["checksum_verified"] and restored["bytes_fetched"] == told["bytes"]
        assert (folder / f"restored{number}.db").read_bytes() == database.read_bytes()
    refused = program.run("export", "latest", "-o", url, *plain_repository.words, "--json", env=environment, code=2)
    assert refused.error["code"] == "target_not_empty"
    missing = program.run("restore", server.url(f"{BUCKET}/archives/no.gz"), "--to", folder / "n.db", "--json", env=environment, code=2)
    assert missing.error["code"] == "archive_missing"
    server.put_object(f"{BUCKET}/archives/cut.sqlite.gz", (folder / name).read_bytes()[:-10])
    program.run("restore", server.url(f"{BUCKET}/archives/cut.sqlite.gz"), "--to", folder / "n.db", env=environment, code=13)
    assert not (folder / "n.db").exists()


def test_an_archive_of_several_parts_keeps_to_the_limit(program, folder, server, large):
    """Each way by itself, and without a repository whose limit it could be."""
    size = large.stat().st_size
    rate = 8 * 1024 * 1024
    assert size > 1.4 * rate
    environment = {**server.environment(), "DB_BACKUP__STORAGE__BANDWIDTH_LIMIT": "8MiB/s"}
    url = server.url(f"{BUCKET}/limited/large.sqlite")
    for words in (
        ("backup", "--type", "sqlite", "--database", large, "--format", "archive", "--compression", "none", "-o", url),
        ("restore", url, "--to", folder / "large.db"),
    ):
        begun = time.monotonic()
        program.run(*words, env=environment)
        assert time.monotonic() - begun > size / rate - 1, f"faster than 8 MiB/s: {words}"
    assert (folder / "large.db").read_bytes() == large.read_bytes()
    assert server.get_object(f"{BUCKET}/limited/large.sqlite") == large.read_bytes()


def test_no_archive_lies_in_a_repository(program, plain_repository, folder, database):
    """It would stop its prune, or look like a damaged manifest."""
    making = ("backup", "--type", "sqlite", "--database", database, "--format", "archive", "--json")
    plain_repository.backup(database)
    (folder / "link").symlink_to(plain_repository.path / "manifests")
    for place in (plain_repository.path / "a.gz", plain_repository.path / "packs" / "a.gz", folder / "link" / "a.gz"):
        assert program.run(*making, "-o", place, code=2).error["code"] == "target_in_repository"
    (folder / "config").write_text("of another program")
    program.json(*making[:-1], "-o", folder / "a.gz")
    with running_versitygw() as server:
        remote = StoreRepository(program, server, BUCKET).init()
        for name in ("a.gz", "manifests/a.gz", "manifests/aa/a.gz"):
            url = remote.url.replace("?", f"/{name}?")
            assert program.run(*making, "-o", url, env=remote.env, code=2).error["code"] == "target_in_repository"
        assert remote.verify()["findings"] == []
        program.json(*making[:-1], "-o", remote.url.replace("/r?", "/r2/a.gz?"), env=remote.env)


@pytest.mark.long
def test_five_gigabytes_in_a_zip(program, folder, report):
    """Sizes and offsets beyond 32 bits, with content that does not compress."""
    big = folder / "big.db"
    with databases.opened(big) as database:
        database.execute("PRAGMA page_size=65536")
        database.execute("PRAGMA journal_mode=off")
        database.execute("PRAGMA synchronous=off")
        database.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, data BLOB)")
        database.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 80000) "
            "INSERT INTO t SELECT i, randomblob(65000) FROM n"
        )
    size = big.stat().st_size
    assert size > 5 * 10**9
    archive = folder / "big.zip"
    started = time.monotonic()
    program.run("backup", "--type", "sqlite", "--database", big, "--format", "archive", "--compression", "zip:1", "-o", archive)
    report("archive_s", round(time.monotonic() - started, 1))
    assert archive.stat().st_size > 2**32
    subprocess.run(["unzip", "-tq", archive], check=True)
    with subprocess.Popen(["unzip", "-p", archive, "sqlite-big.sqlite"], stdout=subprocess.PIPE) as unzip:
        subprocess.run(["cmp", "-", big], stdin=unzip.stdout, check=True)
    started = time.monotonic()
    program.run("restore", archive, "--to", folder / "restored.db")
    report("restore_s", round(time.monotonic() - started, 1))
    subprocess.run(["cmp", big, folder / "restored.db"], check=True)
    shutil.rmtree(folder / "home", ignore_errors=True)
    assert os.listdir(folder)
