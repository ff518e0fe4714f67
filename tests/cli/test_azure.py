"""A repository in Azurite: the whole life of one, every way to be let in, and what is said when it refuses."""

import pathlib

import pytest

import databases
from azure_server import NOBODY, AzureServer, IdentityService
from stores import StoreRepository, back_up_side_by_side, live_a_life

CONTAINER = "backups"


@pytest.fixture(scope="module")
def server(servers):
    folder, started = servers
    started.append(AzureServer(folder))
    started[-1].make_container(CONTAINER)
    return started[-1]


@pytest.fixture(scope="module")
def tls_server(servers):
    folder, started = servers
    started.append(AzureServer(folder / "tls", "--tls"))
    started[-1].make_container(CONTAINER)
    return started[-1]


@pytest.fixture
def repository(program, server):
    return StoreRepository(program, server, CONTAINER).init()


def lets_in(repository, **variables):
    """From now on these, and nothing else, let it in."""
    repository.env = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": NOBODY, **variables}


def test_the_life_of_a_repository(repository, database, folder):
    live_a_life(repository, database, folder)


def test_two_processes_share_it(repository, folder):
    back_up_side_by_side(repository, folder)


# --- ways in --------------------------------------------------------------------------------------

def test_a_connection_string_says_it_all(program, server, database):
    repository = StoreRepository(program, server, CONTAINER)
    repository.words[1] = repository.url.partition("?")[0]
    lets_in(repository, AZURE_STORAGE_CONNECTION_STRING=server.connection_string())
    repository.init().backup(database)
    assert len(repository.list()) == 1


def test_a_signature_that_may_not_delete(repository, server, database):
    """Enough for backups, and for no harm."""
    lets_in(repository, AZURE_STORAGE_SAS_TOKEN=server.sas(CONTAINER, "rcl"))
    repository.backup(database)
    databases.change(database, 1, updates=5, inserts=5)
    repository.backup(database)
    assert repository.verify("--data")["ok"]
    refusal(repository, "access_denied", command=("prune", "--keep-last", 1))
    assert len(repository.list()) == 2


def test_a_signature_that_may_only_read(repository, server, database, folder):
    repository.backup(database)
    lets_in(repository, AZURE_STORAGE_SAS_TOKEN=server.sas(CONTAINER, "rl"))
    repository.restore("latest", folder / "r.db")
    assert (folder / "r.db").read_bytes() == database.read_bytes()
    hint = refusal(repository, "access_denied", command=("backup", "--type", "sqlite", "--database", database))["hint"]
    assert "Storage Blob Data Contributor" in hint and "c (create)" in hint, hint


def test_blocks_need_the_right_to_write(repository, server, folder):
    """Which an archive of several of them takes, and no repository does."""
    database = databases.make(folder / "large.db", rows=100_000)
    words = ("backup", "--type", "sqlite", "--database", database, "--format", "archive", "--compression", "none", "--json", "-o")
    lets_in(repository, AZURE_STORAGE_SAS_TOKEN=server.sas(CONTAINER, "rc"))
    refused = repository.program.run(*words, server.url(f"{CONTAINER}/blocks/a.sqlite"), env=repository.env, code=30)
    assert refused.error["code"] == "access_denied" and "w (write)" in refused.error["hint"], refused
    lets_in(repository, AZURE_STORAGE_SAS_TOKEN=server.sas(CONTAINER, "rw"))
    repository.program.run(*words, server.url(f"{CONTAINER}/blocks/a.sqlite"), env=repository.env)
    assert server.get_object(f"{CONTAINER}/blocks/a.sqlite") == database.read_bytes()


def test_the_identity_of_a_machine(program, tls_server, database):
    """Every first token has ended, whatever the service said: it is asked once more."""
    identity = IdentityService(lifetimes_s=(-10, 3600))
    repository = StoreRepository(program, tls_server, CONTAINER, ca_file=tls_server.folder / "ca.crt")
    try:
        lets_in(repository, AZURE_POD_IDENTITY_AUTHORITY_HOST=identity.url)
        repository.init().backup(database)
        text = repository.run("list", "-v").text
        assert len(identity.tokens) >= 3 * 2 and len(identity.tokens) % 2 == 0, "each command asks once more"
        assert not any(token in text for token in identity.tokens)
    finally:
        identity.stop()


# --- refusals -------------------------------------------------------------------------------------

def refusal(repository, code, command=("list",), exit_code=30, **options):
    result = repository.run(*command, "--json", code=exit_code, **options)
    assert result.error["code"] == code, result
    assert result.error["hint"], result
    assert repository.server.secret not in result.text and "sig=" not in result.text
    return result.error


def test_a_wrong_key(repository):
    refusal(repository, "credentials_refused", env={"AZURE_STORAGE_KEY": "YW5vdGhlcg=="})


def test_what_is_no_key(repository):
    error = refusal(repository, "credentials_unusable", exit_code=2, env={"AZURE_STORAGE_KEY": "hunter2!"})
    assert "AZURE_STORAGE_KEY" in error["message"] and "hunter2" not in str(error)


def test_a_signature_that_has_ended(repository, server, database):
    lets_in(repository, AZURE_STORAGE_SAS_TOKEN=server.sas(CONTAINER, "rcl", seconds=-10))
    for command in (("list",), ("backup", "--type", "sqlite", "--database", database)):
        refusal(repository, "credentials_expired", command=command)


def test_nothing_that_lets_in(repository):
    lets_in(repository)
    error = refusal(repository, "credentials_missing", exit_code=2)
    assert "AZURE_STORAGE_KEY" in error["message"] and "managed identity" in error["message"], error


def test_a_missing_container(program, server):
    repository = StoreRepository(program, server, "nowhere")
    assert "container 'nowhere'" in refusal(repository, "bucket_missing")["hint"]


def test_no_repository_there(program, server):
    StoreRepository(program, server, CONTAINER).run("list", "--json", code=10)


def test_no_account(program, server):
    repository = StoreRepository(program, server, CONTAINER)
    repository.words[1] = repository.url.partition("?")[0]
    assert "account" in refusal(repository, "bad_repository_url", exit_code=2)["hint"]


def test_a_signature_in_the_url(program, server):
    repository = StoreRepository(program, server, CONTAINER, sig="hunter2")
    error = refusal(repository, "bad_repository_url", exit_code=2)
    assert "credentials" in error["message"] and "hunter2" not in str(error)


def test_an_untrusted_certificate(program, tls_server, database):
    repository = StoreRepository(program, tls_server, CONTAINER)
    assert "ca_file" in refusal(repository, "certificate_untrusted")["hint"]
    trusting = StoreRepository(program, tls_server, CONTAINER, ca_file=tls_server.folder / "ca.crt").init()
    trusting.backup(database)
    assert trusting.verify("--data")["ok"]


def test_secrets_appear_nowhere(repository, database, server):
    repository.program.environment["DB_BACKUP__LOGGING__LEVEL"] = "debug"
    signature = server.sas(CONTAINER, "rwdl")
    parts = (server.key, signature, signature.rpartition("=")[2])
    for name, value in (("AZURE_STORAGE_KEY", server.key), ("AZURE_STORAGE_SAS_TOKEN", signature)):
        lets_in(repository, **{name: value})
        for words in (("backup", "--type", "sqlite", "--database", database), ("list",), ("stats",), ("prune",)):
            text = repository.run(*words).text
            assert not any(part in text for part in parts)
    state = pathlib.Path(repository.program.environment["HOME"])
    for file in filter(pathlib.Path.is_file, state.rglob("*")):
        content = file.read_bytes()
        assert not any(part.encode() in content for part in parts), file
