"""The permissions that the pages of the stores name are enough for locks, versions and what was removed."""

import pathlib

import pytest

from kept_stores import AzureKept, GcsKept, S3Kept
from stores import StoreRepository
from test_locks import take_two

S3_WRITER = (["s3:ListBucket"], ["s3:GetObject", "s3:PutObject", "s3:PutObjectRetention"])
S3_PRUNER = (S3_WRITER[0] + ["s3:GetBucketVersioning", "s3:ListBucketVersions"],
             S3_WRITER[1] + ["s3:GetObjectRetention", "s3:DeleteObject", "s3:DeleteObjectVersion"])


class S3Accounts:
    """The server's own policies decide."""

    delete = "s3:Delete"

    def __init__(self, folder):
        self.store = S3Kept(folder)
        self.bucket = self.store.server.make_kept_bucket("guarded", has_locks=True)

    def become(self, repository, who):
        allowed = {"writer": S3_WRITER, "pruner": S3_PRUNER, "undeleter": S3_PRUNER}[who]
        repository.env = self.store.server.allow(who, self.bucket, *allowed)


class GcsAccounts:
    bucket = "lockable"
    delete = "storage.objects.delete"
    writer = "list get create setRetention"
    allowed = {
        "writer": writer, "pruner": f"{writer} delete update",
        "undeleter": f"{writer} update restore",
    }

    def __init__(self, folder):
        self.store = GcsKept(folder)
        self.file = self.store.server.folder / "permissions"

    def become(self, repository, who):
        self.file.write_text(" ".join(f"storage.objects.{word}" for word in self.allowed[who].split()))


class AzureAccounts:
    """Shared access signatures of the container."""

    bucket = "lockable"
    delete = "d (delete)"
    allowed = {"writer": "rcli", "pruner": "rcdxlwi", "undeleter": "rclwi"}

    def __init__(self, folder):
        self.store = AzureKept(folder)

    def become(self, repository, who):
        server = self.store.server
        repository.env = {"AZURE_STORAGE_SAS_TOKEN": server.sas(self.bucket, self.allowed[who])}


@pytest.fixture(scope="module", params=(S3Accounts, GcsAccounts, AzureAccounts))
def accounts(request, servers):
    folder, started = servers
    accounts = request.param(pathlib.Path(folder))
    started.append(accounts.store.server)
    return accounts


def test_the_permissions_of_the_page_are_enough(program, accounts, database, folder):
    store = accounts.store
    repository = StoreRepository(program, store.server, accounts.bucket, object_lock="governance:1").init()
    accounts.become(repository, "writer")
    first, second = take_two(repository, database, folder)
    repository.restore("latest", folder / "r.db")
    assert (folder / "r.db").read_bytes() == database.read_bytes()
    error = repository.run("prune", "--keep-last", 1, "--json", code=30).error
    assert error["code"] == "access_denied" and accounts.delete in error["hint"], error

    accounts.become(repository, "pruner")
    pruned = repository.json("prune", "--keep-last", 1)
    assert pruned["locked_objects"] > 0 and pruned["locks_extended"] > 0, pruned
    as_administrator(accounts, store.end_locks, repository)
    assert repository.json("prune")["packs_removed"] > 0
    names = as_administrator(accounts, store.names, repository)
    manifest = next(name for name in names if name.startswith("manifests/"))
    assert as_administrator(accounts, store.remove, repository, manifest) in (202, 204)
    assert repository.list() == []
    accounts.become(repository, "undeleter")
    assert [each["snapshot"] for each in repository.json("undelete")["snapshots"]] == [second]
    assert first != second


def as_administrator(accounts, action, *words):
    """Where the server knows one account only, it may do everything meanwhile."""
    file = getattr(accounts, "file", None)
    if not file:
        return action(*words)
    allowed = file.read_text()
    file.unlink()
    result = action(*words)
    file.write_text(allowed)
    return result
