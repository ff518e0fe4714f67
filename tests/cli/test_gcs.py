"""A repository on Google Cloud Storage: the whole life of one, and what is said when it refuses."""

import json
import pathlib
import shutil
import subprocess

import pytest

from gcs_server import GcsServer
from stores import (
    StoreRepository,
    back_up_side_by_side,
    kill_a_backup,
    live_a_life,
    requests_of_an_unchanged_backup,
)

BUCKET = "backups"


@pytest.fixture(scope="module")
def one_server(servers):
    folder, started = servers
    started.append(GcsServer(folder))
    started[-1].make_bucket(BUCKET)
    return started[-1]


@pytest.fixture
def server(one_server):
    yield one_server
    one_server.give_tokens()
    one_server.deny("")


@pytest.fixture
def repository(program, server):
    return StoreRepository(program, server, BUCKET).init()


def test_the_life_of_a_repository(repository, database, folder):
    live_a_life(repository, database, folder)


def test_two_processes_share_it(repository, folder):
    back_up_side_by_side(repository, folder)


def test_an_unchanged_backup_takes_few_requests(repository, database, server, report):
    count, lines = requests_of_an_unchanged_backup(repository, database, server)
    report("requests_unchanged", count)
    assert count <= 18, "\n".join(lines)


def test_a_killed_backup_leaves_nothing_visible(repository, folder, database):
    kill_a_backup(repository, database, folder)


# --- tokens that end ------------------------------------------------------------------------------

def tokens_asked(server, action):
    before = len(server.requests())
    action()
    lines = server.requests()[before:]
    return sum("/token" in line for line in lines), sum('" 401' in line for line in lines)


def test_a_token_that_ends_early_is_renewed_in_the_middle_of_a_backup(repository, database, server):
    """As when somebody revokes it: the store's 401 is the first to tell."""
    server.give_tokens(uses=8)
    asked, refused = tokens_asked(server, lambda: repository.backup(database))
    assert asked >= 2 and refused >= 1
    server.give_tokens()
    assert repository.verify("--data")["ok"]


def test_a_token_that_is_about_to_end_is_renewed_before(repository, database, server):
    server.give_tokens(told_s=2)
    asked, refused = tokens_asked(server, lambda: repository.backup(database))
    assert asked >= 2 and refused == 0


# --- refusals -------------------------------------------------------------------------------------

def secrets_of(server):
    lines = json.loads(server.credentials.read_text())["private_key"].splitlines()
    return [server.secret, "ya29.", *lines[1:-1]]


def refusal(repository, code, exit_code=30, words=("list",), **options):
    result = repository.run(*words, "--json", code=exit_code, **options)
    assert result.error["code"] == code, result
    assert result.error["hint"], result
    for secret in secrets_of(repository.server):
        assert secret not in result.text
    return result.error


def other_credentials(repository, folder, **changes):
    file = folder / "other.json"
    file.write_text(json.dumps({**json.loads(repository.server.credentials.read_text()), **changes}))
    repository.env["GOOGLE_APPLICATION_CREDENTIALS"] = str(file)


def test_a_wrong_key(repository, folder):
    pem = subprocess.run(["openssl", "genrsa", "2048"], check=True, capture_output=True, text=True).stdout
    other_credentials(repository, folder, private_key=pem)
    assert "Signature" in refusal(repository, "credentials_refused")["message"]


def test_an_unknown_account(repository, folder):
    other_credentials(repository, folder, client_email="nobody@tests.example")
    refusal(repository, "credentials_refused")


def test_another_kind_of_credentials(repository, folder):
    other_credentials(repository, folder, type="external_account")
    assert "'external_account'" in refusal(repository, "credentials_unusable", 2)["message"]


def test_a_file_of_credentials_that_is_not_there(repository, folder):
    repository.env["GOOGLE_APPLICATION_CREDENTIALS"] = str(folder / "absent.json")
    assert "absent.json" in refusal(repository, "credentials_unusable", 2)["message"]


def test_no_credentials_at_all(repository):
    del repository.env["GOOGLE_APPLICATION_CREDENTIALS"]
    assert "GOOGLE_APPLICATION_CREDENTIALS" in refusal(repository, "credentials_missing", 2)["message"]


def test_credentials_that_gcloud_keeps(repository, database):
    del repository.env["GOOGLE_APPLICATION_CREDENTIALS"]
    kept = pathlib.Path(repository.program.environment["HOME"]) / ".config/gcloud"
    kept.mkdir(parents=True)
    shutil.copy(repository.server.credentials, kept / "application_default_credentials.json")
    repository.backup(database)
    assert len(repository.list()) == 1


def test_a_missing_bucket(program, server):
    repository = StoreRepository(program, server, "nowhere")
    assert "'nowhere'" in refusal(repository, "bucket_missing")["hint"]


def test_a_missing_permission(repository, database):
    repository.backup(database)
    repository.server.deny("POST")
    error = refusal(repository, "access_denied", words=("backup", "--type", "sqlite", "--database", database))
    assert "storage.objects.create" in error["hint"], error


def test_no_repository_there(program, server):
    StoreRepository(program, server, BUCKET).run("list", "--json", code=10)


def test_a_wrong_parameter(program, server):
    error = refusal(StoreRepository(program, server, BUCKET, regoin="x"), "bad_repository_url", 2)
    assert "endpoint" in error["hint"], error


def test_a_server_that_is_reached_in_the_clear(program, server):
    repository = StoreRepository(program, server, BUCKET)
    repository.words = [word.replace("127.0.0.1", "storage.example") for word in repository.words]
    assert "https" in refusal(repository, "bad_repository_url", 2)["hint"]


def test_an_untrusted_certificate(program, servers, database):
    folder, started = servers
    started.append(GcsServer(folder / "tls", "--tls"))
    server = started[-1]
    server.make_bucket(BUCKET)
    repository = StoreRepository(program, server, BUCKET)
    assert "ca_file" in refusal(repository, "certificate_untrusted")["hint"]
    trusting = StoreRepository(program, server, BUCKET, ca_file=server.folder / "ca.crt").init()
    trusting.backup(database)
    assert trusting.verify("--data")["ok"]


def test_secrets_appear_nowhere(repository, database, server):
    repository.program.environment["DB_BACKUP__LOGGING__LEVEL"] = "debug"
    unwanted = secrets_of(server)
    for words in (("backup", "--type", "sqlite", "--database", database), ("list",), ("stats",), ("prune",)):
        text = repository.run(*words).text
        assert not [secret for secret in unwanted if secret in text]
    state = pathlib.Path(repository.program.environment["HOME"])
    for file in state.rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        assert not [secret for secret in unwanted if secret.encode() in content], file
