"""A repository on a server that speaks S3: the whole life of one, and what is said when it refuses."""

import pathlib

import pytest

import databases
from s3_server import S3Server
from stores import (
    StoreRepository,
    back_up_side_by_side,
    kill_a_backup,
    live_a_life,
    requests_of_an_unchanged_backup,
)

BUCKET = "backups"


@pytest.fixture(scope="module")
def server(servers):
    folder, started = servers
    started.append(S3Server("versitygw", folder))
    started[-1].make_bucket(BUCKET)
    return started[-1]


@pytest.fixture
def repository(program, server):
    return StoreRepository(program, server, BUCKET).init()


def test_the_life_of_a_repository(repository, database, folder):
    live_a_life(repository, database, folder)


@pytest.mark.parametrize("name", ("minio", pytest.param("s3proxy", marks=pytest.mark.long)))
def test_the_life_of_a_repository_on_another_server(program, servers, database, folder, name):
    """What one server takes for right another may refuse."""
    place, started = servers
    started.append(S3Server(name, place))
    started[-1].make_bucket(BUCKET)
    live_a_life(StoreRepository(program, started[-1], BUCKET).init(), database, folder)


def test_two_processes_share_it(repository, folder):
    back_up_side_by_side(repository, folder)


def test_an_unchanged_backup_takes_few_requests(repository, database, server, report):
    count, lines = requests_of_an_unchanged_backup(repository, database, server)
    report("requests_unchanged", count)
    assert count <= 12, "\n".join(lines)


def test_an_unchanged_backup_of_a_larger_database_takes_as_few(repository, server, folder, report):
    """Its segment lists lie in packs, and are known on this machine after the first look."""
    database = databases.make(folder / "large.db", rows=60_000)
    repository.backup(database)
    databases.change(database, 1, updates=5, inserts=5)
    count, lines = requests_of_an_unchanged_backup(repository, database, server)
    report("requests_unchanged_larger", count)
    assert count <= 12, "\n".join(lines)


def test_a_killed_backup_leaves_nothing_visible(repository, folder, database):
    kill_a_backup(repository, database, folder)


# --- refusals -------------------------------------------------------------------------------------

def refusal(repository, code, **options):
    result = repository.run("list", "--json", code=30, **options)
    assert result.error["code"] == code, result
    assert result.error["hint"], result
    assert repository.server.secret not in result.text
    return result.error


def test_a_wrong_secret(repository):
    refusal(repository, "credentials_refused", env={"AWS_SECRET_ACCESS_KEY": "another"})


def test_no_keys_at_all(repository):
    repository.env.clear()
    result = repository.run("list", "--json", code=2, env={"AWS_EC2_METADATA_DISABLED": "true"})
    assert result.error["code"] == "credentials_missing", result
    assert "AWS_ACCESS_KEY_ID" in result.error["message"], result


def test_keys_of_a_profile(repository, database):
    environment = dict(repository.env)
    repository.env.clear()
    home = pathlib.Path(repository.program.environment["HOME"])
    (home / ".aws").mkdir()
    (home / ".aws/credentials").write_text(
        f"[backups]\naws_access_key_id = {environment['AWS_ACCESS_KEY_ID']}\n"
        f"aws_secret_access_key = {environment['AWS_SECRET_ACCESS_KEY']}\n"
    )
    repository.env["AWS_PROFILE"] = "backups"
    repository.backup(database)
    assert len(repository.list()) == 1


def test_a_missing_bucket(program, server):
    repository = StoreRepository(program, server, "nowhere")
    assert "'nowhere'" in refusal(repository, "bucket_missing")["hint"]


def test_a_wrong_region(program, server):
    repository = StoreRepository(program, server, BUCKET, region="eu-west-9")
    assert "us-east-1" in refusal(repository, "wrong_region")["hint"]


def test_no_repository_there(program, server):
    StoreRepository(program, server, BUCKET).run("list", "--json", code=10)


def test_a_wrong_parameter(program, server):
    result = StoreRepository(program, server, BUCKET, path_stile="true").run("list", "--json", code=2)
    assert result.error["code"] == "bad_repository_url" and "path_style" in result.error["hint"], result


def test_nobody_there(program, server):
    """What may pass is tried again for minutes; a person who stops that hears why."""
    repository = StoreRepository(program, server, BUCKET)
    words = [word.replace(server.endpoint.rpartition(":")[2], "1") for word in repository.words]
    process = program.start("list", *words, env=repository.env)
    told = ""
    while "tried again" not in told:
        line = process.stderr.readline()
        assert line, "it ended"
        told += line
    process.terminate()
    result = program.finish(process)
    assert result.code == 130 and "127.0.0.1:1" in told + result.stderr, told + str(result)


def test_an_untrusted_certificate(program, servers, database):
    folder, started = servers
    started.append(S3Server("versitygw", folder / "tls", "--tls"))
    server = started[-1]
    server.make_bucket(BUCKET)
    repository = StoreRepository(program, server, BUCKET)
    assert "ca_file" in refusal(repository, "certificate_untrusted")["hint"]
    trusting = StoreRepository(program, server, BUCKET, ca_file=server.folder / "ca.crt").init()
    trusting.backup(database)
    assert trusting.verify("--data")["ok"]
    configured = StoreRepository(program, server, BUCKET)
    configured.env["DB_BACKUP__STORAGE__CA_FILE"] = str(server.folder / "ca.crt")
    configured.init().backup(database)
    assert len(configured.list()) == 1
    archive = server.url(f"{BUCKET}/archives/shop.sqlite.gz")
    configured.program.run("export", "latest", "-o", archive, *configured.words, env=configured.env)
    configured.program.run("restore", archive, "--to", database.parent / "r.db", env=configured.env)
    assert (database.parent / "r.db").read_bytes() == database.read_bytes()
    configured.env["DB_BACKUP__STORAGE__CA_FILE"] = str(database.parent / "none.crt")
    assert "none.crt" in refusal(configured, "certificate_untrusted")["message"]


def test_the_secret_appears_nowhere(repository, database, server):
    repository.program.environment["DB_BACKUP__LOGGING__LEVEL"] = "debug"
    for words in (("backup", "--type", "sqlite", "--database", database), ("list",), ("stats",), ("prune",)):
        assert server.secret not in repository.run(*words).text
    state = pathlib.Path(repository.program.environment["HOME"])
    for file in state.rglob("*"):
        assert not file.is_file() or server.secret.encode() not in file.read_bytes(), file


def test_the_server_takes_encryption_and_classes(program, server, database, folder):
    """It keeps everything as STANDARD; what is sent is looked at in the unit tests."""
    repository = StoreRepository(program, server, BUCKET, sse="AES256", storage_class="STANDARD_IA").init()
    database.unlink()
    databases.make(database, rows=2000)
    repository.backup(database)
    assert any(path.is_file() for path in (server.place(repository) / "packs").rglob("*"))
    repository.restore("latest", folder / "r.db")
    assert (folder / "r.db").read_bytes() == database.read_bytes()
