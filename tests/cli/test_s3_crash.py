"""The crash suite over a server that speaks S3: each operation of init, backup, prune and restore is the last one once.

In CI one way to die for each, chosen by the seed, and not at every operation; in the long run all.
"""

import os
import random

import pytest

from deaths import WAYS, backup_dies, init_dies, prune_dies, restore_dies
from s3_server import BUCKET, running_versitygw
from stores import StoreRepository

IS_LONG = os.environ.get("DB_BACKUP_LONG") == "1"
SEED = int(os.environ.get("DB_BACKUP_TEST_SEED", "5"))


@pytest.fixture(scope="module")
def server():
    with running_versitygw() as running:
        yield running


@pytest.fixture
def repository(program, server):
    """Not made yet; its `path` shows the objects as files."""
    repository = StoreRepository(program, server, BUCKET)
    repository.path = server.place(repository)
    return repository


def one_way_or_all(name):
    ways = WAYS if IS_LONG else [random.Random(f"{SEED} {name}").choice(WAYS)]
    return pytest.mark.parametrize("way", ways)


@one_way_or_all("init")
def test_init_dies_at_every_operation(repository, database, folder, way):
    repository.path.mkdir(parents=True)
    init_dies(repository, database, folder, "keyfile", way)


@pytest.mark.parametrize("mode", ("full", "incremental"))
@one_way_or_all("backup")
def test_backup_dies_at_every_operation(repository, folder, way, mode):
    backup_dies(repository.init(), folder, way, mode, every=1 if IS_LONG else 3)


@one_way_or_all("prune")
def test_prune_dies_at_every_operation(repository, folder, way):
    prune_dies(repository.init(), folder, way, every=1 if IS_LONG else 9)


@one_way_or_all("restore")
def test_restore_dies_at_every_operation(repository, folder, database, way):
    restore_dies(repository.init(), folder, database, way)
