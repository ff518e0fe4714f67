"""What all tests of the built program share. Started by ctest, which sets DB_BACKUP_PROGRAM."""

import os
import pathlib
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import databases  # noqa: E402
from program import ENCRYPTIONS, Program, Repository  # noqa: E402

LONG = os.environ.get("DB_BACKUP_LONG", "") not in ("", "0")


def pytest_configure(config):
    if "DB_BACKUP_PROGRAM" not in os.environ:
        raise pytest.UsageError("DB_BACKUP_PROGRAM does not name the built program")
    config.addinivalue_line("markers", "long: only with DB_BACKUP_LONG=1")


def pytest_collection_modifyitems(items):
    if not LONG:
        for item in items:
            if "long" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="only in the long run (DB_BACKUP_LONG=1)"))


@pytest.fixture(scope="session")
def is_long():
    return LONG


@pytest.fixture
def folder():
    """A folder that is removed afterwards, readable by others (pytest's own is not)."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="db-backup-test-"))
    path.chmod(0o755)
    yield path
    for below in path.rglob("*"):
        if below.is_dir() and not below.is_symlink():
            below.chmod(0o755)
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def servers():
    """Folder of all servers that one file of tests starts; what is added to the list is stopped."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="db-backup-test-servers-"))
    started = []
    yield folder, started
    for server in started:
        server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def program(folder):
    return Program(folder)


@pytest.fixture
def database(folder):
    """A small database in rollback mode, closed."""
    return databases.make(folder / "shop.db")


@pytest.fixture(params=ENCRYPTIONS)
def repository(request, program, folder):
    """A fresh repository of each encryption."""
    return Repository(program, folder / "repository", request.param).init()


@pytest.fixture
def plain_repository(program, folder):
    """One unencrypted repository, for tests in which encryption plays no part."""
    return Repository(program, folder / "repository", "none").init()


@pytest.fixture(params=("none", "keyfile"))
def quick_repository(request, program, folder):
    """Encrypted and not, without the time that a passphrase costs."""
    return Repository(program, folder / "repository", request.param).init()


@pytest.fixture
def report(request, record_property):
    """Notes a measured value: in the junit file, and in a text file beside it."""

    def note(name, value):
        record_property(name, value)
        line = f"{request.node.name} {name} {value}"
        print(line)
        if "DB_BACKUP_TEST_REPORTS" in os.environ:
            with open(pathlib.Path(os.environ["DB_BACKUP_TEST_REPORTS"]) / "measured.txt", "a") as file:
                file.write(line + "\n")

    return note
