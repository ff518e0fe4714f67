"""One backup into several repositories: read once, and each of them may fail."""

import pytest

import databases
from program import Repository
from test_output import assert_fits


@pytest.fixture
def repositories(program, folder):
    """Three of the configuration; the first mirrors to the second."""
    one = Repository(program, folder / "one", "keyfile").init()
    two = Repository(program, folder / "two").init()
    three = Repository(program, folder / "three", "keyfile").init()
    keys = {each: f"encryption: keyfile, key_file: {each.path.with_suffix('.key')}" for each in (one, three)}
    config = folder / "c.yaml"
    config.write_text(
        "version: 1\nrepositories:\n"
        f"  one: {{url: {one.path}, {keys[one]}, mirror_to: [two]}}\n"
        f"  two: {{url: {two.path}, encryption: none}}\n"
        f"  three: {{url: {three.path}, {keys[three]}}}\n"
    )
    return config, (one, two, three)


def backup(program, config, database, *names, code=0):
    words = [word for name in names for word in ("--repository", name)]
    return program.run("backup", "--config", config, "--type", "sqlite", "--database", database, *words, "--json", code=code)


def assert_same(repositories, database, folder):
    for repository in repositories:
        target = folder / f"{repository.path.name}-{len(list(folder.iterdir()))}.db"
        repository.restore("latest", target)
        assert target.read_bytes() == database.read_bytes()
        assert repository.verify("--data")["ok"]


def test_a_mirror_gets_each_backup(repositories, program, folder, database):
    config, (one, two, three) = repositories
    for seed in range(2):
        report = backup(program, config, database, "one").json
        assert_fits(report, "backup")
        assert [each["copied"] for each in report["repositories"]] == [False, True]
        assert report["repositories"][0]["snapshot"] == report["snapshot"] == one.list()[-1]["snapshot"]
        assert report["repositories"][1]["snapshot"] == two.list()[-1]["snapshot"]
        assert_same((one, two), database, folder)
        databases.change(database, seed)
        databases.settle(database)
    assert report["mode"] == "incremental" and report["repositories"][1]["bytes_added"] < 100_000
    assert three.list() == []


def test_several_on_the_command_line(repositories, program, folder, database):
    config, (one, two, three) = repositories
    report = backup(program, config, database, "three", "one").json
    assert [each["repository"] for each in report["repositories"]] == [str(each.path) for each in (three, one, two)]
    assert_same((one, two, three), database, folder)
    text = program.run("backup", "--config", config, "--type", "sqlite", "--database", database,
                       "--repository", "three", "--repository", "two")
    assert f"copied to {two.path}" in text.stdout


def test_the_next_takes_the_place_of_one_that_fails(repositories, program, folder, database):
    config, (one, two, three) = repositories
    one.path.rename(folder / "away")
    report = backup(program, config, database, "one", "three", code=3).json
    assert_fits(report, "backup")
    first, second, third = report["repositories"]
    assert first["error"]["code"] == "repository_gone" and first["snapshot"] is None
    assert second["snapshot"] == report["snapshot"] and not second["copied"]
    assert third["copied"] and third["error"] is None
    assert "this snapshot is not in one" in report["warnings"][0]
    assert_same((two, three), database, folder)
    (folder / "away").rename(one.path)
    program.run("copy", "--config", config, "--repository", "three", "--to", "one")
    assert_same((one,), database, folder)


def test_one_that_fails_does_not_harm_the_others(repositories, program, folder, database):
    config, (one, two, three) = repositories
    two.path.rename(folder / "away")
    report = backup(program, config, database, "one", "three", code=3).json
    assert [each["error"] is None for each in report["repositories"]] == [True, True, False]
    assert_same((one, three), database, folder)
    text = program.run("backup", "--config", config, "--type", "sqlite", "--database", database,
                       "--repository", "one", code=3)
    assert "this snapshot is not in two" in text.stderr


def test_all_fail(repositories, program, folder, database):
    config, (one, two, _) = repositories
    one.path.rename(folder / "away")
    two.path.rename(folder / "away2")
    assert backup(program, config, database, "one", code=10).error["code"] == "repository_gone"


def test_a_broken_database_is_no_matter_of_repositories(repositories, program, folder):
    config, _ = repositories
    (folder / "broken.db").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    assert "repositories" not in backup(program, config, folder / "broken.db", "one", code=20).json


def test_only_backup_takes_several(repositories, program):
    config, (one, two, _) = repositories
    result = program.run("list", "--config", config, "--repository", "one", "--repository", "two", "--json", code=2)
    assert result.error["message"] == "list takes one --repository"


def test_a_mirror_must_be_there(program, folder):
    config = folder / "c.yaml"
    config.write_text(
        "version: 1\nrepositories:\n  main: {url: /nowhere/a, mirror_to: [mian]}\n  other: {url: /nowhere/b, mirror_to: [other]}\n")
    text = program.run("config", "validate", "--config", config, code=2).text
    assert 'there is no repository "mian"' in text and "names the repository itself" in text


def test_each_place_is_one_target_however_it_is_written(program, folder, database):
    repository = Repository(program, folder / "one").init()
    (folder / "link").symlink_to(repository.path)
    words = []
    for url in (repository.path, f"{repository.path}/", f"file://{repository.path}", folder / "link"):
        words += ["--repository", url]
    report = program.json("backup", "--type", "sqlite", "--database", database, *words)
    assert len(repository.list()) == 1 and not report.get("repositories"), report
