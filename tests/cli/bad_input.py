"""What holds after every refused input: nothing half-written, and the repository as good as before."""

import os
import subprocess

import pytest

import databases
from requirements import not_possible_here

# As root every file can be read and written, so the powers that make it so are taken away.
WITHOUT_ROOT_POWERS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner"] if os.geteuid() == 0 else []


def need_permissions_to_count():
    """Not possible where a file without permissions can be read anyhow."""
    if WITHOUT_ROOT_POWERS and subprocess.run([*WITHOUT_ROOT_POWERS, "true"], capture_output=True).returncode != 0:
        not_possible_here("setpriv can not take root's powers away here")


def names_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if "home" not in path.relative_to(folder).parts)


class Refusal:
    """A repository with one snapshot of `database`; calls that must fail, and what must hold then."""

    def __init__(self, repository, database, folder):
        self.repository, self.database, self.folder = repository, database, folder
        self.snapshot = repository.backup(database)["snapshot"]
        self.expected = databases.content(database)

    def expect(self, exit_code, error_code, *words, says="", unlock=True, **options):
        """Runs a call; checks exit code, the error's code, text and hint, and that no file came or went."""
        before = names_below(self.folder)
        run = self.repository.run if unlock else self.repository.program.run
        result = run(*words, "--json", code=exit_code, **options)
        error = result.error
        assert error["exit_code"] == exit_code, str(result)
        assert error_code is None or error["code"] == error_code, str(result)
        assert says in error["message"], str(result)
        assert error["message"] and not error["message"].endswith("."), str(result)
        assert error["hint"], f"no hint says what to do\n{result}"
        assert names_below(self.folder) == before, "files came or went"
        # People get the same without --json, on stderr.
        for_people = run(*words, code=exit_code, **options)
        assert for_people.stdout == "" and "db-backup: error: " in for_people.stderr, str(for_people)
        return error

    def still_fine(self):
        """The repository is valid, the snapshot restores, and the next backup works."""
        assert self.repository.verify("--data")["ok"]
        target = self.folder / "still-fine.db"
        self.repository.restore(self.snapshot, target, "--verify")
        databases.assert_equal(self.expected, target)
        databases.change(self.database, seed=77)
        assert self.repository.backup(self.database)["parent"] is not None


@pytest.fixture
def refusal(plain_repository, database, folder):
    made = Refusal(plain_repository, database, folder)
    yield made
    made.still_fine()
