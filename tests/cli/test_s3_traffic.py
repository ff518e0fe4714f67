"""What a repository on a server that speaks S3 costs: requests, and bytes both ways, relative to what changed."""

import pytest

import databases
from s3_server import S3Server
from stores import StoreRepository
from toxiproxy import Toxiproxy

BUCKET = "backups"
# Of each request and its answer: headers, signatures, names.
HEADERS_BYTES = 2048
# What a run asks for whatever has changed: config, features, what collectors did, the parent; and what it announces and commits.
REQUESTS_OF_A_RUN = 14


class Watched:
    """A server, and a way to it on which all is counted."""

    def __init__(self, folder, started):
        started.append(S3Server("versitygw", folder))
        self.server = started[0]
        self.server.make_bucket(BUCKET)
        started.append(Toxiproxy(folder))
        self.way = started[-1].way(self.server)
        # Who asks for the server's URL gets the way.
        self.server.endpoint = self.way.endpoint

    def traffic(self, act):
        """What `act` returned, its requests, and the bytes that it sent and received."""
        lines, before = len(self.server.requests()), self.way.traffic()
        result = act()
        return result, len(self.server.requests()) - lines, self.way.traffic().since(before)


@pytest.fixture(scope="module")
def watched(servers):
    return Watched(*servers)


@pytest.fixture
def repository(program, watched):
    return StoreRepository(program, watched.server, BUCKET).init()


@pytest.fixture
def database(folder):
    """Several chunks, and settled: what is backed up next has changed because of the test."""
    return databases.make(folder / "shop.db", rows=60_000)


def test_an_unchanged_backup(repository, database, watched, report):
    repository.backup(database)
    databases.settle(database)
    repository.backup(database)
    outcome, requests, bytes_ = watched.traffic(lambda: repository.backup(database))
    report("traffic_unchanged", f"{requests} requests, {bytes_}")
    assert outcome["capture"] == "unchanged"
    assert requests <= 12
    assert sum(bytes_) <= 32 * 1024, bytes_


def test_a_small_incremental(repository, database, watched, report):
    """It sends little more than it stores, and receives what it makes deltas against: the chunks that changed, and no more."""
    full = repository.backup(database)
    databases.change(database, 1, updates=5, inserts=5)
    databases.settle(database)
    outcome, requests, bytes_ = watched.traffic(lambda: repository.backup(database))
    report("traffic_incremental", f"{requests} requests, {bytes_}, added {outcome['bytes_added']} after {full['bytes_added']}")
    assert outcome["mode"] == "incremental" and outcome["chunks_delta"] > 0
    changed = outcome["chunks_delta"] + outcome["chunks_new"]
    assert requests <= REQUESTS_OF_A_RUN + changed
    assert bytes_.sent <= outcome["bytes_added"] * 1.05 + requests * HEADERS_BYTES
    assert bytes_.received <= full["bytes_added"] * 1.05 + requests * HEADERS_BYTES


def test_a_restore(repository, database, folder, watched, report):
    """It receives what is stored, once."""
    stored = repository.backup(database)["bytes_added"]
    for number in range(3):
        databases.change(database, number, updates=5, inserts=5)
        databases.settle(database)
        stored += repository.backup(database)["bytes_added"]
    _, requests, bytes_ = watched.traffic(lambda: repository.restore("latest", folder / "r.db"))
    report("traffic_restore", f"{requests} requests, {bytes_}, stored {stored}")
    assert (folder / "r.db").read_bytes() == database.read_bytes()
    assert requests <= 30
    assert bytes_.sent <= requests * HEADERS_BYTES
    assert bytes_.received <= stored * 1.05 + requests * HEADERS_BYTES


def test_a_prune(repository, folder, watched, report):
    """Small, and after a few backups: what grows with it are the things that it removes."""
    database = databases.make(folder / "small.db", rows=300)
    for number in range(5):
        repository.backup(database)
        databases.change(database, number, updates=5, inserts=5)
        databases.settle(database)
    _, requests, bytes_ = watched.traffic(lambda: repository.json("prune", "--keep-last", 1))
    report("traffic_prune", f"{requests} requests, {bytes_}")
    assert requests <= 75
    _, requests, bytes_ = watched.traffic(lambda: repository.json("prune", "--keep-last", 1))
    report("traffic_prune_again", f"{requests} requests, {bytes_}")
    assert requests <= 20
